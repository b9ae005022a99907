package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
	"entrawebex/internal/worker"
)

// queues are a dead-letter queue and the queue its letters came from.
type queues struct{ dead, main *queue.Bolt }

// bubble runs a test on queues of its own, on a clock that waits for nobody.
func bubble(t *testing.T, test func(*testing.T, queues)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		db := bolttest.Open(t)
		test(t, queues{dead: open(t, db, "dead"), main: open(t, db, "main")})
	})
}

func open(t *testing.T, db *bbolt.DB, name string) *queue.Bolt {
	t.Helper()
	q, err := queue.OpenBolt(db, name, queue.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// id is the id of the n-th user.
func id(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

// body is a Change of the n-th user; mark tells it from his others.
func body(t *testing.T, n int, mark string) []byte {
	t.Helper()
	c := change.Change{
		Object: change.Object{Kind: change.User, ID: id(n)}, Source: change.Notification,
		SeenAt: time.Now(), CorrelationID: mark,
	}
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// bury puts a dead letter of the n-th user where the worker puts it.
func bury(t *testing.T, q queue.Queue, n int, mark string) {
	t.Helper()
	send(t, q, queue.Entry{Group: id(n), Body: body(t, n, mark), Attributes: map[string]string{
		worker.AttributeFaultKind: provision.Permanent.String(), worker.AttributeFaultReason: "no",
		worker.AttributeFirstSeen: time.Now().UTC().Format(time.RFC3339Nano), worker.AttributeAttempts: "3",
	}})
}

func send(t *testing.T, q queue.Queue, e queue.Entry) {
	t.Helper()
	if err := q.Send(t.Context(), []queue.Entry{e}); err != nil {
		t.Fatal(err)
	}
}

func filter(t *testing.T, terms ...string) replay.Filter {
	t.Helper()
	f, err := replay.ParseFilter(time.Now(), terms)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func run(t *testing.T, q queues, f replay.Filter, options replay.Options) replay.Result {
	t.Helper()
	result, err := replay.Run(t.Context(), q.dead, q.main, f, options)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// marks takes all messages off a queue and returns the marks of each user's,
// in their order. Every message is visible.
func marks(t *testing.T, q queue.Queue) map[string]string {
	t.Helper()
	found := map[string]string{}
	for {
		msgs, err := q.Receive(t.Context(), queue.MaxReceive, time.Hour, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(msgs) == 0 {
			return found
		}
		for _, m := range msgs {
			c, err := change.Decode(m.Body)
			if err != nil {
				t.Fatal(err)
			}
			found[c.ID] += c.CorrelationID
		}
		if err := q.Delete(t.Context(), msgs); err != nil {
			t.Fatal(err)
		}
	}
}

func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

func TestAReplayPutsEverythingBackAsItWasAndInOrder(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		want := map[string]string{}
		for n := range 25 {
			bury(t, q.dead, n, "a")
			bury(t, q.dead, n, "b")
			want[id(n)] = "ab"
		}
		for range 12 { // more than one Receive takes
			bury(t, q.dead, 0, "c")
			want[id(0)] += "c"
		}
		wantEqual(t, run(t, q, replay.Filter{}, replay.Options{}), replay.Result{Moved: 62})
		wantEqual(t, marks(t, q.dead), map[string]string{})
		wantEqual(t, marks(t, q.main), want)
	})
}

func TestWhatIsReplayedHasTheSameBodyAndSaysThatItWasALetter(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		send(t, q.dead, queue.Entry{Group: "toaster", Body: []byte("{}"), Attributes: map[string]string{worker.AttributeFaultKind: "permanent"}})
		wantEqual(t, run(t, q, replay.Filter{}, replay.Options{}).Moved, 1)
		msgs, err := q.main.Receive(t.Context(), 1, time.Minute, 0)
		if err != nil || len(msgs) != 1 || msgs[0].Group != "toaster" || string(msgs[0].Body) != "{}" {
			t.Errorf("%+v, %v", msgs, err)
		}
		wantEqual(t, msgs[0].Attributes, map[string]string{worker.AttributeReplayed: "true"})
	})
}

func TestASecondReplayFindsNothing(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		bury(t, q.dead, 1, "a")
		wantEqual(t, run(t, q, replay.Filter{}, replay.Options{}), replay.Result{Moved: 1})
		wantEqual(t, run(t, q, replay.Filter{}, replay.Options{}), replay.Result{})
		wantEqual(t, marks(t, q.main), map[string]string{id(1): "a"})
	})
}

// Whoever drops letters that have healed holds all of them for a moment.
func TestWhatOthersHoldForAMomentIsReplayed(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		for n := range 3 {
			bury(t, q.dead, n, "a")
		}
		held, err := q.dead.Receive(t.Context(), 3, time.Minute, 0)
		if err != nil || len(held) != 3 {
			t.Fatalf("%d held, %v", len(held), err)
		}
		time.AfterFunc(time.Second/2, func() {
			if err := q.dead.Delay(t.Context(), held, 0); err != nil {
				t.Error(err)
			}
		})
		if got, err := replay.Run(t.Context(), q.dead, q.main, replay.Filter{}, replay.Options{}); err != nil || got.Moved != 3 {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestADryRunMovesNothing(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		bury(t, q.dead, 1, "a")
		bury(t, q.dead, 2, "b")
		wantEqual(t, run(t, q, filter(t, "object="+id(1)), replay.Options{DryRun: true}), replay.Result{Moved: 1, Kept: 1})
		wantEqual(t, marks(t, q.dead), map[string]string{id(1): "a", id(2): "b"})
		wantEqual(t, marks(t, q.main), map[string]string{})
	})
}

func TestAFilterChooses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		terms []string
		want  map[string]string
	}{
		"nothing left out":            {nil, map[string]string{id(1): "old", id(2): "new", id(3): "spent"}},
		"a kind":                      {[]string{"kind=permanent"}, map[string]string{id(1): "old", id(2): "new"}},
		"what the queue itself moved": {[]string{"kind=transient"}, map[string]string{id(3): "spent"}},
		"several kinds":               {[]string{"kind=permanent, transient"}, map[string]string{id(1): "old", id(2): "new", id(3): "spent"}},
		"objects in any case":         {[]string{"object=" + strings.ToUpper(id(1)) + "," + id(3)}, map[string]string{id(1): "old", id(3): "spent"}},
		"what is older":               {[]string{"older=24h"}, map[string]string{id(1): "old"}},
		"what is newer":               {[]string{"newer=24h"}, map[string]string{id(2): "new", id(3): "spent"}},
		"both bounds":                 {[]string{"older=30m", "newer=24h"}, map[string]string{id(2): "new"}},
		"two terms":                   {[]string{"newer=24h", "kind=permanent"}, map[string]string{id(2): "new"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, q queues) {
				bury(t, q.dead, 1, "old")
				time.Sleep(48 * time.Hour)
				bury(t, q.dead, 2, "new")
				time.Sleep(time.Hour)
				send(t, q.dead, queue.Entry{Group: id(3), Body: body(t, 3, "spent")})

				result := run(t, q, filter(t, test.terms...), replay.Options{})
				wantEqual(t, result, replay.Result{Moved: len(test.want), Kept: 3 - len(test.want)})
				wantEqual(t, marks(t, q.main), test.want)
				wantEqual(t, len(marks(t, q.dead)), 3-len(test.want))
			})
		})
	}
}

