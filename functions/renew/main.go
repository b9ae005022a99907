// Function renew runs every minute, and at once when Graph says something of a
// subscription, and looks after what runs out by itself: that there is a
// subscription to users and one to groups, that there is a token for Webex, that
// the worker rests while a side is paused, and that a side that was paused goes on
// once it works again.
package main

import (
	"context"
	"errors"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"entrawebex/internal/app"
	"entrawebex/internal/config"
	"entrawebex/internal/renew"
	"entrawebex/internal/trace"
)

func main() {
	ctx, log := context.Background(), trace.Log(os.Stderr)
	a, err := app.OpenAWS(ctx, config.RenewFunction, os.Environ(), log)
	if err != nil {
		log.ErrorContext(ctx, "renew cannot start", "error", err)
		os.Exit(1)
	}
	lambda.StartWithOptions(func(ctx context.Context, event renew.Event) error {
		defer a.Flush(ctx)
		return errors.Join(a.Renew(ctx, event.Lifecycle...), a.Drops.Settle(ctx))
	}, lambda.WithContext(ctx))
}
