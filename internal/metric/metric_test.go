package metric_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/golden"
	"entrawebex/internal/metric"
)

var at = time.Date(2026, 3, 2, 9, 0, 0, 250_000_000, time.UTC)

// numbers are so many values, from 1.
func numbers(n int) []float64 {
	values := make([]float64, n)
	for i := range values {
		values[i] = float64(i + 1)
	}
	return values
}

// Each line of a golden file is a document of CloudWatch's embedded metric format.
func TestSamplesAreWrittenInTheEmbeddedMetricFormat(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]func(*metric.Set){
		"batch": func(s *metric.Set) {
			for _, ended := range [][]string{{"Success", "create"}, {"Success", "create"}, {"Failure", "none"}} {
				s.Record(metric.Attempts, 1, ended...)
			}
			s.Record(metric.Faults, 1, "permanent")
			for _, took := range []float64{420, 1300.5} {
				s.Record(metric.Latency, took)
			}
			s.Record(metric.Wait, 12)
			s.Record(metric.Calls, 3, "graph")
			s.Record(metric.Throttles, 1, "webex")
			s.Record(metric.Calls, 2, "webex")
		},
		"states": func(s *metric.Set) {
			s.Record(metric.Paused, 0, "webex")
			s.Record(metric.Paused, 1, "webex")
			s.Record(metric.Latched, 0)
			s.Record(metric.DaysLeft, 29.5, "webex")
		},
		"many": func(s *metric.Set) {
			for _, value := range numbers(201) {
				s.Record(metric.Latency, value)
				s.Record(metric.Wait, value/2)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := new(metric.Set)
			record(set)
			got, err := metric.Embedded("entrawebex", at, set.Take())
			if err != nil {
				t.Fatal(err)
			}
			golden.Is(t, filepath.Join("testdata", name+".jsonl"), string(got))
			for line := range strings.Lines(string(got)) {
				valid(t, []byte(line))
			}
		})
	}
}

// valid fails the test unless a line is what the specification asks for.
func valid(t *testing.T, text []byte) {
	t.Helper()
	var document struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name, Unit string }
			}
		} `json:"_aws"`
	}
	members := map[string]any{}
	if err := errors.Join(json.Unmarshal(text, &document), json.Unmarshal(text, &members)); err != nil {
		t.Fatal(err)
	}
	if document.AWS.Timestamp != 1772442000250 || len(document.AWS.CloudWatchMetrics) != 1 {
		t.Errorf("%s", text)
	}
	for _, directive := range document.AWS.CloudWatchMetrics {
		if len(directive.Dimensions) != 1 || len(directive.Metrics) == 0 || len(directive.Metrics) > 100 || directive.Namespace == "" {
			t.Errorf("directive %+v", directive)
		}
		for _, dimension := range directive.Dimensions[0] {
			if label, ok := members[dimension].(string); !ok || label == "" {
				t.Errorf("dimension %s is %v", dimension, members[dimension])
			}
		}
		for _, m := range directive.Metrics {
			switch values := members[m.Name].(type) {
			case float64:
			case []any:
				if len(values) > 100 {
					t.Errorf("%s has %d values", m.Name, len(values))
				}
			default:
				t.Errorf("%s is %v", m.Name, values)
			}
		}
	}
}

func TestWhatIsTakenIsNotTakenAgain(t *testing.T) {
	t.Parallel()
	set := new(metric.Set)
	set.Record(metric.Received, 2)
	if got := set.Take(); len(got) != 1 || got[0].Values[0] != 2 {
		t.Errorf("taken: %+v", got)
	}
	set.Record(metric.Received, 1)
	if got := set.Take(); len(got) != 1 || got[0].Values[0] != 1 {
		t.Errorf("taken then: %+v", got)
	}
	var none *metric.Set
	none.Record(metric.Received, 1)
	if got := none.Take(); got != nil {
		t.Errorf("of none: %+v", got)
	}
}

// A process that is never asked for its values does not grow.
func TestASeriesHoldsAThousandValues(t *testing.T) {
	t.Parallel()
	set := new(metric.Set)
	for _, value := range numbers(1001) {
		set.Record(metric.Latency, value)
	}
	if got := len(set.Take()[0].Values); got != 1000 {
		t.Errorf("%d values", got)
	}
}

// A dimension is a price: each series costs, and an object's id would make one of each.
func TestEveryMetricHasAUnitAndAtMostTwoDimensions(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[A-Z][A-Za-z]+$`)
	units := []metric.Unit{metric.Count, metric.Milliseconds, metric.Seconds, metric.None}
	seen := map[metric.Metric]bool{}
	for _, m := range metric.All() {
		if !name.MatchString(string(m.Metric)) || seen[m.Metric] || !slices.Contains(units, m.Unit) || len(m.Dimensions) > 2 || m.Help == "" {
			t.Errorf("%+v", m)
		}
		seen[m.Metric] = true
	}
}

// broken cannot be written to.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestALogIsWrittenOnlyUnderANamespaceAndWhereThereIsSomething(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := metric.Log{Set: new(metric.Set), Namespace: "entrawebex", Out: &out, Now: func() time.Time { return at }}
	flush := func() string {
		t.Helper()
		out.Reset()
		if err := log.Flush(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if got := flush(); got != "" {
		t.Errorf("of nothing: %s", got)
	}
	log.Set.Record(metric.Queued, 1)
	if got := flush(); !strings.Contains(got, `"ChangesQueued":1`) || strings.Count(got, "\n") != 1 {
		t.Errorf("written: %s", got)
	}
	log.Namespace = ""
	log.Set.Record(metric.Queued, 1)
	if got := flush(); got != "" {
		t.Errorf("without a namespace: %s", got)
	}
	log.Namespace, log.Out = "entrawebex", broken{}
	log.Set.Record(metric.Queued, 1)
	if log.Flush() == nil {
		t.Error("what cannot be written is written")
	}
}
