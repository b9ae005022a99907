package stores

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"entrawebex/internal/config"
	"entrawebex/internal/history"
	"entrawebex/internal/ledger"
	"entrawebex/internal/queue"
)

// File are the stores of one machine, in one file.
type File struct {
	*Stores

	db                   *bbolt.DB
	ledger               *ledger.Bolt
	changes, deadLetters *queue.Bolt
}

// Path is that of the file in DATA_DIR.
func Path(dataDir string) string { return filepath.Join(dataDir, "entrawebex.db") }

// OpenFile opens the file in DATA_DIR, and makes both. Of the settings it takes that
// folder, whether it is fleeting, and for how long the provisioning log is kept. It waits
// so long for another process to close the file; bbolt's ErrTimeout if it does not.
func OpenFile(s *config.Settings, patience time.Duration) (*File, error) {
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("DATA_DIR is %q and must be a folder that whoever runs this can make and write into: %w", s.DataDir, err)
	}
	path := Path(s.DataDir)
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: patience})
	switch {
	case errors.Is(err, bbolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s is in use: another entrawebex run serves this DATA_DIR, which entrawebex status asks; stop it, or set another DATA_DIR (%w)", path, err)
	case err != nil:
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.MaxBatchDelay = time.Millisecond
	db.NoSync = s.Fleeting
	f := &File{db: db}
	if err := f.open(s.HistoryKept()); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return f, nil
}

func (f *File) open(kept time.Duration) error {
	log, err := history.OpenBolt(f.db, kept, time.Now)
	if err != nil {
		return err
	}
	if f.ledger, err = ledger.OpenBolt(f.db); err != nil {
		return err
	}
	if f.deadLetters, err = queue.OpenBolt(f.db, "dead-letters", queue.BoltOptions{}); err != nil {
		return err
	}
	if f.changes, err = queue.OpenBolt(f.db, "changes", queue.BoltOptions{DeadLetters: f.deadLetters}); err != nil {
		return err
	}
	f.Stores = &Stores{Ledger: f.ledger, Changes: f.changes, DeadLetters: f.deadLetters, History: log}
	return nil
}

// TakeOver ends what a process that was killed had in flight, and returns how much
// that was: that this one has the file proves that nobody else is at its claims,
// messages and letters.
func (f *File) TakeOver(ctx context.Context) (claims, messages, letters int, err error) {
	if claims, err = f.ledger.ReleaseClaims(ctx); err != nil {
		return 0, 0, 0, err
	}
	if messages, err = f.changes.Recover(ctx); err != nil {
		return 0, 0, 0, err
	}
	letters, err = f.deadLetters.Recover(ctx)
	return claims, messages, letters, err
}

// Close closes the file.
func (f *File) Close() error { return f.db.Close() }
