package notification_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/notification"
)

const subscriptionID = "7f105c7d-2dc5-4530-97cd-4e7ae6534c07"

// woken is a renew that keeps what it is told, each time.
type woken struct {
	times [][]notification.Lifecycle
	err   error
}

func (w *woken) Wake(_ context.Context, events []notification.Lifecycle) error {
	w.times = append(w.times, events)
	return w.err
}

// lifecycle is a delivery of lifecycle notifications of one subscription.
func lifecycle(secret string, events ...string) string {
	items := make([]string, len(events))
	for i, event := range events {
		items[i] = fmt.Sprintf(`{"lifecycleEvent":%q,"subscriptionId":%q,"clientState":%q}`, event, subscriptionID, secret)
	}
	return `{"value":[` + strings.Join(items, ",") + `]}`
}

func told(events ...string) []notification.Lifecycle {
	list := make([]notification.Lifecycle, len(events))
	for i, event := range events {
		list[i] = notification.Lifecycle{Event: event, SubscriptionID: subscriptionID}
	}
	return list
}

// waking returns a handler that wakes w, by a clock that can be moved.
func waking(t *testing.T, w *woken) (http.Handler, *time.Time, *bytes.Buffer) {
	t.Helper()
	now, log := seenAt(), new(bytes.Buffer)
	receiver, err := notification.New(notification.Config{
		ClientState: clientState, TenantID: tenantID, Queue: new(memory), Renew: w,
		Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	return notification.Handler(receiver), &now, log
}

func deliverText(t *testing.T, handler http.Handler, body string) {
	t.Helper()
	if w := post(handler, "/lifecycle", strings.NewReader(body)); w.Code != http.StatusAccepted {
		t.Errorf("answer %d, want 202", w.Code)
	}
}

func TestALifecycleNotificationWakesRenewOnce(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"reauthorizationRequired", "subscriptionRemoved", "missed"} {
		w := new(woken)
		handler, _, _ := waking(t, w)
		deliverText(t, handler, lifecycle(clientState, event, event))
		if diff := cmp.Diff([][]notification.Lifecycle{told(event)}, w.times); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	}
}

func TestRenewIsWokenByNothingElse(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"another clientState":        lifecycle("guess", "missed"),
		"no clientState":             lifecycle("", "missed"),
		"another tenant":             strings.Replace(lifecycle(clientState, "missed"), "{\"life", `{"tenantId":"`+userID+`","life`, 1),
		"an event that nobody knows": lifecycle(clientState, "renamed"),
		"an id that is no id":        strings.Replace(lifecycle(clientState, "missed"), subscriptionID, strings.Repeat("x", 65), 1),
		"a change":                   string(event(t, "user-deleted.json")),
	} {
		w := new(woken)
		handler, now, _ := waking(t, w)
		for range 2 {
			deliverText(t, handler, body)
			*now = now.Add(time.Minute)
		}
		if len(w.times) != 0 {
			t.Errorf("%s: told %v", name, w.times)
		}
	}
}

func TestRenewIsWokenAtMostOnceInTenSecondsAndMissesNothing(t *testing.T) {
	t.Parallel()
	w := new(woken)
	handler, now, _ := waking(t, w)
	deliverText(t, handler, lifecycle(clientState, "reauthorizationRequired"))
	for range 9 {
		*now = now.Add(time.Second)
		deliverText(t, handler, lifecycle(clientState, "missed", "reauthorizationRequired"))
	}
	*now = now.Add(time.Second)
	deliverText(t, handler, string(event(t, "user-deleted.json")))
	want := [][]notification.Lifecycle{told("reauthorizationRequired"), told("missed", "reauthorizationRequired")}
	if diff := cmp.Diff(want, w.times); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeToldIsToldLaterAndTheDeliveryAccepted(t *testing.T) {
	t.Parallel()
	w := &woken{err: errors.New("renew is throttled")}
	handler, now, log := waking(t, w)
	deliverText(t, handler, lifecycle(clientState, "missed"))
	if !strings.Contains(log.String(), "renew is throttled") {
		t.Errorf("log: %s", log)
	}
	w.err, w.times = nil, nil
	*now = now.Add(10 * time.Second)
	deliverText(t, handler, string(event(t, "user-deleted.json")))
	if diff := cmp.Diff([][]notification.Lifecycle{told("missed")}, w.times); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

func TestWhatRenewIsToldIsBounded(t *testing.T) {
	t.Parallel()
	w := new(woken)
	handler, _, _ := waking(t, w)
	items := make([]string, 1000)
	for i := range items {
		items[i] = fmt.Sprintf(`{"lifecycleEvent":"missed","subscriptionId":"%d","clientState":%q}`, i, clientState)
	}
	deliverText(t, handler, `{"value":[`+strings.Join(items, ",")+`]}`)
	if len(w.times) != 1 || len(w.times[0]) != 32 {
		t.Errorf("told %v", w.times)
	}
}

func TestChangesAreQueuedBeforeRenewIsWoken(t *testing.T) {
	t.Parallel()
	var order []string
	handler := newHandler(t, notification.Config{
		Queue: enqueue(func(context.Context, []change.Change) error {
			order = append(order, "queued")
			return errors.New("but not all")
		}),
		Renew: wake(func() { order = append(order, "woken") }),
	})
	if w := post(handler, "/notifications", bytes.NewReader(event(t, "batch-mixed.json"))); w.Code != http.StatusServiceUnavailable {
		t.Errorf("answer %d, want 503", w.Code)
	}
	if diff := cmp.Diff([]string{"queued", "woken"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// wake is a renew with the behaviour of a function.
type wake func()

func (f wake) Wake(context.Context, []notification.Lifecycle) error {
	f()
	return nil
}
