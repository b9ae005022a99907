// Function reconcile runs every minute and queues what no change notification
// told: what delta queries name, and who was assigned or unassigned.
// Once a day it mails what was done, to whom the settings name.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"entrawebex/internal/app"
	"entrawebex/internal/app/operations"
	"entrawebex/internal/config"
	"entrawebex/internal/trace"
)

func main() {
	ctx, log := context.Background(), trace.Log(os.Stderr)
	a, err := app.OpenAWS(ctx, config.ReconcileFunction, os.Environ(), log)
	if err != nil {
		log.ErrorContext(ctx, "reconcile cannot start", "error", err)
		os.Exit(1)
	}
	mail, err := operations.Daily(ctx, a, log)
	if err != nil {
		log.ErrorContext(ctx, "reconcile cannot start", "error", err)
		os.Exit(1)
	}
	lambda.StartWithOptions(func(ctx context.Context) error {
		defer a.Flush(ctx)
		return errors.Join(a.Look(ctx), mail(ctx), a.Sweeps.Run(ctx))
	}, lambda.WithContext(ctx))
}
