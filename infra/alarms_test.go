package infra_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const alarm = "AWS::CloudWatch::Alarm"

func TestEveryAlarmTellsSomebodyWhatToDo(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	for name, properties := range resources(template, alarm) {
		want := object{
			"AlarmActions":       []any{object{"Ref": "AlarmTopic"}},
			"ComparisonOperator": "GreaterThanThreshold",
			// Nothing logged, nothing queued, nobody calling: no alarm.
			"TreatMissingData": "notBreaching",
		}
		if properties["MetricName"] == "Invocations" { // of what is started every minute
			want["ComparisonOperator"], want["TreatMissingData"] = "LessThanThreshold", "breaching"
		}
		for property, value := range want {
			if diff := cmp.Diff(value, properties[property]); diff != "" {
				t.Errorf("%s.%s (-want +got):\n%s", name, property, diff)
			}
		}
		if text, _ := properties["AlarmDescription"].(string); !strings.Contains(text, "entrawebex ") && !strings.Contains(text, "log says why") {
			t.Errorf("%s does not say what to do: %q", name, text)
		}
	}
	subscription := at(template, "Resources", "AlarmSubscription")
	if at(subscription, "Condition") != "HasAlarmEmail" || at(template, "Parameters", "AlarmEmail", "Default") != "" {
		t.Errorf("without an address there is a subscription: %v", subscription)
	}
}

func TestWhatRunsEveryMinuteAndDoesNotIsAnAlarm(t *testing.T) {
	t.Parallel()
	var watched []string
	for _, properties := range resources(readTemplate(t), alarm) {
		if properties["Namespace"] == "AWS/Lambda" && properties["MetricName"] == "Invocations" {
			watched = append(watched, at(properties["Dimensions"].([]any)[0], "Value", "Ref").(string))
		}
	}
	slices.Sort(watched)
	if diff := cmp.Diff([]string{"ReconcileFunction", "RenewFunction"}, watched); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheErrorsOfEveryFunctionAreAnAlarm(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	watched := map[string]bool{}
	for _, properties := range resources(template, alarm) {
		if properties["Namespace"] == "AWS/Lambda" && properties["MetricName"] == "Errors" {
			watched[at(properties["Dimensions"].([]any)[0], "Value", "Ref").(string)] = true
		}
	}
	for name := range resources(template, function) {
		if !watched[name] {
			t.Errorf("nobody is told of the errors of %s", name)
		}
	}
}

var (
	filterPattern = regexp.MustCompile(`^\{ (?:\$\.level = "(?:ERROR|WARN)" && )?\$\.msg = "([^"]+)"(?: && \$\.dropped > 0)? \}$`)
	errorLine     = regexp.MustCompile(`(?:\.(?:Error|Warn)Context\(ctx|\.notice\(slog\.LevelError|\.LogAttrs\(ctx, level), "([^"]+)"`)
)

func TestTheLinesThatAlarmsWaitForAreLogged(t *testing.T) {
	t.Parallel()
	logged := errorLines(t)
	template := readTemplate(t)
	metrics := map[string]bool{}
	var waited []string
	for name, properties := range resources(template, "AWS::Logs::MetricFilter") {
		pattern, _ := properties["FilterPattern"].(string)
		match := filterPattern.FindStringSubmatch(pattern)
		if match == nil {
			t.Errorf("%s waits for no error: %s", name, pattern)
			continue
		}
		if !slices.Contains(logged, match[1]) {
			t.Errorf("%s waits for %q, which nothing logs as an error", name, match[1])
		}
		waited = append(waited, match[1])
		metrics[at(properties["MetricTransformations"].([]any)[0], "MetricName").(string)] = true
	}
	slices.Sort(waited)
	waited = slices.Compact(waited) // a line that two functions log
	want := []string{
		"comparison still fails", "delivery", "entra client secret still expires", "guard latched", "guard still latched",
		"holds still undecided", "paused", "protected user held", "provisioning log not kept", "removals held", "removals still held",
		"security block held", "security block still held", "sent to the dead-letter queue", "still paused", "webex token expires",
		"webex token still expires",
	}
	if diff := cmp.Diff(want, waited); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	for name, properties := range resources(template, alarm) {
		if at(properties["Namespace"], "Ref") == "AWS::StackName" && !metrics[fmt.Sprint(properties["MetricName"])] {
			t.Errorf("%s waits for the metric %v, which no filter counts", name, properties["MetricName"])
		}
		delete(metrics, fmt.Sprint(properties["MetricName"]))
	}
	if len(metrics) > 0 {
		t.Errorf("no alarm waits for %v", slices.Collect(maps.Keys(metrics)))
	}
}

// errorLines are the messages that the worker's packages log as errors.
func errorLines(t *testing.T) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir("../internal", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range errorLine.FindAllSubmatch(source, -1) {
			lines = append(lines, string(match[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// What a function or a table is throttled by nobody else tells.
func TestTheThrottlesOfEveryFunctionAndTableAreAnAlarm(t *testing.T) {
	t.Parallel()
	template := readTemplate(t)
	watched := map[string]bool{}
	for name, properties := range resources(template, alarm) {
		metrics, _ := properties["Metrics"].([]any)
		for _, m := range metrics {
			if stat := at(m, "MetricStat", "Metric"); stat != nil {
				references(at(stat, "Dimensions"), func(of string) {
					watched[fmt.Sprint(at(stat, "Namespace"), " ", at(stat, "MetricName"), " ", of)] = true
				})
			} else if at(m, "Expression") != "SUM(METRICS())" {
				t.Errorf("%s adds up %v", name, m)
			}
		}
	}
	want := map[string]bool{}
	for name := range resources(template, function) {
		want["AWS/Lambda Throttles "+name] = true
	}
	for name := range resources(template, "AWS::DynamoDB::Table") {
		want["AWS/DynamoDB ReadThrottleEvents "+name], want["AWS/DynamoDB WriteThrottleEvents "+name] = true, true
	}
	const given = "LedgerTableName" // in place of the ledger
	want["AWS/DynamoDB ReadThrottleEvents "+given], want["AWS/DynamoDB WriteThrottleEvents "+given] = true, true
	if diff := cmp.Diff(want, watched); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheAnswersAndTheRequestsOfTheWebhookAreAnAlarm(t *testing.T) {
	t.Parallel()
	var watched []string
	for _, properties := range resources(readTemplate(t), alarm) {
		if properties["Namespace"] == "AWS/ApiGateway" {
			watched = append(watched, fmt.Sprint(properties["MetricName"]))
		}
	}
	slices.Sort(watched)
	if diff := cmp.Diff([]string{"4xx", "5xx", "Count"}, watched); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
