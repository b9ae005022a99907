// Function webhook receives Graph's change notifications behind an API Gateway
// HTTP API and puts them on the change queue. What Graph says of a subscription
// starts renew.
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/internal/config"
	"entrawebex/internal/notification"
	"entrawebex/internal/queue"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(context.Background(), log); err != nil {
		log.Error("webhook cannot start", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, log *slog.Logger) error {
	settings, err := config.Load(ctx, config.WebhookFunction, os.Environ(), config.Secret)
	if err != nil {
		return err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	receiver, err := notification.New(notification.Config{
		ClientState:         settings.Webhook.ClientState,
		PreviousClientState: settings.Webhook.PreviousClientState,
		TenantID:            settings.Entra.TenantID,
		Queue:               queue.Changes{Queue: queue.NewSQS(sqs.NewFromConfig(aws), settings.AWS.ChangeQueueURL)},
		Renew:               newStarter(aws, settings.AWS.RenewFunction),
		Log:                 log,
	})
	if err != nil {
		return err
	}
	lambda.StartWithOptions(gateway{notification.Handler(receiver)}.Handle, lambda.WithContext(ctx))
	return nil
}
