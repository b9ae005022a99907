package operator

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
	"entrawebex/internal/sweep"
)

// Status is how things stand, and in this form what status --json prints.
// Whatever was logged as an alarm stands in it for as long as it is true.
type Status struct {
	// At is when it was looked at.
	At time.Time `json:"at"`
	// Paused are the paused sides.
	Paused pause.State `json:"paused"`
	// GuardLatchedSince is zero if the guard is not latched.
	GuardLatchedSince time.Time `json:"guardLatchedSince,omitzero"`
	Holds             Holds     `json:"holds"`
	// Waiting and InFlight are changes, DeadLetters messages.
	Waiting     int `json:"waiting"`
	InFlight    int `json:"inFlight"`
	DeadLetters int `json:"deadLetters"`
	// Oldest is when the change was queued that has been there longest, be it that it is
	// tried again; zero if there is none, and where that is not known.
	Oldest time.Time `json:"oldest,omitzero"`
	// OldestAsOf is when CloudWatch measured that, which is minutes ago; zero where the
	// queue itself says it. OldestUnknown is why it is not known.
	OldestAsOf    time.Time `json:"oldestAsOf,omitzero"`
	OldestUnknown string    `json:"oldestUnknown,omitempty"`
	// Latency is how long changes of the last hour took.
	Latency Latency `json:"latency"`
	// Linked is how many users and groups are linked to Webex.
	Linked int `json:"linked"`
	// Faults is how many objects have an open fault of each kind, or one that
	// was given up; Worst are the three that most need a person.
	Faults map[string]int `json:"faults"`
	Worst  []Fault        `json:"worst"`
	// Unmended is how many of the faults are not tried again, or in vain as
	// long as the credentials are refused; Stuck how many of the others have
	// been open for longer than is usual.
	Unmended int `json:"unmended"`
	Stuck    int `json:"stuck"`
	// Removed are the inactive accounts that Webex removes within soon.
	Removed Removed `json:"removedSoon"`
	// Compared is what there is to tell about comparisons of everything.
	Compared sweep.State `json:"compared"`
	// Open are accounts that Webex shows active and that must not be, ShutOut
	// those of entitled people that it shows inactive: what the last comparison
	// found, of Open less whose was closed or who was entitled since, and what is
	// among Spared or Holds.Blocked.
	Open    sweep.Named `json:"open"`
	ShutOut sweep.Named `json:"shutOut"`
	// Spared are accounts that must not be open and that a setting leaves so.
	Spared Spared `json:"spared"`
	// Subscriptions are those to Graph's change notifications; none where changes
	// are only asked for.
	Subscriptions []renew.SubscriptionState `json:"subscriptions"`
	// Subscribed says that there must be some, Alive when all were last seen alive.
	Subscribed bool        `json:"subscribed"`
	Alive      renew.Alive `json:"subscriptionsAlive,omitzero"`
	// Token says when the tokens for Webex end, as far as that is known.
	Token Token `json:"token"`
	// Secret says it of Entra's client secret.
	Secret Secret `json:"secret"`
	// Jobs are what is done again and again, and when that was last.
	Jobs []Job `json:"jobs"`
	// Served says whether a process works on this data now; nil where only its jobs tell.
	Served *bool `json:"served,omitempty"`
	// Names are what the users and groups are called whose ids are told, as far as that
	// is known, by the ids.
	Names map[string]string `json:"names"`
	// Attention says what needs a person and how to mend it, Retried what is tried again by itself. All is
	// well if there is neither.
	Attention []string `json:"attention"`
	Retried   []string `json:"retried"`
	AllIsWell bool     `json:"allIsWell"`

	// unread are those of Open whose record was not read yet.
	unread []string
}

// Holds are how much is held. Undecided is what waits for a person's word,
// Rejected what has had it and stays held.
// Blocked are, by their ids, those whom Entra blocked while Webex lets them in.
type Holds struct {
	Total     int             `json:"total"`
	Undecided int             `json:"undecided"`
	Rejected  int             `json:"rejected"`
	Blocked   []change.Object `json:"blocked"`
}

