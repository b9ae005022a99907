package condition_test

import (
	"errors"
	"testing"
	"time"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/condition"
	"entrawebex/internal/ledger"
)

func TestAJobIsLateOnceItHasNotBeenDoneForTooLong(t *testing.T) {
	t.Parallel()
	documents, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	read := func() condition.Job {
		t.Helper()
		j, err := condition.ReadJob(t.Context(), documents, condition.Renewing)
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	done := func(ended error, at time.Time) {
		t.Helper()
		if err := condition.Done(t.Context(), documents, condition.Renewing, time.Minute, ended, at); err != nil {
			t.Fatal(err)
		}
	}
	if j := read(); j.Known() || j.Late(began) {
		t.Errorf("before it was ever done: %+v", j)
	}
	done(nil, began)
	if j := read(); !j.Known() || j.Late(began.Add(time.Minute)) || !j.Late(began.Add(time.Minute+1)) {
		t.Errorf("done once: %+v", j)
	}
	done(errors.New("502"), began.Add(time.Minute))
	if j := read(); j.Late(began.Add(time.Hour)) || j.Failing.Error != "502" || !j.Last.Equal(began) {
		t.Errorf("what fails is done: %+v", j)
	}
	done(nil, began.Add(2*time.Minute))
	if j := read(); !j.Failing.Since.IsZero() || !j.Last.Equal(began.Add(2*time.Minute)) {
		t.Errorf("mended: %+v", j)
	}
	const written = 3
	if err := documents.PutDocument(t.Context(), "job renew", []byte("{"), written); err != nil {
		t.Fatal(err)
	}
	if j := read(); j.Known() {
		t.Errorf("of what cannot be decoded: %+v", j)
	}
	done(nil, began)
	if !read().Last.Equal(began) {
		t.Error("what cannot be decoded stays")
	}
}
