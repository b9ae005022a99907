// Package monitor is what monitoring asks of one process over HTTP: whether all is
// well, and metrics in Prometheus' text format. Nothing in it is personal.
package monitor

import (
	"net/http"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entrawebex/internal/change"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

// namespace is what the name of every metric of ours begins with.
const namespace = "entrawebex"

// Monitor counts what happens. It is safe for concurrent use.
type Monitor struct {
	registry   *prometheus.Registry
	deliveries *prometheus.CounterVec
	changes    *prometheus.CounterVec
	attempts   *prometheus.CounterVec
	latency    prometheus.Histogram
}

// New returns a Monitor that has counted nothing yet.
func New() *Monitor {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	m := &Monitor{
		registry:   prometheus.NewRegistry(),
		deliveries: counter("deliveries_total", "Requests to the webhook, by the status they were answered with.", "code"),
		changes:    counter("changes_total", "Changes that a worker has taken, by what noticed them.", "source"),
		attempts:   counter("attempts_total", "Attempts to make Webex match Entra for one object, by how they ended and what was done.", "status", "action"),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "change_latency_seconds",
			Help:    "Time from the arrival of Graph's notification until Webex answered the last write.",
			Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900},
		}),
	}
	for _, source := range sources() {
		m.changes.WithLabelValues(label(string(source))) // which is 0 until there is one
	}
	m.registry.MustRegister(m.deliveries, m.changes, m.attempts, m.latency,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Attempt counts an attempt.
func (m *Monitor) Attempt(a provision.Attempt) {
	m.attempts.WithLabelValues(label(string(a.Status)), label(string(a.Action))).Inc()
	if took, ok := a.Latency(); ok && a.Causes[0].Source == change.Notification && !a.Causes[0].Replayed {
		m.latency.Observe(took.Seconds())
	}
}

// Deliveries counts what the webhook answers.
func (m *Monitor) Deliveries(webhook http.Handler) http.Handler {
	return promhttp.InstrumentHandlerCounter(m.deliveries, webhook)
}

// Taken counts a change that a worker has taken for the first time.
func (m *Monitor) Taken(c change.Change) {
	if slices.Contains(sources(), c.Source) {
		m.changes.WithLabelValues(label(string(c.Source))).Inc()
	}
}

// sources are what a change can come from: a label has few values.
func sources() []change.Source {
	return []change.Source{change.Notification, change.Engine, change.Reconcile, change.Comparison, change.OnDemand}
}

// Requests counts what a side answered.
func (m *Monitor) Requests(side pause.Side, traffic func() throttle.Traffic) {
	count := func(name, help string, of func(throttle.Traffic) int) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: namespace, Name: name, Help: help, ConstLabels: prometheus.Labels{"side": string(side)},
		}, func() float64 { return float64(of(traffic())) }))
	}
	count("requests_total", "Requests that a side answered.", func(t throttle.Traffic) int { return t.Answered })
	count("requests_throttled_total", "Answers by which a side said that requests come too often.", func(t throttle.Traffic) int { return t.Refused })
}
