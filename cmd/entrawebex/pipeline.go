package main

import (
	"context"

	"github.com/spf13/cobra"

	"entrawebex/internal/app/source"
	"entrawebex/internal/operator"
)

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
