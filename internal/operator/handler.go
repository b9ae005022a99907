package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"entrawebex/internal/migration"
	"entrawebex/internal/plan"
	"entrawebex/internal/replay"
	"entrawebex/internal/sweep"
)

// Handler serves the methods of an Operator. Each ends with the client's connection.
type Handler struct {
	operator *Operator
	routes   map[string]route
	log      *slog.Logger
}

// route is the one way in which a path is asked.
type route struct {
	method string
	serve  func(w http.ResponseWriter, r *http.Request) error
}

// NewHandler serves an Operator.
func NewHandler(o *Operator, log *slog.Logger) *Handler {
	return &Handler{operator: o, log: log, routes: map[string]route{
		pathStatus:         read(o.Status),
		pathPipeline:       write(o.Pipeline),
		pathHolds:          read(o.Holds),
		pathGuard:          read(o.Guard),
		pathApprove:        write(o.Approve),
		pathReject:         write(o.Reject),
		pathDeadLetters:    write(o.Letters),
		pathHistory:        write(o.History),
		pathShow:           write(o.Show),
		pathSearch:         write(o.Search),
		pathPause:          write(o.Pause),
		pathResume:         write(o.Resume),
		pathClearGuard:     write(func(ctx context.Context, _ struct{}) (Latch, error) { return o.ClearGuard(ctx) }),
		pathReconcile:      write(func(ctx context.Context, _ struct{}) (struct{}, error) { return struct{}{}, o.Reconcile(ctx) }),
		pathProvision:      write(o.Provision),
		pathEnvironment:    read(o.Environment),
		pathConfiguration:  write(o.Configuration),
		pathConfigurations: read(o.Configurations),
		pathApply:          write(o.Apply),
		pathTestMapping:    write(o.TestMapping),
		pathMigrate:        write(o.Migrate),
		pathUninstall:      write(o.Uninstall),
		pathMigration: stream(func(ctx context.Context, r MigrationRequest, tell func(frame)) (*migration.Report, error) {
			return o.Migration(ctx, r, plan.Watcher{Progress: progressTo(tell)})
		}),
		pathReplay: stream(func(ctx context.Context, r replay.Request, tell func(frame)) (replay.Result, error) {
			return o.Replay(ctx, r, func(done, of int) { tell(frame{Progress: &progress{Done: done, Of: of}}) })
		}),
		pathPlan: stream(func(ctx context.Context, r plan.Request, tell func(frame)) (*plan.Plan, error) {
			w := plan.Watcher{Progress: progressTo(tell)}
			if r.Accounts {
				w.Account = func(a sweep.Account) { tell(frame{Account: &a}) }
			}
			return o.Plan(ctx, r, w)
		}),
	}}
}

// progressTo tells how far something is.
func progressTo(tell func(frame)) func(phase string, done, of int) {
	return func(phase string, done, of int) { tell(frame{Progress: &progress{Phase: phase, Done: done, Of: of}}) }
}

// ServeHTTP carries out one method.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer drain(w, r)
	found, ok := h.routes[r.URL.Path]
	switch {
	case !ok:
		answerError(w, http.StatusNotFound, &Error{
			Kind: Unknown, Message: fmt.Sprintf("there is no %.40q: this process takes an operator's commands only", r.URL.Path),
		})
		return
	case r.Method != found.method:
		w.Header().Set("Allow", found.method)
		answerError(w, http.StatusMethodNotAllowed, &Error{Kind: Invalid, Message: fmt.Sprintf("%s is asked with %s", r.URL.Path, found.method)})
		return
	}
	err := h.operator.boundTo(r.Context(), r.Header.Get(headerTenant), r.Header.Get(headerOrganization))
	if err == nil {
		err = found.serve(w, r.WithContext(As(r.Context(), r.Header.Get(headerOperator))))
	} else {
		err = answer(w, nil, err)
	}
	// Not what was asked: a reason may name somebody.
	h.log.InfoContext(r.Context(), "operator command", "command", r.URL.Path, "done", err == nil, "clientGone", r.Context().Err() != nil)
}

