package notification_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/notification"
)

// newReceiver returns one whose notifications come from our tenant.
func newReceiver(t *testing.T, queue notification.Enqueuer) *notification.Receiver {
	t.Helper()
	receiver, err := notification.New(notification.Config{ClientState: clientState, TenantID: tenantID, Queue: queue, Now: seenAt})
	if err != nil {
		t.Fatal(err)
	}
	return receiver
}

func TestAReceiptSaysWhatWasTaken(t *testing.T) {
	t.Parallel()
	queue, told := new(memory), notification.Receipt{}
	receiver, err := notification.New(notification.Config{
		ClientState: clientState, TenantID: tenantID, Queue: queue, Now: seenAt, Observe: func(r notification.Receipt) { told = r },
	})
	if err != nil {
		t.Fatal(err)
	}
	receipt, err := receiver.Receive(t.Context(), event(t, "batch-mixed.json"))
	want := notification.Receipt{
		Received: 9, Queued: 2, Duplicates: 1, Lifecycle: 1,
		Dropped: map[notification.Reason]int{"clientState": 1, "tenant": 1, "malformed": 1, "resource": 1, "changeType": 1},
	}
	if diff := cmp.Diff(want, receipt); diff != "" || err != nil || len(queue.changes) != 2 {
		t.Errorf("queued %v, %v, receipt (-want +got):\n%s", queue.changes, err, diff)
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestABodyThatIsNoneIsToldFromAQueueThatTakesNothing(t *testing.T) {
	t.Parallel()
	full := errors.New("the queue is full")
	receiver := newReceiver(t, enqueue(func(context.Context, []change.Change) error { return full }))
	if receipt, err := receiver.Receive(t.Context(), []byte(`{"value":1}`)); !errors.Is(err, notification.ErrMalformed) || receipt.Queued > 0 {
		t.Errorf("no collection: %+v, %v", receipt, err)
	}
	receipt, err := receiver.Receive(t.Context(), event(t, "user-updated.json"))
	if !errors.Is(err, full) || errors.Is(err, notification.ErrMalformed) || receipt.Queued > 0 || receipt.Received != 1 {
		t.Errorf("a queue that is full: %+v, %v", receipt, err)
	}
}

// Another front door has nothing to do but to unwrap its envelope: what it hands
// over is verified and queued as behind the webhook.
func TestANotificationOnEventBridgeIsReceived(t *testing.T) {
	t.Parallel()
	var envelope events.EventBridgeEvent
	var detail struct{ Data json.RawMessage }
	if err := json.Unmarshal(event(t, "eventbridge-user-updated.json"), &envelope); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(envelope.Detail, &detail); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"value": []json.RawMessage{detail.Data}})
	if err != nil {
		t.Fatal(err)
	}
	behindTheWebhook, behindEventBridge := new(memory), new(memory)
	if _, err := newReceiver(t, behindTheWebhook).Receive(t.Context(), event(t, "user-updated.json")); err != nil {
		t.Fatal(err)
	}
	receipt, err := newReceiver(t, behindEventBridge).Receive(t.Context(), body)
	if err != nil || receipt.Queued != 1 {
		t.Fatalf("receipt %+v, %v", receipt, err)
	}
	for _, queue := range []*memory{behindTheWebhook, behindEventBridge} {
		queue.changes[0].CorrelationID = "" // each has one of its own
	}
	if diff := cmp.Diff(behindTheWebhook.changes, behindEventBridge.changes); diff != "" {
		t.Errorf("changes (-webhook +EventBridge):\n%s", diff)
	}
}
