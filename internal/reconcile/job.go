package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

const (
	// Longest is how long a run works at most, if its context does not end it
	// sooner: as long as a Lambda function can.
	Longest = 15 * time.Minute
	// margin is the time before its end in which a run begins nothing more. A
	// call to Graph takes less.
	margin = 30 * time.Second
	// most is how many Changes are put on the queue at a time, and how many
	// ids of a round are held before Changes are made of them.
	most = 500
)

// Members is what lists who is in a group, as provision.Directory does.
type Members interface {
	// Members reads a page of a group's members, direct or transitive: the
	// first one, or the one that page.Next of an earlier call names. Fault
	// Gone if Entra no longer knows that page, or the group.
	Members(ctx context.Context, groupID string, transitive bool, page string) (provision.MemberPage, error)
}

// Sweeps is where a comparison of everything is asked for.
type Sweeps interface {
	// Request makes one due that begins after now, and keeps why, in one sentence.
	Request(ctx context.Context, why string) error
	// Lacks is a Request for something that the one which is going on supplies as
	// well, if anything does: who still lacks it when that is over says so again.
	Lacks(ctx context.Context, why string) error
	// Waiting reports whether one is due that has not begun to read: what was
	// true before this call, it will see.
	Waiting(ctx context.Context) (bool, error)
}

// Job queues a Change of everything that has changed in Entra since it last
// looked. Runs of it that overlap do no harm: of two that have read the same,
// one writes where to go on, and the other stops.
type Job struct {
	Graph     Graph
	Members   Members
	Queue     provision.Enqueuer
	Documents document.Store
	Cursors   *Cursors
	// Sweeps is told when all must be read, because where to go on is lost.
	Sweeps Sweeps
	// Scoping is the engine's. Where nothing follows from groups, what has changed in
	// them is left out.
	Scoping scoping.Rules
	// Probe asks Graph for something harmless: whether it answers at all. Nil if
	// that is never known.
	Probe func(ctx context.Context) error
	// Nested says that the users of groups within a group count as its own.
	Nested bool
	// Unchanged reports whether what a live object has is what was last written
	// to Webex, so that it needs no Change. Nil if that is not known.
	Unchanged func(ctx context.Context, o Object) (bool, error)
	Now       func() time.Time
	Log       *slog.Logger
}

// Run looks once: at users, at groups, and at assignments. One that fails does
// not keep the others from theirs. What the time does not suffice for is left
// to the next run, and is no error.
//
// A minute in which nothing happened costs three calls to Graph and three reads
// of the ledger.
func (j *Job) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, Longest)
	defer cancel()
	var failed []error
	later := provision.Later{Documents: j.Documents}
	if err := later.Queue(ctx, j.Queue, j.Now()); err != nil {
		failed = append(failed, err)
	}
	for _, kind := range change.Kinds() {
		if late(ctx) || kind == change.Group && !j.Scoping.GroupsMatter() {
			continue
		}
		if err := j.delta(ctx, kind); err != nil {
			failed = append(failed, fmt.Errorf("reconcile %ss: %w", kind, err))
		}
	}
	if j.Scoping.AssignmentsRead() && !late(ctx) {
		if err := j.assignments(ctx); err != nil {
			failed = append(failed, fmt.Errorf("reconcile assignments: %w", err), j.failed(ctx, err))
		}
	}
	return errors.Join(failed...)
}

// late reports whether nothing more is to be begun. The context has a deadline.
func late(ctx context.Context) bool {
	deadline, _ := ctx.Deadline()
	return ctx.Err() != nil || time.Until(deadline) < margin
}

// enqueue puts Changes on the queue, a bounded number at a time.
func (j *Job) enqueue(ctx context.Context, changes []change.Change) error {
	for some := range slices.Chunk(changes, most) {
		if err := j.Queue.Enqueue(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// change returns a plain Change of an object, with a cause of its own.
func (j *Job) change(o change.Object) change.Change {
	return change.Change{Object: o, Source: change.Reconcile, SeenAt: j.Now(), CorrelationID: uuid.NewString()}
}
