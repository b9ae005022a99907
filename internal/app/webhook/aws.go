package webhook

import (
	"context"
	"log/slog"
	"net/http"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/internal/config"
	"entrawebex/internal/metric"
	"entrawebex/internal/queue"
)

// OpenAWS returns the webhook of a stack on AWS, as the environment has it. It opens the
// change queue alone: what the package stores opens links the engine. What comes is
// counted under the namespace of the settings.
func OpenAWS(ctx context.Context, environ []string, counted *metric.Log, log *slog.Logger) (http.Handler, error) {
	settings, latest, err := config.Begin(ctx, config.WebhookFunction, environ, log)
	if err != nil {
		return nil, err
	}
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	counted.Namespace = settings.AWS.MetricNamespace
	changes := queue.Changes{Queue: queue.NewSQS(sqs.NewFromConfig(aws), settings.AWS.ChangeQueueURL)}
	return Handler(&settings, latest, changes, newStarter(aws, settings.AWS.RenewFunction), counted.Set, log)
}
