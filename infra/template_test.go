package infra_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/app/stack"
	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/cloud"
)

// object is a YAML mapping, in which an intrinsic function is one with a single key.
type object = cloud.Object

func readTemplate(t *testing.T) object {
	t.Helper()
	template, err := cloud.ReadTemplate("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return template
}

// at returns what stands at a path of keys; nil if there is nothing.
func at(v any, keys ...string) any { return cloud.At(v, keys...) }

// resources returns the properties of the resources of a type.
func resources(template object, kind string) map[string]object {
	found := map[string]object{}
	for name, resource := range template["Resources"].(object) {
		if at(resource, "Type") == kind {
			found[name] = at(resource, "Properties").(object)
		}
	}
	return found
}

const function = "AWS::Serverless::Function"

var substitution = regexp.MustCompile(`\$\{([^}]+)\}`)

// references calls name for whatever v refers to, an attribute of it with it:
// "Ledger", "Ledger.Arn".
func references(v any, name func(string)) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			references(item, name)
		}
	case object:
		for key, item := range v {
			text, isText := item.(string)
			switch {
			case isText && (key == "Ref" || key == "Fn::GetAtt"):
				name(text)
			case isText && key == "Fn::Sub":
				for _, match := range substitution.FindAllStringSubmatch(text, -1) {
					name(match[1])
				}
			default:
				references(item, name)
			}
		}
	}
}

func TestWhatTheTemplateRefersToExists(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	unused := maps.Clone(template["Parameters"].(object))
	references(template, func(name string) {
		name, _, _ = strings.Cut(name, ".")
		delete(unused, name)
		if at(template, "Parameters", name) == nil && at(template, "Resources", name) == nil && !strings.HasPrefix(name, "AWS::") {
			t.Errorf("there is no %s", name)
		}
	})
	for name := range unused {
		t.Errorf("nothing uses the parameter %s", name)
	}
}

func TestNoResourceWaitsForItself(t *testing.T) {
	t.Parallel()
	all := readTemplate(t)["Resources"].(object)
	var visit func(path []string)
	visit = func(path []string) {
		waiting := all[path[len(path)-1]]
		if at(waiting, "Type") == function { // its alias waits for the alarms, and not it
			waiting = maps.Clone(at(waiting, "Properties").(object))
			delete(waiting.(object), "DeploymentPreference")
		}
		references(waiting, func(name string) {
			name, _, _ = strings.Cut(name, ".")
			switch {
			case name == path[0]:
				t.Errorf("%s waits for itself", strings.Join(append(path, name), " → "))
			case all[name] != nil && !slices.Contains(path, name):
				visit(append(slices.Clone(path), name))
			}
		})
	}
	for name := range all {
		visit([]string{name})
	}
}

func TestTheQueuesKeepOrderAndLoseNothing(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	queues := resources(template, "AWS::SQS::Queue")
	if len(queues) != 2 {
		t.Fatalf("%d queues; want the change queue and the dead-letter queue", len(queues))
	}
	for name, queue := range queues {
		want := object{
			"FifoQueue":                 true,
			"ContentBasedDeduplication": false, // it would swallow add, remove, add
			"DeduplicationScope":        "messageGroup",
			"FifoThroughputLimit":       "perMessageGroupId",
			"MessageRetentionPeriod":    14 * 24 * 60 * 60,
			"SqsManagedSseEnabled":      true,
		}
		for property, value := range want {
			if diff := cmp.Diff(value, queue[property]); diff != "" {
				t.Errorf("%s.%s (-want +got):\n%s", name, property, diff)
			}
		}
		if text, _ := at(queue, "QueueName", "Fn::Sub").(string); !strings.HasSuffix(text, ".fifo") {
			t.Errorf("%s: a FIFO queue's name ends with .fifo", name)
		}
	}
	wantRedrive := object{"deadLetterTargetArn": object{"Fn::GetAtt": "DeadLetterQueue.Arn"}, "maxReceiveCount": 1000}
	if diff := cmp.Diff(wantRedrive, queues["ChangeQueue"]["RedrivePolicy"]); diff != "" {
		t.Errorf("RedrivePolicy (-want +got):\n%s", diff)
	}
	source, _ := at(queues["ChangeQueue"], "QueueName", "Fn::Sub").(string)
	wantAllow := object{"redrivePermission": "byQueue", "sourceQueueArns": []any{
		object{"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:" + source},
	}}
	if diff := cmp.Diff(wantAllow, queues["DeadLetterQueue"]["RedriveAllowPolicy"]); diff != "" {
		t.Errorf("RedriveAllowPolicy (-want +got):\n%s", diff)
	}
}

