// Package functions_test drives the built Lambda functions from outside, by
// HTTP, SQS and the clock, as AWS does.
package functions_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

const (
	// tenantID and adaID are those of the files in events/.
	tenantID    = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	adaID       = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	appID       = "1f0e3a52-0000-4000-8000-00000000a001"
	clientState = "secretClientValue"
	orgID       = "3b2a1c00-aaaa-4bbb-8ccc-1234567890ab"
	graphToken  = "graph-token"
	webexToken  = "webex-token"
)

// deployment is the template's resources, in this process and the emulators.
type deployment struct {
	t     testing.TB
	sqs   *sqs.Client
	queue string
	dead  string
	table string
	// history is the table of the provisioning log, log what reads it.
	history string
	log     *history.DynamoDB
	tenant  *graph.Tenant
	// scim is the SCIM root that the worker writes to.
	scim string

	webhook, worker, renew, reconcile, replay *lambdaFunction
	gateway                                   *httptest.Server
}

// deploy sets the deployment up against a SCIM server and starts the poller
// that stands for the event source mapping. More are variables of its own.
func deploy(t testing.TB, scim string, more ...string) *deployment {
	t.Helper()
	sqsURL, dynamoURL := emulators(t)
	d := &deployment{t: t, scim: scim}
	aws := awsConfig(t)
	d.sqs = sqs.NewFromConfig(aws, func(o *sqs.Options) { o.BaseEndpoint = &sqsURL })
	d.createQueues()
	d.createTable(dynamodb.NewFromConfig(aws, func(o *dynamodb.Options) { o.BaseEndpoint = &dynamoURL }))

	var err error
	d.tenant, err = graph.New(graph.Config{ID: tenantID, Domain: "contoso.example", Token: graphToken, AppID: appID})
	if err != nil {
		t.Fatal(err)
	}
	graph := httptest.NewServer(d.tenant)
	t.Cleanup(graph.Close)

	d.gateway = httptest.NewServer(http.HandlerFunc(d.serveGateway))
	t.Cleanup(d.gateway.Close)
	environ := []string{
		"SCOPE=all", "ENTRA_TENANT_ID=" + tenantID, "CLIENT_STATE=" + clientState,
		"GRAPH_URL=" + graph.URL, "GRAPH_ACCESS_TOKEN=" + graphToken,
		"WEBEX_ORG_ID=" + orgID, "WEBEX_SCIM_URL=" + scim, "WEBEX_ACCESS_TOKEN=" + webexToken,
		"WEBHOOK_URL=" + d.gateway.URL, "DELETE_CONFIRM_AFTER=2s",
		"CHANGE_QUEUE_URL=" + d.queue, "DEAD_LETTER_QUEUE_URL=" + d.dead, "LEDGER_TABLE=" + d.table, "HISTORY_TABLE=" + d.history,
		"AWS_ENDPOINT_URL_SQS=" + sqsURL, "AWS_ENDPOINT_URL_DYNAMODB=" + dynamoURL,
	}
	environ = append(environ, more...)
	d.webhook = startFunction(t, "webhook", environ...)
	d.worker = startFunction(t, "worker", environ...)
	d.renew = startFunction(t, "renew", environ...)
	d.reconcile = startFunction(t, "reconcile", environ...)
	d.replay = startFunction(t, "replay", environ...)
	d.background(d.poll)
	return d
}

// emulators are where SQS and DynamoDB are, if they are.
func emulators(t testing.TB) (sqsURL, dynamoURL string) {
	t.Helper()
	sqsURL, dynamoURL = os.Getenv("SQS_EMULATOR_URL"), os.Getenv("DYNAMODB_EMULATOR_URL")
	if sqsURL == "" || dynamoURL == "" {
		t.Skip("left out: the built functions against SQS and DynamoDB emulators; make test starts them")
	}
	return sqsURL, dynamoURL
}

