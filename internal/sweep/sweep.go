// Package sweep compares Entra and Webex as a whole, and has the engine write what
// differs: at the first start, when it is asked for, and once a day. It finds what
// neither notifications nor the looks of package reconcile told.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

// Phase is what a sweep is at.
type Phase string

// The phases of a sweep, in their order.
const (
	ReadLedger Phase = "reading the ledger"
	ReadWebex  Phase = "reading Webex"
	ReadGroups Phase = "reading groups"
	Users      Phase = "users"
	Groups     Phase = "groups"
	Unseen     Phase = "what was not seen"
)

// Progress is how far a sweep is.
type Progress struct {
	Phase Phase `json:"phase"`
	// Done are those dealt with in this phase, Total how many there are; 0 if
	// that is not known.
	Done  int `json:"done"`
	Total int `json:"total,omitempty"`
}

// Class says how Entra, Webex and what was last written stand to each other.
type Class string

// The classes.
const (
	// InSync: Webex has what Entra says.
	InSync Class = "in sync"
	// Behind: Entra has changed since it was written. It is written now.
	Behind Class = "behind"
	// New: not in Webex yet. It is created now.
	New Class = "new"
	// Drifted: Webex has something else than was written, changed there.
	Drifted Class = "drifted"
	// Missing: Webex no longer lists it.
	Missing Class = "missing"
	// Unassigned: ours, in Webex, and not in the scope any more.
	Unassigned Class = "unassigned"
	// Opaque: a group that is otherwise as it should be, of whose members one of
	// both lists does not show all. The worker compares them.
	Opaque Class = "members not listed"
	// Vanished: ours, and Entra did not list it. It is asked about.
	Vanished Class = "not listed by Entra"
	// Local: in Webex, and nobody's in Entra.
	Local Class = "local"
)

// Account is a user or a group in its class.
type Account struct {
	Class Class       `json:"class"`
	Kind  change.Kind `json:"kind"`
	// ID is the Entra object id, WebexID Webex's; empty where there is none.
	ID      string `json:"id,omitempty"`
	WebexID string `json:"webexId,omitempty"`
	// Name is the userName or displayName.
	Name string `json:"name,omitempty"`
	// ExternalID is whose it says that it is, Active whether Webex shows a user active, nil
	// if it does not show it; only of one that is Local.
	ExternalID string `json:"externalId,omitempty"`
	Active     *bool  `json:"active,omitempty"`
}

// Result is what a sweep came to.
type Result struct {
	// Classes counts users and groups by their class.
	Classes map[Class]int `json:"classes"`
	// Actions counts what was done about them, Queued what was left to the
	// worker.
	Actions map[provision.Action]int `json:"actions"`
	Queued  int                      `json:"queued"`
	// Open are those who are blocked, deleted or out of scope and whose accounts
	// Webex showed active, as far as they were not closed at once: a record that
	// was written inactive since is closed.
	Open Named `json:"open,omitzero"`
	// ShutOut are those who are entitled and whose accounts Webex showed
	// inactive, because somebody deactivated them by hand.
	ShutOut Named `json:"shutOut,omitzero"`
}

// Named are objects of which the first are named.
type Named struct {
	// Count is how many there are, IDs the Entra object ids of the first.
	Count int      `json:"count"`
	IDs   []string `json:"ids,omitempty"`
}

// Ledger is what a sweep reads of the ledger.
type Ledger interface {
	Records(ctx context.Context, each func(provision.Record) error) error
}

// Enqueuer puts Changes on the queue.
type Enqueuer interface {
	Enqueue(ctx context.Context, changes []change.Change) error
}

