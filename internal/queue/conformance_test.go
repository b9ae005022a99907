package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"entrawebex/internal/queue"
)

// opened is an empty queue whose messages go to deadLetters after maxReceives.
type opened struct {
	queue.Queue

	deadLetters queue.Queue
}

const (
	maxReceives = 3
	// hold is a visibility time-out that outlives every test, brief one that
	// a test sees the end of, patience the wait for what must come.
	hold     = 10 * time.Minute
	brief    = 2 * time.Second
	patience = 10 * time.Second
)

// conformance checks that a store keeps the promises of queue.Queue. run opens
// a store and runs a test on it, on a clock of its choice.
func conformance(t *testing.T, run func(*testing.T, func(*testing.T, opened))) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, opened){
		"a message comes back as it was sent":                           roundTrip,
		"sending or deleting nothing is no error":                       nothing,
		"25 entries are 25 messages":                                    manyEntries,
		"identical entries are as many messages":                        identical,
		"an entry outside the limits is refused with all others":        refused,
		"an empty queue is waited for as long as asked":                 emptyWait,
		"a message that is sent ends the wait for it":                   sendWakes,
		"no more messages come than asked for":                          limited,
		"a message comes again when its visibility time-out has passed": visibility,
		"a message that is deleted does not come again":                 deleted,
		"a delayed message comes after its delay and not before":        delayed,
		"a message delayed by nothing comes at once":                    returned,
		"a delay longer than SQS allows is cut":                         longDelay,
		"a group with a message in flight hands out no more":            groupLocked,
		"other groups pass one that is in flight":                       othersPass,
		"a message that comes again comes before the rest of its group": groupOrder,
		"of 4 consumers each sees a group's messages in order":          consumers,
		"a stale receipt deletes and delays nothing":                    stale,
		"a message received too often goes to the dead-letter queue":    redriven,
		"what is behind a message received too often comes":             behindDead,
		"depth tells what waits from what is in flight":                 depth,
		"nothing is done once the context has ended":                    contextEnded,
		"a wait ends with its context":                                  contextEndsWait,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, test)
		})
	}
}

func roundTrip(t *testing.T, h opened) {
	sent := time.Now()
	e := queue.Entry{
		Group:      uuid.NewString(),
		Body:       []byte(`{"kind":"user","name":"Zoë ☎"}`),
		Attributes: map[string]string{"faultKind": "permanent", "faultReason": "Zoë's name is taken"},
	}
	mustSend(t, h, e)

	got := receive(t, h, 1)[0]
	want := queue.Message{Group: e.Group, Body: e.Body, Attributes: e.Attributes, ReceiveCount: 1}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(queue.Message{}, "ID", "Receipt", "SentAt")); diff != "" {
		t.Errorf("message differs (-want +got):\n%s", diff)
	}
	if got.ID == "" || got.Receipt == "" {
		t.Errorf("id %q or receipt %q is empty", got.ID, got.Receipt)
	}
	if d := got.SentAt.Sub(sent); d.Abs() > time.Minute {
		t.Errorf("sent at %v, %v from now", got.SentAt, d)
	}
}

func nothing(t *testing.T, h opened) {
	err := errors.Join(h.Send(t.Context(), nil), h.Delete(t.Context(), nil), h.Delay(t.Context(), nil, time.Second))
	if err != nil {
		t.Error(err)
	}
}

func manyEntries(t *testing.T, h opened) {
	var entries []queue.Entry
	var want []string
	for i := range 25 {
		e := entry(fmt.Sprint("group", i%7), fmt.Sprint(i))
		entries = append(entries, e)
		want = append(want, string(e.Body))
	}
	mustSend(t, h, entries...)

	var got []string
	for _, bodies := range drain(t, h, len(entries)) {
		got = append(got, bodies...)
	}
	slices.Sort(want)
	slices.Sort(got)
	wantEqual(t, got, want)
}

func identical(t *testing.T, h opened) {
	e := entry("a", "same")
	mustSend(t, h, e, e)
	mustSend(t, h, e)
	wantEqual(t, drain(t, h, 3), map[string][]string{"a": {"same", "same", "same"}})
}

func refused(t *testing.T, h opened) {
	for name, bad := range map[string]queue.Entry{
		"no group":             entry("", "x"),
		"a group with a space": entry("a b", "x"),
		"a group with NUL":     entry("a\x00b", "x"),
		"a group too long":     entry(strings.Repeat("g", 129), "x"),
		"no body":              entry("a", ""),
		"a body too long":      entry("a", strings.Repeat("x", 256<<10+1)),
		"an empty attribute":   {Group: "a", Body: []byte("x"), Attributes: map[string]string{"name": ""}},
		"an attribute unnamed": {Group: "a", Body: []byte("x"), Attributes: map[string]string{"": "value"}},
		"attributes too many":  {Group: "a", Body: []byte("x"), Attributes: attributes(11)},
	} {
		if err := h.Send(t.Context(), []queue.Entry{entry("a", "good"), bad}); err == nil {
			t.Errorf("%s: sent", name)
		}
	}
	wantNone(t, h)
}