func TestAFilterThatIsWrongIsToldWithItsMend(t *testing.T) {
	t.Parallel()
	for term, want := range map[string]string{
		"kind=fatal": "permanent or transient", "kind=held": "permanent or transient", "object=ada": "a GUID", "older=yesterday": "90m or 24h",
		"newer=-1h": "90m or 24h", "colour=red": "kind=, object=, older= or newer=", "": "kind=, object=, older= or newer=",
	} {
		if _, err := replay.ParseFilter(time.Now(), []string{term}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v; want one with %q", term, err, want)
		}
	}
	if _, err := replay.ParseFilter(time.Now(), []string{"older=1h", "older=2h"}); err == nil {
		t.Error("one key twice is no error")
	}
}

func TestTheRateIsKept(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		for n := range 20 {
			bury(t, q.dead, n, "a")
		}
		began := time.Now()
		wantEqual(t, run(t, q, replay.Filter{}, replay.Options{Rate: 2}), replay.Result{Moved: 20})
		// 20 at 2 a second: the first two at once.
		wantEqual(t, time.Since(began).Round(time.Second), 9*time.Second)
	})
}

func TestTheLimitIsKept(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		for n := range 20 {
			bury(t, q.dead, n, "a")
		}
		wantEqual(t, run(t, q, replay.Filter{}, replay.Options{Limit: 13}), replay.Result{Moved: 13, Left: 7})
		wantEqual(t, len(marks(t, q.main)), 13)
		wantEqual(t, len(marks(t, q.dead)), 7)
	})
}

