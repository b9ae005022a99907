// Function replay puts dead letters back on the change queue: all of them, or
// those that a filter chooses.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
)

func main() {
	ctx, log := context.Background(), slog.New(slog.NewJSONHandler(os.Stderr, nil))
	kept, err := stores.OpenAWS(ctx, config.ReplayFunction, os.Environ(), log)
	if err != nil {
		log.ErrorContext(ctx, "replay cannot start", "error", err)
		os.Exit(1)
	}
	lambda.StartWithOptions(kept.Replay(log).HandleEvent, lambda.WithContext(ctx))
}
