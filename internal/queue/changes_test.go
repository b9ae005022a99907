package queue_test

import (
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

var _ provision.Enqueuer = queue.Changes{}

func TestChangesArriveInTheGroupOfTheirObject(t *testing.T) {
	t.Parallel()
	h := openHome(t)
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
	h := openHome(t)
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
