package main

import (
	"log/slog"
	"os"

	"github.com/caarlos0/env/v11"
	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/terminal"
	"entrawebex/internal/version"
)

// console is the command line of one operator: the stores of an environment, or of a
// stack on AWS, for a person at this terminal.
type console struct {
	source   *source.Source
	terminal terminal.Terminal
}

// offer has commands, and those below them, take the name of a stack.
func offer(from *source.Source, commands ...*cobra.Command) []*cobra.Command {
	named := env.ToMap(from.Environ)["ENTRAWEBEX_STACK"]
	for _, c := range commands {
		c.PersistentFlags().StringVar(&from.Stack, "stack", named, "the stack on AWS with that `NAME`, whose settings are found")
	}
	return commands
}

// commands are all that look into the stores.
func (c console) commands() []*cobra.Command {
	return append(offer(c.source,
		c.statusCommand(), c.pipelineCommand(), c.showCommand(), c.findCommand(), c.historyLogCommand(), c.provisionCommand(), c.planCommand(), c.migrateCommand(), c.reconcileCommand(), c.deadLettersCommand(), c.replayCommand(),
		c.holdsCommand(), c.guardCommand(), c.pauseCommand(), c.resumeCommand(), c.uninstallCommand(), c.settingsCommand(), c.pageCommand(),
	), c.mappingCommand())
}

// operatorLog tells an operator what is not as it should be.
func operatorLog() *slog.Logger {
	return version.Log(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
}
