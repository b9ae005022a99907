// Function worker takes Changes from the change queue and makes Webex match
// Entra for the objects they name.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"entrawebex/internal/app"
	"entrawebex/internal/config"
	"entrawebex/internal/trace"
)

func main() {
	ctx, log := context.Background(), trace.Log(os.Stderr)
	a, err := app.OpenAWS(ctx, config.WorkerFunction, os.Environ(), log)
	if err != nil {
		log.ErrorContext(ctx, "worker cannot start", "error", err)
		os.Exit(1)
	}
	lambda.StartWithOptions(func(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
		defer a.Flush(ctx)
		return a.Worker.HandleEvent(ctx, event)
	}, lambda.WithContext(ctx))
}
