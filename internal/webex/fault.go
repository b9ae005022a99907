package webex

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

// refused is the fault that an answer outside 2xx stands for, of a call or of
// an operation within a Bulk. It is the one place where a status of Webex
// becomes a kind of fault. A status alone proves little: proxies and gateways
// answer with any of them.
func (c *Client) refused(what string, r reply) *provision.Fault {
	e := said(r)
	f := &provision.Fault{
		Reason:    what + ": Webex answered " + e.describe(r.status),
		After:     throttle.RetryAfter(r.header, c.now()),
		From:      provision.Webex,
		RequestID: quotable(e.tracking),
	}
	switch status := r.status; {
	case throttles(status, f.After):
		f.Kind = provision.Throttled
	case e.isForeign(r):
		f.Kind, f.Foreign, f.Uncertain, f.Pending = provision.Transient, true, true, gaveUp(r.status)
		f.Reason = what + ": Webex answered " + apiError{tracking: e.tracking}.describe(status) + byAnother
	case status == http.StatusUnauthorized:
		f.Kind = provision.Unauthorized
		f.Reason += "; renew WEBEX_ACCESS_TOKEN"
	case status == http.StatusForbidden:
		f.Kind = provision.Unauthorized
		f.Reason += "; the token needs the scope identity:people_rw, its owner the role of a full administrator, and WEBEX_ORG_ID must be its organization"
	case isMissing(status) && e.origin == scim:
		f.Says(provision.Gone)
	case status == http.StatusConflict:
		f.Says(provision.Exists)
	case status == http.StatusBadRequest && e.scimType == "noTarget":
		f.Says(provision.NoTarget)
	case isMissing(status), fails(status): // missing without a word of what: within a Bulk
		f.Kind, f.Uncertain, f.Pending = provision.Transient, true, gaveUp(r.status)
	default:
		f.Kind = provision.Permanent
	}
	return f
}

// byAnother follows what was answered in the place of Webex.
const byAnother = "; by its form it was a proxy or a gateway that did"

// throttles reports whether a status asks for a pause, whoever answers it.
func throttles(status int, after time.Duration) bool {
	return status == http.StatusTooManyRequests || status == http.StatusLocked || status == http.StatusServiceUnavailable && after > 0
}

// fails reports whether a status says that the server failed.
func fails(status int) bool {
	return status == http.StatusRequestTimeout || status >= 500 && status != http.StatusNotImplemented
}

func isMissing(status int) bool { return status == http.StatusNotFound || status == http.StatusGone }

// isBetween reports whether a status is of those that only somebody in front of
// a SCIM server answers: redirects to a log-in, and what concerns a proxy, the
// connection or a dependency (RFC 9110 section 15, RFC 4918 section 11.4, RFC
// 8470 section 5.2).
func isBetween(status int) bool {
	switch status {
	case http.StatusProxyAuthRequired, http.StatusMisdirectedRequest, http.StatusFailedDependency, http.StatusTooEarly:
		return true
	default:
		return status < http.StatusBadRequest
	}
}

// isForeign reports whether it was not the server that refused, or nobody can
// tell. That something is missing is the server's word only in SCIM's form: a
// gateway that lost its route answers 404 too. Where an answer is empty, the
// status has to do: a refused token, a conflict and a failure are looked into
// by themselves.
func (e apiError) isForeign(r reply) bool {
	switch status := r.status; {
	case isBetween(status):
		return true
	case e.origin == scim:
		return false
	case isMissing(status):
		return !r.within || !r.isEmpty()
	case status == http.StatusUnauthorized && isBearer(r.header.Get("WWW-Authenticate")):
		return false
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusConflict, fails(status):
		return e.origin == stranger
	default:
		return e.origin == stranger || e.origin == nobody && !r.within
	}
}

// isBearer reports whether a challenge asks for a bearer token, as SCIM servers
// do (RFC 6750 section 3), and not for the log-in of a proxy.
func isBearer(challenge string) bool {
	scheme, _, _ := strings.Cut(strings.TrimSpace(challenge), " ")
	return strings.EqualFold(scheme, "Bearer")
}

const (
	errorSchema = "urn:ietf:params:scim:api:messages:2.0:Error"
	// errorExtension is Webex's, with what it says of an error.
	errorExtension = "urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error"
)

// origin says by its form whose answer an error is.
type origin int

const (
	// stranger: a page, or an object of neither form.
	stranger origin = iota
	// nobody: it is empty.
	nobody
	// router: Webex's, in the general form of its APIs, or empty with its
	// tracking id, or less than a whole SCIM error.
	router
	// scim: the server's, as a SCIM error of this very status.
	scim
)

// apiError is what Webex says of a failed call, whichever of its two shapes it
// uses.
type apiError struct {
	origin   origin
	scimType string
	details  string
	code     string
	tracking string
}

// said reads what an answer says of a failure.
func said(r reply) apiError {
	e := decodeError(r.body, r.status)
	if e.tracking == "" {
		e.tracking = r.header.Get("Trackingid")
	}
	switch {
	case r.isEmpty() && e.tracking != "":
		e.origin = router
	case r.isEmpty():
		e.origin = nobody
	case r.isPage():
		e.origin = stranger
	case e.origin == stranger && e.tracking != "" && e.details != "":
		e.origin = router
	}
	return e
}

// decodeError reads the SCIM error (RFC 7644 section 3.12) with Webex's
// extension, or the general error of Webex's gateway. A body that is neither,
// or none, is a stranger's, and without details.
func decodeError(body []byte, status int) apiError {
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		return apiError{}
	}
	extension, _ := valueOf(object, errorExtension).(map[string]any)
	e := apiError{
		scimType: text(object, "scimType"),
		details:  first(plain(valueOf(extension, "details")), text(object, "detail"), description(object), text(object, "message")),
		code:     plain(valueOf(extension, "errorCode")), // seen as a string and as a number
		tracking: first(text(extension, "trackingId"), text(object, "trackingId")),
	}
	given := plain(valueOf(object, "status"))
	switch {
	case hasSchema(object, errorSchema) && (given == "" || given == strconv.Itoa(status)):
		e.origin = scim
	case extension != nil || e.scimType != "": // in no other's words
		e.origin = router
	}
	return e
}

// description is the first of a general error's descriptions.
func description(object map[string]any) string {
	list, _ := valueOf(object, "errors").([]any)
	if len(list) == 0 {
		return ""
	}
	described, _ := list[0].(map[string]any)
	return text(described, "description")
}

// describe returns one line for a person: the status, what Webex says, and the
// tracking id that its support asks for.
func (e apiError) describe(status int) string {
	parts := []string{strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))}
	for _, part := range []string{e.scimType, quotable(e.details), quotable(e.code)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	line := strings.Join(parts, ", ")
	if e.tracking != "" {
		line += " (trackingId " + quotable(e.tracking) + ")"
	}
	return line
}

var address = regexp.MustCompile(`[^\s"'<>(),;:]+@[^\s"'<>(),;:]+`)

// quotable makes what a server says fit for a log: one bounded line without
// anybody's address.
func quotable(s string) string {
	const longest = 200 // characters
	return printable.Short(address.ReplaceAllString(s, "<address>"), longest)
}

// gaveUp reports whether a gateway says that it waits no longer: what it passed on
// may still be worked on (RFC 9110 sections 15.6.3 and 15.6.5).
func gaveUp(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusGatewayTimeout
}
