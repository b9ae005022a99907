package functions_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

const many = 1000

// serveOrg serves an organization and returns its SCIM root.
func serveOrg(t testing.TB, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/identity/scim/" + orgID + "/v2"
}

// differences are those between the tenant and an organization, by the mapping
// that is deployed.
func (d *deployment) differences(org *scim.Organization) []compare.Difference {
	d.t.Helper()
	return compare.Differences(d.tenant, org, d.rules())
}

// rules are the mapping that is deployed.
func (d *deployment) rules() mapping.Rules {
	d.t.Helper()
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		d.t.Fatal(err)
	}
	return rules
}

// hireMany subscribes and hires a thousand users, who are notified of.
func (d *deployment) hireMany() {
	d.t.Helper()
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.renew.invoke(d.t.Context(), scheduled, nil); err != nil {
		d.t.Fatal(err)
	}
	for n := range many {
		name := fmt.Sprintf("user%d", n)
		_, err := d.tenant.Create(graph.User{"userPrincipalName": name + "@contoso.example", "displayName": name, "givenName": name, "surname": "S"})
		if err != nil {
			d.t.Fatal(err)
		}
	}
	d.background(func(ctx context.Context) { d.tenant.Run(ctx) })
}

// within fails the test unless the condition comes true in time.
func (d *deployment) within(patience time.Duration, what string, condition func() bool) {
	d.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for !condition() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			d.t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// One user whom Webex refuses for good stops none of the 999 others.
func TestOneUserOfAThousandWhomWebexRefusesIsOneDeadLetter(t *testing.T) {
	t.Parallel()
	org, err := scim.New(scim.Config{ID: orgID, Token: webexToken, Refused: []string{"user417@contoso.example"}})
	if err != nil {
		t.Fatal(err)
	}
	d := deploy(t, serveOrg(t, org))
	d.hireMany()
	d.within(4*time.Minute, "999 users have an account, and nothing is on the queue", func() bool {
		return len(org.Users()) == many-1 && d.tenant.Undelivered() == 0 && d.idle()
	})
	received, err := d.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &d.dead, MessageAttributeNames: []string{"All"}, MaxNumberOfMessages: 10,
	})
	if err != nil || len(received.Messages) != 1 {
		t.Fatalf("%d dead letters, %v", len(received.Messages), err)
	}
	reason := aws.ToString(received.Messages[0].MessageAttributes["faultReason"].StringValue)
	if !strings.Contains(reason, "The domain of the userName is not verified") {
		t.Errorf("the reason is %q", reason)
	}
	t.Logf("the dead letter says: %s", reason)
}

// killer kills the worker while a call of it is in flight: before the call has
// its effect, and after it, in turn.
type killer struct {
	http.Handler

	kill  atomic.Pointer[func()]
	kills atomic.Int64
}

const maxKills = 100

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kill := k.kill.Load()
	if kill == nil || r.Method == http.MethodGet || k.kills.Load() >= maxKills {
		k.Handler.ServeHTTP(w, r)
		return
	}
	if k.kills.Add(1)%2 == 0 {
		k.Handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	(*kill)()
	panic(http.ErrAbortHandler) // nobody waits for an answer
}

// A worker that is killed a hundred times with a call in flight, over a
// thousand changes, loses none of them and makes nobody twice. Half of the
// calls had their effect.
func TestAWorkerKilledAHundredTimesLosesNothing(t *testing.T) {
	t.Parallel()
	org, err := scim.New(scim.Config{ID: orgID, Token: webexToken})
	if err != nil {
		t.Fatal(err)
	}
	k := &killer{Handler: org}
	d := deploy(t, serveOrg(t, k))
	kill := d.worker.kill
	k.kill.Store(&kill)
	d.hireMany()
	// What a dead worker had claimed waits for two minutes.
	d.within(12*time.Minute, "the worker was killed, everybody has an account, and nothing is on the queue", func() bool {
		return k.kills.Load() >= maxKills && len(org.Users()) == many && d.tenant.Undelivered() == 0 && d.idle()
	})
	if differences := d.differences(org); len(differences) > 0 {
		t.Errorf("%d differences, such as %v", len(differences), differences[0])
	}
	received, err := d.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &d.dead, MessageAttributeNames: []string{"All"}})
	if err != nil || len(received.Messages) > 0 {
		t.Errorf("%d dead letters, %v", len(received.Messages), err)
	}
	t.Logf("killed %d times", k.kills.Load())
}
