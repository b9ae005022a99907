package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"entrawebex/internal/trace"
)

// SQS is an SQS FIFO queue.
type SQS struct {
	client *sqs.Client
	url    string
}

// NewSQS returns the FIFO queue that has the URL.
func NewSQS(client *sqs.Client, queueURL string) *SQS {
	return &SQS{client: client, url: queueURL}
}

const (
	// maxBatch is the most entries a batch request may have.
	maxBatch = 10
	// maxBatchSize is the most bytes of bodies and attributes together; like
	// maxBody it keeps to the limit of older queues.
	maxBatchSize = 256 << 10
	// maxLanes is how many batches of one Send are under way at once. Graph
	// posts up to about a thousand notifications at once; at 10 ms a batch,
	// 8 lanes have 1,000 messages on the queue in an eighth of a second.
	maxLanes = 8
	// tries is how often an entry is sent that SQS fails by its own fault,
	// and pause doubled (20 ms), and doubled again (40 ms), the time between.
	tries = 3
	pause = 10 * time.Millisecond
)

// Send implements Queue. A batch request that fails as a whole is sent again
// by the SDK's retryer, an entry that fails by SQS's fault is by Send, either
// under the deduplication id it had.
func (q *SQS) Send(ctx context.Context, entries []Entry) error {
	if err := check(entries); err != nil {
		return fmt.Errorf("send to %s: none of %d messages is on it: %w", q.url, len(entries), err)
	}
	var wg sync.WaitGroup
	lanes := spread(entries)
	unsent, errs := make([]int, len(lanes)), make([]error, len(lanes))
	for i, lane := range lanes {
		wg.Go(func() { unsent[i], errs[i] = q.sendLane(ctx, lane) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		total := 0
		for _, n := range unsent {
			total += n
		}
		return fmt.Errorf("send to %s: %d of %d messages may not be on it: %w", q.url, total, len(entries), err)
	}
	return nil
}

// Receive implements Queue.
func (q *SQS) Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]Message, error) {
	out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl:              &q.url,
		MaxNumberOfMessages:   int32(max(1, min(limit, MaxReceive))),
		VisibilityTimeout:     seconds(visibility, maxDelay),
		WaitTimeSeconds:       seconds(wait, MaxWait),
		MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameMessageGroupId,
			types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameSentTimestamp,
		},
		// Lets the SDK's retryer have the messages of an answer that was lost.
		ReceiveRequestAttemptId: aws.String(uuid.NewString()),
	})
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", q.url, err)
	}
	msgs := make([]Message, len(out.Messages))
	for i, m := range out.Messages {
		msgs[i] = fromSQS(m)
	}
	return msgs, nil
}

// Delay implements Queue.
func (q *SQS) Delay(ctx context.Context, msgs []Message, d time.Duration) error {
	for batch := range slices.Chunk(msgs, maxBatch) {
		entries := make([]types.ChangeMessageVisibilityBatchRequestEntry, len(batch))
		for i, m := range batch {
			entries[i] = types.ChangeMessageVisibilityBatchRequestEntry{
				Id:                aws.String(strconv.Itoa(i)),
				ReceiptHandle:     &m.Receipt,
				VisibilityTimeout: seconds(d, maxDelay),
			}
		}
		out, err := q.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{
			QueueUrl: &q.url, Entries: entries,
		})
		if err == nil {
			err = failure(out.Failed)
		}
		if err != nil {
			return fmt.Errorf("delay %d messages of %s: %w", len(msgs), q.url, err)
		}
	}
	return nil
}

// Delete implements Queue.
func (q *SQS) Delete(ctx context.Context, msgs []Message) error {
	for batch := range slices.Chunk(msgs, maxBatch) {
		entries := make([]types.DeleteMessageBatchRequestEntry, len(batch))
		for i, m := range batch {
			entries[i] = types.DeleteMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: &m.Receipt,
			}
		}
		out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		if err == nil {
			err = failure(out.Failed)
		}
		if err != nil {
			return fmt.Errorf("delete %d messages from %s: %w", len(msgs), q.url, err)
		}
	}
	return nil
}

// Depth implements Queue.
func (q *SQS) Depth(ctx context.Context) (Depth, error) {
	visible := types.QueueAttributeNameApproximateNumberOfMessages
	inFlight := types.QueueAttributeNameApproximateNumberOfMessagesNotVisible
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{visible, inFlight},
	})
	if err != nil {
		return Depth{}, fmt.Errorf("count messages of %s: %w", q.url, err)
	}
	return Depth{
		Visible:  int(number(out.Attributes[string(visible)])),
		InFlight: int(number(out.Attributes[string(inFlight)])),
	}, nil
}

// spread deals the entries to as few lanes as have one full batch each, and
// each group to one lane: lanes are sent at once, a lane in its order.
func spread(entries []Entry) [][]Entry {
	lanes := make([][]Entry, min((len(entries)+maxBatch-1)/maxBatch, maxLanes))
	laneOf := map[string]int{}
	for _, e := range entries {
		i, known := laneOf[e.Group]
		if !known {
			for j := range lanes {
				if len(lanes[j]) < len(lanes[i]) {
					i = j
				}
			}
			laneOf[e.Group] = i
		}
		lanes[i] = append(lanes[i], e)
	}
	return lanes
}

