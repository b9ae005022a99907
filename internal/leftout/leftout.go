// Package leftout has tests say which of them are left out, and what they need.
package leftout

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// Say tells on standard error that a suite is not run and what it needs. The go
// command shows nothing of what the tests of a package say that passes, so it is
// told on the standard error of that command where there is a way to, which is on
// Linux; else on our own.
func Say(suite, needs string) {
	line := fmt.Sprintf("NOT RUN: %s; %s\n", suite, needs)
	if !sayFor(filepath.Join("/proc", strconv.Itoa(os.Getppid())), line) {
		fmt.Fprint(os.Stderr, line)
	}
}

// sayFor writes the line to the standard error of a process of /proc; false if it is
// none of the go command, or what it writes cannot be added to: a file that its standard
// output goes to as well is written at its own place, whatever others add.
func sayFor(process, line string) bool {
	name, err := os.ReadFile(filepath.Join(process, "comm"))
	if err != nil || string(name) != "go\n" {
		return false
	}
	const output, errors = "fd/1", "fd/2"
	to, err := os.Stat(filepath.Join(process, errors))
	if err != nil {
		return false
	}
	if other, err := os.Stat(filepath.Join(process, output)); to.Mode().IsRegular() && (err != nil || os.SameFile(to, other)) {
		return false
	}
	f, err := os.OpenFile(filepath.Join(process, errors), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return false
	}
	_, err = io.WriteString(f, line)
	return f.Close() == nil && err == nil
}
