package queue_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/internal/leftout"
	"entrawebex/internal/queue"
)

// crashFile names, in the environment, the file into which the test binary is
// to send until it is killed, instead of running tests.
const crashFile = "QUEUE_TEST_CRASH_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		if err := sendUntilKilled(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	if os.Getenv("SQS_EMULATOR_URL") == "" {
		leftout.Say("the queue's conformance to SQS", "it needs an emulator, which make test starts")
	}
	os.Exit(m.Run())
}

func TestBolt(t *testing.T) {
	t.Parallel()
	conformance(t, func(t *testing.T, test func(*testing.T, opened)) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			test(t, openQueues(t))
		})
	})
}

func TestBoltTellsWhenItsOldestMessageWasSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openQueues(t)
		oldest := func(when string, want time.Time) {
			t.Helper()
			d, err := h.Depth(t.Context())
			if err != nil || !d.Oldest.Equal(want) {
				t.Errorf("%s: %v, %v; want %v", when, d.Oldest, err, want)
			}
		}
		oldest("an empty queue", time.Time{})
		var sent []time.Time
		for _, e := range []queue.Entry{entry("b", "1"), entry("b", "2"), entry("a", "3")} {
			sent = append(sent, time.Now())
			mustSend(t, h, e)
			time.Sleep(time.Second)
		}
		oldest("nothing was received", sent[0])
		msgs := receive(t, h, 2)
		oldest("it is in flight", sent[0])
		mustDelay(t, h, msgs[1:], time.Minute)
		mustDelay(t, h, msgs[:1], 0)
		oldest("it is back, and waits for a younger one of its group", sent[0])
		time.Sleep(time.Minute)
		mustDelete(t, h, receive(t, h, 2)[:1])
		oldest("it is done", sent[1])
	})
}

func TestBoltHandsOutAGroupsMessagesTogetherAndHoldsTheGroupUntilAllAreBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openQueues(t)
		mustSend(t, h, entry("a", "1"), entry("a", "2"), entry("a", "3"), entry("a", "4"))
		msgs := receive(t, h, 3)
		wantEqual(t, bodies(msgs), []string{"1", "2", "3"})

		mustDelay(t, h, msgs[:1], 0)
		mustDelete(t, h, msgs[1:2])
		wantNone(t, h)
		mustDelay(t, h, msgs[2:], time.Minute)
		wantNone(t, h)

		time.Sleep(time.Minute)
		wantEqual(t, bodies(receive(t, h, 3)), []string{"1", "3", "4"})
	})
}

func TestBoltRefusesAReceiptOnceItsMessageIsVisibleAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openQueues(t)
		mustSend(t, h, entry("a", "1"), entry("b", "2"))
		late, good := receiveFor(t, h, 1, brief), receive(t, h, 1)
		time.Sleep(brief)

		if err := h.Delete(t.Context(), slices.Concat(late, good)); err == nil {
			t.Error("no error")
		}
		wantEqual(t, bodies(receive(t, h, 1)), bodies(late))
		wantNone(t, h)
	})
}

func TestBoltRefusesAReceiptThatIsNone(t *testing.T) {
	t.Parallel()
	h := openQueues(t)
	for _, receipt := range []string{"", "garbage", "AAAA", "YQAAAAAAAAAAAQAAAAAAAAAAAAAAAAAAAAA"} {
		if err := h.Delete(t.Context(), []queue.Message{{ID: "1", Receipt: receipt}}); err == nil {
			t.Errorf("receipt %q: no error", receipt)
		}
	}
}

func TestBoltHandsOutTheGroupThatWaitsLongestFirst(t *testing.T) {
	t.Parallel()
	h := openQueues(t)
	mustSend(t, h, entry("c", "1"), entry("a", "2"), entry("b", "3"), entry("a", "4"))
	wantEqual(t, bodies(receive(t, h, 4)), []string{"1", "2", "4", "3"})
}

