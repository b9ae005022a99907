// Function webhook receives Graph's change notifications behind an API Gateway
// HTTP API and puts them on the change queue. What Graph says of a subscription
// starts renew.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/internal/app/webhook"
	"entrawebex/internal/config"
	"entrawebex/internal/metric"
	"entrawebex/internal/queue"
	"entrawebex/internal/trace"
)

func main() {
	ctx, log := context.Background(), trace.Log(os.Stderr)
	counted := &metric.Log{Set: new(metric.Set), Out: os.Stdout, Now: time.Now}
	handler, err := open(ctx, counted, log)
	if err != nil {
		log.ErrorContext(ctx, "webhook cannot start", "error", err)
		os.Exit(1)
	}
	front := gateway{handler}
	lambda.StartWithOptions(func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		answer, err := front.Handle(ctx, event)
		if err := counted.Flush(); err != nil { // whose loss is no reason to be sent the notification again
			log.WarnContext(ctx, "metrics not written", "error", err)
		}
		return answer, err
	}, lambda.WithContext(ctx))
}

// open opens the change queue alone: what stores opens links the engine. What comes is
// counted under the namespace of the settings.
func open(ctx context.Context, counted *metric.Log, log *slog.Logger) (http.Handler, error) {
	settings, latest, err := config.Begin(ctx, config.WebhookFunction, os.Environ(), log)
	if err != nil {
		return nil, err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	counted.Namespace = settings.AWS.MetricNamespace
	changes := queue.Changes{Queue: queue.NewSQS(sqs.NewFromConfig(aws), settings.AWS.ChangeQueueURL)}
	return webhook.Handler(&settings, latest, changes, newStarter(aws, settings.AWS.RenewFunction), counted.Set, log)
}
