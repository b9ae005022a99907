package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/replay"
	"entrawebex/internal/sandbox/cloud"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/worker"
)

// stackDeployment is the template as CloudFormation would deploy it: the functions have
// the variables and the rights that it gives them, and so has the operator, who is at the
// built command line.
type stackDeployment struct {
	*deployment

	cloud *cloud.Cloud
	aws   string
	org   *refusingOrg
	// environ are variables of the operator's, beside those of AWS.
	environ []string
	// resting are the functions that the schedule does not start now.
	resting sync.Map
	// refused says that Webex has refused credentials: a function may have the token
	// before for a minute.
	refused atomic.Bool
}

// refusingOrg is an organization whose SCIM refuses every credential for a while.
type refusingOrg struct {
	*scim.Organization

	refuses atomic.Bool
}

func (o *refusingOrg) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.refuses.Load() && strings.HasPrefix(r.URL.Path, "/identity/scim/") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	o.Organization.ServeHTTP(w, r)
}

// deployStack deploys the template against an organization with a service app, with
// schedules that go every second. More are variables of its own, given parameters.
func deployStack(t *testing.T, more, given map[string]string) *stackDeployment {
	t.Helper()
	sqsURL, dynamoURL := emulators(t)
	inner, err := scim.New(scim.Config{ID: orgID, Token: webexToken, ServiceApp: &scim.ServiceApp{
		ClientID: "app", ClientSecret: "secret", RefreshToken: "first", Rotate: true,
	}})
	if err != nil {
		t.Fatal(err)
	}
	org := &refusingOrg{Organization: inner}
	d := &stackDeployment{deployment: &deployment{t: t, scim: serveOrg(t, org)}, org: org}
	config := awsConfig(t)
	d.sqs = sqs.NewFromConfig(config, func(o *sqs.Options) { o.BaseEndpoint = &sqsURL })
	d.createQueues()
	d.createTable(dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.BaseEndpoint = &dynamoURL }))
	d.redrive()
	if d.tenant, err = graph.New(graph.Config{ID: tenantID, Domain: "contoso.example", Token: graphToken, AppID: appID}); err != nil {
		t.Fatal(err)
	}
	graph := httptest.NewServer(d.tenant)
	d.gateway = httptest.NewServer(http.HandlerFunc(d.serveGateway))
	template, err := cloud.ReadTemplate("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	d.cloud, err = cloud.New(&cloud.Stack{
		Template: template, Name: "entrawebex-" + uuid.NewString()[:8],
		Parameters: map[string]string{
			"EntraTenantId": tenantID, "EntraClientId": appID, "WebexOrgId": orgID, "WebexScimUrl": d.scim,
			"GuardFloor": "1", "DeleteConfirmAfter": "2s",
			"DailyMailAddress": "ops@contoso.example", "DailyMailHour": "0",
		},
		Made: map[string]string{"ChangeQueue": d.queue, "DeadLetterQueue": d.dead, "Ledger": d.table, "History": d.history},
	}, dynamoURL, sqsURL)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(d.cloud.Stack.Parameters, given)
	server := httptest.NewServer(d.cloud)
	for _, s := range []*httptest.Server{graph, d.gateway, server} {
		t.Cleanup(s.Close)
	}
	d.aws = server.URL
	d.cloud.More = map[string]string{
		"GRAPH_URL": graph.URL, "GRAPH_ACCESS_TOKEN": graphToken, "WEBHOOK_URL": d.gateway.URL,
		"WEBEX_TOKEN_URL": strings.TrimSuffix(d.scim, "/identity/scim/"+orgID+"/v2") + "/v1/access_token",
	}
	maps.Copy(d.cloud.More, more)
	d.cloud.Put("WebhookSecret", `{"CLIENT_STATE": "`+clientState+`"}`)
	d.cloud.Put("ProvisioningSecret", `{"ENTRA_CLIENT_SECRET": "not asked for", "WEBEX_CLIENT_ID": "app", "WEBEX_CLIENT_SECRET": "secret", "WEBEX_REFRESH_TOKEN": "first", "WEBEX_ACCESS_TOKEN": "`+webexToken+`"}`)
	d.cloud.Put("TokenSecret", "{}")
	d.start()
	return d
}

