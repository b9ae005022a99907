package entra

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

// notFound is Graph's word that there is no object with this id. A 404
// without it says nothing about the object.
const notFound = "Request_ResourceNotFound"

// refusal is an answer that is not a success, to a call or to a request
// inside a batch.
type refusal struct {
	status int
	// code and message are those of Graph's error object
	// (https://learn.microsoft.com/graph/errors).
	code, message string
	// then says what to do about it; empty where that is not known.
	then  string
	after time.Duration
	// own says that the answer is Graph's own: it has its error object. Who is
	// between us and Graph answers in other words.
	own bool
	// requestID is Graph's name for the call; empty if it gave none.
	requestID string
	// expired says that the page asked for is no more: one that begins anew
	// gets what it wants.
	expired bool
}

// newRefusal reads a failed answer. A body that is not Graph's error object
// leaves code and message empty.
func newRefusal(status int, header http.Header, body []byte, now time.Time) *refusal {
	r := &refusal{status: status, after: throttle.RetryAfter(header, now), requestID: header.Get("Request-Id")}
	var answer struct {
		Error json.RawMessage `json:"error"`
	}
	var said struct {
		Code    json.RawMessage `json:"code"`
		Message json.RawMessage `json:"message"`
		Inner   json.RawMessage `json:"innerError"`
	}
	if json.Unmarshal(body, &answer) != nil || json.Unmarshal(answer.Error, &said) != nil {
		return r
	}
	r.code, r.message = text(said.Code), text(said.Message)
	r.own = r.code != ""
	var inner struct {
		RequestID json.RawMessage `json:"request-id"`
	}
	if r.requestID == "" && json.Unmarshal(said.Inner, &inner) == nil {
		r.requestID = text(inner.RequestID)
	}
	return r
}

// isForeign reports whether somebody else answered than Graph: it neither
// redirects, nor speaks for a proxy (407), for another server (421) or of early
// data (425), and what it refuses it refuses in its own form.
func (r *refusal) isForeign() bool {
	switch r.status {
	case http.StatusProxyAuthRequired, http.StatusMisdirectedRequest, http.StatusTooEarly:
		return true
	}
	return !r.own || r.status < http.StatusBadRequest
}

// Error implements error: "403 Authorization_RequestDenied: Insufficient …".
func (r *refusal) Error() string {
	text := strconv.Itoa(r.status)
	if code := printable.Short(r.code, 80); code != "" {
		text += " " + code
	}
	if message := printable.Short(r.message, 200); message != "" {
		text += ": " + message
	}
	if r.then != "" {
		text += " (" + r.then + ")"
	}
	return text
}

// kind says what is to be done. Never retried is only what Graph itself says is
// our mistake: a 404 may be a replica that is behind, a 409 the work of another,
// and 424 one request of a batch that another one has spoiled
// (https://learn.microsoft.com/graph/errors).
func (r *refusal) kind() provision.FaultKind {
	switch r.status {
	case http.StatusTooManyRequests:
		return provision.Throttled
	case http.StatusLocked, http.StatusServiceUnavailable:
		if r.after > 0 {
			return provision.Throttled
		}
		return provision.Transient
	}
	if r.expired || r.isForeign() {
		return provision.Transient
	}
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return provision.Unauthorized
	case http.StatusNotFound, http.StatusRequestTimeout, http.StatusConflict, http.StatusGone, http.StatusFailedDependency:
		return provision.Transient
	}
	if r.status >= http.StatusBadRequest && r.status < http.StatusInternalServerError {
		return provision.Permanent
	}
	return provision.Transient
}

// notThere reports whether an error is Graph's word that there is no such
// object.
func notThere(err error) bool {
	var refused *refusal
	return errors.As(err, &refused) && refused.status == http.StatusNotFound && refused.code == notFound
}

// missing is how Graph begins where it names what is not there: "Resource '…' does
// not exist or one of its queried reference-property objects are not present".
var missing = regexp.MustCompile(`^Resource '([^']*)' does not exist`)

// concerning is the error of a request for what has these ids. That something else is
// not there is no answer to it.
func concerning(err error, ids ...string) error {
	refused, ok := errors.AsType[*refusal](err)
	if !ok || !notThere(err) {
		return err
	}
	told := missing.FindStringSubmatch(refused.message)
	if told == nil {
		return err
	}
	other, isID := change.ParseID(told[1])
	if !isID || slices.ContainsFunc(ids, func(id string) bool { return strings.EqualFold(id, other) }) {
		return err
	}
	return errOther
}

// fault says what an error means for the operation it ended. The permission
// is the one the operation needs.
func fault(operation, permission string, err error) *provision.Fault {
	var refused *refusal
	var failed *url.Error
	var odd strange
	switch {
	case errors.As(err, &refused):
		reason := operation + ": " + refused.Error()
		if refused.status == http.StatusForbidden && refused.own {
			reason += " (it needs the application permission " + permission + ", with admin consent)"
		}
		if refused.status == http.StatusBadRequest && strings.Contains(refused.message, "Could not find a property named") {
			reason += " (a line or a filter of the mapping names it as a source attribute, and this tenant has none: name another, or take that out)"
		}
		return &provision.Fault{
			Kind: refused.kind(), Reason: reason, After: refused.after,
			Foreign: refused.isForeign(), From: provision.Graph, RequestID: printable.Short(refused.requestID, 80),
		}
	case errors.As(err, &odd):
		return &provision.Fault{Kind: provision.Transient, Reason: operation, Foreign: true, Err: err}
	case errors.Is(err, errForeignHost), errors.Is(err, errForeignPath):
		return &provision.Fault{Kind: provision.Permanent, Reason: operation, Err: err}
	case errors.As(err, &failed):
		return &provision.Fault{Kind: provision.Transient, Reason: operation + ": no answer", Err: failed.Err}
	default:
		return &provision.Fault{Kind: provision.Transient, Reason: operation, Err: err}
	}
}
