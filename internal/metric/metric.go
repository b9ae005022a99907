// Package metric counts what is done, as values that a face renders: on AWS lines of
// the log in CloudWatch's embedded metric format.
package metric

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Unit is what a value is measured in, as CloudWatch writes it (MetricDatum, Amazon
// CloudWatch API Reference).
type Unit string

// The units.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
	Seconds      Unit = "Seconds"
	// None is that of what is neither: a state, or days.
	None Unit = "None"
)

// Metric is something that is counted or measured, by its name.
type Metric string

// Definition says what a metric is.
type Definition struct {
	Metric Metric
	Unit   Unit
	// Dimensions name what tells its series apart: one or two things of which there
	// are a few, and never the id of an object, since each series has a price.
	Dimensions []string
	// Help says what it is.
	Help string
}

// Definition returns that of a metric; the zero Definition if nobody knows it.
func (m Metric) Definition() Definition {
	for _, d := range All() {
		if d.Metric == m {
			return d
		}
	}
	return Definition{}
}

// Sample is the value of a series, or the values that were measured.
type Sample struct {
	Metric Metric
	// Labels are the values of the metric's dimensions, in their order.
	Labels []string
	Values []float64
}

// most is how many values of a series are held at most: more than the objects of a
// batch. The rest of a moment are left out.
const most = 1000

// Set holds what was counted until it is taken. The zero Set is empty; of a nil one
// nothing is held. It is safe for concurrent use.
type Set struct {
	mu      sync.Mutex
	samples map[string]*Sample
}

// Record adds a value to the series of m with these labels, as many as m has dimensions.
// What is counted adds up, of a state the last value stands, and of durations each.
func (s *Set) Record(m Metric, value float64, labels ...string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.Join(append([]string{string(m)}, labels...), "\x00")
	if s.samples == nil {
		s.samples = map[string]*Sample{}
	}
	held := s.samples[key]
	if held == nil {
		s.samples[key] = &Sample{Metric: m, Labels: labels, Values: []float64{value}}
		return
	}
	switch unit := m.Definition().Unit; {
	case unit == Count:
		held.Values[0] += value
	case unit == None:
		held.Values[0] = value
	case len(held.Values) < most:
		held.Values = append(held.Values, value)
	}
}

// Take returns what was recorded since the last Take, in the order of names and labels.
func (s *Set) Take() []Sample {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	held := s.samples
	s.samples = nil
	s.mu.Unlock()
	var taken []Sample
	for _, sample := range held {
		taken = append(taken, *sample)
	}
	slices.SortFunc(taken, func(a, b Sample) int {
		return cmp.Or(cmp.Compare(a.Metric, b.Metric), slices.Compare(a.Labels, b.Labels))
	})
	return taken
}
