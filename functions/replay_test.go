package functions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/history"
	"entrawebex/internal/replay"
)

// Ada cannot have her account: another system's has her userName. Once that
// is deleted, her dead letter is replayed.
func TestReplayAfterTheCauseIsGoneSucceeds(t *testing.T) {
	t.Parallel()
	d := deploy(t, webexOrg(t))
	d.hire(adaID, "ada@contoso.example")
	// Whoever has the account's externalId is in this tenant.
	d.hire("0d9b5c77-6a41-4c2e-8f13-2a7de01b94c6", "another@contoso.example")
	stranger := d.call(http.MethodPost, "/Users", map[string]any{
		"schemas":  []string{"urn:ietf:params:scim:schemas:core:2.0:User"},
		"userName": "ada@contoso.example", "displayName": "Another Ada", "userType": "user", "active": true,
		"externalId": "0d9b5c77-6a41-4c2e-8f13-2a7de01b94c6",
		"emails":     []any{map[string]any{"value": "ada@contoso.example", "type": "work", "primary": true}},
	})
	if status := d.post("user-updated.json"); status != http.StatusAccepted {
		t.Fatalf("the webhook answers %d", status)
	}
	d.eventually("Ada's change is a dead letter", func() bool { return d.deadLetters() == 1 && d.idle() })

	wantReplay := func(event string, want replay.Result) {
		t.Helper()
		var got replay.Result
		if err := d.replay.invoke(t.Context(), []byte(event), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", event, diff)
		}
	}
	wantReplay(`{"dryRun": true}`, replay.Result{Moved: 1})
	wantReplay(`{"filter": ["older=24h"]}`, replay.Result{Kept: 1})
	wantReplay(`{}`, replay.Result{Moved: 1})
	d.eventually("it is a dead letter again", func() bool { return d.deadLetters() == 1 && d.idle() })

	d.call(http.MethodDelete, "/Users/"+fmt.Sprint(stranger["id"]), nil)
	wantReplay(`{"filter": ["kind=permanent", "object=`+adaID+`"], "rate": 10, "by": "ada@contoso.example"}`, replay.Result{Moved: 1})
	d.eventually("Ada has an account", func() bool { return len(d.find("ada@contoso.example")) == 1 && d.idle() })
	if found := d.find("ada@contoso.example")[0]; found["externalId"] != adaID {
		t.Errorf("the account is %v", found)
	}
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		t.Fatal(err)
	}
	wantReplay(string(scheduled), replay.Result{})
	if err := d.replay.invoke(t.Context(), []byte(`{"filters": []}`), nil); err == nil {
		t.Error("a misspelt request is carried out")
	}
	var kept []string
	for e, err := range d.log.Entries(t.Context(), history.Span{}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Act == replay.Act {
			who, _, _ := strings.Cut(e.InitiatedBy.DisplayName, " ")
			kept = append(kept, who+": "+e.Steps[0].Description)
		}
	}
	if diff := cmp.Diff([]string{
		"Scheduled: put back 0 messages",
		"ada@contoso.example: put back 1 message with kind=permanent object=" + adaID,
		"invocation: put back 1 message",
		"invocation: put back 0 messages with older=24h",
	}, kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// deadLetters is how many messages wait on the dead-letter queue.
func (d *deployment) deadLetters() int {
	d.t.Helper()
	name := types.QueueAttributeNameApproximateNumberOfMessages
	out, err := d.sqs.GetQueueAttributes(d.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &d.dead, AttributeNames: []types.QueueAttributeName{name},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	var n int
	if _, err := fmt.Sscan(out.Attributes[string(name)], &n); err != nil {
		d.t.Fatal(err)
	}
	return n
}

// call writes to the SCIM server, as somebody else, and returns its answer.
func (d *deployment) call(method, path string, resource map[string]any) map[string]any {
	d.t.Helper()
	data, err := json.Marshal(resource)
	if err != nil {
		d.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(d.t.Context(), method, d.scim+path, bytes.NewReader(data))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+webexToken)
	request.Header.Set("Content-Type", "application/scim+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if closeErr := response.Body.Close(); err != nil || closeErr != nil || response.StatusCode >= http.StatusBadRequest {
		d.t.Fatalf("%s %s: %s %s, %v, %v", method, path, response.Status, body, err, closeErr)
	}
	var answer map[string]any
	if len(body) > 0 {
		if err := json.Unmarshal(body, &answer); err != nil {
			d.t.Fatal(err)
		}
	}
	return answer
}
