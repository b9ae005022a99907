package upgrade

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox"
)

// What is written in another form than a program knows it refuses, and leaves as it is.
func TestALedgerInALaterFormIsRefusedByBothAndLeftAsItIs(t *testing.T) {
	t.Parallel()
	old := earlier(t)
	s, err := sandbox.Open(t.Context(), sandbox.Options{Seed: 1, Users: 4, Silent: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	l := &life{Sandbox: s, dataDir: t.TempDir(), kind: plain}
	r, err := present().start(t.Context(), l.environ(), l.dataDir)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.stop(false); err != nil {
		t.Fatal(err)
	}
	l.rewrite(t)
	s.Org.Calls.Reset()
	before := l.kept(t)
	for _, p := range []program{old, present()} {
		_, err := p.start(t.Context(), l.environ(), l.dataDir)
		if err == nil || !strings.Contains(err.Error(), "written by a later version of entrawebex (schema 99; this version reads 1)") {
			t.Errorf("%s: %v", p.name, err)
		}
	}
	if diff := cmp.Diff(before, l.kept(t)); diff != "" {
		t.Errorf("the ledger was rewritten (-before +after):\n%s", diff)
	}
	if calls := s.Org.Calls.Snapshot(); calls.Writes() > 0 {
		t.Errorf("Webex was written: %v", calls)
	}
}

// rewrite has the ledger say that a later program wrote it.
func (l *life) rewrite(t *testing.T) {
	t.Helper()
	file, err := stores.OpenFile(&config.Settings{DataDir: l.dataDir}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	const name = "binding"
	text, version, err := file.Ledger.Document(t.Context(), name)
	later := strings.Replace(string(text), `"schema":1`, `"schema":99`, 1)
	if later == string(text) {
		t.Fatalf("the binding has no schema: %s", text)
	}
	if err := errors.Join(err, file.Ledger.PutDocument(t.Context(), name, []byte(later), version), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// kept is what the ledger keeps of each object, whose it is and where it goes on.
func (l *life) kept(t *testing.T) []string {
	t.Helper()
	file, err := stores.OpenFile(&config.Settings{DataDir: l.dataDir}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	err = file.Ledger.Records(t.Context(), func(r provision.Record) error {
		text, err := json.Marshal(r)
		all = append(all, string(text))
		return err
	})
	for _, name := range []string{"binding", "delta user", "sweep", "pause"} {
		text, _, documentErr := file.Ledger.Document(t.Context(), name)
		all, err = append(all, name+string(text)), errors.Join(err, documentErr)
	}
	if err := errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
	return all
}
