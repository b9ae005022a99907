package provision

import (
	"cmp"
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"entrawebex/internal/printable"
)

// Margin is what is left of the context's deadline when Converge begins no
// more objects: one call at its slowest (20 s in both adapters), and
// concluding.
const Margin = 30 * time.Second

// concluding is how long before the deadline work on objects is cut off, so
// that what came of it reaches the ledger, and the caller can settle its
// messages. On Lambda the deadline is the end of the process.
const concluding = 10 * time.Second

// begin claims the object, unless the deadline is too near for it.
func (b *batch) begin(ctx context.Context, s subject) claimed {
	w := imported{claimed: b.unclaimed(s)}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < Margin {
		w.again(soon, "the deadline is near: not begun")
		return w.claimed
	}
	b.guarded(ctx, &w, Import, func() { w.claimed = b.claim(ctx, s) })
	return w.claimed
}

// working is the context to work on objects in.
func working(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-concluding))
}

// keeping is for how long attempts may be kept, whatever ended meanwhile: it leaves
// the caller half of what concluding is.
const keeping = concluding / 2

// keep has the attempts kept that are over.
func (b *batch) keep(ctx context.Context, attempts []Attempt) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), keeping)
	defer cancel()
	b.caught(ctx, "the provisioning log", func() { b.Keep(ctx, attempts) })
}

// setAside parts the places of those objects that have an attempt behind them which
// never came to an end, the most often tried last, from the rest. If one of them
// kills the process, the others shall not be counted with it: they are claimed anew
// and worked on one by one, when all the rest is concluded.
func setAside(claims []claimed) (suspects, rest []int) {
	for i := range claims {
		if w := &claims[i]; len(claims) > 1 && !w.ended && w.record.Unconcluded > 1 {
			suspects = append(suspects, i)
		} else {
			rest = append(rest, i)
		}
	}
	slices.SortStableFunc(suspects, func(i, j int) int { return cmp.Compare(claims[i].record.Unconcluded, claims[j].record.Unconcluded) })
	return suspects, rest
}

// unclaim gives a claim back as if it had never been made.
func (b *batch) unclaim(ctx context.Context, c claimed) claimed {
	before := c.stored
	before.Claim = Claim{}
	before.Unconcluded--
	w := imported{claimed: c}
	b.guarded(ctx, &w, Import, func() {
		if err := b.Ledger.Save(ctx, b.owner, w.stored, before); err != nil {
			w.fail(Import, w.saveFault(err))
			return
		}
		w.stored, w.record = Record{}, Record{}
	})
	return w.claimed
}

// unconcluded is the fault of an object that nothing comes to an end with. If
// the last of its attempts panicked, that is the open fault.
func unconcluded(r Record) *Fault {
	f := permanentf("%d attempts at %s began and never came to an end: each panicked, crashed or ran out of time or memory",
		maxUnconcluded, r.Object)
	if r.OpenFault != nil && r.OpenFault.Kind != Permanent {
		f.Reason += "; its open fault is: " + r.OpenFault.Reason
	}
	return f
}

// guarded runs a phase of the attempt at w and reports whether it came to its
// end. A panic in it is a fault of w, and of nobody else in the batch. Of a
// panic in another goroutine only the ledger can tell: Record.Unconcluded.
func (b *batch) guarded(ctx context.Context, w *imported, at StepName, f func()) bool {
	v := b.caught(ctx, w.object.String(), f)
	if v == nil {
		return true
	}
	// What the record says by now may be half of something: the next attempt
	// finds what it would find after a crash.
	w.record = w.stored
	w.conflict, w.members, w.panicked = nil, false, true
	w.now = b.Now()
	w.fail(at, transientf("work on %s panicked: %s", w.object, printable.Short(fmt.Sprint(v), longestPanic)))
	return false
}

// caught runs f and returns what it panicked with, which is logged; nil if it
// did not.
func (b *batch) caught(ctx context.Context, what string, f func()) (v any) {
	defer func() {
		if v = recover(); v != nil {
			b.Log.ErrorContext(ctx, "panic", "object", what, "panic", printable.Short(fmt.Sprint(v), longestPanic), "stack", string(debug.Stack()))
		}
	}()
	f()
	return nil
}

// longestPanic is the most characters of a panic's value in a fault.
const longestPanic = 200

// readAll reads the objects from Entra together. If that panics, it is one
// object's fault and not known whose: each is read alone.
func (b *batch) readAll(ctx context.Context, works []*imported, queries []Query) {
	var readings []Reading
	together := len(works) > 1 && b.caught(ctx, "a batch", func() { readings = b.Directory.Read(ctx, queries) }) == nil
	for i, w := range works {
		b.guarded(ctx, w, Import, func() {
			if !together {
				*w = w.imported(b.Directory.Read(ctx, queries[i:i+1])[0])
			} else {
				*w = w.imported(readings[i])
			}
		})
	}
}

// apply carries out the next write of each object and returns the answers. If
// that panics, it is one object's fault and not known whose, nor what has been
// written: there are none, each reads Webex before it writes again, and then writes
// alone.
func (b *batch) apply(ctx context.Context, decisions []decided, ops []Operation) []Answer {
	answers := make([]Answer, len(ops))
	if len(decisions) > 1 && !b.singly {
		if b.caught(ctx, "a batch", func() { answers = b.Target.Apply(ctx, ops) }) == nil {
			return answers
		}
		b.singly = true
		return nil
	}
	for i, d := range decisions {
		b.guarded(ctx, b.works[d.place], Export, func() { answers[i] = b.Target.Apply(ctx, ops[i:i+1])[0] })
	}
	return answers
}
