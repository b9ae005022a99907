package operator

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/provision"
)

// kept is a log of entries, the newest first, that notes what it is asked.
type kept struct {
	history.Store

	entries []history.Entry
	asked   []history.Span
}

func (k *kept) Entries(_ context.Context, s history.Span) iter.Seq2[history.Entry, error] {
	k.asked = append(k.asked, s)
	return func(yield func(history.Entry, error) bool) {
		for _, e := range k.entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestLatencyIsThatOfWhatWasNotifiedAndWrittenWithinTheHour(t *testing.T) {
	t.Parallel()
	took := func(cause history.Cause, milliseconds ...int64) []history.Entry {
		var entries []history.Entry
		for _, n := range milliseconds {
			entries = append(entries, history.Entry{At: now, Cause: cause, Latency: &n})
		}
		return entries
	}
	many := make([]int64, MaxHistory+1)
	for i := range many {
		many[i] = int64(i)
	}
	hour := now.Add(-time.Hour)
	for name, test := range map[string]struct {
		entries []history.Entry
		want    Latency
	}{
		"nothing":              {nil, Latency{Since: hour}},
		"one":                  {took(history.Notification, 7), Latency{Since: hour, Count: 1, P50: 7, P99: 7}},
		"in any order":         {took(history.Notification, 30, 10, 20), Latency{Since: hour, Count: 3, P50: 20, P99: 30}},
		"found by other means": {append(took(history.Delta, 60_000), took(history.Notification, 10, 20)...), Latency{Since: hour, Count: 2, P50: 10, P99: 20}},
		"nothing was written":  {[]history.Entry{{Cause: history.Notification}}, Latency{Since: hour}},
		"more than are read":   {took(history.Notification, many...), Latency{Since: now, Count: 10_000, P50: 4999, P99: 9899}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := &kept{entries: test.entries}
			s := Status{At: now}
			if err := (&Operator{Kept: log}).readLatency(t.Context(), &s); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, s.Latency); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]history.Span{{Since: hour, Status: history.Success}}, log.asked); diff != "" {
				t.Errorf("it asks the log: %s", diff)
			}
		})
	}
}

func TestAPercentileIsTheLeastThatSoManyDoNotExceed(t *testing.T) {
	t.Parallel()
	hundred := make([]int64, 100)
	for i := range hundred {
		hundred[i] = int64(i + 1)
	}
	for _, test := range []struct {
		of      []int64
		p, want int
	}{{hundred, 50, 50}, {hundred, 99, 99}, {hundred[:2], 50, 1}, {hundred[:2], 99, 2}, {hundred[:1], 0, 1}, {nil, 50, 0}} {
		if got := percentile(test.of, test.p); got != int64(test.want) {
			t.Error("of " + strconv.Itoa(len(test.of)) + ": " + strconv.FormatInt(got, 10))
		}
	}
}

// called is a ledger in which everybody has a name.
type called struct{ stores.Ledger }

func (called) Record(_ context.Context, o change.Object) (provision.Record, bool, error) {
	return provision.Record{LastWritten: map[string]any{"userName": "name of " + o.ID}}, true, nil
}

func TestALargeGroupLeavesNamesForThoseOfOthers(t *testing.T) {
	t.Parallel()
	entries := make([]history.Entry, 2)
	for i := range entries {
		entries[i].Members = &history.Members{}
		for j := range maxNamed + 1 {
			entries[i].Members.Joined = append(entries[i].Members.Joined, history.Member{ID: fmt.Sprint(i, " ", j)})
		}
	}
	if err := (&Operator{Ledger: called{}}).name(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
	for i, e := range entries {
		if m := e.Members.Joined[9]; m.DisplayName != "name of "+m.ID {
			t.Errorf("the tenth of entry %d is called %q", i, m.DisplayName)
		}
	}
}
