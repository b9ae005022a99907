package functions_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.yaml.in/yaml/v3"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/ledger"
	"entrawebex/internal/queue"
	"entrawebex/internal/sandbox/graph"
)

// filter is a metric filter of the template.
type filter struct {
	// function is whose log group it reads, such as worker.
	function string
	pattern  []term
}

// filters are those of the template, by their names.
func filters(t *testing.T) map[string]filter {
	t.Helper()
	text, err := os.ReadFile("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string    `yaml:"Type"`
			Properties yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	all := map[string]filter{}
	for name, resource := range template.Resources {
		if resource.Type != "AWS::Logs::MetricFilter" {
			continue
		}
		var properties struct {
			LogGroupName  string `yaml:"LogGroupName"`
			FilterPattern string `yaml:"FilterPattern"`
		}
		if err := resource.Properties.Decode(&properties); err != nil {
			t.Fatal(name, err)
		}
		pattern, err := parsePattern(properties.FilterPattern)
		if err != nil {
			t.Fatal(name, err)
		}
		all[name] = filter{strings.ToLower(strings.TrimSuffix(properties.LogGroupName, "Logs")), pattern}
	}
	if len(all) == 0 {
		t.Fatal("the template has no metric filter")
	}
	return all
}

// term is one condition of a pattern for JSON lines: that a field is a text, or a number
// greater than another. The template uses no more of the syntax than that
// ("Filter pattern syntax for metric filters", Amazon CloudWatch Logs User Guide).
type term struct {
	field string
	text  string
	above float64
	isSum bool
}

var termForm = regexp.MustCompile(`^\$\.([A-Za-z]+) (?:= "([^"*%\\]+)"|> (\d+))$`)

func parsePattern(pattern string) ([]term, error) {
	inner, opened := strings.CutPrefix(pattern, "{ ")
	inner, closed := strings.CutSuffix(inner, " }")
	if !opened || !closed {
		return nil, fmt.Errorf("%q is no pattern for JSON", pattern)
	}
	var terms []term
	for part := range strings.SplitSeq(inner, " && ") {
		found := termForm.FindStringSubmatch(part)
		if found == nil {
			return nil, fmt.Errorf("%q has a term that this test does not know: %q", pattern, part)
		}
		one := term{field: found[1], text: found[2]}
		if found[3] != "" {
			one.isSum = true
			one.above, _ = strconv.ParseFloat(found[3], 64) // digits
		}
		terms = append(terms, one)
	}
	return terms, nil
}

// matches reports whether a line of a log satisfies the filter.
func (f filter) matches(line string) bool {
	var members map[string]any
	if json.Unmarshal([]byte(line), &members) != nil {
		return false
	}
	return !slices.ContainsFunc(f.pattern, func(one term) bool {
		if one.isSum {
			n, isNumber := members[one.field].(float64)
			return !isNumber || n <= one.above
		}
		return members[one.field] != one.text
	})
}

// counted is how many lines of its function's log satisfy the filter.
func (d *deployment) counted(f filter) int {
	n := 0
	for line := range strings.Lines(d.function(f.function).logged()) {
		if f.matches(line) {
			n++
		}
	}
	return n
}

func (d *deployment) function(name string) *lambdaFunction {
	return map[string]*lambdaFunction{"webhook": d.webhook, "worker": d.worker, "renew": d.renew, "reconcile": d.reconcile, "replay": d.replay}[name]
}

func TestAPatternOutsideOfWhatIsKnownIsRefused(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		``, `ERROR`, `{ $.level = "ERROR" || $.msg = "paused" }`, `{ $.msg = "pau*" }`, `{ $.msg != "paused" }`,
		`{ $.reasons.tenant > 0 }`, `{ $.dropped > x }`, `{ ($.msg = "paused") }`, `{ $.msg = %paused% }`,
	} {
		if terms, err := parsePattern(pattern); err == nil {
			t.Errorf("%s is %v", pattern, terms)
		}
	}
	terms, err := parsePattern(`{ $.msg = "delivery" && $.dropped > 0 }`)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]bool{
		`{"msg":"delivery","dropped":2}`:   true,
		`{"msg":"delivery","dropped":0}`:   false,
		`{"msg":"delivery","dropped":"2"}`: false,
		`{"msg":"delivery"}`:               false,
		`{"msg":"deliveries","dropped":2}`: false,
		`no JSON`:                          false,
	} {
		if got := (filter{pattern: terms}).matches(line); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

// run invokes a function that is started every minute. What it fails with is in its log.
func (d *deployment) run(f *lambdaFunction) {
	d.t.Helper()
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	if err := f.invoke(d.t.Context(), scheduled, nil); err != nil {
		d.t.Logf("it failed: %v", err)
	}
}

// enqueue puts changes on the queue.
func (d *deployment) enqueue(objects ...change.Object) {
	d.t.Helper()
	var changes []change.Change
	for _, o := range objects {
		changes = append(changes, change.Change{Object: o, Afresh: true, Source: change.Reconcile, SeenAt: time.Now(), CorrelationID: "alarms"})
	}
	if err := (queue.Changes{Queue: queue.NewSQS(d.sqs, d.queue)}).Enqueue(d.t.Context(), changes); err != nil {
		d.t.Fatal(err)
	}
}

// aside starts a function once more, whose changes nobody works on: they go to the
// dead-letter queue. More are variables of its own.
func (d *deployment) aside(name string, f *lambdaFunction, more ...string) *lambdaFunction {
	own := func(variable string) bool { return strings.HasPrefix(variable, "AWS_LAMBDA_RUNTIME_API=") }
	environ := slices.DeleteFunc(slices.Clone(f.environ), own)
	return startFunction(d.t, name, slices.Concat(environ, []string{"CHANGE_QUEUE_URL=" + d.dead}, more)...)
}

// edit changes fields of a document of the ledger, as time would.
func (d *deployment) edit(name string, edit func(fields map[string]json.RawMessage)) {
	d.t.Helper()
	client := dynamodb.NewFromConfig(awsConfig(d.t), func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(os.Getenv("DYNAMODB_EMULATOR_URL")) })
	kept := document.Document[map[string]json.RawMessage]{Store: ledger.NewDynamoDB(client, d.table), Name: name}
	err := kept.Update(d.t.Context(), func(fields *map[string]json.RawMessage) (bool, error) {
		if *fields == nil {
			*fields = map[string]json.RawMessage{}
		}
		edit(*fields)
		return true, nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

const protectedID = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f699"

// guarded are settings under which the guard holds whatever it can, and the provisioning
// log cannot be kept.
func guarded() []string {
	return []string{"GUARD_FLOOR=0", "GUARD_SHARE=0", "GUARD_GROUP_SHARE=0", "PROTECTED_USERS=" + protectedID, "HISTORY_TABLE=elsewhere"}
}

// destroy provisions a group and its members, and then has Entra say of them what the
// guard holds. It returns those it is about. Nobody is told of it.
func (d *deployment) destroy() []change.Object {
	d.t.Helper()
	d.hire(adaID, "ada@contoso.example")
	d.hire(protectedID, "protected@contoso.example")
	var members []string
	for n := range 10 {
		id := fmt.Sprintf("5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f6%02d", n+10)
		d.hire(id, fmt.Sprintf("user%d@contoso.example", n))
		members = append(members, id)
	}
	group, err := d.tenant.CreateGroup(graph.Group{"displayName": "All staff"})
	if err == nil {
		err = d.tenant.AddMembers(group, members...)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.run(d.reconcile)
	d.eventually("all are provisioned", func() bool { return len(d.members("All staff")) == len(members) && d.idle() })
	block := func(u graph.User) { u["accountEnabled"] = false }
	for _, err := range []error{d.tenant.Update(adaID, block), d.tenant.Update(protectedID, block), d.tenant.RemoveMembers(group, members...)} {
		if err != nil {
			d.t.Fatal(err)
		}
	}
	return []change.Object{{Kind: change.User, ID: adaID}, {Kind: change.User, ID: protectedID}, {Kind: change.Group, ID: group}}
}

// rename renames a group in Webex, so that a comparison puts it right by itself and leaves
// it to nobody.
func (d *deployment) rename(name string) {
	d.t.Helper()
	id := fmt.Sprint(d.search("/Groups", `displayName eq "`+name+`"`)[0]["id"])
	body := `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"displayName","value":"By hand"}]}`
	request, err := http.NewRequestWithContext(d.t.Context(), http.MethodPatch, d.scim+"/Groups/"+id, strings.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+webexToken)
	request.Header.Set("Content-Type", "application/scim+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil || response.StatusCode >= http.StatusMultipleChoices {
		d.t.Fatalf("rename %s: %s, %v", name, response.Status, err)
	}
}

// asked says that everything is to be compared.
func (d *deployment) asked() {
	d.t.Helper()
	d.edit("sweep", func(fields map[string]json.RawMessage) {
		fields["dueSince"] = json.RawMessage(`"2026-03-02T09:00:00Z"`)
	})
}

// The condition of each alarm is brought about, and the lines are those that the built
// functions write: an alarm hears of it only if its filter reads the log of the function
// that writes the line, and the line is still worded so.
func TestEveryMetricFilterCountsWhatItsFunctionLogs(t *testing.T) {
	t.Parallel()
	all := filters(t)
	soon := time.Now().Add(10 * 24 * time.Hour).Format(time.DateOnly)
	conditions := map[string]struct {
		settings []string
		come     func(d *deployment)
		counts   []string
	}{
		"the guard holds what the worker was to do": {guarded(), func(d *deployment) {
			held := d.destroy()
			d.enqueue(held...)
			d.eventually("it is held", func() bool { return strings.Contains(d.worker.logged(), "removals held") && d.idle() })
			d.run(d.renew)
		}, []string{
			"GuardLatchedFilter", "GuardStillLatchedFilter", "SecurityBlockHeldFilter", "ProtectedUserHeldFilter", "RemovalsHeldFilter", "LogNotKeptFilter",
			"HoldsUndecidedFilter", "SecurityBlockStillHeldFilter", "RemovalsStillHeldFilter",
		}},
		"the guard holds what a comparison was to do": {append(guarded(), "REPAIR_DRIFT=true"), func(d *deployment) {
			d.destroy()
			d.rename("All staff")
			d.asked()
			// Nobody works on what it queues.
			d.reconcile = d.aside("reconcile", d.reconcile)
			d.run(d.reconcile)
		}, []string{
			"GuardLatchedComparingFilter", "SecurityBlockHeldComparingFilter", "ProtectedUserHeldComparingFilter", "RemovalsHeldComparingFilter", "LogNotKeptComparingFilter",
		}},
		"it starts paused": {[]string{"START_PAUSED=true"}, func(d *deployment) { d.run(d.renew) }, []string{"StillPausedFilter"}},
		"Webex refuses the worker": {[]string{"WEBEX_ACCESS_TOKEN=wrong"}, func(d *deployment) {
			d.hire(adaID, "ada@contoso.example")
			d.enqueue(change.Object{Kind: change.User, ID: adaID})
		}, []string{"PausedFilter"}},
		"Webex refuses renew, and a comparison": {[]string{"WEBEX_ACCESS_TOKEN=wrong", "WEBEX_TOKEN_EXPIRES=" + soon}, func(d *deployment) {
			d.run(d.reconcile)
			d.edit("sweep", func(fields map[string]json.RawMessage) {
				if string(fields["failing"]) == "" {
					d.t.Error("the comparison does not fail")
				}
				fields["failing"] = json.RawMessage(`{"since":"2026-03-02T09:00:00Z","error":"refused"}`)
			})
			// The tenant's tokens are of no client secret.
			d.edit("entra client secret", func(fields map[string]json.RawMessage) { fields["ends"] = json.RawMessage(`"` + soon + `T00:00:00Z"`) })
			d.run(d.renew)
			d.run(d.renew)
		}, []string{"SecretExpiresFilter", "PausedRenewingFilter", "StillPausedFilter", "ComparisonFailsFilter", "TokenExpiresFilter", "TokenStillExpiresFilter"}},
		"what is no change is on the queue, and what is no notification of ours in a delivery": {nil, func(d *deployment) {
			_, err := d.sqs.SendMessage(d.t.Context(), &sqs.SendMessageInput{
				QueueUrl: &d.queue, MessageBody: aws.String("no change"), MessageGroupId: aws.String("g"), MessageDeduplicationId: aws.String("d"),
			})
			if err != nil {
				d.t.Fatal(err)
			}
			d.post("batch-mixed.json")
		}, []string{"GivenUpFilter", "DeliveriesDroppedFilter"}},
	}
	brought := map[string]bool{}
	for name, condition := range conditions {
		for _, filter := range condition.counts {
			if _, ok := all[filter]; !ok {
				t.Errorf("the template has no %s", filter)
			}
			brought[filter] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, webexOrg(t), condition.settings...)
			condition.come(d)
			for _, name := range condition.counts {
				d.eventually(name+" counts a line of "+all[name].function, func() bool { return d.counted(all[name]) > 0 })
			}
		})
	}
	for name := range all {
		if !brought[name] {
			t.Errorf("no condition is brought about for %s", name)
		}
	}
}

// A quiet day rings nothing.
func TestNoMetricFilterCountsADayOnWhichAllIsWell(t *testing.T) {
	t.Parallel()
	d := deploy(t, webexOrg(t))
	d.hire(adaID, "ada@contoso.example")
	d.run(d.renew)
	d.run(d.reconcile)
	if status := d.post("user-updated.json"); status != http.StatusAccepted {
		t.Errorf("the delivery is answered %d", status)
	}
	d.eventually("Ada is looked at", func() bool { return strings.Contains(d.worker.logged(), adaID) && d.idle() })
	d.run(d.renew)
	for name, f := range filters(t) {
		if n := d.counted(f); n > 0 {
			t.Errorf("%s counts %d lines", name, n)
		}
	}
}
