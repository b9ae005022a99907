package webex

import (
	"fmt"
	"net/http"

	"entrawebex/internal/provision"
)

// ReadOnly returns a RoundTripper that hands GET requests on to next and
// nothing else: it answers any other with a permanent Fault, without sending
// it. A Client with it cannot write, by Bulk neither.
func ReadOnly(next http.RoundTripper) http.RoundTripper { return readOnly{next} }

type readOnly struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t readOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.Method == http.MethodGet || request.Method == "" { // which is GET, says net/http
		return t.next.RoundTrip(request)
	}
	if request.Body != nil {
		_ = request.Body.Close() // as http.RoundTripper asks; nothing was read of it
	}
	return nil, &provision.Fault{
		Kind:   provision.Permanent,
		Reason: fmt.Sprintf("not sent: this is a look at Webex that changes nothing, and %s would", request.Method),
	}
}
