package operations

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"entrawebex/internal/operator"
)

// There, a first renewal that never came is no subscription either.
func TestOnAWSThereMustBeSubscriptions(t *testing.T) {
	t.Parallel()
	found, err := Open(t.Context(), []string{"CHANGE_QUEUE_URL=http://127.0.0.1:1/c", "DEAD_LETTER_QUEUE_URL=http://127.0.0.1:1/d", "LEDGER_TABLE=t", "HISTORY_TABLE=h"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Operations.(*operator.Operator).Subscribed) == 0 {
		t.Error("none")
	}
}

func TestAnOperatorIsToldWhyNothingCanBeOpened(t *testing.T) {
	t.Parallel()
	held := t.TempDir()
	db, err := bbolt.Open(filepath.Join(held, "entrawebex.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	empty := t.TempDir()
	for _, test := range []struct{ variable, want string }{
		{"DATA_DIR=" + held, "another process has the file in " + held + " and takes no commands"},
		{"DATA_DIR=" + empty, "set DATA_DIR to the folder that entrawebex run uses"},
		{"CHANGE_QUEUE_URL=https://sqs.example/1/changes.fifo", "LEDGER_TABLE is empty"},
	} {
		if _, err := Open(context.WithoutCancel(t.Context()), []string{test.variable}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want one with %q", test.variable, err, test.want)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) > 0 {
		t.Errorf("a look left %v, %v", entries, err)
	}
}
