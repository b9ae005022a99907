package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"entrawebex/internal/operator"
)

func (c console) pipelineCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "pipeline",
		Short: "Shows how changes pass from Graph to Webex right now",
		Long: `Shows how changes pass from Graph to Webex: what each side was asked since the process
began, and how often it said that requests come too often; how many changes wait, and for
how long; how long those of the last five minutes took, and those of the last day; and
the newest entries of the log. It reads no record, and can be asked again and again.
` + storesHelp,
		Example: `  entrawebex pipeline
  entrawebex pipeline --json | jq .now`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			return c.with(ctx, func(o operator.Operations) error {
				p, err := o.Pipeline(ctx, operator.PipelineRequest{Day: true})
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(out).Encode(p)
				}
				c.terminal.Pipeline(out, p)
				return nil
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one line of JSON")
	return command
}
