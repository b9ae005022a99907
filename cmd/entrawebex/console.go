package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

// storesHelp is told by every command that looks into the stores.
const storesHelp = `
Environment:
  CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL, LEDGER_TABLE, HISTORY_TABLE
                          the queues and the tables on AWS (the stack's outputs)
  DATA_DIR                without them, where run keeps its own (data). While it
                          runs, it carries the command out itself
`

// console is the command line of one operator: the stores of an environment, for a
// person at this terminal.
type console struct {
	environ  []string
	terminal terminal.Terminal
}

// commands are all that look into the stores.
func (c console) commands() []*cobra.Command {
	return []*cobra.Command{
		c.statusCommand(), c.historyLogCommand(), c.provisionCommand(), c.planCommand(), c.reconcileCommand(), c.deadLettersCommand(), c.replayCommand(),
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
