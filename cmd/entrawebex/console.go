package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/caarlos0/env/v11"
	"github.com/spf13/cobra"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/app/stack"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

// storesHelp is told by every command that looks into the stores.
const storesHelp = `
Environment:
  ENTRAWEBEX_STACK        the stack on AWS, as --stack: queues, tables, secrets and
                          settings are those of its functions, found with your own
                          credentials (AWS_PROFILE, AWS_REGION, as AWS's tools read
                          them); nothing below is read then
  CHANGE_QUEUE_URL, DEAD_LETTER_QUEUE_URL, LEDGER_TABLE, HISTORY_TABLE
                          or the queues and the tables on AWS (the stack's outputs)
  DATA_DIR                without them, where run keeps its own (data). While it
                          runs, it carries the command out itself
`

// console is the command line of one operator: the stores of an environment, for a
// person at this terminal.
type console struct {
	source   *source
	terminal terminal.Terminal
}

// source is where a command's settings come from: the environment, or a stack on AWS if
// one is named.
type source struct {
	environ []string
	stack   string
	// found are the settings of the stack, once they were asked for.
	found []string
}

// settings returns the variables, in the form of os.Environ. A stack is asked once: a
// command that looks again and again looks at the same.
func (s *source) settings(ctx context.Context) ([]string, error) {
	if s.stack == "" {
		return s.environ, nil
	}
	if s.found == nil {
		found, err := stack.Environ(ctx, s.stack)
		if err != nil {
			return nil, err
		}
		s.found = found
	}
	return s.found, nil
}

// offer has commands, and those below them, take the name of a stack.
func (s *source) offer(commands ...*cobra.Command) []*cobra.Command {
	named := env.ToMap(s.environ)["ENTRAWEBEX_STACK"]
	for _, c := range commands {
		c.PersistentFlags().StringVar(&s.stack, "stack", named, "the stack on AWS with that `NAME`, whose settings are found")
	}
	return commands
}

// commands are all that look into the stores.
func (c console) commands() []*cobra.Command {
	return append(c.source.offer(
		c.statusCommand(), c.pipelineCommand(), c.showCommand(), c.findCommand(), c.historyLogCommand(), c.provisionCommand(), c.planCommand(), c.migrateCommand(), c.reconcileCommand(), c.deadLettersCommand(), c.replayCommand(),
		c.holdsCommand(), c.guardCommand(), c.pauseCommand(), c.resumeCommand(), c.uninstallCommand(), c.settingsCommand(), c.pageCommand(),
	), c.mappingCommand())
}

// with opens the stores and does there what is asked for.
func (c console) with(ctx context.Context, do func(operator.Operations) error) error {
	environ, err := c.source.settings(ctx)
	if err != nil {
		return err
	}
	found, err := operations.Open(ctx, environ, operatorLog())
	if err != nil {
		return err
	}
	return errors.Join(do(found), found.Close())
}

// orEmpty is with where there need be no stores yet: before the first start they are
// empty.
func (c console) orEmpty(ctx context.Context, do func(operator.Operations) error) error {
	environ, err := c.source.settings(ctx)
	if err != nil {
		return err
	}
	found, err := operations.OpenOrEmpty(ctx, environ, operatorLog())
	if err != nil {
		return err
	}
	return errors.Join(do(found), found.Close())
}

// operatorLog tells an operator what is not as it should be.
func operatorLog() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
