package infra_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/metric"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
)

// widget is one of a dashboard ("Dashboard body structure and syntax", Amazon CloudWatch
// API Reference).
type widget struct {
	X, Y, Width, Height int
	Type                string
	Properties          struct {
		Title, Region, Stat string
		Period              int
		Metrics             [][]any
	}
}

func widgets(t *testing.T) []widget {
	t.Helper()
	body, _ := at(resources(readTemplate(t), "AWS::CloudWatch::Dashboard")["Dashboard"], "DashboardBody", "Fn::Sub").(string)
	var dashboard struct{ Widgets []widget }
	if err := json.Unmarshal([]byte(body), &dashboard); err != nil || len(dashboard.Widgets) == 0 {
		t.Fatalf("the dashboard has %d widgets, %v", len(dashboard.Widgets), err)
	}
	return dashboard.Widgets
}

// published are the metrics of AWS that are drawn or watched, with what tells their
// series apart, as the user guides of each service list them.
func published() map[string]string {
	return map[string]string{
		"AWS/SQS ApproximateNumberOfMessagesVisible":    "QueueName",
		"AWS/SQS ApproximateNumberOfMessagesNotVisible": "QueueName",
		"AWS/SQS ApproximateAgeOfOldestMessage":         "QueueName",
		"AWS/SQS NumberOfMessagesReceived":              "QueueName",
		"AWS/Lambda Errors":                             "FunctionName",
		"AWS/Lambda Throttles":                          "FunctionName",
		"AWS/Lambda Invocations":                        "FunctionName",
		"AWS/ApiGateway Count":                          "ApiId",
		"AWS/ApiGateway 4xx":                            "ApiId",
		"AWS/ApiGateway 5xx":                            "ApiId",
		"AWS/DynamoDB ReadThrottleEvents":               "TableName",
		"AWS/DynamoDB WriteThrottleEvents":              "TableName",
	}
}

// labels are the values that a dimension can have.
func labels() map[string]func(string) bool {
	among := func(known ...string) func(string) bool {
		return func(label string) bool { return slices.Contains(known, label) }
	}
	return map[string]func(string) bool{
		"Status": among(string(provision.Success), string(provision.Skipped), string(provision.Failure), string(provision.Warning)),
		"Action": among(
			string(provision.None), string(provision.Create), string(provision.Update), string(provision.Disable), string(provision.Enable), string(provision.Delete),
		),
		"Side": among(string(pause.Graph), string(pause.Webex)),
		"Kind": func(label string) bool { _, ok := provision.ParseFaultKind(label); return ok },
		// Written out where they are counted.
		"Reason":     among("clientState", "tenant"),
		"Outcome":    among("finished", "to be continued", "failed"),
		"Credential": among("webex access token", "webex refresh token", "entra client secret"),
	}
}

// texts are those of a metric of a widget: the rest is how it is drawn.
func texts(m []any) []string {
	var all []string
	for _, part := range m {
		if text, ok := part.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// A metric that is misspelt is an empty picture, and nobody is told.
func TestTheDashboardDrawsMetricsThatThereAre(t *testing.T) {
	t.Parallel()
	drawn := map[metric.Metric]bool{}
	for _, w := range widgets(t) {
		if w.Type != "metric" || w.X+w.Width > 24 || w.Properties.Title == "" || w.Properties.Region != "${AWS::Region}" || w.Properties.Period == 0 {
			t.Errorf("widget %+v", w)
		}
		for _, m := range w.Properties.Metrics {
			path := texts(m)
			namespace, name, pairs := path[0], path[1], path[2:]
			if namespace != "${AWS::StackName}" {
				if len(pairs) != 2 || published()[namespace+" "+name] != pairs[0] {
					t.Errorf("%s draws %v, which AWS does not publish", w.Properties.Title, path)
				}
				continue
			}
			d := metric.Metric(name).Definition()
			drawn[d.Metric] = true
			var dimensions []string
			for pair := range slices.Chunk(pairs, 2) {
				dimensions = append(dimensions, pair[0])
				if known := labels()[pair[0]]; known == nil || !known(pair[1]) {
					t.Errorf("%s draws %v, which nothing counts", w.Properties.Title, path)
				}
			}
			if d.Metric == "" || !slices.Equal(dimensions, d.Dimensions) {
				t.Errorf("%s draws %v; its dimensions are %v", w.Properties.Title, path, d.Dimensions)
			}
		}
	}
	want := []metric.Metric{
		metric.Attempts, metric.Calls, metric.Comparing, metric.Comparisons, metric.DaysLeft, metric.Faults, metric.Holds, metric.Latched, metric.Latency,
		metric.Letters, metric.Paused, metric.Queued, metric.Received, metric.Dropped, metric.Throttles, metric.Wait,
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(drawn))); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
}

// The widgets fill a grid of 24 columns and lie on none other.
func TestTheWidgetsOfTheDashboardLieBesideEachOther(t *testing.T) {
	t.Parallel()
	taken := map[[2]int]string{}
	for _, w := range widgets(t) {
		for x := w.X; x < w.X+w.Width; x++ {
			for y := w.Y; y < w.Y+w.Height; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("%q lies on %q", w.Properties.Title, other)
				}
				taken[[2]int{x, y}] = w.Properties.Title
			}
		}
	}
}

// An alarm on a metric that nobody publishes never rings. Those of filters are held to
// what is logged elsewhere.
func TestEveryAlarmOnAMetricOfAWSIsOnOneThatIsPublished(t *testing.T) {
	t.Parallel()
	dimension := regexp.MustCompile(`^[A-Za-z]+$`)
	watches := func(name string, stat any) {
		namespace, ofAWS := at(stat, "Namespace").(string)
		if !ofAWS || !strings.HasPrefix(namespace, "AWS/") {
			return
		}
		metricName, _ := at(stat, "MetricName").(string)
		by, _ := at(at(stat, "Dimensions").([]any)[0], "Name").(string)
		if !dimension.MatchString(by) || published()[namespace+" "+metricName] != by {
			t.Errorf("%s watches %s %s by %s, which AWS does not publish", name, namespace, metricName, by)
		}
	}
	for name, properties := range resources(readTemplate(t), alarm) {
		watches(name, properties)
		metrics, _ := properties["Metrics"].([]any)
		for _, m := range metrics {
			watches(name, at(m, "MetricStat", "Metric"))
		}
	}
}
