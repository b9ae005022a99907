// Function replay puts dead letters back on the change queue: all of them, or
// those that a filter chooses.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/metric"
	"entrawebex/internal/replay"
	"entrawebex/internal/trace"
)

func main() {
	ctx, log := context.Background(), trace.Log(os.Stderr)
	kept, err := stores.OpenAWS(ctx, config.ReplayFunction, os.Environ(), log)
	if err != nil {
		log.ErrorContext(ctx, "replay cannot start", "error", err)
		os.Exit(1)
	}
	counted, job := metric.Log{Set: new(metric.Set), Namespace: os.Getenv("METRIC_NAMESPACE"), Out: os.Stdout, Now: time.Now}, kept.Replay(log)
	lambda.StartWithOptions(func(ctx context.Context, event json.RawMessage) (replay.Result, error) {
		result, err := job.HandleEvent(ctx, event)
		counted.Set.Record(metric.Replayed, float64(result.Moved))
		if err := counted.Flush(); err != nil {
			log.WarnContext(ctx, "metrics not written", "error", err)
		}
		return result, err
	}, lambda.WithContext(ctx))
}