func TestTheWorkerIsFedInBatchesThatCanFailInPart(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	want := map[string]object{"WorkerFunctionChanges": {
		"EventSourceArn":        object{"Fn::GetAtt": "ChangeQueue.Arn"},
		"FunctionName":          object{"Ref": "WorkerFunction.Alias"},
		"BatchSize":             10,
		"FunctionResponseTypes": []any{"ReportBatchItemFailures"},
		"ScalingConfig":         object{"MaximumConcurrency": object{"Ref": "WorkerConcurrency"}},
		// No Enabled: a deployment in a pause would end it.
	}}
	if diff := cmp.Diff(want, resources(template, "AWS::Lambda::EventSourceMapping")); diff != "" {
		t.Errorf("the event source mapping (-want +got):\n%s", diff)
	}
	for name, properties := range resources(template, function) {
		if properties["ReservedConcurrentExecutions"] != nil {
			t.Errorf("%s has reserved concurrency: what it throttles counts as received", name)
		}
	}
}

// Lambda refuses a function that may run longer than the queue waits for it
// ("Creating and configuring an Amazon SQS event source mapping", AWS Lambda
// Developer Guide). The rest is ours.
func TestABatchOfACrashedWorkerComesAgainWhenItsClaimsHaveEndedAndSoonAfter(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	seconds := func(v any) time.Duration {
		n, _ := v.(int)
		return time.Duration(n) * time.Second
	}
	visibility := seconds(at(resources(template, "AWS::SQS::Queue")["ChangeQueue"], "VisibilityTimeout"))
	timeout := seconds(resources(template, function)["WorkerFunction"]["Timeout"])
	// The claims are made one after the other when the batch has come.
	const claiming = 30 * time.Second
	if least := max(timeout, provision.Lease+claiming); visibility < least || visibility > 3*time.Minute {
		t.Errorf("the visibility time-out is %s; want %s at least and three minutes at most", visibility, least)
	}
	if least := 2 * provision.Margin; timeout < least {
		t.Errorf("the worker has %s, and begins nothing in the last %s; want %s at least", timeout, provision.Margin, least)
	}
}

func TestTheLedgerOutlivesTheStack(t *testing.T) {
	t.Parallel()
	ledger := at(readTemplate(t), "Resources", "Ledger")
	for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		if at(ledger, policy) != "Retain" {
			t.Errorf("%s is %v; want Retain", policy, at(ledger, policy))
		}
	}
	if at(ledger, "Properties", "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled") != true {
		t.Error("the ledger cannot be put back to an earlier time")
	}
}

// An entry says itself when it expires (internal/history).
func TestTheProvisioningLogOutlivesTheStackAndItsEntriesExpire(t *testing.T) {
	t.Parallel()
	log := at(readTemplate(t), "Resources", "History")
	for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
		if at(log, policy) != "Retain" {
			t.Errorf("%s is %v; want Retain", policy, at(log, policy))
		}
	}
	if diff := cmp.Diff(object{"AttributeName": "expires", "Enabled": true}, at(log, "Properties", "TimeToLiveSpecification")); diff != "" {
		t.Error(diff)
	}
	keys := []any{object{"AttributeName": "pk", "KeyType": "HASH"}, object{"AttributeName": "sk", "KeyType": "RANGE"}}
	if diff := cmp.Diff(keys, at(log, "Properties", "KeySchema")); diff != "" {
		t.Error(diff)
	}
}

