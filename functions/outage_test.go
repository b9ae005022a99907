package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

const (
	// haste is how many times faster than AWS's clocks these go: EventBridge's
	// minute and the delays that the worker asks SQS for. So an outage of a
	// minute is one of ten, and a batch given back comes after 30 seconds.
	haste  = 10
	minute = time.Minute / haste
	outage = 10 * minute
	// affected is how many change meanwhile.
	affected = 200
)

// outageOrg is an organization that is down at times.
type outageOrg struct {
	*scim.Organization

	down atomic.Bool
}

func (o *outageOrg) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.down.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	o.Organization.ServeHTTP(w, r)
}

// eventSource is the worker's event source mapping as AWS Lambda shows it, and
// how often it was switched off.
// https://docs.aws.amazon.com/lambda/latest/api/API_UpdateEventSourceMapping.html
type eventSource struct {
	off      atomic.Bool
	switched atomic.Int64
}

func (e *eventSource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPut {
		var update struct{ Enabled bool }
		if err := json.NewDecoder(r.Body).Decode(&update); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if e.off.Swap(!update.Enabled); !update.Enabled {
			e.switched.Add(1)
		}
	}
	state := "Enabled"
	if e.off.Load() {
		state = "Disabled"
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"UUID":%q,"State":%q}`, filepath.Base(r.URL.Path), state) // the client sees it if not
}

// hastened is a front door to SQS that shortens what a message is delayed by.
func hastened(t testing.TB, sqsURL string) string {
	t.Helper()
	target, err := url.Parse(sqsURL)
	if err != nil {
		t.Fatal(err)
	}
	timeout := regexp.MustCompile(`"VisibilityTimeout":\d+`)
	door := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		body, err := io.ReadAll(r.In.Body)
		if err != nil {
			t.Error(err)
		}
		body = timeout.ReplaceAllFunc(body, func(found []byte) []byte {
			name, value, _ := bytes.Cut(found, []byte(":"))
			seconds, err := strconv.Atoi(string(value))
			if err != nil {
				t.Error(err)
			}
			return fmt.Appendf(nil, "%s:%d", name, (seconds+haste-1)/haste)
		})
		r.Out.Body, r.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
	}})
	t.Cleanup(door.Close)
	return door.URL
}

// deployHastened sets a deployment up against an organization, with that many
// worker processes behind its event source mapping, and a renew every minute.
func deployHastened(t testing.TB, org http.Handler, source *eventSource, workers int) *deployment {
	t.Helper()
	sqsURL, dynamoURL := emulators(t)
	d := &deployment{t: t, scim: serveOrg(t, org)}
	config := awsConfig(t)
	d.sqs = sqs.NewFromConfig(config, func(o *sqs.Options) { o.BaseEndpoint = &sqsURL })
	d.createQueues()
	d.createTable(dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.BaseEndpoint = &dynamoURL }))
	var err error
	d.tenant, err = graph.New(graph.Config{ID: tenantID, Domain: "contoso.example", Token: graphToken})
	if err != nil {
		t.Fatal(err)
	}
	graph, lambda := httptest.NewServer(d.tenant), httptest.NewServer(source)
	d.gateway = httptest.NewServer(http.HandlerFunc(d.serveGateway))
	for _, server := range []*httptest.Server{graph, lambda, d.gateway} {
		t.Cleanup(server.Close)
	}
	environ := []string{
		"SCOPE=all", "ENTRA_TENANT_ID=" + tenantID, "CLIENT_STATE=" + clientState,
		"GRAPH_URL=" + graph.URL, "GRAPH_ACCESS_TOKEN=" + graphToken,
		"WEBEX_ORG_ID=" + orgID, "WEBEX_SCIM_URL=" + d.scim, "WEBEX_ACCESS_TOKEN=" + webexToken,
		"WEBHOOK_URL=" + d.gateway.URL,
		"CHANGE_QUEUE_URL=" + d.queue, "DEAD_LETTER_QUEUE_URL=" + d.dead, "LEDGER_TABLE=" + d.table, "HISTORY_TABLE=" + d.history,
		"EVENT_SOURCE_MAPPING=9f1b7c52-0c3e-4c8e-8a57-2f6f6d1c7e10", "AWS_ENDPOINT_URL_LAMBDA=" + lambda.URL,
		"AWS_ENDPOINT_URL_SQS=" + sqsURL, "AWS_ENDPOINT_URL_DYNAMODB=" + dynamoURL,
	}
	d.webhook = startFunction(t, "webhook", environ...)
	d.renew = startFunction(t, "renew", environ...)
	environ[len(environ)-2] = "AWS_ENDPOINT_URL_SQS=" + hastened(t, sqsURL)
	for range workers {
		one := *d
		one.worker = startFunction(t, "worker", environ...)
		d.worker = one.worker // any of them
		d.background(func(ctx context.Context) { one.pollWhile(ctx, source) })
	}
	d.schedule()
	return d
}

// pollWhile polls for one worker while the event source mapping is enabled.
func (d *deployment) pollWhile(ctx context.Context, source *eventSource) {
	ticker := time.NewTicker(minute / 60)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if source.off.Load() {
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
			continue
		}
		received, err := d.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &d.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			MessageAttributeNames:       []string{"All"},
			// What the template's 150 s are to these clocks.
			VisibilityTimeout: 150 / haste,
		})
		switch {
		case ctx.Err() != nil:
		case err != nil:
			d.t.Error(err)
			return
		case len(received.Messages) > 0:
			d.work(ctx, received.Messages)
		}
	}
}

// schedule invokes renew, which subscribes, and then does so every minute.
func (d *deployment) schedule() {
	d.t.Helper()
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := d.renew.invoke(d.t.Context(), scheduled, nil); err != nil {
		d.t.Fatal(err)
	}
	d.background(func(ctx context.Context) {
		ticker := time.NewTicker(minute)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
			if err := d.renew.invoke(ctx, scheduled, nil); err != nil && ctx.Err() == nil {
				d.t.Errorf("renew: %v", err)
			}
		}
	})
}

// change changes each of the users, one after the other in that time.
func (d *deployment) change(ids []string, within time.Duration) {
	d.t.Helper()
	ticker := time.NewTicker(within / time.Duration(len(ids)))
	defer ticker.Stop()
	for n, id := range ids {
		<-ticker.C
		if err := d.tenant.Update(id, func(u graph.User) { u["displayName"] = fmt.Sprint("Changed ", n) }); err != nil {
			d.t.Fatal(err)
		}
	}
}

// Webex is down while people change. The worker pauses, its event source mapping
// is switched off and on again, and everybody is right in the end, without a dead
// letter and without anybody's help.
func TestAnOutageOfWebexIsOutlastedAndDrained(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 8} {
		t.Run(fmt.Sprintf("by workers: %d", workers), func(t *testing.T) {
			t.Parallel()
			inner, err := scim.New(scim.Config{ID: orgID, Token: webexToken})
			if err != nil {
				t.Fatal(err)
			}
			org, source := &outageOrg{Organization: inner}, &eventSource{}
			d := deployHastened(t, org, source, workers)
			ids := make([]string, affected)
			for n := range ids {
				name := fmt.Sprintf("user%d@contoso.example", n)
				if ids[n], err = d.tenant.Create(graph.User{"userPrincipalName": name, "displayName": "User"}); err != nil {
					t.Fatal(err)
				}
			}
			d.background(func(ctx context.Context) { d.tenant.Run(ctx) })
			rest := func() bool {
				return d.tenant.Undelivered() == 0 && d.idle() && len(d.differences(org.Organization)) == 0
			}
			d.within(time.Minute, "everybody has an account", rest)

			org.down.Store(true)
			over := time.NewTimer(outage)
			d.change(ids, outage*3/4)
			<-over.C
			if !source.off.Load() {
				t.Error("the worker is still fed at the end of the outage")
			}
			if n := d.deadLetters(); n > 0 { // which renew would replay
				t.Errorf("%d dead letters in the outage", n)
			}
			org.down.Store(false)
			begun := time.Now()
			d.within(time.Minute, "Webex is what Entra says, and nothing is on the queue", rest)
			t.Logf("%d worker processes: drained %s after the outage; the event source mapping was switched off %d times",
				workers, time.Since(begun).Round(time.Second), source.switched.Load())
			if source.off.Load() {
				t.Error("the worker is not fed any more")
			}
			if n := d.deadLetters(); n > 0 {
				t.Errorf("%d dead letters at the end", n)
			}
		})
	}
}
