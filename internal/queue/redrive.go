package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

// ErrNoRedrive is returned where SQS does not start to move messages: it
// cannot (an emulator), or it is moving those of this queue already.
var ErrNoRedrive = errors.New("the redrive is not supported now")

// fastestRedrive is the highest rate SQS takes, in messages a second.
const fastestRedrive = 500

// Redrive makes SQS move all messages of this dead-letter queue to another
// queue, at most that many a second, 0 for as many as SQS thinks fit, and
// returns the handle of the task. The destination is named because SQS knows
// no source of a message that the worker itself sent here. What becomes of the
// task ListMessageMoveTasks says.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
func (q *SQS) Redrive(ctx context.Context, to *SQS, rate int) (task string, err error) {
	source, err := q.arn(ctx)
	if err != nil {
		return "", err
	}
	destination, err := to.arn(ctx)
	if err != nil {
		return "", err
	}
	in := &sqs.StartMessageMoveTaskInput{SourceArn: &source, DestinationArn: &destination}
	if rate > 0 {
		in.MaxNumberOfMessagesPerSecond = aws.Int32(int32(min(rate, fastestRedrive)))
	}
	out, err := q.client.StartMessageMoveTask(ctx, in)
	switch {
	case unsupported(err):
		return "", fmt.Errorf("redrive %s: %w: %w", q.url, ErrNoRedrive, err)
	case err != nil:
		return "", fmt.Errorf("redrive %s: %w", q.url, err)
	}
	return aws.ToString(out.TaskHandle), nil
}

// unsupported reports whether the service does not know the action, or does
// not carry it out now.
func unsupported(err error) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	code := api.ErrorCode()
	return code == "InvalidAction" || code == "UnknownOperationException" || strings.HasSuffix(code, "UnsupportedOperation")
}

func (q *SQS) arn(ctx context.Context) (string, error) {
	name := types.QueueAttributeNameQueueArn
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{name},
	})
	if err != nil {
		return "", fmt.Errorf("read the ARN of %s: %w", q.url, err)
	}
	return out.Attributes[string(name)], nil
}
