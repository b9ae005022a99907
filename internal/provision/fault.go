package provision

import (
	"errors"
	"fmt"
	"time"
)

// AnswerKind is that of a refusal that means something where it is expected, and is a fault
// only elsewhere.
type AnswerKind string

// The answers.
const (
	// Gone: it is not there (404). Recreated if it should be active, else done.
	Gone AnswerKind = "gone"
	// Exists: it conflicts with something that is there (409), mostly a name. What
	// is there is looked at.
	Exists AnswerKind = "exists"
	// NoTarget: a PATCH names an element that is not there (400, scimType noTarget,
	// RFC 7644 section 3.12). The account is read and the difference taken anew.
	NoTarget AnswerKind = "noTarget"
)

// Side is one of the two that are asked.
type Side string

// The sides.
const (
	Graph Side = "Graph"
	Webex Side = "Webex"
)

// Code names a fault of which it is counted how often it was met.
type Code string

// The codes.
const (
	// Taken: a name is taken, and no account shows that it has it.
	Taken Code = "taken"
	// Twin: two objects have one name in Entra.
	Twin Code = "twin"
	// NotThere: Webex says that what is linked is not there.
	NotThere Code = "not there"
	// Ignored: Webex took a write and shows what was there before.
	Ignored Code = "ignored"
	// Conflict: Webex refuses a write for a conflict that is about no name.
	Conflict Code = "conflict"
	// Linked: two adopted one account, and the other one has it.
	Linked Code = "linked"
)

// Fault is a failed call or decision: what happened, to which object, and
// what is to be done about it.
type Fault struct {
	// Kind is of which kind it is; of an answer, of which where nobody expects it.
	Kind FaultKind
	// Answer is empty unless it is one.
	Answer AnswerKind
	// Reason is one clear sentence for a person. It holds no secret, no body.
	Reason string
	// Code tells apart what is counted apart: attempts that meet one say nothing
	// about another. Empty for what the sides fail with.
	Code Code
	// After is how long the server asked to wait; zero if it did not say.
	After time.Duration
	// GivenUp says that it was tried for a day and is not tried again: to the
	// dead-letter queue, from which it is replayed once the sides have recovered.
	GivenUp bool
	// Foreign says that a proxy or a gateway answered and not the side itself: a
	// redirect, its log-in, a page. It is trouble of the side, not of the object.
	Foreign bool
	// RequestID is the side's own id of the call, which its support asks for:
	// Graph's request-id, Webex's trackingId. Empty if it gave none.
	RequestID string
	// Attributes are those of a refused write that the side's answer names: names of
	// the schema, without sub-attributes. What it does not take may be among them.
	Attributes []string
	// From is the side that answered; empty where none did.
	From Side
	// Uncertain says that the call may have had its effect: a time-out, a
	// broken connection, a 5xx.
	Uncertain bool
	// Pending says that it may still have it: no answer came, or one of a gateway
	// that waits no longer for the side's.
	Pending bool
	// Err is the cause, if there is one.
	Err error
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Err == nil {
		return f.Reason
	}
	return fmt.Sprintf("%s: %v", f.Reason, f.Err)
}

// waits reports whether the fault is none of the object's: it waits for a side
// that asks for a pause, refuses the credentials or is not reached, or for
// another worker. To wait is not to try.
func (f *Fault) waits() bool {
	return f.Kind.Policy().Retry.Waits() || f.Foreign || errors.Is(f.Err, ErrClaimed)
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// AsFault returns err as a Fault. An error no adapter classified is transient
// and uncertain: it is retried, and Webex is read before it is written again.
func AsFault(err error) *Fault {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Kind: Transient, Reason: "unexpected failure", Uncertain: true, Pending: true, Err: err}
}

// Says makes the fault an answer.
func (f *Fault) Says(a AnswerKind) {
	f.Answer, f.Kind = a, Transient
	switch a {
	case Gone: // as a replica that is behind says it of what is there
		f.Code = NotThere
	case Exists: // with what somebody else writes at the moment
		f.Code = Conflict
	case NoTarget:
		f.Kind = Permanent
	}
}

// Label is the name of the answer, or of the kind if it is none.
func (f *Fault) Label() string {
	if f.Answer != "" {
		return string(f.Answer)
	}
	return f.Kind.String()
}

// Answered returns an answer as a fault.
func Answered(a AnswerKind, reason string, err error) *Fault {
	f := &Fault{Reason: reason, Err: err}
	f.Says(a)
	return f
}

// Is reports whether err is this answer.
func (a AnswerKind) Is(err error) bool {
	f, ok := errors.AsType[*Fault](err)
	return ok && f.Answer == a
}

func permanentf(format string, args ...any) *Fault {
	return &Fault{Kind: Permanent, Reason: fmt.Sprintf(format, args...)}
}

func transientf(format string, args ...any) *Fault {
	return &Fault{Kind: Transient, Reason: fmt.Sprintf(format, args...)}
}
