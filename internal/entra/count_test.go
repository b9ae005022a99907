package entra

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
	simgraph "entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/simhttp"
)

func TestUsersAreCountedInOneCall(t *testing.T) {
	t.Parallel()
	tenant, c := newTenant(t, simgraph.Config{})
	for _, name := range []string{"ada", "bo", "cy"} {
		named(t, tenant, name)
	}
	if count, err := c.CountUsers(t.Context()); count != 3 || err != nil {
		t.Errorf("%d, %v", count, err)
	}
	if diff := cmp.Diff(simhttp.Counts{"GET /users/$count": 1}, tenant.Calls.Snapshot()); diff != "" {
		t.Error(diff)
	}
}

func TestACountThatIsNoneIsAFault(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		"0": 0, "12": 12, "\xef\xbb\xbf12\r\n": 12,
		"": -1, "-1": -1, "1.5": -1, "<html>": -1, strings.Repeat("1", 11): -1,
	} {
		g := newGraph()
		g.outer["/users/$count"] = raw(http.StatusOK, "text/plain", body)
		count, err := g.client(t, Config{}).CountUsers(t.Context())
		switch {
		case want < 0 && (provision.AsFault(err) == nil || count != 0):
			t.Errorf("%q: %d, %v", body, count, err)
		case want >= 0 && (count != want || err != nil):
			t.Errorf("%q: %d, %v, want %d", body, count, err, want)
		}
	}
	g := newGraph()
	g.outer["/users/$count"] = refusing(http.StatusForbidden, "Authorization_RequestDenied", "")
	if _, err := g.client(t, Config{}).CountUsers(t.Context()); provision.AsFault(err) == nil {
		t.Error(err)
	}
}

func FuzzCount(f *testing.F) {
	f.Add([]byte("12"))
	f.Add([]byte("\xef\xbb\xbf1"))
	f.Fuzz(func(t *testing.T, body []byte) {
		if count, err := decodeCount(body); count < 0 || err != nil && count != 0 {
			t.Errorf("%d, %v", count, err)
		}
	})
}
