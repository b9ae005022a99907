package sweep

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// requested is the document as anybody reads it.
func (w *world) requested() map[string]any {
	w.t.Helper()
	data, _, err := w.ledger.Document(w.t.Context(), requestDocument)
	if err != nil {
		w.t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(data, &document); err != nil {
		w.t.Fatalf("%q: %v", data, err)
	}
	return document
}

func (w *world) request(why string) {
	w.t.Helper()
	if err := w.Request(w.t.Context(), why); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) waiting() bool {
	w.t.Helper()
	waiting, err := w.Waiting(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return waiting
}

func TestASweepIsDueSinceItWasFirstAskedFor(t *testing.T) {
	t.Parallel()
	w := start(t)
	if w.waiting() {
		t.Error("a sweep waits that nobody asked for")
	}
	w.request("one")
	w.now = w.now.Add(time.Hour)
	w.request("two")
	writes := w.ledger.writes
	w.request("one")
	w.request(strings.Repeat("x", maxWhy))
	if diff := cmp.Diff(map[string]any{"dueSince": "2026-03-02T09:00:00Z", "why": "one; two"}, w.requested()); diff != "" {
		t.Error(diff)
	}
	if w.ledger.writes != writes || !w.waiting() {
		t.Errorf("%d writes, waiting %t", w.ledger.writes-writes, w.waiting())
	}
}

func TestARequestKeepsWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, before, after string
		waiting             bool
	}{
		{
			"of a sweep that goes on", `{"dueSince":"2026-03-01T00:00:00Z","begun":"2026-03-01T00:01:00Z","page":{"link":"x"}}`,
			`{"dueSince":"2026-03-01T00:00:00Z","begun":"2026-03-01T00:01:00Z","page":{"link":"x"},"again":{"since":"2026-03-02T09:00:00Z","why":"new"}}`, true,
		},
		{
			"of one that is over", `{"begun":"2026-03-01T00:01:00Z","why":"old","last":"2026-03-01T00:09:00Z"}`,
			`{"dueSince":"2026-03-02T09:00:00Z","last":"2026-03-01T00:09:00Z","why":"new"}`, true,
		},
		{
			"beside fields of another type", `{"dueSince":17,"why":["old"],"begun":"never"}`,
			`{"dueSince":"2026-03-02T09:00:00Z","why":"new"}`, true,
		},
		{"not of what cannot be read", `]`, `{"dueSince":"2026-03-02T09:00:00Z","why":"new"}`, true},
		{"not of null", `null`, `{"dueSince":"2026-03-02T09:00:00Z","why":"new"}`, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := start(t)
			w.write(requestDocument, test.before)
			w.request("new")
			var want map[string]any
			if err := json.Unmarshal([]byte(test.after), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, w.requested()); diff != "" {
				t.Error(diff)
			}
			if w.waiting() != test.waiting {
				t.Errorf("waiting is %t", !test.waiting)
			}
		})
	}
}

func TestARequestThatMeetsAnotherIsMadeAgain(t *testing.T) {
	t.Parallel()
	w := start(t)
	others := 0
	w.ledger.before = func(name string) error {
		if others++; others < 3 {
			_, version, err := w.ledger.Document(t.Context(), name)
			if err != nil {
				return err
			}
			return w.ledger.Store.PutDocument(t.Context(), name, []byte(`{"page":"x"}`), version)
		}
		return nil
	}
	w.request("new")
	if got := w.requested(); got["page"] != "x" || got["why"] != "new" {
		t.Errorf("the document is %v", got)
	}
	w.ledger.before = func(string) error { return errors.New("the ledger is down") }
	if err := w.Request(t.Context(), "newer"); err == nil || !strings.Contains(err.Error(), "the ledger is down") {
		t.Error(err)
	}
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add([]byte(`{"dueSince":"2026-03-01T00:00:00Z","begun":"2026-03-01T00:01:00Z","page":{"link":"x"}}`))
	f.Add([]byte(`{"why":null,"x":1e400}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, data []byte) {
		asked := requestOf(t, data)
		other := len(asked)
		for _, field := range []string{dueSince, whyDue, begun, again} {
			if _, ok := asked[field]; ok {
				other--
			}
		}
		added := asked.add("because", time.Unix(1, 0))
		if !asked.isDue() {
			t.Fatalf("%q: no sweep is due after one was asked for", data)
		}
		text, err := json.Marshal(asked)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		read := requestOf(t, text)
		if !read.isDue() || added && read.add("because", time.Unix(2, 0)) {
			t.Errorf("%q became %q", data, text)
		}
		for _, field := range []string{dueSince, whyDue, begun, again} {
			delete(read, field)
		}
		if len(read) != other {
			t.Errorf("%q lost or won fields: %q", data, text)
		}
	})
}

func requestOf(t *testing.T, data []byte) request {
	t.Helper()
	kept, err := (&Requests{Documents: bytesOf(data)}).open(t.Context())
	if err != nil {
		t.Fatalf("%q: %v", data, err)
	}
	return kept.Value
}
