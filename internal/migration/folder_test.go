package migration

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"entrawebex/internal/mapping/synchronization"
)

func TestTheFilesAreForOneUserWhoeverCouldReadThoseBefore(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "m")
	path := filepath.Join(folder, accountsFile)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("former"), 0o644); err != nil {
		t.Fatal(err)
	}
	rows := func(out io.Writer, _ []Row) error { _, err := io.WriteString(out, "present"); return err }
	to := Folder{Path: folder, Rows: rows, Findings: func(io.Writer, []synchronization.Finding) {}}
	written, err := to.Write("version: 1", &Report{})
	if err != nil || !slices.Contains(written, accountsFile) {
		t.Fatalf("%q, %v", written, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "present" {
		t.Errorf("%q, %v", text, err)
	}
	if is, err := os.Stat(path); err != nil || is.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", is.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(folder, "*.new"))
	if err != nil || len(left) > 0 {
		t.Errorf("it leaves %q, %v", left, err)
	}
}