// Token is when the access token and the refresh token end; zero where that
// is not known. Warning says what to do about it, if anything.
type Token struct {
	Access  time.Time `json:"access,omitzero"`
	Refresh time.Time `json:"refresh,omitzero"`
	Warning string    `json:"warning,omitempty"`
}

// Secret is when the client secret ends, or the certificate in its place; zero where that
// is not known, with why it is not, if anything was asked. Warning says what to do about
// it, if anything.
type Secret struct {
	Credential renew.Credential `json:"credential,omitempty"`

	Ends    time.Time `json:"ends,omitzero"`
	Unknown string    `json:"unknown,omitempty"`
	Warning string    `json:"warning,omitempty"`
}

// Name is what an administrator calls it.
func (s Secret) Name() string {
	switch s.Credential {
	case renew.Certificate:
		return "Entra's certificate"
	case renew.Federation:
		return "Entra's trust in AWS"
	case renew.ClientSecret:
	}
	return "Entra's client secret"
}

// Fault is an open one.
type Fault struct {
	Object change.Object `json:"object"`
	provision.OpenFault
}

// Removed is how many accounts go, and when the first does.
type Removed struct {
	Count int       `json:"count"`
	First time.Time `json:"first,omitzero"`
}

const (
	// inactiveLife is how long Webex keeps an account that is inactive
	// (Webex SCIM 2.0, "Update a user with PATCH").
	inactiveLife = 30 * 24 * time.Hour
	// soon is the time before its removal in which an account is told of.
	soon = 7 * 24 * time.Hour
	// usual is how long a fault that is tried again needs nobody.
	usual = time.Hour
	// passing is how long a look for changes, a comparison, or a subscription that
	// still delivers may fail before it needs anybody.
	passing = 10 * time.Minute
	// worst is how many faults are told with their reason.
	worst = 3
)

func (s *Status) count(r provision.Record, now time.Time) {
	s.weigh(r)
	if r.WebexID != "" {
		s.Linked++
		if at := r.InactiveSince.Add(inactiveLife); !r.InactiveSince.IsZero() && at.After(now) && at.Before(now.Add(soon)) {
			if s.Removed.Count == 0 || at.Before(s.Removed.First) {
				s.Removed.First = at
			}
			s.Removed.Count++
		}
	}
	if r.Hold != nil {
		s.Holds.Total++
		switch {
		case r.Undecided(now):
			s.Holds.Undecided++
		case r.Declined():
			s.Holds.Rejected++
		}
		if r.Hold.Security {
			s.Holds.Blocked = append(s.Holds.Blocked, r.Object)
		}
	}
	// A hold is told as one, and not once more as a fault.
	if t := r.OpenFault; t != nil && !t.Kind.Policy().Hold {
		f := Fault{Object: r.Object, OpenFault: *t}
		s.Faults[f.Label()]++
		switch {
		case f.Urgent():
			s.Unmended++
		case now.Sub(t.Since) >= usual:
			s.Stuck++
		}
		s.Worst = append(s.Worst, f)
		slices.SortFunc(s.Worst, compareFaults)
		s.Worst = s.Worst[:min(worst, len(s.Worst))]
	}
}

// compareFaults puts the one first that more needs a person: by its kind, then
// by how often it was tried, then by its age.
func compareFaults(a, b Fault) int {
	return cmp.Or(
		cmp.Compare(a.severity(), b.severity()), cmp.Compare(b.Attempts, a.Attempts),
		a.Since.Compare(b.Since), cmp.Compare(a.Object.String(), b.Object.String()),
	)
}

// retried is the severity from which on a fault is tried again by itself.
const retried = 2

// Urgent reports whether trying again does not mend it.
func (f Fault) Urgent() bool { return f.severity() < retried }

// severity is the place in the order in which faults are told.
func (f Fault) severity() int {
	if f.Dead() {
		return 0
	}
	return f.Kind.Policy().Order
}

// Label is the kind, or that it was given up.
func (f Fault) Label() string {
	if f.GivenUp {
		return "given up"
	}
	return f.Kind.String()
}

