package queue_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/queue"
)

// redriving serves as much of SQS as a redrive needs. A queue's ARN is its
// name; code refuses to start the task, unless it is empty.
func redriving(t *testing.T, code string, started *map[string]any) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in map[string]any
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			t.Error(err)
		}
		switch action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."); {
		case action == "GetQueueAttributes":
			url, _ := in["QueueUrl"].(string)
			write(w, map[string]any{"Attributes": map[string]string{"QueueArn": path.Base(url)}})
		case action != "StartMessageMoveTask":
			t.Errorf("%s is called", action)
		case code != "":
			w.WriteHeader(http.StatusBadRequest)
			write(w, map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": "no"})
		default:
			*started = in
			write(w, map[string]string{"TaskHandle": "a task"})
		}
	}))
	t.Cleanup(server.Close)
	return server
}

func TestARedriveNamesBothQueuesAndTheRate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		rate int
		want map[string]any
	}{
		{0, map[string]any{"SourceArn": "dead.fifo", "DestinationArn": "main.fifo"}},
		{10, map[string]any{"SourceArn": "dead.fifo", "DestinationArn": "main.fifo", "MaxNumberOfMessagesPerSecond": 10.0}},
		{9999, map[string]any{"SourceArn": "dead.fifo", "DestinationArn": "main.fifo", "MaxNumberOfMessagesPerSecond": 500.0}},
	} {
		var started map[string]any
		client := newClient(redriving(t, "", &started).URL)
		task, err := queue.NewSQS(client, "https://sqs.example/1/dead.fifo").
			Redrive(t.Context(), queue.NewSQS(client, "https://sqs.example/1/main.fifo"), test.rate)
		if err != nil || task != "a task" {
			t.Errorf("task %q, error %v", task, err)
		}
		if diff := cmp.Diff(test.want, started); diff != "" {
			t.Errorf("rate %d (-want +got):\n%s", test.rate, diff)
		}
	}
}

func TestARedriveThatSQSDoesNotKnowIsToldFromOneThatFails(t *testing.T) {
	t.Parallel()
	for code, unsupported := range map[string]bool{
		"UnsupportedOperation":                        true,
		"AWS.SimpleQueueService.UnsupportedOperation": true,
		"InvalidAction":                               true,
		"UnknownOperationException":                   true,
		"AccessDeniedException":                       false,
	} {
		client := newClient(redriving(t, code, nil).URL)
		_, err := queue.NewSQS(client, "https://sqs.example/1/dead.fifo").
			Redrive(t.Context(), queue.NewSQS(client, "https://sqs.example/1/main.fifo"), 0)
		if err == nil || errors.Is(err, queue.ErrNoRedrive) != unsupported {
			t.Errorf("%s: error %v", code, err)
		}
	}
}

func TestTheEmulatorKnowsNoRedrive(t *testing.T) {
	t.Parallel()
	url := os.Getenv("SQS_EMULATOR_URL")
	if url == "" {
		t.Skip("left out: a redrive by an SQS emulator; make test starts one")
	}
	client := newClient(url)
	q := queue.NewSQS(client, createQueue(t, client, nil))
	if _, err := q.Redrive(t.Context(), q, 0); !errors.Is(err, queue.ErrNoRedrive) {
		t.Errorf("error %v; want %v", err, queue.ErrNoRedrive)
	}
}
