// Package provision makes Webex match Entra, one object at a time.
//
// An attempt follows the steps of Entra's provisioning log: import (read the
// object from Entra as it is now), scoping, matching, processing (what should
// Webex hold, and what must be written for that) and export. Deciding and
// exporting are apart: what is to be written is a value until it is written.
package provision

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
)

// Lease is how long a claim holds an object. It outlives every call made
// under it: calls end with the lease at the latest.
const Lease = 2 * time.Minute

// Config is what an Engine needs. Fields without a default are required.
type Config struct {
	Directory Directory
	Target    Target
	Ledger    Ledger
	// Queue takes the Changes of objects the engine wants looked at again.
	Queue   Enqueuer
	Mapping mapping.Rules
	// TenantID is the tenant Entra's answers must come from before anything
	// is disabled or deleted.
	TenantID string
	// Scoping says who is provisioned; the zero Rules that everybody is.
	Scoping scoping.Rules
	// Nested makes the users of groups within a group its members.
	Nested bool
	// DeleteBinned deletes a group once it is in Entra's recycle bin; else it
	// is kept until it is deleted for good.
	DeleteBinned bool
	// Protected are object ids and userNames that are never disabled or
	// deleted.
	Protected []string
	// UpsertOnly never disables, deletes or removes.
	UpsertOnly bool
	// Guard holds what would destroy too much at a time; without one nothing
	// is held but the Protected.
	Guard *Guard
	// Later keeps what is looked at again after hours or days; without it the queue
	// does, ten minutes at a time.
	Later *Later
	// ConfirmAfter is the time between the two readings a delete needs, and for
	// which, up to five minutes, an empty list of assignments must last; default 10
	// minutes.
	ConfirmAfter time.Duration
	// TrustGone believes Webex at once that something is not there. It is for a
	// dry run, which has no second look.
	TrustGone bool
	// OneClock says that all who write the ledger read the same clock: what a sweep
	// saw is then not taken for older than it is.
	OneClock bool
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Parallel is how many objects of a batch are claimed, decided and
	// concluded at a time; default 1. What is read from Entra and written to
	// Webex goes together in any case.
	Parallel int
	// Jitter returns a random duration in [0, d), which keeps retries of
	// many objects apart.
	Jitter func(d time.Duration) time.Duration
	// Healed notes that there may be dead letters of an object that is at fault no
	// more. It may be nil.
	Healed func(ctx context.Context) error
	// Observe is told every attempt when it is over. It may be nil.
	Observe func(Attempt)
	// Keep is told the attempts that were made together, when all of them are over.
	// Its context outlives that of Converge by keeping. It may be nil.
	Keep func(ctx context.Context, attempts []Attempt)
	Log  *slog.Logger
}

// Engine converges objects. It is safe for concurrent use.
type Engine struct {
	Config

	protected map[string]bool // ids and userNames in lower case

	tenant    sync.Mutex
	confirmed bool // Entra's answers come from TenantID
}