// read serves what is asked with GET, and takes nothing.
func read[Result any](do func(context.Context) (Result, error)) route {
	return route{method: http.MethodGet, serve: func(w http.ResponseWriter, r *http.Request) error {
		result, err := do(r.Context())
		return answer(w, result, err)
	}}
}

// write serves what takes a request.
func write[Request, Result any](do func(context.Context, Request) (Result, error)) route {
	return route{method: http.MethodPost, serve: func(w http.ResponseWriter, r *http.Request) error {
		var asked Request
		if err := decode(w, r, &asked); err != nil {
			return err
		}
		result, err := do(r.Context(), asked)
		return answer(w, result, err)
	}}
}

// stream serves what takes long, and tells how far it is. It ends when the client
// reads no more.
func stream[Request, Result any](do func(context.Context, Request, func(frame)) (Result, error)) route {
	return route{method: http.MethodPost, serve: func(w http.ResponseWriter, r *http.Request) error {
		var asked Request
		if err := decode(w, r, &asked); err != nil {
			return err
		}
		ctx, cancel := context.WithCancelCause(r.Context())
		defer cancel(nil)
		sent := frames{w: w, gone: cancel}
		result, err := do(ctx, asked, sent.send)
		told := asError(err)
		if told != nil && !sent.begun && told.Kind != Failed {
			answerError(w, told.status(), told)
			return err
		}
		encoded, encodeErr := json.Marshal(result)
		if told == nil {
			told = asError(encodeErr)
		}
		sent.send(frame{End: true, Result: encoded, Error: told})
		return errors.Join(err, encodeErr)
	}}
}

// frames sends frames, each at once. It is safe for concurrent use.
type frames struct {
	mu    sync.Mutex
	w     http.ResponseWriter
	begun bool
	gone  func(error)
}

func (f *frames) send(one frame) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.begun {
		f.w.Header().Set("Content-Type", typeStream)
		f.begun = true
	}
	err := json.NewEncoder(f.w).Encode(one)
	if err == nil {
		err = http.NewResponseController(f.w).Flush()
	}
	if err != nil {
		f.gone(err)
	}
}

// slowest is for how long a request may arrive.
const slowest = 10 * time.Second

// drain reads what is left of a request that is answered already. A client that is
// still writing when the connection is closed sees a broken pipe instead of the answer.
func drain(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(slowest)) // where there is none, the body is in memory
	_, _ = io.CopyN(io.Discard, r.Body, MaxRequest)                            // to its end, or until the client is gone
}

// unknownField is what encoding/json says of one, for which it has no other word.
const unknownField = "json: unknown field"

// decode reads the request, of which a field that is not known is an error: a
// misspelt one would choose all. The type is asked for since a page of somebody
// else's in a browser cannot send it unasked (CORS, "simple requests").
func decode(w http.ResponseWriter, r *http.Request, into any) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != typeJSON {
		told := &Error{Kind: Invalid, Message: "the request must be " + typeJSON}
		answerError(w, http.StatusUnsupportedMediaType, told)
		return told
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(slowest)) // where there is none, the body is in memory
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, MaxRequest))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); !errors.Is(more, io.EOF) {
			err = errors.Join(errors.New("there is more than one value"), more)
		}
	}
	if err == nil {
		return nil
	}
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		answerError(w, http.StatusRequestEntityTooLarge, asError(errTooLong))
		return errTooLong
	}
	told := &Error{Kind: Invalid, Message: "the request cannot be read: " + err.Error()}
	if strings.Contains(told.Message, unknownField) {
		told.Kind = Unknown
	}
	answerError(w, told.status(), told)
	return err
}

// answer answers with the result, or with what went wrong.
func answer(w http.ResponseWriter, result any, err error) error {
	if err != nil {
		told := asError(err)
		answerError(w, told.status(), told)
		return err
	}
	w.Header().Set("Content-Type", typeJSON)
	return json.NewEncoder(w).Encode(result)
}

func answerError(w http.ResponseWriter, status int, told *Error) {
	w.Header().Set("Content-Type", typeJSON)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(told) // the client may be gone
}
