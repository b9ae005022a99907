package functions_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"entrawebex/internal/metric"
)

// namespace is that of the stack's metrics.
const namespace = "METRIC_NAMESPACE=entrawebex"

// metrics are the names of the metrics that a function has written, with the labels
// behind them.
func metrics(t *testing.T, f *lambdaFunction) []string {
	t.Helper()
	var names []string
	for line := range strings.Lines(f.logged()) {
		if !strings.Contains(line, `"_aws"`) {
			continue
		}
		var document struct {
			AWS struct {
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		members := map[string]any{}
		if json.Unmarshal([]byte(line), &document) != nil || json.Unmarshal([]byte(line), &members) != nil {
			t.Fatalf("no JSON: %s", line)
		}
		for _, directive := range document.AWS.CloudWatchMetrics {
			if directive.Namespace != "entrawebex" {
				t.Errorf("namespace %q", directive.Namespace)
			}
			for _, m := range directive.Metrics {
				name := m.Name
				if known := metric.Metric(name).Definition(); known.Metric == "" || !slices.Equal(known.Dimensions, directive.Dimensions[0]) {
					t.Errorf("%s by %v is not in the catalog", name, directive.Dimensions)
				}
				for _, dimension := range directive.Dimensions[0] {
					label, _ := members[dimension].(string)
					name += " " + label
				}
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// written fails the test unless a function writes these metrics. What it wrote is read
// a moment after it has answered.
func (d *deployment) written(t *testing.T, f *lambdaFunction, names ...string) {
	t.Helper()
	for _, name := range names {
		d.eventually(name+" is written", func() bool { return slices.Contains(metrics(t, f), name) })
	}
}

func TestEveryFunctionWritesItsMetrics(t *testing.T) {
	t.Parallel()
	d := deploy(t, webexOrg(t), namespace)
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		t.Fatal(err)
	}
	d.hire(adaID, "ada@contoso.example")
	d.post("batch-mixed.json")
	d.eventually("Ada has an account", func() bool { return len(d.find("ada@contoso.example")) == 1 && d.idle() })
	for _, f := range []*lambdaFunction{d.renew, d.reconcile} {
		if err := f.invoke(t.Context(), scheduled, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.replay.invoke(t.Context(), []byte(`{"filter":["kind=transient"]}`), nil); err != nil {
		t.Fatal(err)
	}
	d.written(t, d.webhook, "NotificationsReceived", "ChangesQueued", "NotificationsDropped clientState", "NotificationsDropped tenant")
	d.written(t, d.worker, "Attempts Success create", "QueueWait", "Latency", "Calls graph", "Calls webex")
	d.written(t, d.renew, "GuardIsLatched", "SideIsPaused graph", "SideIsPaused webex", "Calls graph")
	d.written(t, d.reconcile, "Comparisons finished", "ComparisonDuration", "ComparedObjects in sync", "Calls webex")
	d.written(t, d.replay, "Replayed")
}

// On one machine, or with an emulator, nobody reads them there.
func TestWithoutANamespaceNoMetricIsWritten(t *testing.T) {
	t.Parallel()
	d := deploy(t, webexOrg(t))
	for range 2 { // the first has written all of its own when the second is there
		d.post("batch-mixed.json")
	}
	d.eventually("both are logged", func() bool { return strings.Count(d.webhook.logged(), `"delivery"`) == 2 })
	if got := metrics(t, d.webhook); len(got) > 0 {
		t.Errorf("written: %v", got)
	}
}
