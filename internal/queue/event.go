package queue

import "github.com/aws/aws-lambda-go/events"

// FromEvent returns the messages of a batch that a Lambda event source mapping
// delivers.
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
func FromEvent(event events.SQSEvent) []Message {
	messages := make([]Message, len(event.Records))
	for i, record := range event.Records {
		m := Message{ID: record.MessageId, Receipt: record.ReceiptHandle, Body: []byte(record.Body)}
		m.setSystem(record.Attributes)
		for name, value := range record.MessageAttributes {
			m.setAttribute(name, value.StringValue)
		}
		messages[i] = m
	}
	return messages
}
