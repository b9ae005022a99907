// Function webhook receives Graph's change notifications behind an API Gateway
// HTTP API and puts them on the change queue. What Graph says of a subscription
// starts renew.
package main

import (
	"context"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"entrawebex/internal/app/webhook"
	"entrawebex/internal/metric"
	"entrawebex/internal/trace"
)

func main() {
	ctx, log := context.Background(), trace.Log(os.Stderr)
	counted := &metric.Log{Set: new(metric.Set), Out: os.Stdout, Now: time.Now}
	handler, err := webhook.OpenAWS(ctx, os.Environ(), counted, log)
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