func TestARunEndsInGoodTimeBeforeItsDeadlineAndSaysWhatIsLeft(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		for n := range 100 {
			bury(t, q.dead, n, "a")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		result, err := replay.Run(ctx, q.dead, q.main, replay.Filter{}, replay.Options{Rate: 1})
		if err != nil || ctx.Err() != nil || result.Moved == 0 || result.Left != 100-result.Moved {
			t.Errorf("%+v, %v, %v", result, err, ctx.Err())
		}
		wantEqual(t, len(marks(t, q.dead)), result.Left)
	})
}

func TestWhatBehindAKeptLetterWasNotSeenIsLeft(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		for range 15 {
			bury(t, q.dead, 1, "a")
		}
		wantEqual(t, run(t, q, filter(t, "kind=transient"), replay.Options{}), replay.Result{Kept: 10, Left: 5})
		wantEqual(t, marks(t, q.dead), map[string]string{id(1): strings.Repeat("a", 15)})
	})
}

func TestALetterThatIsKeptLongerThanItIsHiddenCountsOnce(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		bury(t, q.dead, 0, "kept")
		for n := range 600 {
			send(t, q.dead, queue.Entry{Group: id(n + 1), Body: body(t, n+1, "a")})
		}
		wantEqual(t, run(t, q, filter(t, "kind=transient"), replay.Options{Rate: 1}), replay.Result{Moved: 600, Kept: 1})
		wantEqual(t, marks(t, q.dead), map[string]string{id(0): "kept"})
	})
}

// failing is a queue that fails some calls.
type failing struct {
	*queue.Bolt

	send, remove error
	// sent is called after each message that was sent.
	sent func(queue.Entry)
}

var errFailing = errors.New("the queue fails")

func (f *failing) Send(ctx context.Context, entries []queue.Entry) error {
	if f.send != nil {
		return f.send
	}
	if err := f.Bolt.Send(ctx, entries); err != nil {
		return err
	}
	for _, e := range entries {
		if f.sent != nil {
			f.sent(e)
		}
	}
	return nil
}

func (f *failing) Delete(ctx context.Context, msgs []queue.Message) error {
	if f.remove != nil {
		return f.remove
	}
	return f.Bolt.Delete(ctx, msgs)
}

func TestNothingIsLostWhereAQueueFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		send, remove error
		want         replay.Result
	}{
		"to take":    {send: errFailing, want: replay.Result{Left: 3}},
		"to give up": {remove: errFailing, want: replay.Result{Moved: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, func(t *testing.T, q queues) {
				all := map[string]string{}
				for n := range 3 {
					bury(t, q.dead, n, "a")
					all[id(n)] = "a"
				}
				result, err := replay.Run(t.Context(), &failing{Bolt: q.dead, remove: test.remove}, &failing{Bolt: q.main, send: test.send}, replay.Filter{}, replay.Options{})
				if !errors.Is(err, errFailing) {
					t.Errorf("error %v; want %v", err, errFailing)
				}
				wantEqual(t, result, test.want)
				// They are visible at once, and the next replay moves them.
				wantEqual(t, run(t, q, replay.Filter{}, replay.Options{}), replay.Result{Moved: 3})
				if test.send != nil {
					wantEqual(t, marks(t, q.main), all)
				}
			})
		})
	}
}

