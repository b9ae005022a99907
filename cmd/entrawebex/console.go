package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/operator"
)

// storesHelp is told by every command that looks into the stores.
const storesHelp = `
Environment:
  CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL, LEDGER_TABLE
                          the queues and the table on AWS (the stack's outputs)
  DATA_DIR                without them, where run keeps its own (data). While it
                          runs, it carries the command out itself
`

// console is the command line of one operator: the stores of an environment, for a
// person at this terminal.
type console struct {
	environ  []string
	terminal terminal
}

// terminal says who reads what a command writes. The zero terminal is a file or
// a pipe.
type terminal struct {
	// Colour: standard output is a terminal and colours are not unwanted.
	Colour bool
	// Progress: standard error is a terminal, on which a line can be written
	// over.
	Progress bool
}

// terminalOf looks at where this process writes. NO_COLOR and TERM=dumb are
// heeded (no-color.org).
func terminalOf(environ []string, out, errOut io.Writer) terminal {
	plain := false
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		plain = plain || name == "NO_COLOR" && value != "" || name == "TERM" && value == "dumb"
	}
	return terminal{Colour: isTerminal(out) && !plain, Progress: isTerminal(errOut)}
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

// commands are all that look into the stores.
func (c console) commands() []*cobra.Command {
	return []*cobra.Command{
		c.statusCommand(), c.planCommand(), c.reconcileCommand(), c.deadLettersCommand(), c.replayCommand(),
		c.holdsCommand(), c.guardCommand(), c.pauseCommand(), c.resumeCommand(), c.mappingCommand(),
	}
}

// with opens the stores and does there what is asked for.
func (c console) with(ctx context.Context, do func(operator.Operations) error) error {
	found, err := operations.Open(ctx, c.environ, operatorLog())
	if err != nil {
		return err
	}
	return errors.Join(do(found), found.Close())
}

// operatorLog tells an operator what is not as it should be.
func operatorLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