// Where a table is named no other is made, and everything that named the stack's own names
// that one.
func TestAStackGoesOnWithALedgerThatIsThere(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	for given, want := range map[string]string{"": "prod-Ledger", "ledger-of-march": "ledger-of-march"} {
		s := &cloud.Stack{Template: template, Name: "prod", Parameters: map[string]string{"LedgerTableName": given}}
		for name := range resources(template, function) {
			if table, has := s.Environment(name)["LEDGER_TABLE"]; has && table != want {
				t.Errorf("%s writes to %s, want %s", name, table, want)
			}
		}
		if got := s.Outputs()["LedgerTable"]; got != want {
			t.Errorf("the output is %s, want %s", got, want)
		}
		for _, policy := range []string{"WorkerRole", "RenewRole", "ReconcileRole", cloud.Operator} {
			if !slices.ContainsFunc(s.Allowed(policy), func(c cloud.Call) bool {
				return c.Action == "dynamodb:PutItem" && c.Resource == "arn:aws:dynamodb:eu-central-1:000000000000:table/"+want
			}) {
				t.Errorf("%s may not write to %s", policy, want)
			}
		}
	}
	if at(template, "Resources", "Ledger", "Condition") != "MakesLedger" {
		t.Error("a second ledger is made")
	}
	// Nothing else names it, where it may not be.
	var named int
	references(template, func(name string) {
		if name, _, _ := strings.Cut(name, "."); name == "Ledger" {
			named++
		}
	})
	text, err := os.ReadFile("../template.yaml")
	if chosen := strings.Count(string(text), "!If [MakesLedger, "); err != nil || chosen != named {
		t.Errorf("the ledger is named %d times, and chosen %d times: %v", named, chosen, err)
	}
}

func TestNobodySpeaksToTheQueuesInTheClear(t *testing.T) {
	t.Parallel()
	queues := []any{object{"Fn::GetAtt": "ChangeQueue.Arn"}, object{"Fn::GetAtt": "DeadLetterQueue.Arn"}}
	want := map[string]object{"QueuePolicy": {
		"Queues": []any{object{"Ref": "ChangeQueue"}, object{"Ref": "DeadLetterQueue"}},
		"PolicyDocument": object{"Version": "2012-10-17", "Statement": []any{object{
			"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": queues,
			"Condition": object{"Bool": object{"aws:SecureTransport": "false"}},
		}}},
	}}
	if diff := cmp.Diff(want, resources(readTemplate(t), "AWS::SQS::QueuePolicy")); diff != "" {
		t.Error(diff)
	}
}

// Of what is published, a change of a parameter too is a version, and what fails is
// rolled back. A function without an alias changes at once.
func TestTheWebhookAndTheWorkerTakeOverInStepsAndAreRolledBackByTheirErrors(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	for name, properties := range resources(template, function) {
		alias, preference := properties["AutoPublishAlias"], properties["DeploymentPreference"]
		if name != "WebhookFunction" && name != "WorkerFunction" {
			if alias != nil || preference != nil {
				t.Errorf("%s is published", name)
			}
			continue
		}
		if alias != "live" || properties["AutoPublishAliasAllProperties"] != true {
			t.Errorf("%s: a changed parameter does not serve", name)
		}
		alarm := strings.TrimSuffix(name, "Function") + "ErrorsAlarm"
		want := object{"Type": object{"Ref": "Deployment"}, "Alarms": object{"Fn::If": []any{
			"DeploysGradually", []any{object{"Ref": alarm}}, object{"Ref": "AWS::NoValue"},
		}}}
		if diff := cmp.Diff(want, preference); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		dimensions := []any{object{"Name": "FunctionName", "Value": object{"Ref": name}}}
		if diff := cmp.Diff(dimensions, at(template, "Resources", alarm, "Properties", "Dimensions")); diff != "" {
			t.Errorf("%s is of another function: %s", alarm, diff)
		}
	}
}

// statements returns what a role allows: the actions and the resources.
func statements(t *testing.T, role object) map[string][]any {
	t.Helper()
	if role["ManagedPolicyArns"] != nil {
		t.Error("a managed policy allows more than is needed")
	}
	allowed := map[string][]any{}
	for _, policy := range role["Policies"].([]any) {
		for _, statement := range at(policy, "PolicyDocument", "Statement").([]any) {
			for _, action := range cloud.List(at(statement, "Action")) {
				allowed[action.(string)] = append(allowed[action.(string)], cloud.List(at(statement, "Resource"))...)
			}
		}
	}
	return allowed
}