func TestAnInterruptedReplayGivesBackWhatItHolds(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		for n := range 30 {
			bury(t, q.dead, n, "a")
		}
		ctx, cancel := context.WithCancel(t.Context())
		main := &failing{Bolt: q.main, sent: func(queue.Entry) { cancel() }}
		_, err := replay.Run(ctx, q.dead, main, replay.Filter{}, replay.Options{Rate: 5})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v; want %v", err, context.Canceled)
		}
		if both := len(marks(t, q.dead)) + len(marks(t, q.main)); both < 30 {
			t.Errorf("%d letters of 30 are on a queue", both)
		}
	})
}

func TestWhatDiesAgainMeanwhileIsNotReplayedAgain(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		for n := range 20 {
			bury(t, q.dead, n, "a")
		}
		time.Sleep(time.Second)
		main := &failing{Bolt: q.main, sent: func(e queue.Entry) {
			time.Sleep(time.Second)
			send(t, q.dead, e)
		}}
		result, err := replay.Run(t.Context(), q.dead, main, replay.Filter{}, replay.Options{})
		wantEqual(t, err, nil)
		wantEqual(t, result, replay.Result{Moved: 20})
		wantEqual(t, len(marks(t, q.dead)), 20)
	})
}

func TestTheDeadLettersOfTheLedgerAreItsPermanentFaults(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	r := provision.Record{Object: change.Object{Kind: change.Group, ID: id(1)}}
	if _, ok := replay.FromRecord(r); ok {
		t.Error("an object without a fault has a dead letter")
	}
	r.OpenFault = &provision.OpenFault{Kind: provision.Transient}
	if _, ok := replay.FromRecord(r); ok {
		t.Error("an object that is tried again has a dead letter")
	}
	r.OpenFault = &provision.OpenFault{Kind: provision.Permanent, Step: provision.Export, Reason: "no", Since: since, Attempts: 2}
	got, _ := replay.FromRecord(r)
	wantEqual(t, got, replay.Letter{
		Object: r.Object, Kind: provision.Permanent, Step: provision.Export, Reason: "no", FirstSeen: since, Attempts: 2,
	})
}

func TestOnlyARequestForEverythingIsLeftToTheQueueService(t *testing.T) {
	t.Parallel()
	for event, want := range map[string]replay.Result{
		`{"rate":7}`:                    {Task: "task at 7"},
		`{"dryRun":true}`:               {Moved: 1},
		`{"limit":1}`:                   {Moved: 1},
		`{"filter":["kind=permanent"]}`: {Moved: 1},
	} {
		bubble(t, func(t *testing.T, q queues) {
			bury(t, q.dead, 1, "a")
			var log acts
			got, err := log.of(job(q, func(_ context.Context, rate int) (string, error) {
				return fmt.Sprint("task at ", rate), nil
			})).HandleEvent(t.Context(), json.RawMessage(event))
			wantEqual(t, err, nil)
			wantEqual(t, got, want)
		})
	}
}

func TestAQueueServiceThatDoesNotMoveIsDoneWithout(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		bury(t, q.dead, 1, "a")
		j := job(q, func(context.Context, int) (string, error) { return "", errFailing })
		if _, err := j.Run(t.Context(), replay.Request{}); !errors.Is(err, errFailing) {
			t.Errorf("error %v; want %v", err, errFailing)
		}
		j = job(q, func(context.Context, int) (string, error) { return "", queue.ErrNoRedrive })
		got, err := j.Run(t.Context(), replay.Request{})
		wantEqual(t, err, nil)
		wantEqual(t, got, replay.Result{Moved: 1})
	})
}

func TestARequestThatIsWrongMovesNothing(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		bury(t, q.dead, 1, "a")
		for _, request := range []replay.Request{{Rate: -1}, {Limit: -1}, {Filter: []string{"kind"}}} {
			if _, err := job(q, nil).Run(t.Context(), request); err == nil {
				t.Errorf("%+v is carried out", request)
			}
		}
		wantEqual(t, len(marks(t, q.dead)), 1)
	})
}

func job(q queues, redrive func(context.Context, int) (string, error)) *replay.Job {
	return &replay.Job{Dead: q.dead, Main: q.main, Redrive: redrive, Log: slog.New(slog.DiscardHandler)}
}