func emptyWait(t *testing.T, h opened) {
	begin := time.Now()
	msgs, err := h.Receive(t.Context(), 10, hold, time.Second)
	if err != nil || len(msgs) != 0 {
		t.Errorf("received %d messages, error %v", len(msgs), err)
	}
	if took := time.Since(begin); took < 900*time.Millisecond || took > patience {
		t.Errorf("waited %v", took)
	}
}

func sendWakes(t *testing.T, h opened) {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		// Later than the Receive below looks, if that is at all prompt.
		<-time.After(300 * time.Millisecond)
		if err := h.Send(t.Context(), []queue.Entry{entry("a", "1")}); err != nil {
			t.Error(err)
		}
	})
	begin := time.Now()
	receive(t, h, 1)
	if took := time.Since(begin); took > patience/2 {
		t.Errorf("it took %v", took)
	}
}

func limited(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"), entry("b", "2"), entry("c", "3"))
	msgs, err := h.Receive(t.Context(), 2, hold, patience)
	if err != nil {
		t.Fatal(err)
	}
	if len(msgs) > 2 {
		t.Errorf("received %d messages", len(msgs))
	}
}

func visibility(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	first := receiveFor(t, h, 1, brief)[0]
	wantNone(t, h)

	again := receive(t, h, 1)[0]
	wantEqual(t, again.ID, first.ID)
	wantEqual(t, again.ReceiveCount, 2)
	if again.Receipt == first.Receipt {
		t.Error("the receipt is the same")
	}
}

func deleted(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	mustDelete(t, h, receiveFor(t, h, 1, brief))
	msgs, err := h.Receive(t.Context(), 10, hold, 2*brief)
	if err != nil || len(msgs) != 0 {
		t.Errorf("received %d messages, error %v", len(msgs), err)
	}
}

func delayed(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	msgs := receive(t, h, 1)
	begin := time.Now()
	mustDelay(t, h, msgs, brief)
	receive(t, h, 1)
	// SQS counts whole seconds.
	if took := time.Since(begin); took < brief-time.Second || took > brief+patience/2 {
		t.Errorf("it came after %v", took)
	}
}

func returned(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	for _, d := range []time.Duration{0, -time.Second} {
		mustDelay(t, h, receive(t, h, 1), d)
	}
	wantEqual(t, receive(t, h, 1)[0].ReceiveCount, 3)
}

func longDelay(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	mustDelay(t, h, receive(t, h, 1), 1000*time.Hour)
	wantNone(t, h)
}

func groupLocked(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	first := receive(t, h, 1)
	mustSend(t, h, entry("a", "2"))
	wantNone(t, h)

	mustDelete(t, h, first)
	wantEqual(t, bodies(receive(t, h, 1)), []string{"2"})
}

func othersPass(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	receive(t, h, 1)
	mustSend(t, h, entry("a", "2"), entry("b", "3"))
	wantEqual(t, bodies(receive(t, h, 1)), []string{"3"})
}

func groupOrder(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"), entry("a", "2"), entry("a", "3"))
	for range maxReceives - 1 {
		mustDelay(t, h, receive(t, h, 1), 0)
	}
	wantEqual(t, drain(t, h, 3), map[string][]string{"a": {"1", "2", "3"}})
}

