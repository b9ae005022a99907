package notification

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// maxToken is far above the validation tokens that Graph sends, in bytes.
	maxToken = 4 << 10
	// maxBody holds about 6,000 notifications, in bytes. Graph names no limit.
	maxBody = 4 << 20
	// deadline is what reading and queueing may take. Graph counts an answer
	// as slow after 3 s, a cold start included; we promise 1 s.
	deadline = 800 * time.Millisecond
)

// Handler returns the webhook of r: POST /notifications and POST /lifecycle.
// Either path takes either kind of notification and the validation of a
// subscription.
//
// It answers 200 and the token to a validation; 202 once every valid
// notification is queued; 503 if one is not, so that Graph sends the POST
// again; 400, 405 or 413 to what is no delivery. A delivery with notifications
// that are not valid is answered with 202 like any other, as Graph asks: it
// keeps Graph from retrying and tells a stranger nothing. Where the secret may
// have been rotated since it was read, what does not carry it is answered with
// 403: Graph sends again for up to four hours whatever was not answered with
// 2xx, and a stranger does not pass for a failure of ours, which is a 503.
func Handler(r *Receiver) http.Handler {
	h := &handler{receiver: r, log: r.log}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /notifications", h.serve)
	mux.HandleFunc("POST /lifecycle", h.serve)
	return mux
}

type handler struct {
	receiver *Receiver
	log      *slog.Logger
	// bodies are *bytes.Buffer, to be used again.
	bodies sync.Pool
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	// Before anything else: a validation has no body, and the query
	// parameters of our own URL may come with it.
	if strings.Contains(r.URL.RawQuery, "validationToken=") {
		if query := r.URL.Query(); query.Has("validationToken") {
			h.validate(w, r, query.Get("validationToken"))
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	if status := h.take(ctx, w, r); status != http.StatusAccepted {
		http.Error(w, http.StatusText(status), status)
	} else {
		w.WriteHeader(status)
	}
}

// take reads one delivery and hands it over. It returns the status to answer
// with.
func (h *handler) take(ctx context.Context, w http.ResponseWriter, r *http.Request) int {
	body, ok := h.bodies.Get().(*bytes.Buffer)
	if !ok {
		body = new(bytes.Buffer)
	}
	defer h.bodies.Put(body)
	body.Reset()
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody)); err != nil {
		h.log.LogAttrs(ctx, slog.LevelWarn, "delivery refused", slog.Any("error", fmt.Errorf("read body: %w", err)))
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return http.StatusRequestEntityTooLarge
		}
		return http.StatusBadRequest
	}
	switch _, err := h.receiver.Receive(ctx, body.Bytes()); {
	case err == nil:
		return http.StatusAccepted
	case errors.Is(err, ErrMalformed):
		return http.StatusBadRequest
	case errors.Is(err, errUnknown):
		return http.StatusForbidden
	default:
		return http.StatusServiceUnavailable
	}
}

// validate answers with the token as net/http decoded it, once: decoding it
// again would turn a literal '+' or '%41' into something else.
func (h *handler) validate(w http.ResponseWriter, r *http.Request, token string) {
	if token == "" || len(token) > maxToken {
		http.Error(w, http.StatusText(http.StatusBadRequest), http.StatusBadRequest)
		h.log.LogAttrs(r.Context(), slog.LevelWarn, "validation refused",
			slog.String("path", r.URL.Path), slog.Int("length", len(token)))
		return
	}
	// The token is whatever the caller says: never to be taken for HTML.
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, err := io.WriteString(w, token); err != nil {
		h.log.LogAttrs(r.Context(), slog.LevelWarn, "validation not answered", slog.Any("error", err))
		return
	}
	h.log.LogAttrs(r.Context(), slog.LevelInfo, "validation answered", slog.String("path", r.URL.Path))
}