// New returns an Engine.
func New(c Config) *Engine {
	if c.ConfirmAfter == 0 {
		c.ConfirmAfter = 10 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Parallel == 0 {
		c.Parallel = 1
	}
	if c.Observe == nil {
		c.Observe = func(Attempt) {}
	}
	if c.Keep == nil {
		c.Keep = func(context.Context, []Attempt) {}
	}
	e := &Engine{Config: c, protected: map[string]bool{}}
	for _, name := range c.Protected {
		e.protected[strings.ToLower(strings.TrimSpace(name))] = true
	}
	return e
}

// skew is how far the clocks may be apart of those who write the ledger.
func (e *Engine) skew() time.Duration {
	if e.OneClock {
		return 0
	}
	return apart
}

// Converge makes Webex match Entra for the objects the changes name, and
// returns one Attempt for each of them, in the order they were first named.
// It reads them from Entra together, and a fault of one does not touch the
// others, a panic included. What is not begun Margin before the deadline of ctx
// is not claimed, and asks for another look.
func (e *Engine) Converge(ctx context.Context, changes []change.Change) []Attempt {
	var subjects []subject
	for _, c := range changes {
		i := slices.IndexFunc(subjects, func(s subject) bool { return s.object == c.Object })
		if i < 0 {
			i, subjects = len(subjects), append(subjects, subject{object: c.Object})
		}
		subjects[i].add(c)
	}
	return e.newBatch().run(ctx, subjects)
}

// add takes a Change into why the object is looked at.
func (s *subject) add(c change.Change) {
	s.causes = append(s.causes, c)
	s.afresh = s.afresh || c.Afresh
	for _, id := range c.Members {
		if !slices.Contains(s.hints, id) {
			s.hints = append(s.hints, id)
		}
	}
}

// An object goes through these phases, each of which takes the value of the one
// before and returns its own. After an export it is what was imported and written by
// then, and decided anew, until nothing is to be written; it ends as an Attempt.
type (
	// claimed is an object that is this batch's.
	claimed struct {
		view

		// stored is the record as the ledger has it.
		stored Record
		// wasDead says that the object was at fault for good before this attempt.
		wasDead bool
		// panicked says that the attempt did not come to an end of its own.
		panicked bool
	}
	// imported is one of which it is known what Entra has.
	imported struct {
		claimed

		// rounds is how often it was decided.
		rounds int
		// members says that the members of the group come next.
		members bool
	}
	// decided is one of which it is known what is to be written: nil for nothing.
	decided struct {
		imported

		// place is that in the batch.
		place int
		write *write
		// before is the pending write there was before that.
		before *PendingWrite
	}
)

// batch is the objects that are worked on together, under one owner.
type batch struct {
	*Engine

	terms terms
	owner string
	works []*imported
	// singly says that a write of several objects at once panicked.
	singly bool
	// unknown says of ids that Entra was asked about whether this tenant has no
	// such object; asking is held meanwhile.
	asking  sync.Mutex
	unknown map[string]bool
}

func (e *Engine) newBatch() *batch {
	b := &batch{Engine: e, owner: uuid.NewString(), terms: terms{
		mapping: e.Mapping, scoping: e.Scoping, nested: e.Nested, deleteBinned: e.DeleteBinned,
		upsertOnly: e.UpsertOnly, trustGone: e.TrustGone, confirmAfter: e.ConfirmAfter, skew: e.skew(),
		protected: e.protected, guarded: e.Guard != nil, postpones: e.Later != nil,
	}}
	if e.Jitter != nil {
		b.terms.jitter = float64(e.Jitter(time.Hour)) / float64(time.Hour)
	}
	return b
}

// run takes the objects to their end.
func (b *batch) run(ctx context.Context, subjects []subject) []Attempt {
	claims := make([]claimed, len(subjects))
	each(b.Parallel, len(subjects), func(i int) { claims[i] = b.begin(ctx, subjects[i]) })
	suspects, rest := setAside(claims)
	for _, i := range suspects {
		claims[i] = b.unclaim(ctx, claims[i])
	}
	attempts := make([]Attempt, len(subjects))
	b.converge(ctx, attempts, claims, rest)
	for _, i := range suspects {
		alone := &batch{Engine: b.Engine, terms: b.terms, owner: b.owner}
		if !claims[i].ended {
			claims[i] = alone.begin(ctx, subjects[i])
		}
		alone.converge(ctx, attempts, claims, []int{i})
	}
	return attempts
}

// converge takes those of the objects that are at these places to their end.
func (b *batch) converge(ctx context.Context, attempts []Attempt, claims []claimed, places []int) {
	if slices.ContainsFunc(places, func(i int) bool { return claims[i].isLeaving() }) {
		ctx = WithPriority(ctx, High)
	}
	working, cancel := working(ctx)
	defer cancel()
	b.works = make([]*imported, len(places))
	for i, place := range places {
		b.works[i] = &imported{claimed: claims[place]}
	}
	b.read(working, b.works)
	for b.round(working) { // which each object is in so many times at most
	}
	concluded := make([]Attempt, len(b.works))
	// Nobody waits for the members of a large group.
	for _, members := range []bool{false, true} {
		works := b.those(func(w *imported) bool { return w.members == members })
		parallel := b.Parallel
		if members {
			parallel = min(parallel, comparisons)
		}
		each(parallel, len(works), func(i int) {
			w := b.works[works[i]]
			if members {
				b.guarded(working, w, Export, func() { *w = b.syncMembers(working, *w) })
			}
			concluded[works[i]] = b.conclude(ctx, *w)
		})
	}
	b.keep(ctx, concluded)
	// Objects that had to make room are not among those named.
	for i, place := range places {
		attempts[place] = concluded[i]
	}
}

// those are the places of the objects of which it is true.
func (b *batch) those(are func(w *imported) bool) []int {
	var places []int
	for i, w := range b.works {
		if are(w) {
			places = append(places, i)
		}
	}
	return places
}

// comparisons is how many groups have their members compared at a time: each
// holds the ids of all it has in Webex, and makes calls of its own.
const comparisons = 4

// each does it with every number below n, so many at a time.
func each(parallel, n int, do func(i int)) {
	if parallel == 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range n {
		group.Go(func() error {
			do(i)
			return nil
		})
	}
	_ = group.Wait() // none of them returns an error
}

// rounds bounds how often an object of a batch is decided anew after a write:
// adopt, free a name, rename and disable take four.
const rounds = 8

// isOpen reports whether there may be something to decide, which is longer where
// attributes are written one by one.
func (w *imported) isOpen() bool {
	const singly = 30
	most := rounds + len(w.refused)
	if w.singly {
		most = singly
	}
	return !w.ended && !w.members && w.rounds < most
}

// round decides what is to be written for every object that is not done, and
// writes it. It reports whether another round may have something to do.
func (b *batch) round(ctx context.Context) bool {
	open := b.those((*imported).isOpen)
	decisions := make([]decided, len(open))
	each(b.Parallel, len(open), func(i int) {
		d := &decisions[i]
		d.place, d.imported = open[i], *b.works[open[i]]
		if b.guarded(ctx, &d.imported, Processing, func() { *d = b.decide(ctx, *d) }) && d.write != nil {
			if !b.guarded(ctx, &d.imported, Export, func() { *d = b.notePending(ctx, *d) }) {
				d.write = nil
			}
		}
	})
	for _, d := range decisions {
		*b.works[d.place] = d.imported
	}
	exporting := slices.DeleteFunc(decisions, func(d decided) bool { return d.write == nil })
	// A leaver does not wait behind a title change.
	slices.SortStableFunc(exporting, func(x, y decided) int { return x.write.urgency() - y.write.urgency() })
	b.export(ctx, exporting)
	// Only now, when every record says what Webex answered, is it known who
	// holds a name.
	for _, i := range b.those(func(w *imported) bool { return w.conflict != nil }) {
		if w := b.works[i]; w.conflict != nil { // else it was moved while another's was resolved
			b.guarded(ctx, w, Matching, func() { b.resolveConflict(ctx, w) })
		}
	}
	return len(exporting) > 0
}
