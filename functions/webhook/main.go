// Function webhook receives Graph's change notifications behind an API Gateway
// HTTP API and puts them on the change queue. What Graph says of a subscription
// starts renew.
package main

import (
	"context"
	"log/slog"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/internal/app/webhook"
	"entrawebex/internal/config"
	"entrawebex/internal/queue"
)

func main() {
	ctx, log := context.Background(), slog.New(slog.NewJSONHandler(os.Stderr, nil))
	handler, err := open(ctx, log)
	if err != nil {
		log.ErrorContext(ctx, "webhook cannot start", "error", err)
		os.Exit(1)
	}
	lambda.StartWithOptions(gateway{handler}.Handle, lambda.WithContext(ctx))
}

// open opens the change queue alone: what stores opens links the engine.
func open(ctx context.Context, log *slog.Logger) (http.Handler, error) {
	settings, _, err := config.Begin(ctx, config.WebhookFunction, os.Environ(), log)
	if err != nil {
		return nil, err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	changes := queue.Changes{Queue: queue.NewSQS(sqs.NewFromConfig(aws), settings.AWS.ChangeQueueURL)}
	return webhook.Handler(&settings, changes, newStarter(aws, settings.AWS.RenewFunction), log)
}
