package provision

import (
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// StepName names a step as Entra's provisioning log does (provisioningStep
// resource, Microsoft Graph).
type StepName string

// The steps of an attempt, in their order.
const (
	Import              StepName = "import"
	Scoping             StepName = "scoping"
	Matching            StepName = "matching"
	Processing          StepName = "processing"
	ReferenceResolution StepName = "referenceResolution"
	Export              StepName = "export"
)

// Status is the outcome of a step or an attempt, as in Entra's log.
type Status string

// The statuses.
const (
	Success Status = "Success"
	Skipped Status = "Skipped"
	Failure Status = "Failure"
	Warning Status = "Warning"
)

// Action is what an attempt did to the account or group.
type Action string

// The actions. None is an attempt that wrote nothing.
const (
	None    Action = "none"
	Create  Action = "create"
	Update  Action = "update"
	Disable Action = "disable"
	Enable  Action = "enable"
	Delete  Action = "delete"
)

// ProvisioningStep is one line of an attempt's story
// (https://learn.microsoft.com/graph/api/resources/provisioningstep).
type ProvisioningStep struct {
	Name        StepName `json:"name"`
	Status      Status   `json:"status"`
	Description string   `json:"description"`
}

// Modified is one attribute an attempt changed.
type Modified struct {
	Attribute string `json:"displayName"`
	Old       any    `json:"oldValue,omitempty"`
	New       any    `json:"newValue,omitempty"`
}

// MemberCount says what an attempt did about a group's members.
type MemberCount struct {
	// Added and Removed were confirmed by Webex.
	Added, Removed int
	// Waiting are not in Webex yet, and are added when they are.
	Waiting int
	// Skipped are no users: groups, devices, contacts, service principals.
	Skipped int
}

// Names are what people call an object. Each is empty where it was not read.
type Names struct {
	// DisplayName and UserPrincipalName are Entra's, if the mapping reads them.
	DisplayName, UserPrincipalName string
	// Webex is the userName of the account, or the name of the group, as it was
	// last written.
	Webex string
}

// Refusal is an answer of a side that did not do what was asked.
type Refusal struct {
	// From is the side, RequestID its own id of the call.
	From      Side
	RequestID string
	// Step is at which it was met, Label what it was: a kind of fault, or an answer.
	Step  StepName
	Label string
}

// maxRefusals is how many an attempt tells of at most.
const maxRefusals = 20

// Attempt is one try to make Webex match Entra for one object: what was seen,
// decided, written and answered, and when.
type Attempt struct {
	Object change.Object
	Names  Names
	// Causes are the Changes that led to it, oldest first.
	Causes  []change.Change
	WebexID string
	// Adopted is the externalId of the account or group that was there before and was
	// taken over, empty if it had none; nil where none was.
	Adopted *string
	Action  Action
	Status  Status
	// Verdict is that of scoping; zero if the attempt did not come to it.
	Verdict scoping.Verdict
	// Redundant says that Webex had this state already (RedundantExport in Entra's
	// log).
	Redundant bool
	// Reason is the one sentence that explains Status.
	Reason   string
	Steps    []ProvisioningStep
	Modified []Modified
	// Members is what came of a group's members.
	Members MemberCount
	// Joined and Left are the ids in Entra of those whom Webex confirmed as added
	// and removed: up to membership.MaxNamed of each, of whom Members counts all.
	Joined, Left []string
	// Refusals are the answers that were none, in their order, the first maxRefusals
	// of them.
	Refusals []Refusal
	// Fault is nil unless Status is Failure.
	Fault *Fault
	// Lettered says that a dead letter with this fault is on its queue already.
	Lettered bool
	// Again asks for another look after this long; zero if none is needed.
	// It accompanies every fault that is retried, and is no fault by itself.
	Again time.Duration
	// Later is when the object is queued again by itself, because of a fault that
	// only time mends; zero if it is not. Its messages are done: so nothing else
	// about the object waits behind them.
	Later time.Time
	// Started is when the object was claimed, Exported when Webex answered
	// the last write, Finished when the ledger had it.
	Started  time.Time
	Exported time.Time
	Finished time.Time
}

// Latency is the time from the first notice to Webex's answer; false if
// nothing was written.
func (a Attempt) Latency() (time.Duration, bool) {
	if a.Exported.IsZero() || len(a.Causes) == 0 {
		return 0, false
	}
	return a.Exported.Sub(a.Causes[0].SeenAt), true
}