// Job compares Entra and Webex as a whole. It reads both sides in pages, and
// the engine writes the differences, users before groups. The ledger is its
// checkpoint: one that is cut short at any moment is begun again from the
// start, and finds nothing to do for those it has dealt with.
type Job struct {
	Graph    reconcile.Graph
	Lister   provision.Lister
	Ledger   Ledger
	Queue    Enqueuer
	Converge func(ctx context.Context, snapshots []provision.Snapshot) []provision.Attempt
	// Mapping is the engine's.
	Mapping mapping.Rules
	// Scoping is the engine's. Presence in a list is enough to be in scope; who is
	// in none is asked about singly.
	Scoping scoping.Rules
	// Former is the configuration by which everybody was evaluated last: only those
	// are evaluated of whom it says something else. Nil compares everything.
	Former *Former
	// Done is called once that has come to its end. It may be nil.
	Done func(ctx context.Context) error
	// Members reads a page of those users in a group of whom the delta query
	// does not tell.
	Members func(ctx context.Context, groupID string, transitive bool, page string) (provision.MemberPage, error)
	// AppRoles returns what the app roles of an application are called, by their ids,
	// at least those that are wanted. It is not needed where the mapping reads none.
	AppRoles func(ctx context.Context, servicePrincipalID string, wanted []string) (map[string]string, error)
	// Nested is the engine's.
	Nested bool
	// RepairDrift puts back what was changed in Webex.
	RepairDrift bool
	// Park leaves it to an operator to disable an account that the sweep finds in
	// Webex and links: of a first comparison nobody knows yet whether the mapping
	// and the scope are right.
	Park bool
	// Rests returns why nothing is to be written now; empty if something is.
	Rests func(ctx context.Context) (string, error)
	// Depth is how many Changes wait on the queue.
	Depth func(ctx context.Context) (int, error)
	// Lost reports whether no delta query of groups goes on from where one was: what it
	// would have told of who joined is not told any more. It may be nil, for that none
	// was lost.
	Lost func(ctx context.Context) (bool, error)
	// Round is told where the delta query goes on, once all of its first round
	// is dealt with.
	Round func(ctx context.Context, kind change.Kind, link string) error
	// Progress and Classified are told what happens, Skipped who is in no class and
	// why. They may be nil.
	Progress   func(Progress)
	Classified func(Account)
	Skipped    func(o change.Object, name string, why scoping.Verdict)
	Now        func() time.Time
	// Log is told that a long list goes on. It may be nil.
	Log *slog.Logger
}

const (
	// batchSize is how many objects go to the engine at a time: as many as Webex
	// takes in a Bulk. While Changes wait on the queue they are fewer, so that
	// one that is told now is not told after a hundred others.
	batchSize, politeSize = 100, 10
	// maxFailures is how many objects in a row may fail for a reason that can pass
	// before the sweep is cut short: then it is not the objects.
	maxFailures = 300
	// mostLooks is how many Changes are gathered before they are queued.
	mostLooks = 500
)

// ErrUnfinished is returned by a sweep that time, a pause or a server that
// throttles cut short. It is to be begun again.
var ErrUnfinished = errors.New("the sweep is not finished")

// Run compares both sides. It stops in good time before the deadline of ctx.
//
// Its calls come last where a side throttles.
func (s *Job) Run(ctx context.Context) (Result, error) {
	ctx = provision.WithPriority(ctx, provision.Low)
	r := &run{
		Job: s, result: Result{Classes: map[Class]int{}, Actions: map[provision.Action]int{}},
		known: map[change.Object]*known{}, byWebex: map[string]*known{},
		gathered: map[string]*gathered{}, assigned: map[change.Object][]string{},
		shown: map[change.Kind][]bool{}, wanted: map[string]any{}, unmet: len(s.Mapping.Users.Matching()), meets: map[string]bool{},
		inGroup: map[scoping.Group]map[string]bool{}, open: map[string]bool{}, shutOut: map[string]bool{},
	}
	phases := []func(context.Context) error{
		r.readLedger, r.readAssignments, r.readWebex, r.readAllGroups, r.readScope, r.readMemberships, r.readRoles, r.users, r.groups, r.unseen, r.unassigned, r.locals,
	}
	if s.Former != nil {
		phases = []func(context.Context) error{r.readLedger, r.affected}
	}
	if s.Done != nil {
		phases = append(phases, s.Done)
	}
	for _, phase := range phases {
		if err := phase(ctx); err != nil {
			return r.result, fmt.Errorf("compare Entra and Webex: %w", err)
		}
	}
	r.result.Open, r.result.ShutOut = named(r.open), named(r.shutOut)
	return r.result, nil
}

