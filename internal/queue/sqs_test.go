package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"entrawebex/internal/queue"
)

func TestSQS(t *testing.T) {
	t.Parallel()
	url := os.Getenv("SQS_EMULATOR_URL")
	if url == "" {
		t.Skip("SQS_EMULATOR_URL is not set: the queue's conformance to SQS is not tested")
	}
	client := newClient(url)
	conformance(t, func(t *testing.T, test func(*testing.T, opened)) {
		t.Helper()
		dead := createQueue(t, client, nil)
		policy, err := json.Marshal(map[string]any{
			"deadLetterTargetArn": queueARN(t, client, dead), "maxReceiveCount": maxReceives,
		})
		if err != nil {
			t.Fatal(err)
		}
		main := createQueue(t, client, map[string]string{"RedrivePolicy": string(policy)})
		test(t, opened{Queue: queue.NewSQS(client, main), deadLetters: queue.NewSQS(client, dead)})
	})
}

func TestSQSSendsUpTo10EntriesInOneRequest(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	mustSend(t, f.queue, distinct(10)...)
	wantEqual(t, f.requests(), [][]string{ids(distinct(10))})
}

func TestSQSSendsFullBatchesAndAGroupInOrder(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	const n = 300
	var entries []queue.Entry
	want := map[string][]string{}
	for i := range n {
		e := entry(fmt.Sprint("group", i*i%97), fmt.Sprint(i))
		entries = append(entries, e)
		want[e.Group] = append(want[e.Group], string(e.Body))
	}
	mustSend(t, f.queue, entries...)

	got := map[string][]string{}
	for _, m := range f.messages() {
		got[m.MessageGroupID] = append(got[m.MessageGroupID], m.MessageBody)
	}
	wantEqual(t, got, want)
	if requests := len(f.requests()); requests > n/10+8 {
		t.Errorf("%d entries took %d requests", n, requests)
	}
}

func TestSQSSplitsABatchThatWouldBeTooLarge(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	large := strings.Repeat("x", 100<<10)
	mustSend(t, f.queue, entry("a", "1"+large), entry("b", "2"+large), entry("c", "3"+large), entry("d", "4"))
	var sizes []int
	for _, bodies := range f.requests() {
		sizes = append(sizes, len(bodies))
	}
	wantEqual(t, sizes, []int{2, 2})
}

func TestSQSSendsAgainOnlyWhatSQSFailedAndUnderTheSameDeduplicationID(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	f.fail("2", "InternalError", 2)
	mustSend(t, f.queue, entry("a", "1"), entry("b", "2"), entry("c", "3"))

	wantEqual(t, f.requests(), [][]string{{"1", "2", "3"}, {"2"}, {"2"}})
	tried := map[string]string{}
	for _, m := range f.tried {
		if id, again := tried[m.MessageBody]; again && id != m.MessageDeduplicationID {
			t.Errorf("message %s had the deduplication ids %s and %s", m.MessageBody, id, m.MessageDeduplicationID)
		}
		tried[m.MessageBody] = m.MessageDeduplicationID
	}
}

func TestSQSGivesUpAnEntryAfterThreeTries(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	f.fail("2", "InternalError", 99)
	err := f.queue.Send(t.Context(), []queue.Entry{entry("a", "1"), entry("b", "2")})
	wantErrorText(t, err, "1 of 2 messages", "InternalError")
	wantEqual(t, f.requests(), [][]string{{"1", "2"}, {"2"}, {"2"}})
}

func TestSQSDoesNotSendAgainWhatTheSenderDidWrong(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	f.fail("2", "InvalidMessageContents", 99)
	entries := append([]queue.Entry{entry("b", "2")}, distinct(14)...)
	err := f.queue.Send(t.Context(), entries)
	wantErrorText(t, err, "1 of 15 messages", "InvalidMessageContents")
	wantEqual(t, len(f.messages()), 14)
	wantEqual(t, len(f.requests()), 2)
}

func TestSQSCountsWhatARefusedRequestLeavesUnsent(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	f.refuse("AccessDenied")
	err := f.queue.Send(t.Context(), distinct(25))
	wantErrorText(t, err, "25 of 25 messages", "AccessDenied")
}

