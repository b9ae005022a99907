package worker

import (
	"context"

	"github.com/aws/aws-lambda-go/events"

	"entrawebex/internal/queue"
)

// HandleEvent is Handle for a batch that a Lambda event source mapping with
// ReportBatchItemFailures delivers.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (c *Worker) HandleEvent(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	var response events.SQSEventResponse
	for _, id := range c.Handle(ctx, queue.FromEvent(event)) {
		response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return response, nil
}