// attend says what needs a person.
func (s *Status) attend(now time.Time) {
	need := func(yes bool, format string, args ...any) {
		if yes {
			s.Attention = append(s.Attention, fmt.Sprintf(format, args...))
		}
	}
	// trouble needs a person once it lasts.
	trouble := func(since time.Time, format string, args ...any) {
		switch {
		case since.IsZero():
		case lasts(since, now):
			need(true, format, args...)
		default:
			s.Retried = append(s.Retried, fmt.Sprintf(format, args...))
		}
	}
	s.attendJobs(now, need, trouble)
	for _, side := range pause.Sides() {
		p, paused := s.Paused[side]
		need(paused && p.ByOperator, "%s is paused until entrawebex resume %s: %s", side, side, p.Why)
		need(paused && !p.ByOperator, "%s is paused until it answers again: %s", side, p.Why)
	}
	need(!s.GuardLatchedSince.IsZero(), "the guard is latched: look at entrawebex holds, then entrawebex guard clear")
	need(len(s.Holds.Blocked) > 0, "%s blocked in Entra and still open in Webex: entrawebex holds", Counted(len(s.Holds.Blocked), "account"))
	open := s.Open.Count + s.Spared.Count
	need(open > 0, "%s open in Webex that must not be: entrawebex reconcile closes what no setting leaves open", Counted(open, "account"))
	need(s.Holds.Undecided > 0, "%s to decide on: entrawebex holds", Counted(s.Holds.Undecided, "hold"))
	for _, subscription := range s.Subscriptions {
		bad, why := subscriptionTrouble(subscription, now), because(subscription.Failing)
		need(bad != "", "the subscription to %s %s%s", subscription.Resource, bad, why)
		if bad == "" {
			trouble(subscription.Failing.Since, "to keep the subscription to %s%s", subscription.Resource, why)
		}
	}
	left := slices.ContainsFunc(s.Subscriptions, func(s renew.SubscriptionState) bool { return !s.LeftUntil.IsZero() })
	need(s.Unwatched(now) && !s.idle() && !left, "the subscriptions were %s: see that a process runs (entrawebex run, or the function renew)", s.SeenAlive())
	for _, round := range s.Compared.Rounds {
		trouble(round.Failing.Since, "looking for changes of %s fails%s", round.Of, because(round.Failing))
	}
	trouble(s.Compared.Failing.Since, "comparing everything fails%s", because(s.Compared.Failing))
	need(s.Token.Warning != "", "the Webex token ends: %s", s.Token.Warning)
	need(s.Secret.Warning != "", "%s ends: %s", s.Secret.Name(), s.Secret.Warning)
	need(s.DeadLetters > 0, "%s: entrawebex dead-letters", Counted(s.DeadLetters, "dead letter"))
	need(s.Unmended > 0, "%s that trying again does not mend: entrawebex log --status failure", Counted(s.Unmended, "fault"))
	need(s.Stuck > 0, "%s tried again for more than an hour: entrawebex log --status failure", Counted(s.Stuck, "fault"))
	if n := s.faults() - s.Unmended - s.Stuck; n > 0 {
		s.Retried = append(s.Retried, Counted(n, "fault"))
	}
	s.AllIsWell = len(s.Attention)+len(s.Retried) == 0
}

// because is the end of a sentence about what fails.
func because(f condition.Failing) string {
	if f.Error == "" {
		return ""
	}
	return ": " + f.Error
}

// faults is how many objects have an open one.
func (s *Status) faults() int {
	total := 0
	for _, n := range s.Faults {
		total += n
	}
	return total
}

// Counted is a number of things, in words.
func Counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// OpenFaults says how many there are of each kind.
func (s *Status) OpenFaults() string {
	if len(s.Faults) == 0 {
		return "none"
	}
	kinds := slices.Sorted(maps.Keys(s.Faults))
	parts := make([]string, len(kinds))
	for i, kind := range kinds {
		parts[i] = fmt.Sprintf("%d %s", s.Faults[kind], kind)
	}
	return strings.Join(parts, ", ")
}