func awsConfig(t testing.TB) aws.Config {
	t.Helper()
	c, err := awsconfig.LoadDefaultConfig(t.Context(), awsconfig.WithRegion("eu-central-1"),
		awsconfig.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("test", "test", "")))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// background runs f until the test ends.
func (d *deployment) background(f func(context.Context)) {
	ctx, stop := context.WithCancel(context.WithoutCancel(d.t.Context()))
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	d.t.Cleanup(func() {
		stop()
		running.Wait()
	})
}

func (d *deployment) createQueues() {
	d.t.Helper()
	for _, q := range []struct {
		name string
		url  *string
	}{{"dead", &d.dead}, {"changes", &d.queue}} {
		created, err := d.sqs.CreateQueue(d.t.Context(), &sqs.CreateQueueInput{
			QueueName: aws.String(q.name + "-" + uuid.NewString() + ".fifo"),
			Attributes: map[string]string{
				"FifoQueue": "true", "VisibilityTimeout": "60",
				"DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId",
			},
		})
		if err != nil {
			d.t.Fatal(err)
		}
		*q.url = *created.QueueUrl
	}
}

func (d *deployment) createTable(client *dynamodb.Client) {
	d.t.Helper()
	d.table = "ledger-" + uuid.NewString()
	_, err := client.CreateTable(d.t.Context(), &dynamodb.CreateTableInput{
		TableName: &d.table, BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: ddb.ScalarAttributeTypeS}},
		KeySchema:            []ddb.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: ddb.KeyTypeHash}},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.history = "history-" + uuid.NewString()
	const kept = 24 * time.Hour
	d.log = history.NewDynamoDB(client, d.history, kept, time.Now)
	_, err = client.CreateTable(d.t.Context(), &dynamodb.CreateTableInput{
		TableName: &d.history, BillingMode: ddb.BillingModePayPerRequest,
		AttributeDefinitions: []ddb.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: ddb.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: ddb.ScalarAttributeTypeS},
		},
		KeySchema: []ddb.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: ddb.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: ddb.KeyTypeRange},
		},
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// serveGateway is an API Gateway HTTP API in front of the webhook, payload
// format 2.0.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
func (d *deployment) serveGateway(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST " + r.URL.Path, RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"content-type": r.Header.Get("Content-Type"), "host": r.Host}, Body: string(body),
		QueryStringParameters: map[string]string{},
	}
	for name, values := range r.URL.Query() {
		event.QueryStringParameters[name] = strings.Join(values, ",")
	}
	event.RequestContext.HTTP.Method, event.RequestContext.HTTP.Path = r.Method, r.URL.Path
	event.RequestContext.DomainName = r.Host
	var response events.APIGatewayV2HTTPResponse
	if err := d.webhook.invoke(r.Context(), event, &response); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	for name, value := range response.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(response.StatusCode)
	if _, err := io.WriteString(w, response.Body); err != nil && r.Context().Err() == nil {
		d.t.Error(err)
	}
}

// poll is the event source mapping of the worker: batches of at most ten, and
// only those not reported as failed are deleted.
func (d *deployment) poll(ctx context.Context) {
	for ctx.Err() == nil {
		received, err := d.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &d.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
			MessageAttributeNames:       []string{"All"},
		})
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			d.t.Error(err)
			return
		}
		if len(received.Messages) > 0 {
			d.work(ctx, received.Messages)
		}
	}
}

func (d *deployment) work(ctx context.Context, messages []types.Message) {
	var event events.SQSEvent
	for _, m := range messages {
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body,
			Attributes: m.Attributes, MessageAttributes: lambdaAttributes(m.MessageAttributes), EventSource: "aws:sqs",
		})
	}
	var response events.SQSEventResponse
	if err := d.worker.invoke(ctx, event, &response); err != nil {
		return // the batch comes back when it is visible again
	}
	failed := map[string]bool{}
	for _, f := range response.BatchItemFailures {
		failed[f.ItemIdentifier] = true
	}
	for _, m := range messages {
		if failed[*m.MessageId] {
			continue
		}
		if _, err := d.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &d.queue, ReceiptHandle: m.ReceiptHandle}); err != nil && ctx.Err() == nil {
			d.t.Error(err)
		}
	}
}