func TestNoFunctionMayDoMoreThanItDoes(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	roles := resources(template, "AWS::IAM::Role")
	for name, properties := range resources(template, function) {
		role, _ := at(properties, "Role", "Fn::GetAtt").(string)
		if roles[strings.TrimSuffix(role, ".Arn")] == nil || properties["Policies"] != nil {
			t.Errorf("%s: its policies are not written out in a role of its own", name)
		}
	}
	for name, role := range roles {
		for action, resources := range statements(t, role) {
			if strings.HasPrefix(action, "xray:Put") {
				continue // X-Ray knows no resources (Service Authorization Reference)
			}
			if strings.Contains(action+fmt.Sprint(resources), "*") {
				t.Errorf("%s allows %s on %v", name, action, resources)
			}
		}
	}
	// The one that the world can reach.
	want := map[string][]any{
		"sqs:SendMessage":               {object{"Fn::GetAtt": "ChangeQueue.Arn"}},
		"lambda:InvokeFunction":         {object{"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-renew"}},
		"secretsmanager:GetSecretValue": {object{"Ref": "WebhookSecret"}},
		"logs:CreateLogStream":          {object{"Fn::GetAtt": "WebhookLogs.Arn"}},
		"logs:PutLogEvents":             {object{"Fn::GetAtt": "WebhookLogs.Arn"}},
		"xray:PutTelemetryRecords":      {"*"},
		"xray:PutTraceSegments":         {"*"},
	}
	if diff := cmp.Diff(want, statements(t, roles["WebhookRole"])); diff != "" {
		t.Errorf("the webhook (-want +got):\n%s", diff)
	}
}

func TestRenewMaySwitchTheWorkersMappingAndNoOther(t *testing.T) {
	t.Parallel()
	allowed := statements(t, resources(readTemplate(t), "AWS::IAM::Role")["RenewRole"])
	mapping := []any{object{"Fn::GetAtt": "WorkerFunctionChanges.EventSourceMappingArn"}}
	want := map[string][]any{"lambda:GetEventSourceMapping": mapping, "lambda:UpdateEventSourceMapping": mapping}
	maps.DeleteFunc(allowed, func(action string, _ []any) bool { return !strings.HasPrefix(action, "lambda:") })
	if diff := cmp.Diff(want, allowed); diff != "" {
		t.Errorf("renew (-want +got):\n%s", diff)
	}
}

