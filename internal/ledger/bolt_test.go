package ledger_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"entrawebex/internal/change"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
)

func TestBolt(t *testing.T) {
	t.Parallel()
	conformance(t, openBolt)
}

func openBolt(t *testing.T) opened {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	db, bolt := openBoltFile(t, path)
	return opened{
		store: bolt,
		reopen: func(t *testing.T) store {
			t.Helper()
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			_, reopened := openBoltFile(t, path)
			return reopened
		},
		overwrite: func(t *testing.T, o change.Object, data string) {
			t.Helper()
			overwriteBolt(t, db, o, []byte(data))
		},
	}
}

func openBoltFile(tb testing.TB, path string) (*bbolt.DB, *ledger.Bolt) {
	tb.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second, NoSync: true, NoGrowSync: true})
	if err != nil {
		tb.Fatal(err)
	}
	db.MaxBatchDelay = time.Microsecond
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	bolt, err := ledger.OpenBolt(db)
	if err != nil {
		tb.Fatal(err)
	}
	return db, bolt
}

func overwriteBolt(t *testing.T, db *bbolt.DB, o change.Object, data []byte) {
	t.Helper()
	err := db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte("records")).Put([]byte("user#"+o.ID), data)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestBoltReportsCorruptEntries(t *testing.T) {
	t.Parallel()
	db, bolt := openBoltFile(t, filepath.Join(t.TempDir(), "ledger.db"))
	err := db.Update(func(tx *bbolt.Tx) error {
		if err := tx.Bucket([]byte("links")).Put([]byte("w1"), []byte("nobody")); err != nil {
			return err
		}
		return tx.Bucket([]byte("documents")).Put([]byte("cursor"), []byte("short"))
	})
	if err != nil {
		t.Fatal(err)
	}

	t.Run("a link that names no object", func(t *testing.T) {
		t.Parallel()
		if o, found, err := bolt.LinkedTo(t.Context(), "w1"); found || err == nil {
			t.Errorf("LinkedTo = %v, %v, %v; want an error", o, found, err)
		}
	})
	t.Run("a document without a version", func(t *testing.T) {
		t.Parallel()
		if data, _, err := bolt.Document(t.Context(), "cursor"); err == nil {
			t.Errorf("Document = %q; want an error", data)
		}
	})
}

// FuzzRecord puts any bytes where a record should be: they are an error, or a
// record of that very object which can be claimed, saved and read again.
func FuzzRecord(f *testing.F) {
	o := change.Object{Kind: change.User, ID: "7f3c1d2e-0000-4000-8000-000000000001"}
	object := `"object":{"kind":"user","id":"` + o.ID + `"}`
	for _, seed := range []string{
		``,
		`null`,
		`{` + object + `}`,
		`{` + object + `,"webexId":"w1","written":{"active":true,"a":1.5,"b":"c"},"unconcluded":2,` +
			`"claim":{"owner":"a","until":"2026-03-01T09:30:00.25Z"},"doubt":{"since":"2026-03-01T09:30:00Z"}}`,
		`{` + object + `,"claim":{"until":"never"}}`,
		`{` + object + `,"written":[]}`,
		`{"object":{"kind":"user","id":"another"}}`,
		`{` + object + `,"webexId":"w1","written":{"active":true,"emails[type eq \"work\"].value":"é"},"concluded":"2026-03-01T09:30:00Z"}`,
		`{` + object + `,"written":{"a":"b"},"written":{"c":"d"},"webexId":null,"concluded":null}`,
		`{` + object + `,"written":{"a":"b"},"written":{"c":"d"}}`,
		`{` + object + `,"webexId":"w1","unknown":{"a":1}}`,
		`{` + object + `,"written":{"a":1e400}}`,
		`{` + object + `,"written":{"a":null,"b":1,"c":["d"]}}`,
		`{"object":{"id":"` + o.ID + `","kind":"user","kind":"group"},"WebexID":"w1"}`,
	} {
		f.Add([]byte(seed))
	}
	db, bolt := openBoltFile(f, filepath.Join(f.TempDir(), "ledger.db"))
	f.Fuzz(func(t *testing.T, data []byte) {
		overwriteBolt(t, db, o, data)
		r, found, err := bolt.Record(t.Context(), o)
		var want provision.Record
		unread := json.Unmarshal(data, &want)
		if (err == nil) != (unread == nil && want.Object == o) {
			t.Fatalf("error %v, and json.Unmarshal reads %v, %v", err, want, unread)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(want, r, cmpopts.IgnoreFields(provision.Record{}, "Unknown")); diff != "" {
			t.Errorf("not what json.Unmarshal reads (-want +got):\n%s", diff)
		}
		if !found || r.Object != o {
			t.Fatalf("Record = %v, %v; want the record of %v", r.Object, found, o)
		}
		r, err = bolt.Claim(t.Context(), o, "a", r.Claim.Until, r.Claim.Until)
		if err != nil {
			t.Fatal(err)
		}
		mustSave(t, bolt, "a", r, r)
		// What is empty is not stored, so it comes back as nothing.
		if diff := cmp.Diff(r, mustRecord(t, bolt, o), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("not as saved (-want +got):\n%s", diff)
		}
	})
}

// An escaped backslash is one: the record of another id is refused.
func TestAnIDIsComparedAsItReads(t *testing.T) {
	t.Parallel()
	db, bolt := openBoltFile(t, filepath.Join(t.TempDir(), "ledger.db"))
	o := change.Object{Kind: change.User, ID: `a\\b`}
	overwriteBolt(t, db, o, []byte(`{"object":{"kind":"user","id":"a\\b"}}`))
	if r, _, err := bolt.Record(t.Context(), o); err == nil {
		t.Errorf("the record of %q is that of %q", r.Object.ID, o.ID)
	}
}

// BenchmarkBolt is what the ledger costs one object: a claim, a save before
// the write to Webex and a save after it, each on disk before the next.
func BenchmarkBolt(b *testing.B) {
	for _, workers := range []int{1, 100} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			db, bolt := openBoltFile(b, filepath.Join(b.TempDir(), "ledger.db"))
			db.MaxBatchDelay = time.Millisecond
			benchmark(b, bolt, workers)
		})
	}
}

func benchmark(b *testing.B, l provision.Ledger, workers int) {
	b.Helper()
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	errs := together(workers, func(int) error {
		for next.Add(1) <= int64(b.N) {
			if err := converge(b, l); err != nil {
				return err
			}
		}
		return nil
	})
	for _, err := range errs {
		if err != nil {
			b.Fatal(err)
		}
	}
}

// converge does to the ledger what the engine does for a new user.
func converge(b *testing.B, l provision.Ledger) error {
	b.Helper()
	ctx := b.Context()
	claimed, err := l.Claim(ctx, newUser(), "a", begin, begin.Add(lease))
	if err != nil {
		return err
	}
	doubted := claimed
	doubted.PendingWrite = &provision.PendingWrite{Names: []string{"ada@example.com"}, Since: begin}
	if err := l.Save(ctx, "a", claimed, doubted); err != nil {
		return err
	}
	written := released(claimed)
	written.Unconcluded = 0
	written.WebexID = uuid.NewString()
	written.LastWritten = map[string]any{
		"userName": "ada@example.com", "active": true, "displayName": "Ada Lovelace",
		"name.givenName": "Ada", "name.familyName": "Lovelace", "title": "Analyst",
	}
	return l.Save(ctx, "a", doubted, written)
}
