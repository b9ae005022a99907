package throttle

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxPause bounds the pause that a server can ask for.
const maxPause = time.Hour

// refusal reports whether an answer says that requests come too often, and the
// pause it asks for. A 503 does so only with a Retry-After; 423 is about one
// object.
func refusal(r *http.Response, now time.Time) (pause time.Duration, refused bool) {
	switch r.StatusCode {
	case http.StatusTooManyRequests:
		return RetryAfter(r.Header, now), true
	case http.StatusServiceUnavailable:
		pause = RetryAfter(r.Header, now)
		return pause, pause > 0
	default:
		return 0, false
	}
}

// RetryAfter is the pause that a Retry-After header asks for, in seconds or by a
// date (RFC 9110 section 10.2.3): at most an hour, and zero if it says nothing usable.
func RetryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	var pause time.Duration
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if date, err := http.ParseTime(value); err == nil {
		pause = date.Sub(now)
	}
	return min(max(pause, 0), maxPause)
}

const (
	// usedHeader says what share of a limit is used up. Graph sends it from 0.8 to
	// 1.8 (https://learn.microsoft.com/graph/throttling-limits, identity and access
	// service limits); Webex does not.
	usedHeader = "X-Ms-Throttle-Limit-Percentage"
	// plenty is the share from which on a server warns.
	plenty = 0.8
	// caution is the pause for a limit that is used up twice over; maxCaution the
	// longest. Short enough for a request to wait for.
	caution    = 5 * time.Second
	maxCaution = 2 * time.Second
)

// Used returns what share of a limit an answer says is used up; zero if it does
// not say so.
func Used(header http.Header) float64 {
	share, err := strconv.ParseFloat(strings.TrimSpace(header.Get(usedHeader)), 64)
	if err != nil || !(share > 0) { // NaN is none either
		return 0
	}
	return share
}

// cautious is the pause that keeps what is asked below the limit:
//
//	0.8  none
//	0.9  0.5 s
//	1.0  1 s
//	1.2  2 s, and no longer beyond
func cautious(used float64) time.Duration {
	return time.Duration(min(max(used-plenty, 0)*float64(caution), float64(maxCaution)))
}

// heldBack is the answer to a request that is not sent. Its body gives the
// reason where Webex's gateway and where Graph would give one, so that nobody
// is told the server had refused it.
func heldBack(request *http.Request, t turn) *http.Response {
	body := fmt.Sprintf(`{"message":%q,"error":{"code":"heldBack","message":%[1]q}}`, t.held)
	seconds := (t.wait + time.Second - 1) / time.Second
	return &http.Response{
		Status:     strconv.Itoa(http.StatusTooManyRequests) + " " + http.StatusText(http.StatusTooManyRequests),
		StatusCode: http.StatusTooManyRequests,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{
			"Content-Type": {"application/json"},
			"Retry-After":  {strconv.FormatInt(int64(seconds), 10)},
		},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       request,
	}
}
