package standalone

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/monitor"
	"entrawebex/internal/pause"
	"entrawebex/internal/queue"
)

// listenMetrics listens where it is told whether all is well, if anywhere. That is not
// where Graph delivers: what is public tells nobody.
func (p *Process) listenMetrics(ctx context.Context) error {
	if p.Settings.MetricsAddr == "" {
		return nil
	}
	var err error
	p.metrics, err = (&net.ListenConfig{}).Listen(ctx, "tcp", p.Settings.MetricsAddr)
	if err != nil {
		return fmt.Errorf("listen on METRICS_ADDR: %w", err)
	}
	p.Worker.Queue = taking{p.Worker.Queue, p.monitor}
	p.monitor.Requests(pause.Graph, p.Graph.Traffic)
	p.monitor.Requests(pause.Webex, p.Webex.Traffic)
	p.log.InfoContext(ctx, "telling metrics", "address", p.metrics.Addr().String(), "paths", "/healthz, /metrics")
	return nil
}

// taking is a queue whose changes are counted when they are received for the first time.
type taking struct {
	queue.Queue

	monitor *monitor.Monitor
}

// Receive implements queue.Queue.
func (t taking) Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]queue.Message, error) {
	msgs, err := t.Queue.Receive(ctx, limit, visibility, wait)
	for _, m := range msgs {
		if c, err := change.Decode(m.Body); err == nil && m.ReceiveCount == 1 {
			t.monitor.Taken(c)
		}
	}
	return msgs, err
}

// metricsServer answers who asks there.
func (p *Process) metricsServer() *http.Server {
	const slowest, longest = 10 * time.Second, 3 * time.Minute // a status reads every record
	return &http.Server{
		Handler:     p.monitor.Handler(p.Operations().Status, time.Now, p.log),
		ReadTimeout: slowest, WriteTimeout: longest, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn),
	}
}
