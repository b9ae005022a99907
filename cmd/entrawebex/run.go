package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/config"
	"entrawebex/internal/sandbox/demo"
	"entrawebex/internal/terminal"
	"entrawebex/internal/version"
)

func runCommand(environ []string, at terminal.Terminal) *cobra.Command {
	var options demo.Options
	var inSandbox bool
	command := &cobra.Command{
		Use:   "run",
		Short: "Serves everything in one process: webhook, queue, worker, ledger, subscription",
		Long: `Serves everything in one process: the webhook, a queue and a ledger on disk, the
workers, the subscription to changes, and what finds those of which none tells.
Without flags it serves the tenant and the organization that the environment names,
beginning with everybody in scope, until it is interrupted; what was queued by then
is worked on at the next start. While a side is down it is paused, also at the start:
only wrong credentials, another tenant or another organization are refused.

With --sandbox it needs no account: it brings a simulated Entra tenant and a
simulated Webex organization, syncs everybody, plays a day in that tenant (hires, renames, a swap
of names, leavers, restores, 500 changes at once, teams that form and merge, 5,000
people who join as one group), says on a line each what came of it in Webex, and
compares both sides at the end. It exits 0 only if every user, group and membership
in Webex is what Entra says.

It serves the console, too: pages for an operator's browser on this machine, at an
address that is printed if this is a terminal; entrawebex console prints one at any time.

The operator's commands (status, plan, dead-letters, replay, holds, guard, pause,
resume) work while it runs, for the same user on the same machine, through a socket in
DATA_DIR.
` + config.Help,
		Example: `  entrawebex run --sandbox
  entrawebex run --sandbox --seed 7 --users 1000
  entrawebex run --sandbox --storm
  entrawebex run --sandbox --silent
  entrawebex run --sandbox --calls
  entrawebex run --sandbox --users 10000
  entrawebex run --sandbox --stay
  entrawebex run --sandbox --console`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if inSandbox {
				options.Default(cmd.Flags().Changed("members"))
				if err := options.Check(); err != nil {
					return usageError{err}
				}
				options.Terminal = at
				return play(cmd.Context(), cmd.OutOrStdout(), environ, options)
			}
			var alone []string
			cmd.Flags().Visit(func(f *pflag.Flag) { alone = append(alone, "--"+f.Name) })
			if len(alone) > 0 {
				return usageError{fmt.Errorf("%s is for the sandbox: write run --sandbox %s, or leave it out to serve the tenant of the environment",
					strings.Join(alone, " "), strings.Join(alone, " "))}
			}
			return standalone.Serve(cmd.Context(), environ, version.Log(slog.New(slog.NewTextHandler(os.Stderr, nil))), inviteHere())
		},
	}
	flags := command.Flags()
	flags.BoolVar(&inSandbox, "sandbox", false, "bring a simulated tenant and organization and play a day")
	flags.Uint64Var(&options.Seed, "seed", 1, "with --sandbox: decides everything that is random about the day")
	flags.IntVar(&options.Users, "users", 60, "with --sandbox: how many users there are in the morning")
	flags.IntVar(&options.Members, "members", 5_000, "with --sandbox: how many members the largest group has; 0 for no such group; 500 with --storm or --silent if nothing is said")
	flags.BoolVar(&options.Storm, "storm", false, "with --sandbox: let one call in eight fail, before or after its effect, and deliveries come doubled or late")
	flags.BoolVar(&options.Silent, "silent", false, "with --sandbox: no notification arrives, and there is no webhook: what changes is found by asking Graph every second")
	flags.BoolVar(&options.Calls, "calls", false, "with --sandbox: list all calls to either side at the end")
	flags.BoolVar(&options.Console, "console", false, "with --sandbox: serve the console, while the day is played and after it, until interrupted")
	flags.BoolVar(&options.Stay, "stay", false, "with --sandbox: keep serving after the day, until interrupted")
	return command
}

// play plays a day in a sandbox.
func play(ctx context.Context, out io.Writer, environ []string, options demo.Options) error {
	options.Live, options.Command = terminal.Is(out), demo.Begun(os.Args[0])
	err := demo.Run(ctx, out, environ, options)
	if errors.Is(err, demo.ErrReported) {
		return errReported
	}
	return err
}