func TestBoltMakesAThousandAndMoreMessagesVisibleAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openQueues(t)
		const n = 1200
		mustSend(t, h, distinct(n)...)
		receiveFor(t, h, n, time.Hour)
		wantNone(t, h)
		time.Sleep(2 * time.Hour)
		receive(t, h, n)
	})
}

func TestBoltKeepsSeveralQueuesInOneFile(t *testing.T) {
	t.Parallel()
	db := openDB(t, filepath.Join(t.TempDir(), "test.db"))
	one, other := openBolt(t, db, "one", queue.BoltOptions{}), openBolt(t, db, "other", queue.BoltOptions{})
	mustSend(t, one, entry("a", "1"))
	wantNone(t, other)
	receive(t, one, 1)
}

func TestBoltRefusesADeadLetterQueueInAnotherFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dead := openBolt(t, openDB(t, filepath.Join(dir, "one.db")), "dead", queue.BoltOptions{})
	_, err := queue.OpenBolt(openDB(t, filepath.Join(dir, "other.db")), "main", queue.BoltOptions{DeadLetters: dead})
	if err == nil {
		t.Error("no error")
	}
}

func TestBoltWakesAReceiveOfTheDeadLetterQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := openQueues(t)
		mustSend(t, h, entry("a", "poison"))
		arrived := make(chan time.Duration, 1)
		begin := time.Now()
		go func() {
			receive(t, h.deadLetters, 1)
			arrived <- time.Since(begin)
		}()
		for range maxReceives {
			mustDelay(t, h, receive(t, h, 1), 0)
		}
		wantNone(t, h)
		if took := <-arrived; took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestBoltTellsOfAMessageItCannotDecode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db := openDB(t, path)
	q := openBolt(t, db, "main", queue.BoltOptions{})
	mustSend(t, q, entry("a", "1"))
	err := db.Update(func(tx *bbolt.Tx) error {
		messages := tx.Bucket([]byte("queue/main")).Bucket([]byte("messages"))
		key, _ := messages.Cursor().First()
		return messages.Put(key, []byte("{"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := q.Receive(t.Context(), 1, hold, 0); err == nil {
		t.Error("no error")
	}
}

func TestBoltIsAfterARestartAsItWasBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "test.db")
		db := openDB(t, path)
		q := openBolt(t, db, "main", queue.BoltOptions{})
		mustSend(t, q, entry("a", "1"), entry("a", "2"), entry("b", "3"))
		inFlight := receiveFor(t, q, 1, time.Minute)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}

		q = openBolt(t, openDB(t, path), "main", queue.BoltOptions{})
		wantEqual(t, bodies(receive(t, q, 1)), []string{"3"})
		wantNone(t, q)
		mustDelete(t, q, inFlight)
		wantEqual(t, bodies(receive(t, q, 1)), []string{"2"})
	})
}

func TestBoltGoesOnAtOnceWithWhatAProcessWasAtThatIsNoMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "test.db")
		db := openDB(t, path)
		q := openBolt(t, db, "main", queue.BoltOptions{})
		mustSend(t, q, entry("a", "1"), entry("a", "2"), entry("b", "3"), entry("c", "4"))
		begin := time.Now()
		for _, m := range receiveFor(t, q, 4, 5*time.Minute) {
			if m.Group == "c" { // given back for its delay, and nobody is at it
				mustDelay(t, q, []queue.Message{m}, time.Hour)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}

		q = openBolt(t, openDB(t, path), "main", queue.BoltOptions{})
		wantNone(t, q) // opened by an operator's command
		n, err := q.Recover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, n, 3)
		again := receive(t, q, 3)
		wantEqual(t, bodies(again), []string{"1", "2", "3"})
		wantEqual(t, time.Since(begin), 0*time.Second)
		for _, m := range again {
			wantEqual(t, m.ReceiveCount, 2)
		}
		mustDelete(t, q, again)
		time.Sleep(time.Hour)
		wantEqual(t, bodies(receive(t, q, 1)), []string{"4"})
	})
}

