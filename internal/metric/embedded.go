package metric

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"
)

// The bounds of CloudWatch's embedded metric format ("Specification: Embedded metric
// format", Amazon CloudWatch User Guide,
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
const (
	// maxValues is how many values a target member has at most, and maxMetrics how
	// many metrics a directive.
	maxValues  = 100
	maxMetrics = 100
)

// line is a document of the format, before its target members.
type line struct {
	Timestamp  int64       `json:"Timestamp"` // milliseconds
	Directives []directive `json:"CloudWatchMetrics"`
}

type directive struct {
	Namespace  string       `json:"Namespace"`
	Dimensions [][]string   `json:"Dimensions"`
	Metrics    []definition `json:"Metrics"`
}

type definition struct {
	Name Metric `json:"Name"`
	Unit Unit   `json:"Unit"`
}

// Embedded returns the samples as lines in CloudWatch's embedded metric format: one for
// all that have the same dimensions and labels, or more where there are too many of them
// or too many values.
func Embedded(namespace string, at time.Time, samples []Sample) ([]byte, error) {
	var lines []byte
	rest := slices.Clone(samples)
	for len(rest) > 0 {
		var one []Sample
		one, rest = document(rest)
		encoded, err := encode(namespace, at, one)
		if err != nil {
			return nil, err
		}
		lines = append(append(lines, encoded...), '\n')
	}
	return lines, nil
}

// document takes the samples of the next line, which have what the first has, and
// returns those that are left.
func document(samples []Sample) (one, rest []Sample) {
	first := samples[0]
	dimensions := first.Metric.Definition().Dimensions
	for _, s := range samples {
		fits := len(one) < maxMetrics && slices.Equal(s.Metric.Definition().Dimensions, dimensions) && slices.Equal(s.Labels, first.Labels) &&
			!slices.ContainsFunc(one, func(other Sample) bool { return other.Metric == s.Metric })
		if !fits {
			rest = append(rest, s)
			continue
		}
		if len(s.Values) > maxValues {
			rest = append(rest, Sample{s.Metric, s.Labels, s.Values[maxValues:]})
			s.Values = s.Values[:maxValues]
		}
		one = append(one, s)
	}
	return one, rest
}

func encode(namespace string, at time.Time, samples []Sample) ([]byte, error) {
	first := samples[0]
	dimensions := append([]string{}, first.Metric.Definition().Dimensions...) // none is an empty list
	d := directive{Namespace: namespace, Dimensions: [][]string{dimensions}}
	members := map[string]any{}
	for i, dimension := range dimensions {
		members[dimension] = first.Labels[i]
	}
	for _, s := range samples {
		d.Metrics = append(d.Metrics, definition{s.Metric, s.Metric.Definition().Unit})
		members[string(s.Metric)] = s.Values
		if len(s.Values) == 1 {
			members[string(s.Metric)] = s.Values[0]
		}
	}
	members["_aws"] = line{at.UnixMilli(), []directive{d}}
	text, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("encode metrics: %w", err)
	}
	return text, nil
}

// Log writes what a Set holds into the log of a function.
type Log struct {
	Set *Set
	// Namespace is that of the metrics; empty writes none.
	Namespace string
	Out       io.Writer
	Now       func() time.Time
}

// Flush writes what was recorded since the last Flush.
func (l *Log) Flush() error {
	samples := l.Set.Take()
	if l.Namespace == "" || len(samples) == 0 {
		return nil
	}
	lines, err := Embedded(l.Namespace, l.Now(), samples)
	if err != nil {
		return err
	}
	if _, err := l.Out.Write(lines); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}