// sendLane sends batch after batch, until a request fails as a whole. It
// returns how many of the entries may not be on the queue, and why.
func (q *SQS) sendLane(ctx context.Context, entries []Entry) (int, error) {
	var failed []types.BatchResultErrorEntry
	for len(entries) > 0 {
		batch := entries[:batchLength(entries)]
		refused, err := q.sendBatch(ctx, batch)
		failed = append(failed, refused...)
		if err != nil {
			return len(failed) + len(entries), err
		}
		entries = entries[len(batch):]
	}
	return len(failed), failure(failed)
}

// batchLength is how many of the entries fit into one batch request.
func batchLength(entries []Entry) int {
	size := 0
	for i, e := range entries {
		size += e.size()
		if i > 0 && (i == maxBatch || size > maxBatchSize) {
			return i
		}
	}
	return len(entries)
}

// size is what SQS counts of a message.
func (e Entry) size() int {
	size := len(e.Body)
	for name, value := range e.Attributes {
		size += len(name) + len(stringType) + len(value)
	}
	return size
}

// sendBatch sends one batch, and again what fails by SQS's fault. It returns
// the entries that are not on the queue, or the error of a request that
// failed as a whole.
func (q *SQS) sendBatch(ctx context.Context, entries []Entry) ([]types.BatchResultErrorEntry, error) {
	open := make([]types.SendMessageBatchRequestEntry, len(entries))
	for i, e := range entries {
		open[i] = toSQS(strconv.Itoa(i), e, trace.Header())
	}
	var refused []types.BatchResultErrorEntry
	for try := 1; ; try++ {
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: open})
		if err != nil {
			return nil, err
		}
		failed := map[string]types.BatchResultErrorEntry{}
		for _, f := range out.Failed {
			failed[aws.ToString(f.Id)] = f
			if f.SenderFault || try == tries {
				refused = append(refused, f)
			}
		}
		open = slices.DeleteFunc(open, func(e types.SendMessageBatchRequestEntry) bool {
			f, ok := failed[*e.Id]
			return !ok || f.SenderFault
		})
		if len(open) == 0 || try == tries {
			return refused, nil
		}
		select {
		case <-time.After(pause << try):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// failure returns an error if entries of a batch failed.
func failure(failed []types.BatchResultErrorEntry) error {
	if len(failed) == 0 {
		return nil
	}
	first := failed[0]
	return fmt.Errorf("%d failed, the first with %s: %s", len(failed), aws.ToString(first.Code), aws.ToString(first.Message))
}

const stringType = "String"

// toSQS gives the entry a deduplication id of its own. One made of the
// content would swallow the second of two identical Changes. With it travels the header
// of the trace that it belongs to, unless that is empty: Lambda links to that trace the
// one in which it is received ("Amazon SQS and AWS X-Ray", AWS X-Ray Developer Guide).
func toSQS(id string, e Entry, header string) types.SendMessageBatchRequestEntry {
	attributes := make(map[string]types.MessageAttributeValue, len(e.Attributes))
	for name, value := range e.Attributes {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String(stringType), StringValue: &value}
	}
	var system map[string]types.MessageSystemAttributeValue
	if header != "" {
		system = map[string]types.MessageSystemAttributeValue{
			string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String(stringType), StringValue: &header},
		}
	}
	return types.SendMessageBatchRequestEntry{
		MessageSystemAttributes: system,
		Id:                      &id,
		MessageBody:             aws.String(string(e.Body)),
		MessageAttributes:       attributes,
		MessageGroupId:          &e.Group,
		MessageDeduplicationId:  aws.String(uuid.NewString()),
	}
}

func fromSQS(m types.Message) Message {
	msg := Message{
		ID:      aws.ToString(m.MessageId),
		Receipt: aws.ToString(m.ReceiptHandle),
		Body:    []byte(aws.ToString(m.Body)),
	}
	msg.setSystem(m.Attributes)
	for name, value := range m.MessageAttributes {
		msg.setAttribute(name, value.StringValue)
	}
	return msg
}

// setSystem takes what SQS itself says of a message.
func (m *Message) setSystem(attributes map[string]string) {
	m.Group = attributes[string(types.MessageSystemAttributeNameMessageGroupId)]
	m.ReceiveCount = int(number(attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)]))
	m.SentAt = time.UnixMilli(number(attributes[string(types.MessageSystemAttributeNameSentTimestamp)])).UTC()
}

// setAttribute takes a message attribute, unless it is binary.
func (m *Message) setAttribute(name string, value *string) {
	if value == nil {
		return
	}
	if m.Attributes == nil {
		m.Attributes = map[string]string{}
	}
	m.Attributes[name] = *value
}

// seconds returns d, not more than longest, in whole seconds, rounded up.
func seconds(d, longest time.Duration) int32 {
	return int32((within(d, longest) + time.Second - 1) / time.Second)
}

// number reads one of SQS's counts; what is none tells nothing: 0.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
