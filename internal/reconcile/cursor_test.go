package reconcile

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
)

func TestACursorIsKeptAsItWasSaved(t *testing.T) {
	t.Parallel()
	w := start(t)
	if err := w.Cursors.Save(t.Context(), change.User, "user 7"); err != nil {
		t.Fatal(err)
	}
	data, _, err := w.ledger.Document(t.Context(), "delta user")
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal(data, &document); err != nil {
		t.Fatal(err)
	}
	hash, _ := document["hash"].(string)
	delete(document, "hash")
	if diff := cmp.Diff(map[string]any{"link": "user 7", "at": "2026-03-02T09:00:00Z"}, document); diff != "" || len(hash) != 64 {
		t.Errorf("%s\nand the hash %q", diff, hash)
	}
	if err := w.Cursors.Save(t.Context(), change.User, ""); err == nil {
		t.Error("a cursor without a link is saved")
	}
}

func TestACursorDoesNotDependOnTheOrderOfWhatIsSelected(t *testing.T) {
	t.Parallel()
	w := start(t)
	selects := func(names ...string) *Cursors {
		return NewCursors(w.ledger, Basis{Select: map[change.Kind][]string{change.User: names}}, w.Now)
	}
	if err := selects("id", "mail").Save(t.Context(), change.User, "user 0"); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		cursors *Cursors
		good    bool
	}{
		{selects("mail", "id"), true},
		{selects("id"), false},
		{NewCursors(w.ledger, Basis{map[change.Kind][]string{change.User: {"id", "mail"}}, map[change.Kind]string{change.User: "others"}}, w.Now), false},
	} {
		c, err := test.cursors.Load(t.Context(), change.User)
		if err != nil || (c.Void == "") != test.good || (c.Link == "user 0") != test.good {
			t.Errorf("%+v, %v", c, err)
		}
	}
}

func TestASweepSavesACursorWhateverItWas(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.write("delta user", "garbage")
	meet := true
	w.ledger.before = func(name string) error {
		if !meet {
			return nil
		}
		meet = false
		_, version, err := w.ledger.Store.Document(t.Context(), name)
		if err != nil {
			return err
		}
		return w.ledger.Store.PutDocument(t.Context(), name, []byte("other garbage"), version)
	}
	if err := w.Cursors.Save(t.Context(), change.User, "user 1"); err != nil {
		t.Fatal(err)
	}
	w.at("1")
	w.ledger.before = once("delta", 1)
	if err := w.Cursors.Save(t.Context(), change.User, "user 2"); err == nil || !strings.Contains(err.Error(), "the ledger is down") {
		t.Error(err)
	}
}

func FuzzDecodePosition(f *testing.F) {
	f.Add([]byte(`{"link":"https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x","hash":"00","at":"2026-03-02T09:00:00Z"}`))
	f.Add([]byte(`{"link":"","void":"Graph no longer knows the cursor of users"}`))
	f.Add([]byte(`{"at":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := decoded[position](t, data)
		if err != nil || !p.isWhole() {
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if again, err := decoded[position](t, text); err != nil || !again.At.Equal(p.At) || again.Link != p.Link || again.Void != p.Void {
			t.Errorf("%q became %+v, %v", data, again, err)
		}
	})
}

func TestACursorOfTheFormerBasisIsGoneOnWithUntilItIsSetAnew(t *testing.T) {
	t.Parallel()
	w := start(t)
	former := Basis{Rules: map[change.Kind]string{change.User: "former"}}
	now := NewCursors(w.ledger, Basis{Rules: map[change.Kind]string{change.User: "now"}}, w.Now)
	if err := NewCursors(w.ledger, former, w.Now).Save(t.Context(), change.User, "user 0"); err != nil {
		t.Fatal(err)
	}
	link := func(c *Cursors) string {
		t.Helper()
		cursor, err := c.Load(t.Context(), change.User)
		if err != nil {
			t.Fatal(err)
		}
		return cursor.Link
	}
	cursor, err := now.Succeed(former).Load(t.Context(), change.User)
	if err != nil || cursor.Link != "user 0" {
		t.Fatalf("%+v, %v", cursor, err)
	}
	if _, ok, err := now.Succeed(former).Advance(t.Context(), cursor, "user 1"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	// Graph's link selects what it did: it does not count as one of now.
	if got := link(now); got != "" {
		t.Errorf("goes on with %s", got)
	}
	if got := link(now.Succeed(former)); got != "user 1" {
		t.Errorf("goes on with %q", got)
	}
	if err := now.Save(t.Context(), change.User, "user 2"); err != nil {
		t.Fatal(err)
	}
	if got := link(now); got != "user 2" {
		t.Errorf("goes on with %q", got)
	}
}
