package worker_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/queue"
)

// hold is a visibility time-out that outlives every test.
const hold = 10 * time.Minute

// opened is an embedded queue with its dead-letter queue.
type opened struct {
	queue.Queue

	deadLetters queue.Queue
}

func openQueues(t *testing.T) opened {
	t.Helper()
	db := bolttest.Open(t)
	dead, err := queue.OpenBolt(db, "dead", queue.BoltOptions{})
	if err != nil {
		t.Fatal(err)
	}
	main, err := queue.OpenBolt(db, "main", queue.BoltOptions{DeadLetters: dead})
	if err != nil {
		t.Fatal(err)
	}
	return opened{Queue: main, deadLetters: dead}
}

func entry(group, body string) queue.Entry { return queue.Entry{Group: group, Body: []byte(body)} }

func mustSend(t *testing.T, q queue.Queue, entries ...queue.Entry) {
	t.Helper()
	if err := q.Send(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

// receive returns n messages, waiting for them up to a minute.
func receive(t *testing.T, q queue.Queue, n int) []queue.Message {
	t.Helper()
	var got []queue.Message
	for waited := time.Duration(0); len(got) < n && waited < time.Minute; waited += queue.MaxWait {
		msgs, err := q.Receive(t.Context(), n-len(got), hold, queue.MaxWait)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, msgs...)
	}
	if len(got) != n {
		t.Fatalf("received %d messages of %d", len(got), n)
	}
	return got
}

func wantNone(t *testing.T, q queue.Queue) {
	t.Helper()
	msgs, err := q.Receive(t.Context(), queue.MaxReceive, hold, 0)
	if err != nil || len(msgs) > 0 {
		t.Errorf("received %d messages, %v", len(msgs), err)
	}
}

func wantEqual(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}
