package stores

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"entrawebex/internal/config"
	"entrawebex/internal/ledger"
	"entrawebex/internal/pause"
	"entrawebex/internal/sweep"
	"entrawebex/internal/worker"
)

// cloud is as much of Lambda and SQS as a recovery needs: a mapping, and a
// dead-letter queue with letters.
type cloud struct {
	letters []map[string]any
	// did is what was changed.
	did []string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	answer := map[string]any{}
	switch action := r.Method + " " + strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS."); action {
	case "GET ":
		answer["State"] = "Enabled"
	case "PUT ":
		c.did = append(c.did, r.URL.Path+" "+string(body))
	case "POST GetQueueAttributes":
		answer["Attributes"] = map[string]string{"ApproximateNumberOfMessages": "2", "ApproximateNumberOfMessagesNotVisible": "0"}
	case "POST ReceiveMessage":
		answer["Messages"] = c.letters
		c.letters = nil
	default:
		var in struct {
			Entries []struct {
				ID   string `json:"Id"`
				Body string `json:"MessageBody"`
			} `json:"Entries"`
		}
		_ = json.Unmarshal(body, &in)
		var done []map[string]string
		for _, e := range in.Entries {
			c.did = append(c.did, action+" "+e.Body)
			done = append(done, map[string]string{"Id": e.ID})
		}
		answer["Successful"] = done
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(answer)
}

func letter(id, kind string) map[string]any {
	m := map[string]any{
		"MessageId": id, "ReceiptHandle": id, "Body": id,
		"Attributes": map[string]string{"MessageGroupId": id, "SentTimestamp": "1"},
	}
	if kind != "" {
		m["MessageAttributes"] = map[string]any{worker.AttributeFaultKind: map[string]string{"DataType": "String", "StringValue": kind}}
	}
	return m
}

// works is a side whose probe succeeds.
type works struct{}

func (works) Probe(context.Context) error { return nil }

// recovering returns a recovery over the cloud, and the switch beneath it.
func recovering(t *testing.T, c *cloud, mapping string) (*pause.Recovery, *pause.Switch) {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "ledger"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	kept := OnAWS(aws.Config{
		BaseEndpoint: &server.URL, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, &config.Settings{AWS: config.AWS{
		EventSourceMapping: mapping, ChangeQueueURL: server.URL + "/1/changes.fifo", DeadLetterQueueURL: server.URL + "/1/dead.fifo",
	}}, log)
	if kept.Ledger, err = ledger.OpenBolt(db); err != nil {
		t.Fatal(err)
	}
	sides := pause.New(kept.Ledger, works{}, works{}, log)
	return kept.Recovery(sides, (&sweep.Requests{Documents: kept.Ledger, Now: time.Now, Log: log}).Request, log), sides
}

func TestAPauseSwitchesTheMappingThatTheSettingsName(t *testing.T) {
	t.Parallel()
	for mapping, want := range map[string][]string{
		"":         nil,
		"the-uuid": {`/2015-03-31/event-source-mappings/the-uuid {"Enabled":false}`},
	} {
		c := &cloud{}
		r, sides := recovering(t, c, mapping)
		if err := sides.Pause(t.Context(), pause.Webex, pause.Pause{Since: time.Now(), Why: "maintenance", ByOperator: true}); err != nil {
			t.Fatal(err)
		}
		if err := r.Settle(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, c.did); diff != "" {
			t.Errorf("mapping %q (-want +got):\n%s", mapping, diff)
		}
	}
}

func TestAfterAPauseTheLettersOfPassingTroubleAreReplayed(t *testing.T) {
	t.Parallel()
	c := &cloud{letters: []map[string]any{letter("passing", "transient"), letter("moved-by-sqs", ""), letter("lasting", "permanent")}}
	r, sides := recovering(t, c, "")
	if err := sides.Pause(t.Context(), pause.Graph, pause.Pause{Since: time.Now(), Why: "502"}); err != nil {
		t.Fatal(err)
	}
	if err := r.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second finds it done
		if err := r.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{
		"POST SendMessageBatch passing", "POST SendMessageBatch moved-by-sqs",
		"POST DeleteMessageBatch ", "POST DeleteMessageBatch ",
		"POST ChangeMessageVisibilityBatch ",
	}
	if diff := cmp.Diff(want, c.did); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}