// run is one sweep.
type run struct {
	*Job

	result Result
	// known are the objects in the ledger, byWebex those with an account.
	known   map[change.Object]*known
	byWebex map[string]*known
	strays  strays
	// gathered are Entra's groups by their ids, order is theirs, as of read; next
	// is where their delta query goes on.
	gathered map[string]*gathered
	order    []*gathered
	read     time.Time
	next     string
	// unread is why not all of the groups are gathered, lost what Lost reported before
	// they were.
	unread error
	lost   bool
	// granted are the roles of those who are assigned themselves, assigned those
	// of all in scope.
	granted, assigned map[change.Object][]string
	// grantsRead is when they began to be read, roleNames what their roles are called.
	grantsRead time.Time
	roleNames  map[string]string
	// inGroup are the users in the groups that the scoping filter asks about, as of
	// membersRead; one that Entra does not have is not among them, and then astray.
	inGroup     map[scoping.Group]map[string]bool
	membersRead time.Time
	astray      bool
	progress    Progress
	// shown says of the mapped paths of a kind, by their places, whether Webex's
	// list shows any account with it.
	shown map[change.Kind][]bool
	// wanted are the values of the object that is dealt with.
	wanted map[string]any
	// managed says that Entra's list shows who manages a user.
	managed bool
	// inhabited says that Webex's list has users, meets which matching attributes any
	// of them has, and unmet is how many more there are.
	inhabited bool
	meets     map[string]bool
	unmet     int
	// open and shutOut are Result.Open and Result.ShutOut so far.
	open, shutOut map[string]bool

	// batch is what goes to the engine next, left what it could not do, failed what takes
	// something back besides.
	batch  []provision.Snapshot
	left   []change.Change
	failed []provision.Snapshot
	// looks are what the worker is to look at and is not queued yet: with others,
	// because the queue takes ten in a request.
	looks []change.Change
	// failures counts the objects in a row that could not be done for now.
	failures int
}

// known is an object in the ledger, and what the lists say of it.
type known struct {
	object  change.Object
	webexID string
	written mapping.Print
	moments mapping.Moments
	active  bool
	// settled says that nothing is open about it: no pending write, no fault.
	settled bool
	// away says that it had an account which was given up.
	away bool
	// listed says that Webex lists it, seen that Entra does; drifted that Webex
	// has something else than was written.
	listed, seen, drifted bool
	// left says that the engine could not deal with it, and the worker will.
	left bool
	// unclear says that Webex does not show what was written, and that this
	// account may differ for it: settled once all were listed.
	unclear []int
	// leftover are the places of what Webex shows, was never written and a null clears.
	leftover []int
	// open and shut say that Webex shows the account active, or inactive; neither
	// if it does not show which.
	open, shut bool
	// hidden says that Webex does not show which, and does of others.
	hidden bool
	// members are the Webex ids of a group's members, if whole.
	members []string
	whole   bool
}

