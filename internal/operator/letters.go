package operator

import (
	"context"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
)

// LettersRequest chooses dead letters, by the terms of a replay.Filter.
type LettersRequest struct {
	Filter []string `json:"filter,omitempty"`
}

// Letters are dead letters.
type Letters struct {
	// Known are those that the ledger knows and the filter chooses, oldest first.
	Known []replay.Letter `json:"known"`
	// Beyond is how many messages the dead-letter queue holds beyond one for each
	// that the ledger knows.
	Beyond int `json:"beyond"`
}

// Letters lists the dead letters.
func (o *Operator) Letters(ctx context.Context, r LettersRequest) (Letters, error) {
	if err := o.bound(ctx); err != nil {
		return Letters{}, err
	}
	terms, err := o.identified(ctx, r.Filter)
	if err != nil {
		return Letters{}, err
	}
	filter, err := replay.ParseFilter(o.Now(), terms)
	if err != nil {
		return Letters{}, invalid(err)
	}
	n := namer{Operator: o, names: map[change.Object]string{}}
	known, letters := 0, Letters{Known: []replay.Letter{}}
	err = o.Ledger.Records(ctx, func(r provision.Record) error {
		l, ok := replay.FromRecord(r)
		if !ok {
			return nil
		}
		known++
		if filter.Matches(l) {
			l.Name = nameOf(r)
			letters.Known = append(letters.Known, l)
		}
		return nil
	})
	if err != nil {
		return Letters{}, err
	}
	depth, err := o.DeadLetters.Depth(ctx)
	if err != nil {
		return Letters{}, err
	}
	for i := range letters.Known {
		if l := &letters.Known[i]; l.Name == "" {
			if l.Name, err = n.of(ctx, l.Object); err != nil {
				return Letters{}, err
			}
		}
	}
	slices.SortFunc(letters.Known, func(a, b replay.Letter) int { return a.FirstSeen.Compare(b.FirstSeen) })
	letters.Beyond = max(0, depth.Visible+depth.InFlight-known)
	return letters, nil
}

// Replay puts dead letters back on the queue. progress is told how many of about
// how many were looked at, and may be nil. The result counts what was done also
// where there is an error.
func (o *Operator) Replay(ctx context.Context, r replay.Request, progress func(done, of int)) (replay.Result, error) {
	if err := o.bound(ctx); err != nil {
		return replay.Result{}, err
	}
	terms, err := o.identified(ctx, r.Filter)
	if err != nil {
		return replay.Result{}, err
	}
	r.Filter = terms
	if err := r.Check(o.Now()); err != nil {
		return replay.Result{}, invalid(err)
	}
	began := o.Now()
	result, err := o.replay(ctx, r, progress)
	if !r.DryRun {
		o.act(ctx, actReplay, began, result.Said(r), err)
	}
	return result, err
}

func (o *Operator) replay(ctx context.Context, r replay.Request, progress func(done, of int)) (replay.Result, error) {
	if progress == nil {
		return o.Replayer.Run(ctx, r)
	}
	depth, err := o.DeadLetters.Depth(ctx)
	if err != nil {
		return replay.Result{}, err
	}
	job := *o.Replayer
	job.Dead = &watched{Queue: o.Replayer.Dead, of: depth.Visible + depth.InFlight, progress: progress}
	return job.Run(ctx, r)
}

// watched is a queue whose received messages are counted.
type watched struct {
	queue.Queue

	done, of int
	progress func(done, of int)
}

// Receive implements queue.Queue.
func (w *watched) Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]queue.Message, error) {
	msgs, err := w.Queue.Receive(ctx, limit, visibility, wait)
	if len(msgs) > 0 {
		w.done += len(msgs)
		w.progress(w.done, max(w.of, w.done)) // a number that was approximate may be exceeded
	}
	return msgs, err
}