func TestBoltGoesOnWithWhatWasReceivedAgainAfterItsDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := openBolt(t, openDB(t, filepath.Join(t.TempDir(), "test.db")), "main", queue.BoltOptions{})
		mustSend(t, q, entry("a", "1"))
		mustDelay(t, q, receive(t, q, 1), time.Minute)
		time.Sleep(time.Minute)
		receiveFor(t, q, 1, time.Hour)
		if n, err := q.Recover(t.Context()); n != 1 || err != nil {
			t.Errorf("%d recovered, %v", n, err)
		}
		wantEqual(t, bodies(receive(t, q, 1)), []string{"1"})
	})
}

func TestBoltHasEveryAcknowledgedMessageAfterKill9(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0]) // killed by the context or by us
	child.Env = append(os.Environ(), crashFile+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		acknowledged = append(acknowledged, lines.Text())
		if len(acknowledged) == 50 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(acknowledged) < 50 {
		t.Fatalf("the child ended with %v after %d messages", err, len(acknowledged))
	}

	// One more may be there: sent, and killed before it could say so.
	q := openBolt(t, openDB(t, path), "main", queue.BoltOptions{})
	got := bodies(receive(t, q, len(acknowledged)))
	wantEqual(t, got, acknowledged)
}

// sendUntilKilled sends messages to the queue in the file and says so of each
// that is on it.
func sendUntilKilled(path string) error {
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	q, err := queue.OpenBolt(db, "main", queue.BoltOptions{})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		body := fmt.Sprint("message ", i)
		if err := q.Send(context.Background(), []queue.Entry{entry(fmt.Sprint("group", i), body)}); err != nil {
			return err
		}
		if _, err := fmt.Println(body); err != nil {
			return err
		}
	}
}

// BenchmarkBolt is the way of 10 messages of as many groups, on disk at every
// step: with an empty queue, and with 100,000 that wait.
func BenchmarkBolt(b *testing.B) {
	for _, backlog := range []int{0, 100_000} {
		b.Run(fmt.Sprint("backlog=", backlog), func(b *testing.B) {
			db := openDB(b, filepath.Join(b.TempDir(), "bench.db"))
			db.MaxBatchDelay = 0
			q, err := queue.OpenBolt(db, "main", queue.BoltOptions{})
			if err != nil {
				b.Fatal(err)
			}
			if err := q.Send(b.Context(), distinct(backlog)); err != nil {
				b.Fatal(err)
			}
			entries := distinct(10)
			b.ReportAllocs()
			for b.Loop() {
				if err := q.Send(b.Context(), entries); err != nil {
					b.Fatal(err)
				}
				msgs, err := q.Receive(b.Context(), 10, time.Minute, 0)
				if err != nil || len(msgs) != 10 {
					b.Fatal(len(msgs), err)
				}
				if err := q.Delete(b.Context(), msgs); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// distinct returns n entries of as many groups.
func distinct(n int) []queue.Entry {
	entries := make([]queue.Entry, n)
	for i := range entries {
		entries[i] = entry(fmt.Sprintf("00000000-0000-4000-8000-%012d", i), fmt.Sprintf("%0250d", i))
	}
	return entries
}

func openQueues(t *testing.T) opened {
	t.Helper()
	db := openDB(t, filepath.Join(t.TempDir(), "test.db"))
	dead := openBolt(t, db, "dead", queue.BoltOptions{})
	return opened{
		Queue:       openBolt(t, db, "main", queue.BoltOptions{DeadLetters: dead, MaxReceives: maxReceives}),
		deadLetters: dead,
	}
}

func openBolt(t *testing.T, db *bbolt.DB, name string, opts queue.BoltOptions) *queue.Bolt {
	t.Helper()
	q, err := queue.OpenBolt(db, name, opts)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func openDB(t testing.TB, path string) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