func consumers(t *testing.T, h opened) {
	const groups, each = 8, 6
	want := map[string][]string{}
	var entries []queue.Entry
	for i := range each {
		for g := range groups {
			e := entry(fmt.Sprint("group", g), fmt.Sprint(i))
			entries = append(entries, e)
			want[e.Group] = append(want[e.Group], string(e.Body))
		}
	}
	mustSend(t, h, entries...)

	var mu sync.Mutex
	got := map[string][]string{}
	count := 0
	consume := func() error {
		for {
			msgs, err := h.Receive(t.Context(), 10, hold, time.Second)
			if err != nil {
				return err
			}
			mu.Lock()
			for _, m := range msgs {
				got[m.Group] = append(got[m.Group], string(m.Body))
				count++
			}
			done := count >= len(entries)
			mu.Unlock()
			if done {
				return nil
			}
			if err := h.Delete(t.Context(), msgs); err != nil {
				return err
			}
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := consume(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantEqual(t, got, want)
}

func stale(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	old := receive(t, h, 1)
	mustDelay(t, h, old, 0)
	now := receive(t, h, 1)

	// Whether these are errors differs; that they do nothing does not.
	for _, err := range []error{h.Delay(t.Context(), old, 0), h.Delete(t.Context(), old)} {
		if err != nil {
			t.Logf("a opened that can tell says: %v", err)
		}
	}
	wantNone(t, h)
	mustDelay(t, h, now, 0)
	wantEqual(t, receive(t, h, 1)[0].ID, old[0].ID)
}

func redriven(t *testing.T, h opened) {
	e := entry("a", "poison")
	e.Attributes = attributes(2)
	mustSend(t, h, e)
	id := ""
	for range maxReceives {
		msgs := receive(t, h, 1)
		id = msgs[0].ID
		mustDelay(t, h, msgs, 0)
	}
	wantNone(t, h)

	got := receive(t, h.deadLetters, 1)[0]
	wantEqual(t, got.ID, id)
	wantEqual(t, queue.Entry{Group: got.Group, Body: got.Body, Attributes: got.Attributes}, e)
}

func behindDead(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "poison"))
	for range maxReceives {
		mustDelay(t, h, receive(t, h, 1), 0)
	}
	mustSend(t, h, entry("a", "good"))
	wantEqual(t, bodies(receive(t, h, 1)), []string{"good"})
}

func depth(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"), entry("b", "2"), entry("b", "3"))
	receive(t, h, 1)
	got, err := h.Depth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, []int{got.Visible, got.InFlight}, []int{2, 1})
}

func contextEnded(t *testing.T, h opened) {
	mustSend(t, h, entry("a", "1"))
	msgs := receive(t, h, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, receiveErr := h.Receive(ctx, 1, hold, 0)
	_, depthErr := h.Depth(ctx)
	for name, err := range map[string]error{
		"Send":    h.Send(ctx, []queue.Entry{entry("b", "2")}),
		"Receive": receiveErr,
		"Delay":   h.Delay(ctx, msgs, 0),
		"Delete":  h.Delete(ctx, msgs),
		"Depth":   depthErr,
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	wantNone(t, h)
}

func contextEndsWait(t *testing.T, h opened) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := h.Receive(ctx, 1, hold, 20*time.Second)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
	if took := time.Since(begin); took > patience {
		t.Errorf("it took %v", took)
	}
}

func entry(group, body string) queue.Entry {
	return queue.Entry{Group: group, Body: []byte(body)}
}

func attributes(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("name", i)] = fmt.Sprint("value ", i)
	}
	return m
}

func mustSend(t *testing.T, q queue.Queue, entries ...queue.Entry) {
	t.Helper()
	if err := q.Send(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

func mustDelay(t *testing.T, q queue.Queue, msgs []queue.Message, d time.Duration) {
	t.Helper()
	if err := q.Delay(t.Context(), msgs, d); err != nil {
		t.Fatal(err)
	}
}

func mustDelete(t *testing.T, q queue.Queue, msgs []queue.Message) {
	t.Helper()
	if err := q.Delete(t.Context(), msgs); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next n messages, which must be of groups that are free.
func receive(t *testing.T, q queue.Queue, n int) []queue.Message {
	t.Helper()
	return receiveFor(t, q, n, hold)
}

func receiveFor(t *testing.T, q queue.Queue, n int, visibility time.Duration) []queue.Message {
	t.Helper()
	var got []queue.Message
	for deadline := time.Now().Add(2 * patience); len(got) < n; {
		if time.Now().After(deadline) {
			t.Fatalf("received %d messages of %d", len(got), n)
		}
		msgs, err := q.Receive(t.Context(), min(10, n-len(got)), visibility, patience)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, msgs...)
	}
	return got
}

// drain receives and deletes n messages and returns the bodies of each group.
func drain(t *testing.T, q queue.Queue, n int) map[string][]string {
	t.Helper()
	got := map[string][]string{}
	for range n {
		msgs := receive(t, q, 1)
		mustDelete(t, q, msgs)
		got[msgs[0].Group] = append(got[msgs[0].Group], string(msgs[0].Body))
	}
	return got
}

func bodies(msgs []queue.Message) []string {
	var got []string
	for _, m := range msgs {
		got = append(got, string(m.Body))
	}
	return got
}

func wantNone(t *testing.T, q queue.Queue) {
	t.Helper()
	msgs, err := q.Receive(t.Context(), 10, hold, 0)
	if err != nil {
		t.Fatal(err)
	}
	if len(msgs) > 0 {
		t.Errorf("received %q", bodies(msgs))
	}
}

func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}
