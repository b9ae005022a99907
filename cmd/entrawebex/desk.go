package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"entrawebex/internal/config"
)

// desk is where an operator's commands are carried out: in the homes that it
// opens, for a person at this terminal. The same commands have a desk of their
// own in the operator's process, and one in a run.
type desk struct {
	open func(ctx context.Context) (*homes, error)
	// settings are those of a config.Planner.
	settings func(ctx context.Context) (config.Settings, error)
	terminal terminal
}

// terminal says who reads what a command writes. The zero terminal is a file or
// a pipe.
type terminal struct {
	// Colour: standard output is a terminal and colours are not unwanted.
	Colour bool `json:"colour,omitempty"`
	// Progress: standard error is a terminal, on which a line can be written
	// over.
	Progress bool `json:"progress,omitempty"`
	// Folder is the working folder, from which relative paths go.
	Folder string `json:"folder,omitempty"`
}

// terminalOf looks at where this process writes. NO_COLOR and TERM=dumb are
// heeded (no-color.org).
func terminalOf(environ []string, out, errOut io.Writer) terminal {
	plain := false
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		plain = plain || name == "NO_COLOR" && value != "" || name == "TERM" && value == "dumb"
	}
	folder, err := os.Getwd()
	if err != nil {
		folder = "" // then that of whoever carries a command out
	}
	return terminal{Colour: isTerminal(out) && !plain, Progress: isTerminal(errOut), Folder: folder}
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// paint colours a text. The library's own switch for colours belongs to the
// process and not to the person, who may be at another one's terminal.
func (t terminal) paint(colour text.Color, what string) string {
	if !t.Colour {
		return what
	}
	return text.Escape(what, colour.EscapeSeq())
}

// operatorCommands are all commands that look into the homes.
func operatorCommands(d desk) []*cobra.Command {
	return []*cobra.Command{
		d.statusCommand(), d.planCommand(), d.reconcileCommand(), d.deadLettersCommand(), d.replayCommand(),
		d.holdsCommand(), d.guardCommand(), d.pauseCommand(), d.resumeCommand(),
	}
}

// inHomes opens the homes and does in them what an operator asks for.
func (d desk) inHomes(ctx context.Context, do func(*homes) error) error {
	h, err := d.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(do(h), h.close())
}
