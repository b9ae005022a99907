package entra

import (
	"net/http"
	"testing"
	"time"

	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

func TestARefusalWithinABatchHoldsBackEveryCall(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		held   bool
	}{
		"throttled":   {refusing(http.StatusTooManyRequests, "TooManyRequests", "60"), true},
		"unavailable": {refusing(http.StatusServiceUnavailable, "ServiceUnavailable", "60"), true},
		"locked":      {refusing(http.StatusLocked, "Locked", "60"), false},
		"forbidden":   {refusing(http.StatusForbidden, "Authorization_RequestDenied", "60"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1), id(2))
			g.inner["/users/"+id(1)] = c.answer
			client := g.client(t, Config{Transport: throttle.New(g, throttle.Options{Now: testNow})})
			if readings := client.Read(t.Context(), asking(id(1), id(2))); readings[1].Presence != provision.Present {
				t.Errorf("the other reading is %+v", readings[1])
			}
			reading := client.Read(t.Context(), asking(id(2)))[0]
			if !c.held {
				if reading.Presence != provision.Present {
					t.Errorf("the next reading is %+v", reading)
				}
				return
			}
			expectFault(t, reading.Err, provision.Throttled, time.Minute, "read user "+id(2)+" from Entra: 429 heldBack: not sent: the server asked for a pause")
		})
	}
}