func (r *run) readLedger(ctx context.Context) error {
	r.tell(Progress{Phase: ReadLedger})
	err := r.Ledger.Records(ctx, func(rec provision.Record) error {
		k := &known{
			object: rec.Object, webexID: rec.WebexID, active: rec.LastWritten["active"] != false,
			away: rec.Away, moments: rec.Moments,
			settled: rec.PendingWrite == nil && rec.OpenFault == nil && rec.Absence == nil && rec.MemberSync == nil,
		}
		r.known[rec.Object] = k
		if k.webexID != "" {
			k.written = r.Mapping.Of(rec.Object.Kind).Print(rec.LastWritten)
			r.byWebex[k.webexID] = k
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// readWebex reads what Webex has. Of what is as it was written nothing is kept.
func (r *run) readWebex(ctx context.Context) error {
	r.tell(Progress{Phase: ReadWebex})
	err := r.Lister.Users(ctx, func(page []provision.Resource) error {
		for _, u := range page {
			r.listed(change.User, u)
		}
		r.tell(Progress{Phase: ReadWebex, Done: r.progress.Done + len(page)})
		return nil
	})
	if err != nil || r.Scoping.SkipGroups {
		return err
	}
	return r.Lister.Groups(ctx, func(page []provision.ListedGroup) error {
		for _, g := range page {
			if k := r.listed(change.Group, g.Resource); k != nil {
				k.members, k.whole = g.Members, g.Whole
			}
		}
		r.tell(Progress{Phase: ReadWebex, Done: r.progress.Done + len(page)})
		return nil
	})
}

// listed notes what Webex has and returns whose it is; nil if it is nobody's so
// far.
func (r *run) listed(kind change.Kind, found provision.Resource) *known {
	k := r.byWebex[found.ID]
	if kind == change.User {
		r.meet(found.Attributes)
	}
	if k == nil || k.object.Kind != kind {
		r.strays.add(kind, found, r.Mapping.Of(kind))
		return nil
	}
	k.listed = true
	r.compare(k, r.Mapping.Of(kind).PrintOf(found.Attributes))
	if kind == change.User {
		active, told := r.Mapping.Of(kind).Value(found.Attributes, "active").(bool)
		k.open, k.shut = told && active, told && !active
	}
	return k
}

// meet notes which matching attributes an account of Webex has, as long as there are
// some that none had.
func (r *run) meet(account map[string]any) {
	r.inhabited = true
	if r.unmet == 0 {
		return
	}
	for _, c := range r.Mapping.Users.Meets(account) {
		if !r.meets[c.Target()] {
			r.meets[c.Target()] = true
			r.unmet--
		}
	}
}

// unseen asks about everybody in the ledger whom Entra did not list: a list is
// no proof that somebody is gone. A group that is there all the same has its
// members compared like those that were listed.
func (r *run) unseen(ctx context.Context) error {
	vanished := map[change.Object]*known{}
	for o, k := range r.known {
		if !k.seen && (o.Kind != change.Group || !r.Scoping.SkipGroups) {
			vanished[o] = k
		}
	}
	changes := make([]change.Change, 0, len(vanished))
	for _, o := range sorted(vanished) {
		k := vanished[o]
		r.class(Vanished, o, k.webexID, "")
		changes = append(changes, r.lookAgain(k))
		if k.reopened() {
			r.open[o.ID] = true
		}
	}
	r.tell(Progress{Phase: Unseen, Total: len(changes)})
	return r.enqueue(ctx, changes...)
}

// locals classes what Webex has and Entra has not.
func (r *run) locals(context.Context) error {
	for kind, found := range r.strays.left(r.byWebex) {
		external, _ := found.Attributes["externalId"].(string)
		local := Account{Class: Local, Kind: kind, WebexID: found.ID, Name: nameOf(found.Attributes), ExternalID: external}
		if active, shown := found.Attributes["active"].(bool); shown && kind == change.User {
			local.Active = &active
		}
		r.classify(local)
	}
	return nil
}

// lookAgain returns a look at one that Entra does not list, or that is not to be in
// Webex. Where Webex shows an account otherwise than was written, what was written
// is not to be trusted; and the members of a group are compared when it is back.
func (r *run) lookAgain(k *known) change.Change {
	c := r.look(k.object)
	c.Afresh = k.reopened() || k.webexID != "" && k.object.Kind == change.Group
	return c
}

func (r *run) look(o change.Object) change.Change {
	return change.Change{Object: o, Source: change.Comparison, SeenAt: r.Now(), CorrelationID: correlation}
}

// correlation is the correlation id of what a sweep leaves to the worker.
const correlation = "sweep"

// leave leaves an object to the worker. It is on the queue before the engine is
// handed anything more, so that a comparison that is cut short there loses nobody.
func (r *run) leave(ctx context.Context, c change.Change) error {
	r.looks = append(r.looks, c)
	if len(r.looks) < mostLooks {
		return nil
	}
	return r.queueLooks(ctx)
}

// queueLooks puts on the queue what was left to the worker.
func (r *run) queueLooks(ctx context.Context) error {
	looks := r.looks
	r.looks = nil
	return r.enqueue(ctx, looks...)
}

func (r *run) enqueue(ctx context.Context, changes ...change.Change) error {
	if len(changes) == 0 {
		return nil
	}
	if err := r.Queue.Enqueue(ctx, changes); err != nil {
		return fmt.Errorf("queue %d changes: %w", len(changes), err)
	}
	r.result.Queued += len(changes)
	return nil
}

func (r *run) class(c Class, o change.Object, webexID, name string) {
	r.classify(Account{Class: c, Kind: o.Kind, ID: o.ID, WebexID: webexID, Name: name})
}

func (r *run) classify(a Account) {
	r.result.Classes[a.Class]++
	if r.Classified != nil {
		r.Classified(a)
	}
}

func (r *run) skip(o change.Object, name string, why scoping.Verdict) {
	if r.Skipped != nil {
		r.Skipped(o, name, why)
	}
}

func (r *run) tell(p Progress) {
	r.progress = p
	if r.Progress != nil {
		r.Progress(p)
	}
}
