package queue_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

var _ provision.Enqueuer = queue.Changes{}

func TestChangesArriveInTheGroupOfTheirObject(t *testing.T) {
	t.Parallel()
	h := openQueues(t)
	want := newChange(1)
	if err := (queue.Changes{Queue: h}).Enqueue(t.Context(), []change.Change{want}); err != nil {
		t.Fatal(err)
	}
	m := receive(t, h, 1)[0]
	wantEqual(t, m.Group, want.ID)
	got, err := change.Decode(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, got, want)
}

func TestAChangeThatCannotBeEncodedDoesNotHoldUpTheOthers(t *testing.T) {
	t.Parallel()
	h := openQueues(t)
	bad := change.Change{Object: change.Object{Kind: change.User, ID: "nobody"}}
	err := queue.Changes{Queue: h}.Enqueue(t.Context(), []change.Change{bad, newChange(1)})
	wantErrorText(t, err, "user nobody")
	wantEqual(t, receive(t, h, 1)[0].Group, newChange(1).ID)
}

func TestChangesOfAQueueThatFailsAreNotEnqueued(t *testing.T) {
	t.Parallel()
	err := queue.Changes{Queue: failing{}}.Enqueue(t.Context(), []change.Change{newChange(1)})
	wantErrorText(t, err, errFailing.Error())
}

// newChange returns a Change of the nth object.
func newChange(n int) change.Change {
	return change.Change{
		Object:        change.Object{Kind: change.User, ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", n)},
		Source:        change.Notification,
		SeenAt:        time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC),
		CorrelationID: "2b6c9d1e-8f70-4a3b-9c5d-6e7f8091a2b3",
	}
}

// failing is a queue that takes nothing.
type failing struct{ queue.Queue }

var errFailing = errors.New("the queue is out of reach")

func (failing) Send(context.Context, []queue.Entry) error { return errFailing }
