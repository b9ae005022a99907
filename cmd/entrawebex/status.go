package main

import (
	"context"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/terminal"
)

func (c console) statusCommand() *cobra.Command {
	var asExitCode bool
	command := answer[operator.Status]{
		ask:  plainly(operator.Operations.Status),
		draw: c.terminal.Status,
		judge: func(s operator.Status) error {
			if asExitCode && !s.AllIsWell {
				return errReported
			}
			return nil
		},
	}.of(c, &cobra.Command{
		Use:   "status",
		Short: "Tells whether all is well, and if not, what needs you",
		Long: `Tells how things stand, and in its last line whether all is well: which side is
paused, by whom, why and since when; whether the guard is latched; what is held,
blocked users whose accounts are still open first; how many changes wait, since when
the oldest, and how long those of the last hour took; how many dead letters there are;
how many users and groups have an open fault, the
worst three with their reason; and how many inactive accounts Webex removes within
seven days, which it does 30 days after they were deactivated; the subscriptions, and
since when a look for changes or a comparison fails; and by their ids whose account is
open and must not be, and who is entitled and was shut out by hand, as the last
comparison found them, less those who are closed or entitled since; and whom a setting
such as UPSERT_ONLY leaves open. It reads every record.

All is well only if that was proven within the last minutes: that a process serves this
data, looks for changes and renews what ends, that the subscriptions are alive, and that
Webex and the webhook answer. What fails is tried again and needs nobody at first: a fault
in its first hour, anything else for ten minutes. The exit code is 0 whenever it could
look; with --exit-code it is 1 unless all is well.
` + source.Help,
		Example: `  entrawebex status
  entrawebex status --exit-code
  entrawebex status --json | jq -r '.attention[]'   # docs/status.md has the fields`,
		Args: cobra.NoArgs,
	})
	command.Flags().BoolVar(&asExitCode, "exit-code", false, "exit with 1 unless all is well")
	return command
}

func (c console) pipelineCommand() *cobra.Command {
	return answer[operator.Pipeline]{
		ask: func(ctx context.Context, o operator.Operations, _ []string) (operator.Pipeline, error) {
			return o.Pipeline(ctx, operator.PipelineRequest{Day: true})
		},
		draw: c.terminal.Pipeline,
	}.of(c, &cobra.Command{
		Use:   "pipeline",
		Short: "Shows how changes pass from Graph to Webex right now",
		Long: `Shows how changes pass from Graph to Webex: what each side was asked since the process
began, and how often it said that requests come too often; how many changes wait, and for
how long; how long those of the last five minutes took, and those of the last day; and
the newest entries of the log. It reads no record, and can be asked again and again.
` + source.Help,
		Example: `  entrawebex pipeline
  entrawebex pipeline --json | jq .now`,
		Args: cobra.NoArgs,
	})
}

func (c console) settingsCommand() *cobra.Command {
	return answer[[]config.Value]{
		ask:   plainly(operator.Operations.Environment),
		draw:  terminal.Settings,
		usage: "print one line of JSON, which has the settings that are not given, too",
	}.of(c, &cobra.Command{
		Use:   "settings",
		Short: "Shows the settings in force, and where each comes from",
		Long: `Shows the settings in force: the value, whether the environment, a secret or nobody
gave it, and what it is where nothing is said. Of a secret it shows whether there is
one, and never which. What is not given and has no default is left out.

While entrawebex run has the data, they are those that it began with.
` + source.Help + `  all others              as entrawebex run has them (entrawebex run --help)
`,
		Example: `  entrawebex settings
  entrawebex settings --json | jq -r '.[] | select(.from != "default") | .name'`,
		Args: cobra.NoArgs,
	})
}
