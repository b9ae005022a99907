package terminal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Destination is where what a command makes goes.
type Destination struct {
	// File is its name; empty for standard output. One that is there is overwritten only
	// with Force.
	File  string
	Force bool
}

// Write writes it to the file, which only this user can read, or to out.
func (d Destination) Write(out io.Writer, text []byte) error {
	if d.File == "" {
		_, err := out.Write(text)
		return err
	}
	flags := os.O_CREATE | os.O_WRONLY | os.O_EXCL
	if d.Force {
		flags = os.O_CREATE | os.O_WRONLY | os.O_TRUNC
	}
	file, err := os.OpenFile(d.File, flags, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already: name another file, or say --force", d.File)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}
