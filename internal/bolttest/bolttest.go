// Package bolttest opens bbolt files for tests.
package bolttest

import (
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// Open opens an empty file that ends with the test. Nothing waits for a disk, or for
// others to write with.
func Open(t testing.TB) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "test.db"), 0o600, &bbolt.Options{NoSync: true, NoGrowSync: true})
	if err != nil {
		t.Fatal(err)
	}
	db.MaxBatchDelay = time.Microsecond
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}