func TestSQSEndsRetriesWithTheContext(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	f.fail("1", "InternalError", 99)
	ctx, cancel := context.WithCancel(t.Context())
	f.onRequest = cancel
	err := f.queue.Send(ctx, []queue.Entry{entry("a", "1")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	wantErrorText(t, err, "1 of 1 messages")
}

func TestSQSTellsOfReceiptsItRefused(t *testing.T) {
	t.Parallel()
	f := newFakeSQS(t)
	msgs := make([]queue.Message, 12)
	for i := range msgs {
		msgs[i] = queue.Message{ID: fmt.Sprint(i), Receipt: "good"}
	}
	msgs[11].Receipt = "stale"
	wantErrorText(t, f.queue.Delete(t.Context(), msgs), "ReceiptHandleIsInvalid")
	wantErrorText(t, f.queue.Delay(t.Context(), msgs, time.Second), "ReceiptHandleIsInvalid")
	if err := f.queue.Delete(t.Context(), msgs[:11]); err != nil {
		t.Error(err)
	}
}

// fakeSQS is the part of SQS that fails, which the emulators have not: the
// entries of a batch one by one (Amazon SQS API Reference,
// BatchResultErrorEntry).
type fakeSQS struct {
	queue *queue.SQS
	// onRequest is called before each answer.
	onRequest func()

	mu       sync.Mutex
	failures map[string]*failure // by message body
	refusal  string
	batches  [][]string
	tried    []fakeEntry
	kept     []fakeEntry
}

type failure struct {
	code  string
	times int
}

type fakeEntry struct {
	ID                     string `json:"Id"`
	MessageBody            string
	MessageGroupID         string `json:"MessageGroupId"`
	MessageDeduplicationID string `json:"MessageDeduplicationId"`
	ReceiptHandle          string
}

func newFakeSQS(t *testing.T) *fakeSQS {
	t.Helper()
	f := &fakeSQS{failures: map[string]*failure{}, onRequest: func() {}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.queue = queue.NewSQS(newClient(server.URL), server.URL+"/000000000000/test.fifo")
	return f
}

// fail makes the entry with the body fail so many times.
func (f *fakeSQS) fail(body, code string, times int) {
	f.failures[body] = &failure{code: code, times: times}
}

// refuse makes every request fail as a whole.
func (f *fakeSQS) refuse(code string) { f.refusal = code }

// requests returns the bodies of the messages of each request so far.
func (f *fakeSQS) requests() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.batches
}

func (f *fakeSQS) messages() []fakeEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.kept
}

func (f *fakeSQS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onRequest()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	var request struct{ Entries []fakeEntry }
	err := json.NewDecoder(r.Body).Decode(&request)
	if err != nil || f.refusal != "" || len(request.Entries) > 10 {
		w.WriteHeader(http.StatusBadRequest)
		write(w, map[string]string{"__type": "com.amazonaws.sqs#" + f.refusal})
		return
	}
	var bodies []string
	successful, failed := []map[string]any{}, []map[string]any{}
	for _, e := range request.Entries {
		bodies = append(bodies, e.MessageBody)
		f.tried = append(f.tried, e)
		if code := f.code(e); code != "" {
			failed = append(failed, map[string]any{"Id": e.ID, "Code": code, "SenderFault": code != "InternalError"})
			continue
		}
		f.kept = append(f.kept, e)
		successful = append(successful, map[string]any{"Id": e.ID, "MessageId": uuid.NewString()})
	}
	f.batches = append(f.batches, bodies)
	write(w, map[string]any{"Successful": successful, "Failed": failed})
}

// code is what the entry fails with; empty if it does not.
func (f *fakeSQS) code(e fakeEntry) string {
	if e.ReceiptHandle == "stale" {
		return "ReceiptHandleIsInvalid"
	}
	failing := f.failures[e.MessageBody]
	if failing == nil || failing.times == 0 {
		return ""
	}
	failing.times--
	return failing.code
}

func write(w http.ResponseWriter, answer any) {
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		panic(http.ErrAbortHandler)
	}
}

func newClient(url string) *sqs.Client {
	return sqs.New(sqs.Options{
		BaseEndpoint: &url,
		Region:       "eu-central-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		// fakeSQS sends no digests.
		DisableMessageChecksumValidation: true,
	})
}

// createQueue creates a FIFO queue with a name of its own and returns its URL.
func createQueue(t *testing.T, client *sqs.Client, attributes map[string]string) string {
	t.Helper()
	all := map[string]string{"FifoQueue": "true"}
	maps.Copy(all, attributes)
	out, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: aws.String("test-" + uuid.NewString() + ".fifo"), Attributes: all,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if _, err := client.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: out.QueueUrl}); err != nil {
			t.Error(err)
		}
	})
	return *out.QueueUrl
}

func queueARN(t *testing.T, client *sqs.Client, url string) string {
	t.Helper()
	out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes["QueueArn"]
}

// ids returns the bodies of entries.
func ids(entries []queue.Entry) []string {
	var bodies []string
	for _, e := range entries {
		bodies = append(bodies, string(e.Body))
	}
	return bodies
}

func wantErrorText(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	missing := slices.DeleteFunc(slices.Clone(texts), func(s string) bool { return strings.Contains(err.Error(), s) })
	if len(missing) > 0 {
		t.Errorf("error %q lacks %q", err, missing)
	}
}
