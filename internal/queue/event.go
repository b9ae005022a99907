package queue

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
)

// HandleEvent is Handle for a batch that a Lambda event source mapping with
// ReportBatchItemFailures delivers.
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
func (c *Consumer) HandleEvent(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	messages := make([]Message, len(event.Records))
	for i, record := range event.Records {
		messages[i] = eventMessage(record)
	}
	var response events.SQSEventResponse
	for _, id := range c.Handle(ctx, messages) {
		response.BatchItemFailures = append(response.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return response, nil
}

func eventMessage(record events.SQSMessage) Message {
	m := Message{ID: record.MessageId, Receipt: record.ReceiptHandle, Body: []byte(record.Body)}
	m.setSystem(record.Attributes)
	for name, value := range record.MessageAttributes {
		m.setAttribute(name, value.StringValue)
	}
	return m
}
