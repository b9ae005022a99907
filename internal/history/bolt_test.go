package history_test

import (
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/history"
)

func TestBolt(t *testing.T) {
	t.Parallel()
	conformance(t, func(t *testing.T, now func() time.Time) history.Store {
		t.Helper()
		return openBolt(t, bolttest.Open(t), now)
	})
}

func openBolt(t testing.TB, db *bbolt.DB, now func() time.Time) *history.Bolt {
	t.Helper()
	b, err := history.OpenBolt(db, kept, now)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// keys counts what is in the file.
func keys(t *testing.T, db *bbolt.DB) int {
	t.Helper()
	n := 0
	err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			n += b.Stats().KeyN
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestWhatWasKeptForLongEnoughIsRemovedInSmallSteps(t *testing.T) {
	t.Parallel()
	db, now := bolttest.Open(t), noon
	h := opened{Store: openBolt(t, db, func() time.Time { return now })}
	const many = 20
	for i := range many {
		e := ada(user(i%5), time.Duration(i)*time.Minute, "ada@example.com")
		if err := h.Keep(t.Context(), []history.Entry{e}, []history.Idle{{Hour: e.At.Truncate(time.Hour), Process: e.ID}}); err != nil {
			t.Fatal(err)
		}
	}
	now = noon.Add(2 * kept)
	before := keys(t, db)
	h.keep(t, entry(user(9), -2*kept, history.Success))
	const ofOne = 3 // entry, object and status
	if removed := before + ofOne - keys(t, db); removed < 2*ofOne || removed > 3*8 {
		t.Errorf("one entry removed %d keys", removed)
	}
	for range many {
		h.keep(t, entry(user(9), -2*kept, history.Success))
	}
	if left := keys(t, db); left != (many+1)*ofOne {
		t.Errorf("%d keys are left, want those of %d entries", left, many+1)
	}
}

func TestALogIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	db := bolttest.Open(t)
	now := func() time.Time { return noon }
	e := entry(user(1), time.Hour, history.Success)
	opened{Store: openBolt(t, db, now)}.keep(t, e)
	want(t, opened{Store: openBolt(t, db, now)}.read(t, history.Span{}), e)
}