// An HTTP API waits for the functions behind it, which only the transformed
// template says. So the webhook names renew, which waits for the API.
func TestTheWebhookStartsRenewByItsNameAndWaitsForNothingThatWaitsForTheAPI(t *testing.T) {
	t.Parallel()
	functions := resources(readTemplate(t), function)
	name := object{"Fn::Sub": "${AWS::StackName}-renew"}
	if diff := cmp.Diff(name, functions["RenewFunction"]["FunctionName"]); diff != "" {
		t.Errorf("renew is called (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(name, at(functions["WebhookFunction"], "Environment", "Variables", "RENEW_FUNCTION")); diff != "" {
		t.Errorf("the webhook starts (-want +got):\n%s", diff)
	}
	references(functions["WebhookFunction"], func(name string) {
		if name == "RenewFunction" {
			t.Error("the webhook waits for renew")
		}
	})
}

// That each of its actions is needed, and no other, is tested by operating a stack in
// functions.
func TestAnOperatorIsOfferedThePolicyOfThisStackAlone(t *testing.T) {
	t.Parallel()
	s := &cloud.Stack{Template: readTemplate(t), Name: "prod", Made: map[string]string{"ChangeQueue": "https://sqs/0/prod-changes.fifo", "DeadLetterQueue": "https://sqs/0/prod-dead.fifo"}}
	if got, want := s.Outputs()["OperatorPolicyArn"], "arn:aws:iam::000000000000:policy/prod-"+cloud.Operator; got != want {
		t.Errorf("the output is %s, want %s", got, want)
	}
	allowed := s.Allowed(cloud.Operator)
	if len(allowed) == 0 {
		t.Fatal("nothing is allowed")
	}
	for _, a := range allowed {
		stack := a == cloud.Call{Action: "cloudformation:DescribeStacks", Resource: "arn:aws:cloudformation:eu-central-1:000000000000:stack/prod/*"}
		metrics := a == cloud.Call{Action: "cloudwatch:GetMetricData", Resource: "*"} // no resource can be named
		if !stack && !metrics && (strings.Contains(a.Action+a.Resource, "*") || !strings.Contains(a.Resource, ":secret:ProvisioningSecret") && !strings.Contains(a.Resource, ":secret:TokenSecret") && !strings.Contains(a.Resource, "prod-")) {
			t.Errorf("%s on %s", a.Action, a.Resource)
		}
	}
}

// The operator's plan and check read Graph, too: where there is no secret, by AWS's word.
func TestAnOperatorOfAFederatedStackMayHaveAWSSayWhoTheyAre(t *testing.T) {
	t.Parallel()
	word := cloud.Call{Action: "sts:GetWebIdentityToken", Resource: "*"}
	for federation, want := range map[string]bool{"": false, "aws": true} {
		s := &cloud.Stack{Template: readTemplate(t), Name: "prod", Parameters: map[string]string{"EntraFederation": federation}}
		if may := slices.Contains(s.Allowed(cloud.Operator), word); may != want {
			t.Errorf("EntraFederation=%s: %t", federation, may)
		}
	}
}

// Only what speaks to Graph has AWS say to Entra who it is, and to nobody else.
func TestWhoSpeaksToGraphMayHaveAWSSayWhoItIs(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	want := map[string]object{"FederationPolicy": {
		"PolicyName": "federation",
		"Roles":      []any{object{"Ref": "WorkerRole"}, object{"Ref": "RenewRole"}, object{"Ref": "ReconcileRole"}},
		"PolicyDocument": object{"Version": "2012-10-17", "Statement": []any{object{
			"Effect": "Allow", "Action": "sts:GetWebIdentityToken", "Resource": "*",
			"Condition": object{"ForAllValues:StringEquals": object{"sts:IdentityTokenAudience": []any{"api://AzureADTokenExchange"}}},
		}}},
	}}
	if diff := cmp.Diff(want, resources(template, "AWS::IAM::Policy")); diff != "" {
		t.Error(diff)
	}
	if at(template, "Resources", "FederationPolicy", "Condition") != "Federates" {
		t.Error("a stack with a secret may do it, too")
	}
	for name, properties := range resources(template, function) {
		variables := at(properties, "Environment", "Variables").(object)
		if federates := variables["ENTRA_FEDERATION"] != nil; federates != (variables["ENTRA_CLIENT_ID"] != nil) {
			t.Errorf("%s is told of the federation: %v", name, federates)
		}
	}
}

func TestOnlyRenewWritesASecretAndOnlyTheOneWithTheTokens(t *testing.T) {
	t.Parallel()
	for name, role := range resources(readTemplate(t), "AWS::IAM::Role") {
		got := statements(t, role)["secretsmanager:PutSecretValue"]
		var want []any
		if name == "RenewRole" {
			want = []any{object{"Ref": "TokenSecret"}}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestOnlyReconcileMailsAndNobodyWithoutAnAddress(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	for name, role := range resources(template, "AWS::IAM::Role") {
		got := statements(t, role)["sns:Publish"]
		var want []any
		if name == "ReconcileRole" {
			want = []any{object{"Ref": "DailyMailTopic"}}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	want := object{
		"Type": "AWS::SNS::Subscription", "Condition": "HasDailyMail",
		"Properties": object{"TopicArn": object{"Ref": "DailyMailTopic"}, "Protocol": "email", "Endpoint": object{"Ref": "DailyMailAddress"}},
	}
	if diff := cmp.Diff(want, at(template, "Resources", "DailyMailSubscription")); diff != "" {
		t.Errorf("the subscription (-want +got):\n%s", diff)
	}
	if at(template, "Parameters", "DailyMailAddress", "Default") != "" {
		t.Error("somebody is mailed by default")
	}
	if diff := cmp.Diff(object{"Fn::Not": []any{object{"Fn::Equals": []any{object{"Ref": "DailyMailAddress"}, ""}}}}, at(template, "Conditions", "HasDailyMail")); diff != "" {
		t.Errorf("the condition (-want +got):\n%s", diff)
	}
}

// What follows from a change within a minute is promised by docs/scope.md.
func TestWhatNoNotificationToldIsLookedForEveryMinute(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	reconcile := resources(template, function)["ReconcileFunction"]
	once := object{"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
	want := object{"EveryMinute": object{"Type": "Schedule", "Properties": object{"Schedule": "rate(1 minute)", "RetryPolicy": once}}}
	for _, name := range []string{"ReconcileFunction", "RenewFunction"} {
		scheduled := resources(template, function)[name]
		if diff := cmp.Diff(want, scheduled["Events"]); diff != "" {
			t.Errorf("the schedule of %s (-want +got):\n%s", name, diff)
		}
		// What failed, or could not start, comes in no burst beside that of the next minute.
		if diff := cmp.Diff(once, scheduled["EventInvokeConfig"]); diff != "" {
			t.Errorf("the retries of %s (-want +got):\n%s", name, diff)
		}
	}
	if reconcile["Timeout"] != 900 || at(template, "Globals", "Function", "MemorySize") != 512 || reconcile["MemorySize"] != nil {
		t.Errorf("reconcile has %v seconds and %v MB", reconcile["Timeout"], reconcile["MemorySize"])
	}
}

func TestOnlyTheTwoAddressesOfTheWebhookAreOpenAndThrottled(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	var open []string
	for name, properties := range resources(template, function) {
		events, _ := properties["Events"].(object)
		for _, event := range events {
			if at(event, "Type") == "HttpApi" {
				open = append(open, fmt.Sprint(name, " ", at(event, "Properties", "Method"), " ", at(event, "Properties", "Path")))
			}
		}
	}
	slices.Sort(open)
	want := []string{"WebhookFunction POST /lifecycle", "WebhookFunction POST /notifications"}
	if diff := cmp.Diff(want, open); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
	settings := at(resources(template, "AWS::Serverless::HttpApi")["Api"], "DefaultRouteSettings")
	if at(settings, "ThrottlingRateLimit") == nil || at(settings, "ThrottlingBurstLimit") == nil {
		t.Errorf("the API is not throttled: %v", settings)
	}
	api := resources(template, "AWS::Serverless::HttpApi")["Api"]
	burst := func(settings any) int { n, _ := at(settings, "ThrottlingBurstLimit").(int); return n }
	if few := burst(at(api, "RouteSettings", "POST /lifecycle")); few == 0 || few > 20 || burst(settings) < 500 {
		t.Errorf("the throttle leaves a burst of %d notifications and of %d lifecycle notifications", burst(settings), few)
	}
	// What is throttled no function sees.
	if diff := cmp.Diff(object{"Fn::GetAtt": "ApiLogs.Arn"}, at(api, "AccessLogSettings", "DestinationArn")); diff != "" {
		t.Errorf("the access log (-want +got):\n%s", diff)
	}
	var line map[string]string
	format, _ := at(api, "AccessLogSettings", "Format").(string)
	if err := json.Unmarshal([]byte(format), &line); err != nil || line["status"] != "$context.status" || line["ip"] != "$context.identity.sourceIp" {
		t.Errorf("a line of the access log is %s, %v", format, err)
	}
}

func TestEveryFunctionHasItsFolderAndItsBuildTarget(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for name := range resources(readTemplate(t), function) {
		folder := strings.ToLower(strings.TrimSuffix(name, "Function"))
		if _, err := os.Stat("../functions/" + folder + "/main.go"); err != nil {
			t.Error(err)
		}
		if target := fmt.Sprintf("\nbuild-%s: function := %s\n", name, folder); !strings.Contains(string(makefile), target) {
			t.Errorf("the Makefile does not say %q", target)
		}
	}
}

// TestEachFunctionStartsWithWhatTheTemplateGivesIt reads the template's
// environment and secrets with the code that reads them on AWS.
func TestEachFunctionStartsWithWhatTheTemplateGivesIt(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	known := map[string]bool{"SECRET_ARN": true}
	fields, err := env.GetFieldParams(&config.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range fields {
		known[field.Key] = true
	}
	given := map[string]string{
		"EntraTenantId": "0f1e2d3c-4b5a-4697-8877-665544332211",
		"EntraClientId": "11223344-5566-4788-99aa-bbccddeeff00",
		"WebexOrgId":    "99aabbcc-ddee-4ff0-8122-334455667788",
		"AWS::Region":   "eu-central-1", "AWS::URLSuffix": "amazonaws.com",
	}
	secrets := map[string]string{
		"WebhookSecret":      `{"CLIENT_STATE": "what every notification must carry"}`,
		"ProvisioningSecret": `{"ENTRA_CLIENT_SECRET": "a", "WEBEX_CLIENT_ID": "b", "WEBEX_CLIENT_SECRET": "c", "WEBEX_REFRESH_TOKEN": "d"}`,
		"TokenSecret":        `{}`,
	}
	for name, part := range map[string]config.Part{
		"WebhookFunction":   config.WebhookFunction,
		"WorkerFunction":    config.WorkerFunction,
		"RenewFunction":     config.RenewFunction,
		"ReconcileFunction": config.ReconcileFunction,
		"ReplayFunction":    config.ReplayFunction,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			variables := maps.Clone(at(template, "Globals", "Function", "Environment", "Variables").(object))
			maps.Copy(variables, at(resources(template, function)[name], "Environment", "Variables").(object))
			var environ []string
			for variable, v := range variables {
				if !known[variable] && variable != "AWS_ENDPOINT_URL" { // which the SDK reads
					t.Errorf("nothing reads %s", variable)
				}
				environ = append(environ, variable+"="+resolve(template, given, v))
			}
			_, err := config.Load(t.Context(), part, environ, func(_ context.Context, arn string) (string, error) {
				return secrets[arn], nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// Of what the functions have, the webhook's secret and whom it wakes is no operator's.
func TestAnOperatorFindsEverySettingInTheFunctionsThatTheOutputsName(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	found := object{}
	for _, output := range stack.Outputs() {
		name, _ := at(template, "Outputs", output, "Value", "Ref").(string)
		for variable, v := range at(resources(template, function)[name], "Environment", "Variables").(object) {
			if found[variable] == nil {
				found[variable] = v
			}
		}
	}
	for name, properties := range resources(template, function) {
		for variable, v := range at(properties, "Environment", "Variables").(object) {
			if variable != "SECRET_ARN" && variable != "RENEW_FUNCTION" && !cmp.Equal(v, found[variable]) {
				t.Errorf("%s is %v for %s and %v for an operator", variable, v, name, found[variable])
			}
		}
	}
	if diff := cmp.Diff(object{"Ref": "ProvisioningSecret"}, found["SECRET_ARN"]); diff != "" {
		t.Errorf("the secret (-want +got):\n%s", diff)
	}
}

// Reconcile looks at everything again when the rules change: they are the
// worker's.
func TestReconcileKnowsTheWorkersRules(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	environment := func(name string) object {
		return at(resources(template, function)[name], "Environment", "Variables").(object)
	}
	worker, reconcile := environment("WorkerFunction"), environment("ReconcileFunction")
	s := &config.Settings{Scope: "assigned"}
	for rule := range strings.FieldsSeq(s.Rules()) {
		variable, _, _ := strings.Cut(rule, "=")
		if variable != "SCOPE" && (worker[variable] == nil || !cmp.Equal(worker[variable], reconcile[variable])) {
			t.Errorf("%s is %v for the worker and %v for reconcile", variable, worker[variable], reconcile[variable])
		}
	}
}

// resolve returns the text an environment variable gets: what is given, else
// a parameter's default or first allowed value, else the name of the resource.
func resolve(template object, given map[string]string, v any) string {
	name := func(name string) string {
		parameter := at(template, "Parameters", name)
		if text, ok := given[name]; ok {
			return text
		}
		if text := at(parameter, "Default"); text != nil {
			return fmt.Sprint(text)
		}
		if allowed, ok := at(parameter, "AllowedValues").([]any); ok {
			return fmt.Sprint(allowed[0])
		}
		return name
	}
	if ref, ok := at(v, "Ref").(string); ok {
		return name(ref)
	}
	if text, ok := at(v, "Fn::Sub").(string); ok {
		return substitution.ReplaceAllStringFunc(text, func(s string) string { return name(s[2 : len(s)-1]) })
	}
	return fmt.Sprint(v)
}

func TestEveryFunctionIsTraced(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	if at(template, "Globals", "Function", "Tracing") != "Active" {
		t.Errorf("tracing is %v", at(template, "Globals", "Function", "Tracing"))
	}
	for name, properties := range resources(template, function) {
		role, _ := at(properties, "Role", "Fn::GetAtt").(string)
		allowed := statements(t, resources(template, "AWS::IAM::Role")[strings.TrimSuffix(role, ".Arn")])
		if allowed["xray:PutTraceSegments"] == nil || allowed["xray:PutTelemetryRecords"] == nil || properties["Tracing"] != nil {
			t.Errorf("%s may not tell X-Ray", name)
		}
	}
}

// The console asks for each parameter once, under words of its own.
func TestEachParameterHasALabelAndAGroup(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	asked := map[string]int{}
	groups, _ := at(template, "Metadata", "AWS::CloudFormation::Interface", "ParameterGroups").([]any)
	for _, group := range groups {
		names, _ := at(group, "Parameters").([]any)
		for _, name := range names {
			asked[name.(string)]++
		}
	}
	parameters := at(template, "Parameters").(object)
	labels := at(template, "Metadata", "AWS::CloudFormation::Interface", "ParameterLabels").(object)
	for name := range parameters {
		if asked[name] != 1 || at(labels, name, "default") == nil {
			t.Errorf("%s is in %d groups, and its label is %v", name, asked[name], at(labels, name, "default"))
		}
		delete(asked, name)
		delete(labels, name)
	}
	if len(asked) > 0 || len(labels) > 0 {
		t.Errorf("no parameters: %v, %v", asked, labels)
	}
}

// What cannot be is refused before anything is deployed, and not at a function's start.
func TestEachParameterHasAConstraintThatItsDefaultMeets(t *testing.T) {
	t.Parallel()
	for name, parameter := range at(readTemplate(t), "Parameters").(object) {
		p := parameter.(object)
		if p["AllowedValues"] == nil && p["AllowedPattern"] == nil && p["MinLength"] == nil && p["MinValue"] == nil {
			t.Errorf("%s may be anything", name)
		}
		pattern, patterned := p["AllowedPattern"].(string)
		if value, given := p["Default"]; patterned && given && !regexp.MustCompile(pattern).MatchString(fmt.Sprint(value)) {
			t.Errorf("%s is %q by default, which %s refuses", name, value, pattern)
		}
	}
	for name, values := range map[string]map[string]bool{
		"GuardWindow":      {"60m": true, "2h": true, "1h30m": true, "": false, "60": false, "an hour": false},
		"CompareInterval":  {"24h": true, "1h30m": true, "30m": false, "0h": false, "1 day": false},
		"ProtectedUsers":   {"ada@x.example, bob@x.example": true, "ada@x.example bob@x.example": false, "ada@x.example,": false},
		"DailyMailAddress": {"ops@x.example": true, "ops": false, "a@x.example, b@x.example": false},
		"WebexScimUrl":     {"https://webexapis.com/identity/scim/o/v2": true, "webexapis.com": false},
	} {
		pattern := regexp.MustCompile(at(readTemplate(t), "Parameters", name, "AllowedPattern").(string))
		for value, want := range values {
			if pattern.MatchString(value) != want {
				t.Errorf("%s may be %q: %t", name, value, !want)
			}
		}
	}
}
