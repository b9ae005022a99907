package check

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"entrawebex/internal/app/webhook"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/notification"
)

// checkWebhook makes the handshake as Graph does. Where nothing listens on LISTEN_ADDR
// yet, the check does meanwhile.
func checkWebhook(ctx context.Context, s *config.Settings, log *slog.Logger, tell func(Result)) {
	if s.Webhook.URL == "" {
		tell(Result{What: "Webhook", Detail: "none: WEBHOOK_URL is empty, and Graph is asked for changes every " + s.ReconcileInterval.String()})
		return
	}
	base := strings.TrimRight(s.Webhook.URL, "/")
	note, err := aboutPath(base)
	if note != "" || err != nil {
		tell(Result{What: "Webhook address", Detail: note, Note: err == nil, Err: err})
	}
	if err != nil {
		return // each path below it is as wrong
	}
	stood, err := standIn(ctx, s, log)
	if err != nil {
		tell(Result{What: "Webhook", Err: err})
		return
	}
	defer stood.close()
	for _, path := range paths() {
		err := notification.Handshake(ctx, base+path)
		if err != nil && stood.listens() && !stood.called.Load() {
			err = fmt.Errorf("%w; nothing came to LISTEN_ADDR (%s), where this check listened meanwhile: lead %s there", err, s.ListenAddr, base)
		}
		detail := base + path
		if stood.called.Swap(false) {
			detail += ", which leads to LISTEN_ADDR: this check answered there itself"
		}
		tell(Result{What: "Webhook handshake", Detail: detail, Err: err})
	}
}

// paths are those that are added to the base.
func paths() []string { return []string{"/notifications", "/lifecycle"} }

// aboutPath says what there is to know about a WEBHOOK_URL with a path; an error if it
// is no base.
func aboutPath(base string) (note string, err error) {
	u, err := url.Parse(base)
	if err != nil {
		return "", err
	}
	for _, path := range paths() {
		if before, ok := strings.CutSuffix(base, path); ok {
			return "", fmt.Errorf("WEBHOOK_URL is %s and must be the base: give %s, to which %s are added", base, before, strings.Join(paths(), " and "))
		}
	}
	if u.Path == "" {
		return "", nil
	}
	return fmt.Sprintf("WEBHOOK_URL has the path %s: Graph calls %s, and the proxy has to take %s away, since run answers at %s",
		u.Path, base+paths()[0], u.Path, strings.Join(paths(), " and ")), nil
}

// stand is what answers in the place of a run that does not run yet.
type stand struct {
	server *http.Server // nil if something listens already
	called atomic.Bool
}

func (s *stand) listens() bool { return s.server != nil }

func (s *stand) close() {
	if s.server != nil {
		_ = s.server.Close() // nobody is to be waited for
	}
}

// errNotYet has Graph send a notification again, for the run that comes.
var errNotYet = errors.New("a check takes no changes: Graph sends them again")

// refusing takes no changes.
type refusing struct{}

// Enqueue implements notification.Enqueuer.
func (refusing) Enqueue(context.Context, []change.Change) error { return errNotYet }

// standIn listens on LISTEN_ADDR, unless something else is to or does already, and answers as a run
// would; what Graph notifies meanwhile it has sent again.
func standIn(ctx context.Context, s *config.Settings, log *slog.Logger) (*stand, error) {
	const slowest = 10 * time.Second
	one := &stand{}
	if s.AWS != (config.AWS{}) { // a function answers
		return one, nil
	}
	handler, err := webhook.Handler(s, nil, refusing{}, nil, nil, log)
	if err != nil {
		return nil, err
	}
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.ListenAddr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return one, nil
	case err != nil:
		return nil, fmt.Errorf("listen on LISTEN_ADDR: %w", err)
	}
	one.server = &http.Server{
		ReadTimeout: slowest, WriteTimeout: slowest,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			one.called.Store(true)
			handler.ServeHTTP(w, r)
		}),
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	go func() { _ = one.server.Serve(on) }() // until it is closed
	return one, nil
}
