package provision

import (
	"context"
	"errors"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
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

// Query asks for one object as Entra has it now.
type Query struct {
	Object change.Object
	// Members are the ids of those whose membership in the group is asked
	// for, along with the group's properties.
	Members []string
	// Transitive asks for membership through other groups too, also where it is
	// an assigned group that is between a user and the App.
	Transitive bool
	// App is the object id of the service principal for which the object's
	// app roles are asked, along with its properties; empty if they are not.
	App string
	// RoleNames asks for the names of these roles too, and therefore for all of them:
	// without it one may be enough.
	RoleNames bool
	// Groups are those of which it is asked whether the user is in them.
	Groups []scoping.Group
}

// Reading is one object as Entra has it now.
type Reading struct {
	Presence Presence
	// Attributes are the selected attributes by their Graph names, as JSON
	// has them (string, bool, float64, nil, []any, map[string]any), and the id of
	// the manager as manager. An attribute Entra did not return is not in it. Of an object in the recycle
	// bin they are no more than the id and when it was deleted.
	Attributes map[string]any
	// Memberships answers each of Query.Members, in their order. Of a group that
	// is not Present nobody is told but who is no user.
	Memberships []Membership
	// Roles answers Query.App: the ids of the app roles in which the object is
	// assigned to it, each once, a user also through the groups that it is a
	// member of, a group only itself. The zero GUID is the default access. Nil
	// is no assignment, and is all there is of an object that is not Present.
	Roles []string
	// RolesErr is a *Fault if the assignments are not known, as where there is
	// no such App; then nothing follows from Roles.
	RolesErr error
	// ManagerErr is a *Fault if it is not known who manages a live user; then the
	// attribute manager is not there.
	ManagerErr error
	// RoleNames answers Query.RoleNames: those of the Roles, sorted and each once. The
	// default access has none.
	RoleNames []string
	// RoleNamesErr is a *Fault if they are not known, be it that the Roles are not.
	RoleNamesErr error
	// MemberOf answers Query.Groups for a live user, and has no answer about a group of
	// which that is not known.
	MemberOf map[scoping.Group]bool
	// MemberOfErr is a *Fault if one of them is not known.
	MemberOfErr error
	// Err is a *Fault if this object could not be read; then nothing else
	// holds but a Presence that is known all the same.
	Err error
}

// Standing says how somebody stands to a group.
type Standing int

// The standings. Unanswered is the zero value: nothing may follow from it.
const (
	Unanswered Standing = iota
	// Member: a live user, and a member.
	Member
	// NotMember: a live user, and no member.
	NotMember
	// NoUser: Entra has no live user of this id. It is deleted, or not there
	// yet, or something other than a user.
	NoUser
)

// Membership is the answer about one possible member.
type Membership struct {
	Standing Standing
	// Err is a *Fault if there is no answer.
	Err error
}

// MemberPage is a page of a group's members.
type MemberPage struct {
	// Users are the ids of the members that are users.
	Users []string
	// Others is how many members are something else: groups, devices,
	// contacts, service principals.
	Others int
	// Next is where the next page is; empty after the last.
	Next string
}

// Directory is Entra as the engine reads it.
type Directory interface {
	// Read reads each object as it is now: one round trip for up to 20 users,
	// groups, members and assignments together, and one more for those that are
	// in the recycle bin, if anywhere; and more for those that have no role, lest
	// that be believed for nothing. It returns a Reading for every query, in the
	// order asked; a failed round trip is a Fault in each Reading, or
	// Membership, that it would have answered.
	Read(ctx context.Context, queries []Query) []Reading
	// Members reads a page of a group's members, direct or transitive: the
	// first one, or the one that page.Next of an earlier call names. Fault
	// Gone if Entra no longer knows that page, begin anew, or no such group.
	Members(ctx context.Context, groupID string, transitive bool, page string) (MemberPage, error)
	// GroupsOf returns the ids of all groups that the object is a member of,
	// directly or transitively. Fault Gone if there is no such object.
	GroupsOf(ctx context.Context, o change.Object, transitive bool) ([]string, error)
	// Organization returns the id of the tenant that answers.
	Organization(ctx context.Context) (string, error)
}

// Resource is a user or a group as Webex has it.
type Resource struct {
	// ID is the id Webex gave it, a UUID.
	ID string
	// Attributes is the SCIM resource as JSON has it, without members.
	Attributes map[string]any
	// Reserved says why it may not be adopted, whatever its name: Webex
	// itself or another system manages it, or it is the account of a room or a
	// service. Empty if it may.
	Reserved string
}

// Operation is one write to Webex. What is set says what it does: a Resource
// is created; a Patch changes the one with the ID; Delete deletes it. One that
// sets none of them is no operation: an empty patch must not end an account.
type Operation struct {
	Object change.Object
	// ID is the Webex id; empty for a create.
	ID       string
	Resource map[string]any
	Patch    []mapping.PatchOperation
	Delete   bool
}

// Answer is what came of an Operation.
type Answer struct {
	// ID is the Webex id of what was created.
	ID string
	// Shown is the resource as Webex's answer shows it, without members; nil if
	// the answer had no body. What it shows is what Webex has, whatever was asked.
	Shown map[string]any
	// Err is nil, or a *Fault.
	Err error
}

// MemberChange changes who is in a group of Webex.
type MemberChange struct {
	// Group is the group in Entra, ID its Webex id.
	Group change.Object
	ID    string
	// Add and Remove are Webex ids of users, at most change.MaxMembers
	// together and nobody twice.
	Add, Remove []string
}

// Target is Webex as the engine sees it.
type Target interface {
	// Read reads one user or group by its Webex id. Fault Gone if Webex itself,
	// and nobody between, says that there is none: one such answer is no proof.
	Read(ctx context.Context, kind change.Kind, id string) (Resource, error)
	// Named returns the users whose userName, or the groups whose displayName,
	// is the one given, case aside; none is not an error.
	Named(ctx context.Context, kind change.Kind, name string) ([]Resource, error)
	// Addressed returns the users one of whose emails.value is the address, case
	// aside, whatever their userName; none is not an error.
	Addressed(ctx context.Context, address string) ([]Resource, error)
	// Matching returns the users that meet the criterion; none is not an error.
	Matching(ctx context.Context, c mapping.Criterion) ([]Resource, error)
	// Apply carries out the operations in their order and returns an Answer
	// for each, in that order. One that fails does not stop the others.
	// Faults: Exists for what conflicts with something that is there, a name or
	// not, Gone for an id that is not there by Webex's own word, NoTarget, and the
	// retryable and permanent kinds. An answer that is not this resource is an
	// uncertain fault.
	Apply(ctx context.Context, ops []Operation) []Answer
	// ChangeMembers makes members of those in Add and takes those in Remove
	// out. Whoever is what he shall be already stays it. refused are the
	// faults of single members by their Webex id, Gone for an account that is
	// not there; all others are as asked unless err, a *Fault of the whole
	// call, says otherwise: Gone for a group that is not there.
	ChangeMembers(ctx context.Context, c MemberChange) (refused map[string]error, err error)
	// Members calls each with the Webex ids of the group's members that are
	// users, page by page, until it returns an error. Fault Gone for a group
	// that is not there.
	Members(ctx context.Context, groupID string, each func(ids []string) error) error
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
	// WebexIDs returns the Webex ids that the objects are linked to, in their
	// order; empty for one that is not.
	WebexIDs(ctx context.Context, objects []change.Object) ([]string, error)
	// Await notes that a group, or a user whose manager it is, waits for each of the
	// users. It needs no claim.
	Await(ctx context.Context, waiter change.Object, users []change.Object) error
	// Awaiting returns those that wait for a user.
	Awaiting(ctx context.Context, user change.Object) ([]change.Object, error)
	// Arrived removes the notes that these wait for the user.
	Arrived(ctx context.Context, user change.Object, waiters []change.Object) error
}

// Enqueuer puts Changes on the queue.
type Enqueuer interface {
	// Enqueue returns nil only if every Change is on the queue.
	Enqueue(ctx context.Context, changes []change.Change) error
}
