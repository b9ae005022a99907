package monitor

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
)

// state tells how things stand, as status does.
type state struct {
	status func(ctx context.Context) (operator.Status, error)
	gauges []gauge
}

// gauge is a metric that is read of a status.
type gauge struct {
	desc *prometheus.Desc
	// read puts the values of it, each with its labels.
	read func(s operator.Status, put func(value float64, labels ...string))
}

// Describe implements prometheus.Collector.
func (c *state) Describe(descs chan<- *prometheus.Desc) {
	for _, g := range c.gauges {
		descs <- g.desc
	}
}

// Collect implements prometheus.Collector. Of what cannot be read it says no more than
// that all is not well.
func (c *state) Collect(metrics chan<- prometheus.Metric) {
	s, err := c.status(context.Background())
	if err != nil {
		s = operator.Status{}
	}
	for i, g := range c.gauges {
		if err != nil && i > 0 { // of which the first is whether all is well
			return
		}
		g.read(s, func(value float64, labels ...string) {
			metrics <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, value, labels...)
		})
	}
}

// gauges are all of them.
func gauges() []gauge {
	of := func(name, help string, read func(s operator.Status, put func(float64, ...string)), labels ...string) gauge {
		return gauge{prometheus.NewDesc(namespace+"_"+name, help, labels, nil), read}
	}
	one := func(read func(s operator.Status) float64) func(operator.Status, func(float64, ...string)) {
		return func(s operator.Status, put func(float64, ...string)) { put(read(s)) }
	}
	return []gauge{
		of("healthy", "Whether all is well, as status says it.", one(func(s operator.Status) float64 { return truth(s.AllIsWell) })),
		of("status_timestamp_seconds", "When the gauges were read.", one(func(s operator.Status) float64 { return seconds(s.At) })),
		of("queue_changes", "Changes on the queue: waiting to be taken, or in flight, which is worked on or tried again later.", readQueue, "state"),
		of("queue_oldest_age_seconds", "Age of the oldest change on the queue, 0 if there is none.", readAge),
		of("dead_letters", "Messages on the dead-letter queue.", one(func(s operator.Status) float64 { return float64(s.DeadLetters) })),
		of("holds", "Operations that the guard holds.", readHolds, "state"),
		of("accounts_blocked_open", "Accounts that are held, of people whom Entra blocked.", one(func(s operator.Status) float64 { return float64(len(s.Holds.Blocked)) })),
		of("accounts_open", "Accounts that are open and must not be, those that a setting leaves open too.", one(func(s operator.Status) float64 { return float64(s.Open.Count + s.Spared.Count) })),
		of("accounts_shut_out", "Accounts of entitled people that were deactivated by hand.", one(func(s operator.Status) float64 { return float64(s.ShutOut.Count) })),
		of("guard_latched", "Whether the guard is latched.", one(func(s operator.Status) float64 { return truth(!s.GuardLatchedSince.IsZero()) })),
		of("paused", "Whether a side is paused.", readPauses, "side"),
		of("faults", "Objects with an open fault.", readFaults, "kind"),
		of("linked_objects", "Users and groups that are linked to Webex.", one(func(s operator.Status) float64 { return float64(s.Linked) })),
		of("credential_end_timestamp_seconds", "When a token or a secret ends, as far as that is known.", readEnds, "credential"),
		of("subscription_end_timestamp_seconds", "When a subscription ends if it is not renewed.", readSubscriptions, "resource"),
		of("subscription_delivery_timestamp_seconds", "When the last notification arrived that a worker has taken.", readDeliveries, "resource"),
		of("job_success_timestamp_seconds", "When what is done again and again was last done without an error.", readJobs, "job"),
		of("comparison_timestamp_seconds", "When everything was last compared to the end.", readComparison),
	}
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 {
	return float64(t.UnixMilli()) / float64(time.Second/time.Millisecond)
}

// when puts a moment, if it is known.
func when(put func(float64, ...string), t time.Time, labels ...string) {
	if !t.IsZero() {
		put(seconds(t), labels...)
	}
}

func readQueue(s operator.Status, put func(float64, ...string)) {
	put(float64(s.Waiting), "waiting")
	put(float64(s.InFlight), "in_flight")
}

func readAge(s operator.Status, put func(float64, ...string)) {
	switch {
	case s.Waiting+s.InFlight == 0:
		put(0)
	case !s.Oldest.IsZero():
		put(max(0, s.At.Sub(s.Oldest).Seconds()))
	}
}

func readHolds(s operator.Status, put func(float64, ...string)) {
	put(float64(s.Holds.Undecided), "undecided")
	put(float64(s.Holds.Rejected), "rejected")
	put(float64(s.Holds.Total-s.Holds.Undecided-s.Holds.Rejected), "approved")
}

func readPauses(s operator.Status, put func(float64, ...string)) {
	for _, side := range pause.Sides() {
		_, paused := s.Paused[side]
		put(truth(paused), string(side))
	}
}

func readFaults(s operator.Status, put func(float64, ...string)) {
	for kind, n := range s.Faults {
		put(float64(n), label(kind))
	}
}

func readEnds(s operator.Status, put func(float64, ...string)) {
	when(put, s.Token.Access, "webex_access_token")
	when(put, s.Token.Refresh, "webex_refresh_token")
	when(put, s.Secret.Ends, "entra_client_secret")
}

func readSubscriptions(s operator.Status, put func(float64, ...string)) {
	for _, subscription := range s.Subscriptions {
		when(put, subscription.ExpiresAt, subscription.Resource)
	}
}

func readDeliveries(s operator.Status, put func(float64, ...string)) {
	for _, subscription := range s.Subscriptions {
		when(put, subscription.LastDelivery, subscription.Resource)
	}
}

func readJobs(s operator.Status, put func(float64, ...string)) {
	for _, j := range s.Jobs {
		when(put, j.Last, label(j.Name))
	}
}

func readComparison(s operator.Status, put func(float64, ...string)) {
	if s.Compared.Last != nil {
		when(put, s.Compared.Last.At)
	}
}

// label writes a word or more as the value of a label.
func label(words string) string { return strings.ReplaceAll(strings.ToLower(words), " ", "_") }
