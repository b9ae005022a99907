package monitor

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"entrawebex/internal/operator"
	"entrawebex/internal/printable"
)

// Handler answers GET /healthz and GET /metrics. status says how things stand; it is
// asked no more often than it can bear, since it reads every record.
//
// /healthz is 200 only if all is well, by what was proven of late: what
// status --exit-code says. Else it is 503, with a line for each reason.
func (m *Monitor) Handler(status func(ctx context.Context) (operator.Status, error), now func() time.Time, log *slog.Logger) http.Handler {
	seen := &lastStatus{status: status, now: now}
	m.registry.MustRegister(&state{status: seen.lately, gauges: gauges()})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		s, err := seen.lately(r.Context())
		if err != nil {
			log.WarnContext(r.Context(), "the status cannot be read", "error", err)
		}
		code, said := health(s, err)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(code)
		if _, err := io.WriteString(w, said); err != nil {
			log.DebugContext(r.Context(), "health not told", "error", err)
		}
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}))
	return mux
}

// health is what /healthz answers.
func health(s operator.Status, err error) (code int, said string) {
	if err == nil && s.AllIsWell {
		return http.StatusOK, "all is well\n"
	}
	var reasons strings.Builder
	tell := func(reason string) { reasons.WriteString(printable.Short(reason, longestReason) + "\n") }
	if err != nil {
		tell("the status cannot be read: " + err.Error())
	}
	for _, reason := range s.Attention {
		tell(reason)
	}
	for _, reason := range s.Retried {
		tell("tried again: " + reason)
	}
	return http.StatusServiceUnavailable, reasons.String()
}

// longestReason is how many characters of a reason are told.
const longestReason = 500

// lastStatus is a status that is read again when it is no longer fresh.
type lastStatus struct {
	status func(ctx context.Context) (operator.Status, error)
	now    func() time.Time

	mu    sync.Mutex
	last  operator.Status
	err   error
	until time.Time
}

const (
	// fresh is for how long a status stands, at least: that of a scrape and of a probe
	// are one.
	fresh = 10 * time.Second
	// share is what part of the time may be spent on reading it: one that takes two
	// seconds, as it does with some 100,000 records, stands for forty.
	share = 20
	// patience is how long it may take.
	patience = 2 * time.Minute
)

// lately is how things stand, as of a moment ago. Whoever asks while it is read waits
// for that reading, which does not end with who asked.
func (v *lastStatus) lately(ctx context.Context) (operator.Status, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	began := v.now()
	if began.Before(v.until) {
		return v.last, v.err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	v.last, v.err = v.status(ctx)
	ended := v.now()
	v.until = ended.Add(max(fresh, share*ended.Sub(began)))
	return v.last, v.err
}
