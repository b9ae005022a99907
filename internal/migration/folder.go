package migration

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/synchronization"
)

// The files of a migration, beside the mapping.
const (
	settingsFile = "settings.env"
	accountsFile = "accounts.csv"
	findingsFile = "schema.txt"
)

// Folder is where the files of a migration go.
type Folder struct {
	Path string
	// Force overwrites a mapping and settings that are there and are others: somebody may
	// have edited them.
	Force bool
	// Findings and Rows print what became of each line of a schema, and what would come of
	// each account.
	Findings func(out io.Writer, findings []synchronization.Finding)
	Rows     func(out io.Writer, rows []Row) error
}

// Write writes the mapping, unless it is empty, the settings, what became of the schema,
// and a list of all accounts, and returns the names of the files. Only this user can read
// them: they name people.
func (f Folder) Write(text string, r *Report) (written []string, err error) {
	if err := os.MkdirAll(f.Path, 0o700); err != nil {
		return nil, err
	}
	var findings, rows bytes.Buffer
	if len(r.Findings) > 0 {
		f.Findings(&findings, r.Findings)
	}
	if err := f.Rows(&rows, r.Rows); err != nil {
		return nil, fmt.Errorf("write the accounts: %w", err)
	}
	for _, file := range []struct {
		name  string
		write func(path string, text []byte) error
		text  []byte
	}{
		{mapping.FileName, f.keep, []byte(text)},
		{settingsFile, f.keep, []byte(Environment(r.Gallery, r.Settings))},
		{findingsFile, replace, findings.Bytes()},
		{accountsFile, replace, rows.Bytes()},
	} {
		if len(file.text) == 0 {
			continue
		}
		if err := file.write(filepath.Join(f.Path, file.name), file.text); err != nil {
			return nil, err
		}
		written = append(written, file.name)
	}
	return written, nil
}

// keep writes a file that somebody may have edited since: another one that is there is
// overwritten only if that was said.
func (f Folder) keep(path string, text []byte) error {
	there, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && f.Force:
		return replace(path, text)
	case err != nil || bytes.Equal(there, text):
		return err
	default:
		return fmt.Errorf("%s is there already and is another one: look by it (--mapping), name another folder (-o), or say --force", path)
	}
}

// replace writes a file as a whole or not at all: half a mapping would be taken for one
// that somebody has edited.
func replace(path string, text []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, text, 0o600); err != nil {
		return err
	}
	return os.Rename(next, path)
}