// redrive has the change queue give up to the dead-letter queue, as the template says.
func (d *stackDeployment) redrive() {
	d.t.Helper()
	name := types.QueueAttributeNameQueueArn
	dead, err := d.sqs.GetQueueAttributes(d.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &d.dead, AttributeNames: []types.QueueAttributeName{name}})
	if err == nil {
		_, err = d.sqs.SetQueueAttributes(d.t.Context(), &sqs.SetQueueAttributesInput{QueueUrl: &d.queue, Attributes: map[string]string{
			"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":1000}`, dead.Attributes[string(name)]),
		}})
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// start starts the functions, with what feeds them.
func (d *stackDeployment) start() {
	d.t.Helper()
	start := func(name, resource string) *lambdaFunction {
		var environ []string
		for variable, value := range d.cloud.Environment(d.cloud.Stack.Resolve(cloud.Object{"Ref": resource})) {
			environ = append(environ, variable+"="+value)
		}
		// The last counts: the template has an empty address.
		return startFunction(d.t, name, append(environ, "AWS_ENDPOINT_URL="+d.aws, "AWS_ACCESS_KEY_ID="+strings.Replace(resource, "Function", "Role", 1))...)
	}
	d.webhook, d.worker = start("webhook", "WebhookFunction"), start("worker", "WorkerFunction")
	d.renew, d.reconcile, d.replay = start("renew", "RenewFunction"), start("reconcile", "ReconcileFunction"), start("replay", "ReplayFunction")
	var woken sync.WaitGroup
	d.t.Cleanup(woken.Wait)
	d.cloud.Invoke = func(_ string, payload []byte) {
		woken.Go(func() { _ = d.renew.invoke(d.t.Context(), payload, nil) }) // nobody waits for it
	}
	d.background(func(ctx context.Context) { d.tenant.Run(ctx) })
	d.background(d.feed)
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range []*lambdaFunction{d.renew, d.reconcile} {
		d.background(func(ctx context.Context) {
			ticker := time.NewTicker(time.Second)
			defer ticker.Stop()
			for ctx.Err() == nil {
				if _, rests := d.resting.Load(f); !rests {
					if err := f.invoke(ctx, scheduled, nil); err != nil && ctx.Err() == nil && !d.refused.Load() {
						d.t.Error(err)
					}
				}
				select {
				case <-ticker.C:
				case <-ctx.Done():
				}
			}
		})
	}
}

// feed is the worker's event source mapping, while it is enabled.
func (d *stackDeployment) feed(ctx context.Context) {
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if d.cloud.Fed() {
			received, err := d.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
				QueueUrl: &d.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
				MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
				MessageAttributeNames:       []string{"All"},
			})
			if err != nil && ctx.Err() == nil {
				d.t.Error(err)
				return
			}
			if err == nil && len(received.Messages) > 0 {
				d.work(ctx, received.Messages)
			}
			continue
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// operate has the operator give a command, who knows the stack's name and has credentials
// of AWS, and nothing else. It returns what is printed, and whether the command fails.
func (d *stackDeployment) operate(args ...string) (out string, failed bool) {
	d.t.Helper()
	command := exec.CommandContext(d.t.Context(), buildCommand(d.t), args...)
	command.Env = d.operatorEnviron()
	var errOut bytes.Buffer
	command.Stderr = &errOut
	printed, err := command.Output()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		d.t.Fatal(err)
	}
	d.t.Logf("$ entrawebex %s\n%s%s", strings.Join(args, " "), printed, &errOut)
	return string(printed) + errOut.String(), err != nil
}

// operatorEnviron is the operator's.
func (d *stackDeployment) operatorEnviron() []string {
	return append([]string{
		"AWS_ENDPOINT_URL=" + d.aws, "AWS_REGION=" + cloud.Region, "AWS_ACCESS_KEY_ID=" + cloud.Operator, "AWS_SECRET_ACCESS_KEY=test",
		"ENTRAWEBEX_STACK=" + d.cloud.Stack.Name, "HOME=" + d.t.TempDir(),
	}, d.environ...)
}

// says fails the test unless the command succeeds and prints each of these texts.
func (d *stackDeployment) says(args string, want ...string) string {
	d.t.Helper()
	out, failed := d.operate(strings.Fields(args)...)
	if failed {
		d.t.Fatalf("entrawebex %s fails:\n%s", args, out)
	}
	for _, text := range want {
		if !strings.Contains(out, text) {
			d.t.Fatalf("entrawebex %s does not say %q:\n%s", args, text, out)
		}
	}
	return out
}

// answers fails the test unless the command succeeds, and its table says each of these,
// of which each is in one cell, or goes from one to the next.
func (d *stackDeployment) answers(args string, want ...string) {
	d.t.Helper()
	out := d.says(args)
	said := told(out)
	for _, text := range want {
		if !strings.Contains(said, text) {
			d.t.Errorf("entrawebex %s does not answer %q:\n%s", args, text, out)
		}
	}
}

// told is what a table says, row by row: each column on one line.
func told(out string) string {
	var all []string
	for _, row := range strings.FieldsFunc(out, func(r rune) bool { return strings.ContainsRune("┌├└", r) }) {
		columns := map[int]string{}
		for line := range strings.Lines(row) {
			for i, cell := range strings.Split(line, "│") {
				columns[i] += " " + cell
			}
		}
		for i := range len(columns) {
			all = append(all, strings.Fields(columns[i])...)
		}
	}
	return strings.Join(all, " ")
}

// name is somebody's userPrincipalName in Entra, account the id in Webex.
func (d *stackDeployment) name(id string) string {
	d.t.Helper()
	u, err := d.tenant.User(id)
	if err != nil {
		d.t.Fatal(err)
	}
	return u.Text("userPrincipalName")
}

// operator is who gives the commands.
func (d *stackDeployment) operator() string {
	d.t.Helper()
	who, err := user.Current()
	if err != nil {
		d.t.Fatal(err)
	}
	host, err := os.Hostname()
	if err != nil {
		d.t.Fatal(err)
	}
	return who.Username + "@" + host
}

func (d *stackDeployment) account(of string) string {
	return fmt.Sprint(d.find(of + "@contoso.example")[0]["id"])
}

// becomes asks until the command prints the text.
func (d *stackDeployment) becomes(args, want string) {
	d.t.Helper()
	d.eventually("entrawebex "+args+" says "+want, func() bool {
		out, _ := d.operate(strings.Fields(args)...)
		return strings.Contains(out, want)
	})
}

// converged reports whether Webex is what Entra says.
func (d *stackDeployment) converged() bool {
	return len(compare.Differences(d.tenant, d.org.Organization, d.rules(), compare.Assigned)) == 0
}

var buildCommandOnce = sync.OnceValues(func() (string, error) {
	path := filepath.Join(buildDir, "entrawebex")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/entrawebex").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build entrawebex: %w\n%s", err, out)
	}
	return path, nil
})

// buildCommand builds the command line, once a test run.
func buildCommand(t testing.TB) string {
	t.Helper()
	path, err := buildCommandOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// The five functions have the rights that the template gives them, and the operator has
// the managed policy and knows the stack's name. From an empty ledger, started paused, to
// an organization that is what Entra says, and on through holds, a dead letter and drift.
func TestAStackIsOperatedByItsNameAlone(t *testing.T) {
	t.Parallel()
	d := deployStack(t, nil, nil)
	given := d.cloud.Secret("ProvisioningSecret")
	ids := map[string]string{}
	var err error
	for _, name := range []string{"ada", "bob", "cleo", "dan", "eve", "fay"} {
		ids[name], err = d.tenant.Create(graph.User{"userPrincipalName": name + "@contoso.example", "displayName": name, "givenName": name, "surname": "S"})
		if err == nil {
			err = d.tenant.Assign(ids[name], graph.DefaultAccess)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	staff, err := d.tenant.CreateGroup(graph.Group{"displayName": "Staff"})
	if err == nil {
		err = errors.Join(d.tenant.AddMembers(staff, ids["ada"], ids["eve"]), d.tenant.Assign(staff, graph.DefaultAccess))
	}
	if err != nil {
		t.Fatal(err)
	}
	// Somebody else has Fay's name in Webex.
	stranger, err := d.tenant.Create(graph.User{"userPrincipalName": "other@contoso.example", "displayName": "Other"})
	if err != nil {
		t.Fatal(err)
	}
	taken := d.call(http.MethodPost, "/Users", map[string]any{
		"schemas":  []string{"urn:ietf:params:scim:schemas:core:2.0:User"},
		"userName": "fay@contoso.example", "displayName": "Fay", "userType": "user", "active": true, "externalId": stranger,
		"emails": []any{map[string]any{"value": "fay@contoso.example", "type": "work", "primary": true}},
	})

	d.becomes("status", "entrawebex resume webex")
	d.says("check", "Webhook handshake", "ok    Webex organization")
	d.says("plan --all", "ada@contoso.example")
	d.says("mapping test ada@contoso.example", "ada@contoso.example")
	if found := d.find("ada@contoso.example"); len(found) > 0 {
		t.Fatal("somebody was provisioned before an operator said so")
	}
	d.says("resume webex")
	d.eventually("all but Fay are provisioned", func() bool {
		return d.idle() && len(d.find("eve@contoso.example")) == 1 && d.deadLetters() == 1
	})
	d.answers("log ada@contoso.example", "create success ada@contoso.example user "+ids["ada"])
	d.answers("show ada@contoso.example", "In Entra "+ids["ada"]+" active", "In Webex "+d.account("ada")+" active", "Scope in scope assigned itself, as Default Access assigned through Staff, group")
	d.answers("show fay@contoso.example", "In Webex absent", "Open fault permanent, at matching, since ", "a dead letter, which is not tried again")
	d.says("show Staff", "ada")
	d.says("plan Staff")
	d.says("settings", "CHANGE_QUEUE_URL")
	d.looks(ids["ada"], graphToken)

	d.says("dead-letters", ids["fay"])
	for _, event := range []string{`{}`, `{"filter": ["kind=permanent"]}`} { // by SQS itself, and one by one
		var put replay.Result
		if err := d.replay.invoke(t.Context(), []byte(event), &put); err != nil || put.Moved != 1 {
			t.Fatalf("replay of %s: %+v, %v", event, put, err)
		}
		d.eventually("it is a dead letter again", func() bool { return d.idle() && d.deadLetters() == 1 })
	}
	d.call(http.MethodDelete, "/Users/"+fmt.Sprint(taken["id"]), nil)
	d.says("replay --dry-run", "would put back 1")
	d.says("replay --filter kind=permanent", "put back 1")
	d.eventually("everybody is provisioned", d.converged)

	d.says("pause webex --why maintenance")
	d.becomes("status", "maintenance")
	for _, name := range []string{"bob", "cleo", "dan"} {
		if err := d.tenant.Update(ids[name], func(u graph.User) { u["accountEnabled"] = false }); err != nil {
			t.Fatal(err)
		}
	}
	d.cloud.Measure(path.Base(d.queue), time.Now(), 90*time.Second)
	d.becomes("status", "CloudWatch had it at ")
	d.says("plan --all", "held")
	d.says("resume webex")
	var held []string // which of the three came first is Graph's
	d.eventually("two are held", func() bool {
		out, _ := d.operate("holds")
		held = slices.DeleteFunc([]string{ids["bob"], ids["cleo"], ids["dan"]}, func(id string) bool { return !strings.Contains(out, id) })
		return len(held) == 2
	})
	d.says("guard", "latched")
	d.mailed(held...)
	d.says("holds reject " + held[0])
	d.says("holds approve --all")
	d.says("holds approve " + held[0])
	d.says("guard clear")
	d.eventually("who was approved is closed", d.converged)
	for _, id := range held {
		who := d.name(id)
		d.answers("log "+who+" --status failure", "failure "+who+" user "+id, "(StagedAction)", "entrawebex holds")
		d.answers("log "+who+" --action approve", "approve success "+who+" user "+id+" by "+d.operator()+" disable")
		d.answers("log "+who+" --action disable --status success", "disable success "+who, "blocked (NotEffectivelyEntitled) active: false, was true")
	}
	d.answers("log "+held[0]+" --action reject", "reject success "+d.name(held[0])+" user "+held[0]+" by "+d.operator()+" disable")

	d.call(http.MethodPatch, "/Users/"+fmt.Sprint(d.find("ada@contoso.example")[0]["id"]), map[string]any{
		"schemas":    []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"},
		"Operations": []any{map[string]any{"op": "replace", "path": "displayName", "value": "Drifted"}},
	})
	d.says("provision ada@contoso.example", "displayName")
	d.says("reconcile")
	d.says("mapping history")
	d.outlast(ids["ada"], ids["bob"])
	d.says("replay") // of what is left, by SQS itself
	// The emulator gives out one message of a group at a time, so that Graph's word that
	// somebody was deleted would wait behind a look that lasts.
	d.resting.Store(d.reconcile, true)
	if err := errors.Join(d.tenant.Delete(ids["eve"]), d.tenant.Purge(ids["eve"])); err != nil {
		t.Fatal(err)
	}
	d.within(3*time.Minute, "who is deleted for good is deleted", func() bool { return len(d.find("eve@contoso.example")) == 0 })
	d.resting.Delete(d.reconcile)
	if err := d.tenant.Lifecycle(graph.Missed); err != nil {
		t.Fatal(err)
	}
	d.becomes("status", "all is well")
	if !d.converged() {
		t.Error("Webex is not what Entra says")
	}
	d.says("uninstall", "would be removed", "LedgerTableName", "OperatorPolicyArn")
	d.says("uninstall --yes", "removed: subscription", "delete the stack")
	d.says("log --action uninstall", "@")
	for _, action := range []string{"approve", "reject", "resume", "replay", "provision"} {
		d.says("log --action "+action, "@") // by whom
	}
	if !strings.Contains(d.cloud.Secret("TokenSecret"), "WEBEX_ACCESS_TOKEN") {
		t.Error("renew has kept no token")
	}
	if now := d.cloud.Secret("ProvisioningSecret"); now != given {
		t.Errorf("the administrator's secret has become %s", now)
	}
	d.wantRights()
}

// mailed has the day end, and waits for a mail that names these as let in against Entra's
// word.
func (d *stackDeployment) mailed(ids ...string) {
	d.t.Helper()
	before := len(d.cloud.Mails("DailyMailTopic"))
	if before == 0 {
		d.t.Error("the day before was not told")
	}
	d.edit("daily mail", func(fields map[string]json.RawMessage) { fields["told"] = json.RawMessage(`"2026-03-01"`) })
	d.eventually("a mail is sent", func() bool { return len(d.cloud.Mails("DailyMailTopic")) > before })
	mail := d.cloud.Mails("DailyMailTopic")[before]
	d.t.Logf("Subject: %s\n\n%s", mail.Subject, mail.Text)
	for _, id := range ids {
		if name := d.name(id); !strings.Contains(mail.Text, name) {
			d.t.Errorf("the mail does not name %s, who is held", name)
		}
	}
}

// outlast has Webex refuse its credentials until nothing is tried any more. Once it takes
// them again, of two dead letters the one of such a trouble is replayed.
func (d *stackDeployment) outlast(id, other string) {
	d.t.Helper()
	d.org.refuses.Store(true)
	d.refused.Store(true)
	if err := d.tenant.Update(id, func(u graph.User) { u["displayName"] = "Ada, Countess of Lovelace" }); err != nil {
		d.t.Fatal(err)
	}
	d.eventually("the worker is not fed any more", func() bool { return !d.cloud.Fed() })
	for kind, object := range map[provision.FaultKind]string{provision.Transient: id, provision.Permanent: other} {
		body, err := json.Marshal(change.Change{Object: change.Object{Kind: change.User, ID: object}, Source: change.Reconcile, SeenAt: time.Now(), CorrelationID: "outlasted"})
		if err == nil {
			_, err = d.sqs.SendMessage(d.t.Context(), &sqs.SendMessageInput{
				QueueUrl: &d.dead, MessageBody: aws.String(string(body)), MessageGroupId: aws.String("users/" + object), MessageDeduplicationId: &object,
				MessageAttributes: map[string]types.MessageAttributeValue{
					worker.AttributeFaultKind: {DataType: aws.String("String"), StringValue: aws.String(kind.String())},
				},
			})
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	d.org.refuses.Store(false)
	d.within(2*time.Minute, "work goes on, and the transient one is replayed", func() bool { return d.cloud.Fed() && d.deadLetters() == 1 && d.converged() })
}

// wantRights fails the test if something was refused, or if whoever has a policy of the
// template may do what was not done.
func (d *stackDeployment) wantRights() {
	d.t.Helper()
	for _, refused := range slices.Compact(slices.Sorted(slices.Values(d.cloud.Refused()))) {
		d.t.Errorf("the template does not allow %s", refused)
	}
	// The worker and a comparison run one engine: what it may in one, it may in the other.
	engine := slices.Concat(slices.Collect(maps.Keys(d.cloud.Used("WorkerRole"))), slices.Collect(maps.Keys(d.cloud.Used("ReconcileRole"))))
	used := map[string][]cloud.Call{"WorkerRole": engine, "ReconcileRole": engine}
	for _, who := range []string{cloud.Operator, "WebhookRole", "RenewRole", "ReplayRole"} {
		used[who] = slices.Collect(maps.Keys(d.cloud.Used(who)))
	}
	for who, calls := range used {
		for _, allowed := range d.cloud.Stack.Allowed(who) {
			if !byLambda(who, allowed) && !slices.ContainsFunc(calls, allowed.Covers) {
				d.t.Errorf("%s may %s on %s, which nothing did", who, allowed.Action, allowed.Resource)
			}
		}
	}
}

// byLambda reports whether it is Lambda that does this in a function's name: it writes
// its log and its traces, and feeds the worker.
func byLambda(who string, allowed cloud.Call) bool {
	service, action, _ := strings.Cut(allowed.Action, ":")
	feeds := who == "WorkerRole" && slices.Contains([]string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"}, action)
	return service == "logs" || service == "xray" || feeds
}