// lambdaAttributes are message attributes as Lambda hands them over.
func lambdaAttributes(received map[string]types.MessageAttributeValue) map[string]events.SQSMessageAttribute {
	given := make(map[string]events.SQSMessageAttribute, len(received))
	for name, a := range received {
		given[name] = events.SQSMessageAttribute{StringValue: a.StringValue, DataType: aws.ToString(a.DataType)}
	}
	return given
}

// post delivers a file of events/ to the webhook, as Graph would.
func (d *deployment) post(file string) int {
	d.t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "events", file))
	if err != nil {
		d.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, d.gateway.URL+"/notifications", bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		d.t.Fatal(err)
	}
	return response.StatusCode
}

// find returns the accounts with a userName, as the SCIM server has them.
func (d *deployment) find(name string) []map[string]any {
	d.t.Helper()
	return d.search("/Users", `userName eq "`+name+`"`)
}

func (d *deployment) search(endpoint, filter string) []map[string]any {
	d.t.Helper()
	list, _ := d.get(endpoint + "?filter=" + url.QueryEscape(filter))["Resources"].([]any)
	var found []map[string]any
	for _, element := range list {
		resource, _ := element.(map[string]any)
		found = append(found, resource)
	}
	return found
}

// get reads from the SCIM server.
func (d *deployment) get(path string) map[string]any {
	d.t.Helper()
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.scim+path, http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+webexToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	var body map[string]any
	err = json.NewDecoder(response.Body).Decode(&body)
	if closeErr := response.Body.Close(); err != nil || closeErr != nil || response.StatusCode != http.StatusOK {
		d.t.Fatalf("read %s: %s, %v, %v", path, response.Status, err, closeErr)
	}
	return body
}

// eventually fails the test unless the condition comes true, on a shared machine too.
func (d *deployment) eventually(what string, condition func() bool) {
	d.t.Helper()
	d.within(2*time.Minute, what, condition)
}

