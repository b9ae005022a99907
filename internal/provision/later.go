package provision

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
)

// patience is how a fault is tried again by its code.
type patience struct {
	// limit is the time of attempts after which it is given up.
	limit time.Duration
	// quick is how many attempts follow each other as backoff has it; after them
	// the object is looked at again later and ever more seldom, longest apart at
	// most. Zero for all of them.
	quick   int
	longest time.Duration
}

// takenFor is for how long a name that nobody shows is asked for again: Webex
// keeps the address of a deleted account for seven days.
const takenFor = 8 * 24 * time.Hour

func (f *Fault) patience() patience {
	if f.Code == Taken {
		return patience{limit: takenFor, quick: unseenAttempts, longest: 12 * time.Hour}
	}
	return patience{limit: longestTrouble}
}

// later is the delay before the next attempt. One that is long is kept in the
// ledger and not by the queue, where all that happens to the object would wait
// behind it: then the delay is zero, and Attempt.Later says when.
func (v *view) later(f *Fault, attempts int) time.Duration {
	p := f.patience()
	if p.quick == 0 || attempts < p.quick || !v.postpones {
		return backoff(attempts)
	}
	delay := longestRetry
	for range attempts - p.quick + 1 {
		delay = min(delay*2, p.longest)
	}
	v.attempt.Later = v.now.Add(delay)
	return 0
}

// Later keeps which objects are to be queued again, and when: one document of
// the ledger.
type Later struct{ Documents document.Store }

const (
	laterName = "later"
	// maxLater objects of some 80 bytes keep the document within what the ledger
	// takes.
	maxLater = 3000
)

// errLaterFull is returned where more objects wait than the document takes.
var errLaterFull = errors.New("too many objects wait for a later look")

// Put notes that the object is to be queued at that time, whatever was noted
// of it before.
func (l *Later) Put(ctx context.Context, o change.Object, at time.Time) error {
	return l.document().Update(ctx, func(due *map[string]time.Time) (bool, error) {
		if _, noted := (*due)[o.String()]; !noted && len(*due) >= maxLater {
			return false, errLaterFull
		}
		if *due == nil {
			*due = map[string]time.Time{}
		}
		(*due)[o.String()] = at
		return true, nil
	})
}

// Queue queues what is due and takes it off, in this order: a run that ends
// between the two is repeated. It is called every minute.
func (l *Later) Queue(ctx context.Context, queue Enqueuer, now time.Time) error {
	due, err := l.document().Read(ctx)
	if err != nil {
		return err
	}
	maps.DeleteFunc(due, func(_ string, at time.Time) bool { return at.After(now) })
	if len(due) == 0 {
		return nil
	}
	changes := make([]change.Change, 0, len(due))
	for _, name := range slices.Sorted(maps.Keys(due)) {
		if o, ok := change.ParseObject(name); ok {
			changes = append(changes, change.Change{Object: o, Source: change.Engine, SeenAt: now, CorrelationID: laterName})
		}
	}
	if err := queue.Enqueue(ctx, changes); err != nil {
		return fmt.Errorf("queue %d objects for a later look: %w", len(changes), err)
	}
	return l.document().Update(ctx, func(noted *map[string]time.Time) (bool, error) {
		maps.DeleteFunc(*noted, func(name string, at time.Time) bool { return at.Equal(due[name]) })
		return true, nil
	})
}

func (l *Later) document() document.Document[map[string]time.Time] {
	return document.Document[map[string]time.Time]{Store: l.Documents, Name: laterName}
}
