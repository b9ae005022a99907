package provision

import "log/slog"

// FaultKind says what is to be done about a fault. The HTTP edge of each
// adapter decides it, once.
type FaultKind int

// The kinds of fault.
const (
	_ FaultKind = iota
	// Throttled: the server asked for a pause (429, 423, 503 with
	// Retry-After). Retried after that pause.
	Throttled
	// Transient: the server, the connection or a replica failed. Retried
	// with growing delay; given up after a day of attempts.
	Transient
	// Permanent: trying again cannot help. To the dead-letter queue at once.
	Permanent
	// Unauthorized: 401 or 403. The credentials are refused, not the object.
	Unauthorized
	// Held: the operation waits for a person. Webex is not touched.
	Held

	kinds // how many there are
)

// Evidence is what a fault says of the sides as a whole.
type Evidence int

// The evidence.
const (
	// Neutral: nothing.
	Neutral Evidence = iota
	// Answers: they answer.
	Answers
	// Fails: one of them may have failed. A row of these makes both be probed.
	Fails
	// Refuses: one of them refuses everybody. Both are probed at once.
	Refuses
)

// Retry is when a fault is tried again.
type Retry int

// The retries.
const (
	// Never: a person, or a change of the object, is waited for.
	Never Retry = iota
	// AsAsked: after the time that the side asked for.
	AsAsked
	// Backoff: with growing delay, for a day of attempts.
	Backoff
	// BackoffForever: with growing delay, as long as it takes: it waits for the
	// side, and to wait is not to try.
	BackoffForever
)

// Waits reports whether what is tried again waits for a side, and not for the object.
func (r Retry) Waits() bool { return r == AsAsked || r == BackoffForever }

// Policy is what is done about a kind of fault.
type Policy struct {
	Name  string
	Retry Retry
	// Passes: it may well be over the next time, without anybody's doing.
	Passes bool
	// Letter: it is a dead letter as soon as it is met.
	Letter bool
	// Hold: a person decides about it, and it is told as what is held, not as a fault.
	Hold bool
	Says Evidence
	// Severity is the level of the line about an attempt that ends with it and is
	// not tried again.
	Severity slog.Level
	// Order is the place among others, the most urgent first.
	Order int
	// Code is its errorCode in the provisioning log, in Entra's words, Mend the
	// recommended action.
	Code, Mend string
}

const byItself = "nothing: it is tried again by itself"

// Policy returns what is done about the kind: a row for each, in their order. A
// kind without one does not compile.
func (k FaultKind) Policy() Policy {
	policies := [...]Policy{
		{ // none of them
			Retry: Backoff, Severity: slog.LevelError, Order: 3,
			Code: "InternalError", Mend: byItself,
		},
		{
			Name: "throttled", Retry: AsAsked, Passes: true, Severity: slog.LevelError, Order: 3,
			Code: "TooManyRequests", Mend: byItself,
		},
		{
			Name: "transient", Retry: Backoff, Passes: true, Says: Fails, Severity: slog.LevelError, Order: 2,
			Code: "InternalError", Mend: byItself,
		},
		{
			Name: "permanent", Letter: true, Says: Answers, Severity: slog.LevelError, Order: 0,
			Code: "UnprocessableEntity", Mend: "mend what the reason says",
		},
		{
			Name: "unauthorized", Retry: BackoffForever, Says: Refuses, Severity: slog.LevelError, Order: 1,
			Code: "Unauthorized", Mend: "mend the credentials or the permission that the reason names",
		},
		{
			Name: "held", Hold: true, Says: Answers, Severity: slog.LevelWarn, Order: 3, // a hold has an alarm of its own
			Code: "StagedAction", Mend: "look at entrawebex holds, and approve or reject",
		},
	}
	const (
		_ = uint(len(policies) - int(kinds)) // a row is missing
		_ = uint(int(kinds) - len(policies)) // a kind is missing
	)
	for known, policy := range policies {
		if FaultKind(known) == k {
			return policy
		}
	}
	return policies[0]
}

// String returns the name of the kind; empty for none.
func (k FaultKind) String() string { return k.Policy().Name }

// ParseFaultKind returns the kind of that name; false if there is none.
func ParseFaultKind(name string) (FaultKind, bool) {
	for k := range kinds {
		if k.String() == name {
			return k, k > 0
		}
	}
	return 0, false
}

// MarshalText implements encoding.TextMarshaler.
func (k FaultKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler. A kind that only a newer
// program knows is tried again.
func (k *FaultKind) UnmarshalText(text []byte) error {
	known, ok := ParseFaultKind(string(text))
	if !ok && len(text) > 0 {
		known = Transient
	}
	*k = known
	return nil
}