func (d *deployment) hire(id, name string) {
	d.t.Helper()
	_, err := d.tenant.Create(graph.User{
		"id": id, "userPrincipalName": name, "givenName": "Ada", "surname": "Lovelace", "displayName": "Ada Lovelace",
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// webexOrg serves a sandbox organization.
func webexOrg(t testing.TB) string {
	t.Helper()
	org, err := scim.New(scim.Config{ID: orgID, Token: webexToken})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(org)
	t.Cleanup(server.Close)
	return server.URL + "/identity/scim/" + orgID + "/v2"
}

// scimmy starts a SCIM server that nobody here wrote.
func scimmy(t testing.TB) string {
	t.Helper()
	node, dir := os.Getenv("NODE"), os.Getenv("EMULATORS_DIR")
	if node == "" || dir == "" {
		t.Skip("left out: the built functions against SCIMMY; make test installs it")
	}
	server := exec.CommandContext(t.Context(), node, "scim-server.mjs")
	server.Dir = dir
	server.Stderr = os.Stderr
	in, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()    // which ends it
		_ = server.Wait() // killed or not
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// translated is a front door to a SCIM server that wants two words as RFC 7643
// and 7644 have them: User for a member's type, and Operations in a Bulk. It
// changes nothing else.
func translated(t testing.TB, scim string) string {
	t.Helper()
	target, err := url.Parse(scim)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.NewReplacer(`"type":"user"`, `"type":"User"`, `"operations":`, `"Operations":`)
	door := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		body, err := io.ReadAll(r.In.Body)
		if err != nil {
			t.Error(err)
		}
		text := words.Replace(string(body))
		r.Out.Body, r.Out.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
	}})
	t.Cleanup(door.Close)
	return door.URL + target.Path
}

// members are the SCIM ids in the group of that name, each as often as it is
// in it; nil if there is no such group.
func (d *deployment) members(name string) []string {
	d.t.Helper()
	var members []string
	for _, group := range d.search("/Groups", `displayName eq "`+name+`"`) {
		members = []string{}
		list, _ := d.get("/Groups/" + fmt.Sprint(group["id"]))["members"].([]any)
		for _, element := range list {
			member, _ := element.(map[string]any)
			members = append(members, fmt.Sprint(member["value"]))
		}
	}
	return members
}

// A group is created, and Ada joins it and leaves it, by notifications that
// come more than once.
func TestAMembershipReaches(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) string{
		"Webex as simulated": webexOrg,
		"SCIMMY":             func(t testing.TB) string { return translated(t, scimmy(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, start(t))
			d.hire(adaID, "ada@contoso.example")
			const groupID = "8d6f2b1a-3c4e-4d5f-a061-7283945a6b7c" // as in events/
			if _, err := d.tenant.CreateGroup(graph.Group{"id": groupID, "displayName": "Analysts"}); err != nil {
				t.Fatal(err)
			}
			change := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				for range 3 {
					if status := d.post("group-members-delta.json"); status != http.StatusAccepted {
						t.Fatalf("the webhook answers %d", status)
					}
				}
			}
			has := func(want ...string) func() bool {
				return func() bool { return d.idle() && slices.Equal(d.members("Analysts"), append([]string{}, want...)) }
			}
			// Before anything is known of Ada: the reference heals.
			change(d.tenant.AddMembers(groupID, adaID))
			d.eventually("the group is there without Ada", has())
			if status := d.post("user-updated.json"); status != http.StatusAccepted {
				t.Fatalf("the webhook answers %d", status)
			}
			d.eventually("Ada has an account", func() bool { return len(d.find("ada@contoso.example")) == 1 })
			ada := fmt.Sprint(d.find("ada@contoso.example")[0]["id"])
			d.eventually("Ada is a member, once", has(ada))
			change(nil)
			d.eventually("Ada is a member, once, after what changes nothing", has(ada))
			change(d.tenant.RemoveMembers(groupID, adaID))
			d.eventually("Ada is no member", has())
			change(d.tenant.AddMembers(groupID, adaID))
			d.eventually("Ada is a member again, once", has(ada))
		})
	}
}

// idle reports whether nothing is on the queue or being worked on.
func (d *deployment) idle() bool {
	d.t.Helper()
	out, err := d.sqs.GetQueueAttributes(d.t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &d.queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"] == "0" && out.Attributes["ApproximateNumberOfMessagesNotVisible"] == "0"
}

// One event from events/ goes the whole road: HTTP, webhook, SQS, worker,
// SCIM server. Then the same person is renamed, blocked, and let in again.
func TestAPostedEventReaches(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) string{"Webex as simulated": webexOrg, "SCIMMY": scimmy} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, start(t))
			d.hire(adaID, "ada@contoso.example")
			if status := d.post("user-updated.json"); status != http.StatusAccepted {
				t.Fatalf("the webhook answers %d", status)
			}
			d.eventually("Ada has an account", func() bool { return len(d.find("ada@contoso.example")) == 1 })
			id := d.find("ada@contoso.example")[0]["id"]

			d.update(func(u graph.User) {
				u["userPrincipalName"] = "byron@contoso.example"
				u["surname"] = "Byron"
			})
			d.eventually("the account is renamed", func() bool { return len(d.find("byron@contoso.example")) == 1 })
			renamed := d.find("byron@contoso.example")[0]
			if renamed["id"] != id || !strings.Contains(fmt.Sprint(renamed["emails"]), "byron@contoso.example") {
				t.Errorf("the account became %v", renamed)
			}
			d.update(func(u graph.User) { u["accountEnabled"] = false })
			d.eventually("the account is inactive", func() bool { return d.find("byron@contoso.example")[0]["active"] == false })
			d.update(func(u graph.User) { u["accountEnabled"] = true })
			d.eventually("the account is active", func() bool { return d.find("byron@contoso.example")[0]["active"] == true })
			d.eventually("the worker has kept all that", func() bool {
				return slices.Equal(d.kept(adaID), []history.Action{history.Create, history.Update, history.Disable, history.Enable})
			})
		})
	}
}

