// Function replay puts dead letters back on the change queue: all of them, or
// those that a filter chooses. Who asked for it is kept in the provisioning log.
package main

import (
	"context"
	"encoding/json"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/history"
	"entrawebex/internal/metric"
	"entrawebex/internal/replay"
	"entrawebex/internal/trace"
)

func main() {
	ctx, log := context.Background(), trace.Log(os.Stderr)
	kept, settings, err := stores.OpenAWS(ctx, config.ReplayFunction, os.Environ(), log)
	if err != nil {
		log.ErrorContext(ctx, "replay cannot start", "error", err)
		os.Exit(1)
	}
	counted := metric.Log{Set: new(metric.Set), Namespace: settings.AWS.MetricNamespace, Out: os.Stdout, Now: time.Now}
	function := replay.Function{Job: kept.Replay(log), Log: history.NewLog(kept.History, settings.Entra.TenantID, time.Now, log)}
	lambda.StartWithOptions(func(ctx context.Context, event json.RawMessage) (replay.Result, error) {
		result, err := function.HandleEvent(ctx, event)
		counted.Set.Record(metric.Replayed, float64(result.Moved))
		if err := counted.Flush(); err != nil {
			log.WarnContext(ctx, "metrics not written", "error", err)
		}
		return result, err
	}, lambda.WithContext(ctx))
}
