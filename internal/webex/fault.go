package webex

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"entrawebex/internal/provision"
)

// maxWait bounds what a Retry-After can ask for.
const maxWait = time.Hour

// refused is the fault that an answer outside 2xx stands for, of a call or of
// an operation within a Bulk. It is the one place where a status of Webex
// becomes a kind of fault.
func (c *Client) refused(what string, r reply) *provision.Fault {
	e := decodeError(r.body)
	if e.tracking == "" {
		e.tracking = r.header.Get("Trackingid")
	}
	f := &provision.Fault{
		Reason: what + ": Webex answered " + e.describe(r.status),
		After:  retryAfter(r.header.Get("Retry-After"), c.now()),
	}
	switch status := r.status; {
	case status == http.StatusBadRequest && e.scimType == "noTarget":
		f.Kind = provision.NoTarget
	case status == http.StatusUnauthorized:
		f.Kind = provision.Unauthorized
		f.Reason += "; renew WEBEX_ACCESS_TOKEN"
	case status == http.StatusForbidden:
		f.Kind = provision.Unauthorized
		f.Reason += "; the token needs the scope identity:people_rw, its owner the role of a full administrator, and WEBEX_ORG_ID must be its organization"
	case status == http.StatusNotFound, status == http.StatusGone:
		f.Kind = provision.Gone
	case status == http.StatusConflict:
		f.Kind = provision.Exists
	case status == http.StatusTooManyRequests, status == http.StatusLocked,
		status == http.StatusServiceUnavailable && f.After > 0:
		f.Kind = provision.Throttled
	case status == http.StatusRequestTimeout, status >= 500 && status != http.StatusNotImplemented:
		f.Kind = provision.Transient
		f.Uncertain = true
	default:
		f.Kind = provision.Permanent
	}
	return f
}

// apiError is what Webex says of a failed call, whichever of its two shapes it
// uses.
type apiError struct {
	scimType string
	details  string
	code     string
	tracking string
}

// decodeError reads the SCIM error (RFC 7644 section 3.12) with Webex's
// extension, or the general error of Webex's gateway. A body that is neither,
// or none, is an error without details.
func decodeError(body []byte) apiError {
	var both struct {
		ScimType  string `json:"scimType"`
		Detail    string `json:"detail"`
		Extension struct {
			TrackingID string `json:"trackingId"`
			ErrorCode  any    `json:"errorCode"` // seen as a string and as a number
			Details    any    `json:"details"`
		} `json:"urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error"`
		Message    string `json:"message"`
		TrackingID string `json:"trackingId"`
		Errors     []struct {
			Description string `json:"description"`
		} `json:"errors"`
	}
	if err := json.Unmarshal(body, &both); err != nil {
		return apiError{}
	}
	e := apiError{scimType: both.ScimType, details: both.Detail, tracking: both.TrackingID}
	x := both.Extension
	if x.TrackingID != "" {
		e.tracking = x.TrackingID
	}
	if x.ErrorCode != nil {
		e.code = fmt.Sprint(x.ErrorCode)
	}
	if x.Details != nil {
		e.details = fmt.Sprint(x.Details)
	}
	switch {
	case e.details != "":
	case len(both.Errors) > 0 && both.Errors[0].Description != "":
		e.details = both.Errors[0].Description
	default:
		e.details = both.Message
	}
	return e
}

// describe returns one line for a person: the status, what Webex says, and the
// tracking id that its support asks for.
func (e apiError) describe(status int) string {
	parts := []string{strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))}
	for _, part := range []string{e.scimType, printable(e.details), printable(e.code)} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	line := strings.Join(parts, ", ")
	if e.tracking != "" {
		line += " (trackingId " + printable(e.tracking) + ")"
	}
	return line
}

var address = regexp.MustCompile(`[^\s"'<>(),;:]+@[^\s"'<>(),;:]+`)

// printable makes what a server says fit for a log: one bounded line without
// anybody's address.
func printable(s string) string {
	const longest = 200 // characters
	s = address.ReplaceAllString(s, "<address>")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	if r := []rune(s); len(r) > longest {
		s = string(r[:longest]) + "…"
	}
	return strings.TrimSpace(s)
}

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110 section
// 10.2.3). Zero if it says nothing usable.
func retryAfter(header string, now time.Time) time.Duration {
	var wait time.Duration
	if seconds, err := strconv.ParseUint(strings.TrimSpace(header), 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(header); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), maxWait)
}