// kept are the actions that the provisioning log has of a user, the oldest first.
func (d *deployment) kept(id string) []history.Action {
	d.t.Helper()
	var actions []history.Action
	for e, err := range d.log.Entries(d.t.Context(), history.Span{Object: &change.Object{Kind: change.User, ID: id}, Status: history.Success}) {
		if err != nil {
			d.t.Fatal(err)
		}
		actions = append(actions, e.Action)
	}
	slices.Reverse(actions)
	return actions
}

// update changes Ada in Entra and delivers the event that says so.
func (d *deployment) update(edit func(graph.User)) {
	d.t.Helper()
	if err := d.tenant.Update(adaID, edit); err != nil {
		d.t.Fatal(err)
	}
	if status := d.post("user-updated.json"); status != http.StatusAccepted {
		d.t.Fatalf("the webhook answers %d", status)
	}
}

// The whole circle by itself: renew subscribes, the tenant notifies.
func TestTheTenantNotifiesOnceRenewHasSubscribed(t *testing.T) {
	t.Parallel()
	d := deploy(t, webexOrg(t))
	d.background(func(ctx context.Context) { d.tenant.Run(ctx) })
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := d.renew.invoke(t.Context(), scheduled, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.tenant.Calls.Snapshot()["POST /subscriptions"]; n != 2 {
		t.Errorf("renew subscribed %d times", n)
	}
	d.hire(adaID, "ada@contoso.example")
	d.eventually("Ada has an account", func() bool { return len(d.find("ada@contoso.example")) == 1 })
	if err := d.tenant.Delete(adaID); err != nil {
		t.Fatal(err)
	}
	d.eventually("the account is inactive", func() bool { return d.find("ada@contoso.example")[0]["active"] == false })
	if err := d.tenant.Purge(adaID); err != nil {
		t.Fatal(err)
	}
	d.eventually("the account is deleted", func() bool { return len(d.find("ada@contoso.example")) == 0 })
}

func TestWhatCannotSucceedEndsInTheDeadLetterQueueWithItsReason(t *testing.T) {
	t.Parallel()
	d := deploy(t, webexOrg(t))
	_, err := d.sqs.SendMessage(t.Context(), &sqs.SendMessageInput{
		QueueUrl: &d.queue, MessageBody: aws.String(`{"kind":"toaster"}`),
		MessageGroupId: aws.String("toaster"), MessageDeduplicationId: aws.String(uuid.NewString()),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.eventually("the message is in the dead-letter queue", func() bool {
		received, err := d.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &d.dead, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(received.Messages) == 0 {
			return false
		}
		m := received.Messages[0]
		if reason := m.MessageAttributes["faultReason"]; !strings.Contains(aws.ToString(reason.StringValue), "toaster") {
			t.Errorf("the reason is %+v", m.MessageAttributes)
		}
		return true
	})
}

func TestAFunctionThatIsNotConfiguredSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, missing := range map[string]string{
		"webhook": "CLIENT_STATE", "worker": "ENTRA_CLIENT_ID", "renew": "ENTRA_CLIENT_ID", "reconcile": "ENTRA_CLIENT_ID", "replay": "CHANGE_QUEUE_URL",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), build(t, name))
			command.Env = []string{"ENTRA_TENANT_ID=" + tenantID}
			out, err := command.CombinedOutput()
			if err == nil || !strings.Contains(string(out), missing) || bytes.Contains(out, []byte("panic")) {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
}

// boundLedger is a DynamoDB whose ledger is bound to a tenant.
func boundLedger(t *testing.T, tenant string) string {
	t.Helper()
	answer, err := json.Marshal(map[string]any{"Item": map[string]any{
		"pk": map[string]any{"S": "document#binding"}, "docVersion": map[string]any{"N": "1"},
		"data": map[string]any{"B": fmt.Appendf(nil, `{"tenantId":%q,"orgId":%q}`, tenant, orgID)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if action := r.Header.Get("X-Amz-Target"); action != "DynamoDB_20120810.GetItem" {
			t.Errorf("the ledger is asked for %s", action)
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(answer)), 10))
		_, _ = w.Write(answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// Every function that keeps a ledger refuses one that is another tenant's, and
// tells before what in its settings should be mended.
func TestAFunctionTellsItsWarningsAndRefusesTheLedgerOfAnotherTenant(t *testing.T) {
	t.Parallel()
	const other = "99999999-6d4d-4958-8b9f-9d6445542f95"
	dynamo := boundLedger(t, other)
	for _, name := range []string{"worker", "renew", "reconcile"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), build(t, name))
			command.Env = []string{
				"SCOPE=all", "ENTRA_TENANT_ID=" + tenantID, "GRAPH_URL=http://127.0.0.1:1", "GRAPH_ACCESS_TOKEN=" + graphToken,
				"WEBEX_SCIM_URL=https://api.ciscospark.com/v1/scim/" + orgID, "WEBEX_ACCESS_TOKEN=" + webexToken,
				"WEBHOOK_URL=https://hooks.contoso.example", "CLIENT_STATE=" + clientState, "CHANGE_QUEUE_URL=http://127.0.0.1:1/1/changes.fifo",
				"DEAD_LETTER_QUEUE_URL=http://127.0.0.1:1/1/dead.fifo", "LEDGER_TABLE=ledger", "HISTORY_TABLE=history", "AWS_ENDPOINT_URL_DYNAMODB=" + dynamo,
				"AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
			}
			out, err := command.CombinedOutput()
			warned, refused, _ := strings.Cut(string(out), "\n")
			if !strings.Contains(warned, `"msg":"settings"`) || !strings.Contains(warned, `"warning":"WEBEX_SCIM_URL`) {
				t.Errorf("the warning is %s", warned)
			}
			if err == nil || strings.Count(refused, "\n") != 1 || !strings.Contains(refused, name+" cannot start") || !strings.Contains(refused, other) {
				t.Errorf("%v: %s", err, refused)
			}
		})
	}
}

// The webhook is started by a waiting Graph: it stays small.
func TestTheWebhookBinaryHasAtMost12MB(t *testing.T) {
	t.Parallel()
	const most = 12_000_000
	info, err := os.Stat(build(t, "webhook"))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("webhook bootstrap: %.1f MB", float64(info.Size())/1e6)
	if info.Size() > most {
		t.Errorf("%d bytes, more than %d", info.Size(), most)
	}
}

// What Graph waits for carries neither its SDK nor the engine.
func TestTheWebhookLinksNeitherTheGraphSDKNorTheEngine(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "./webhook").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "microsoftgraph") || strings.HasPrefix(line, "entrawebex/internal/provision") {
			t.Errorf("the webhook links %s", line)
		}
	}
}

// BenchmarkStartup prints how long each function takes from the start of its
// process to its first call for an invocation: the cold start that is ours.
func BenchmarkStartup(b *testing.B) {
	d := deploy(b, webexOrg(b))
	for name, f := range map[string]*lambdaFunction{"webhook": d.webhook, "worker": d.worker, "renew": d.renew, "reconcile": d.reconcile, "replay": d.replay} {
		b.Run(name, func(b *testing.B) {
			var total time.Duration
			for b.Loop() {
				total += f.restart()
			}
			b.ReportMetric(float64(total.Microseconds())/1000/float64(b.N), "startup-ms")
			if info, err := os.Stat(f.binary); err == nil {
				b.ReportMetric(float64(info.Size())/1e6, "MB")
			}
		})
	}
}
