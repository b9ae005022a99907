package provision

import (
	"context"
	"errors"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
)

// Presence says where Entra has an object.
type Presence int

// The places an object can be. Unknown is the zero value: nothing may follow
// from it.
const (
	Unknown Presence = iota
	// Present: Entra returned the object.
	Present
	// SoftDeleted: the object is in the recycle bin.
	SoftDeleted
	// Absent: both /users and the recycle bin answered 404
	// Request_ResourceNotFound for this very id.
	Absent
)

// Reading is one object as Entra has it now.
type Reading struct {
	Presence Presence
	// Attributes are the selected attributes by their Graph names, as JSON
	// has them (string, bool, float64, nil, []any, map[string]any). An
	// attribute Entra did not return is not in it.
	Attributes map[string]any
	// Err is a *Fault if this object could not be read; then nothing else
	// holds.
	Err error
}

// Directory is Entra as the engine reads it.
type Directory interface {
	// Users reads each user as it is now: one round trip for up to 20, and
	// one more for those that are not under /users. It returns a Reading for
	// every id, in the order asked; a failed round trip is a Fault in each
	// Reading it would have answered.
	Users(ctx context.Context, ids []string) []Reading
	// Organization returns the id of the tenant that answers.
	Organization(ctx context.Context) (string, error)
}

// Account is a user as Webex has it.
type Account struct {
	// ID is the id Webex gave it, a UUID.
	ID string
	// Attributes is the SCIM resource as JSON has it.
	Attributes map[string]any
}

// Operation is one write to Webex. What is set says what it does: a Resource
// is created; a Patch changes the account ID; neither deletes it.
type Operation struct {
	Object change.Object
	// ID is the Webex id; empty for a create.
	ID       string
	Resource map[string]any
	Patch    []mapping.PatchOperation
}

// Answer is what came of an Operation.
type Answer struct {
	// ID is the Webex id of a created account.
	ID string
	// Err is nil, or a *Fault.
	Err error
}

// Target is Webex as the engine sees it.
type Target interface {
	// User reads one account by its Webex id. Fault Gone if there is none.
	User(ctx context.Context, id string) (Account, error)
	// UsersNamed returns the accounts of the organization whose userName is
	// the one given, case aside; none is not an error.
	UsersNamed(ctx context.Context, userName string) ([]Account, error)
	// Apply carries out the operations in their order and returns an Answer
	// for each, in that order. One that fails does not stop the others.
	// Faults: Exists for a userName that is taken, Gone for an id that is
	// not there, NoTarget, and the retryable and permanent kinds.
	Apply(ctx context.Context, ops []Operation) []Answer
}

// ErrClaimed is returned where another worker holds the object.
var ErrClaimed = errors.New("claimed by another worker")

// ErrLinked is returned where a Webex id is linked to another object.
var ErrLinked = errors.New("the Webex account is linked to another object")

// Ledger remembers what was linked and written. It is strongly consistent:
// what one call wrote, the next one reads, from any worker.
type Ledger interface {
	// Claim takes the object for owner until the time given, counts the
	// attempt in Record.Unconcluded and returns the record, new or stored.
	// ErrClaimed if another owner's claim has not run out at now.
	Claim(ctx context.Context, o change.Object, owner string, now, until time.Time) (Record, error)
	// Save replaces before, the record as this owner last knew it, by after.
	// Where the WebexID changed, the link from Webex to Entra moves in the
	// same transaction. A zero after.Claim gives the claim up. ErrClaimed if
	// the claim has passed to another, ErrLinked if after.WebexID belongs to
	// another object; then nothing was written.
	Save(ctx context.Context, owner string, before, after Record) error
	// Forget removes the record and its link under the same conditions.
	Forget(ctx context.Context, owner string, r Record) error
	// Record reads an object's record without claiming it; false if there is
	// none.
	Record(ctx context.Context, o change.Object) (Record, bool, error)
	// LinkedTo returns the object a Webex account is linked to; false if none.
	LinkedTo(ctx context.Context, webexID string) (change.Object, bool, error)
}

// Enqueuer puts Changes on the queue.
type Enqueuer interface {
	// Enqueue returns nil only if every Change is on the queue.
	Enqueue(ctx context.Context, changes []change.Change) error
}
