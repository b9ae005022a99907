package entra

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// endOfChanges is a page of groups/delta with which the round ends.
const endOfChanges = `{"value":[],"@odata.deltaLink":"https://graph.microsoft.com/v1.0/groups/delta()?$deltatoken=x"}`

// slow answers groups/delta if the page is small enough; else in its own time, or
// not at all. It keeps what was preferred.
type slow struct {
	g       *graph
	largest int

	mu        sync.Mutex
	preferred []string
}

func (s *slow) RoundTrip(r *http.Request) (*http.Response, error) {
	prefer := strings.TrimPrefix(r.Header.Get("Prefer"), "odata.maxpagesize=")
	s.mu.Lock()
	s.preferred = append(s.preferred, prefer)
	s.mu.Unlock()
	if size, err := strconv.Atoi(prefer); err != nil || size > s.largest {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return s.g.RoundTrip(r)
}

func TestAPageThatTimesOutIsAskedForAgainSmallerAndStaysSmallForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGraph()
		g.outer["/groups/delta()"] = raw(200, "application/json", endOfChanges)
		transport := &slow{g: g, largest: 249}
		c := g.client(t, Config{Transport: transport})
		c.now = time.Now
		_, err := c.Delta(t.Context(), change.Group, "")
		must(t, err)
		_, err = c.Delta(t.Context(), change.Group, "https://graph.microsoft.com/v1.0/groups/delta()?$deltatoken=x")
		must(t, err)
		time.Sleep(time.Hour + time.Minute)
		transport.largest = 999
		_, err = c.Delta(t.Context(), change.Group, "")
		must(t, err)
		if diff := cmp.Diff([]string{"999", "499", "249", "249", "999"}, transport.preferred); diff != "" {
			t.Errorf("sizes (-want +got):\n%s", diff)
		}
	})
}

// The deadline of the one who asks is the bound; what was found out until then is
// not lost.
func TestATimeOutOfTheCallerEndsThePageAndTheNextCallGoesOnSmaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGraph()
		g.outer["/groups/delta()"] = raw(200, "application/json", endOfChanges)
		transport := &slow{g: g, largest: 62}
		c := g.client(t, Config{Transport: transport})
		c.now = time.Now
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
		defer cancel()
		_, err := c.Delta(ctx, change.Group, "")
		if f := provision.AsFault(err); f == nil || f.Kind != provision.Transient {
			t.Errorf("error %v", err)
		}
		_, err = c.Delta(t.Context(), change.Group, "")
		must(t, err)
		if diff := cmp.Diff([]string{"999", "499", "249", "249", "124", "62"}, transport.preferred); diff != "" {
			t.Errorf("sizes (-want +got):\n%s", diff)
		}
	})
}

func TestWhereNoSizeHelpsTheNextPagesAreAskedForOnce(t *testing.T) {
	t.Parallel()
	g := newGraph()
	g.outer["/groups/delta()"] = raw(500, "text/html", "<html>")
	c := g.client(t, Config{})
	for range 3 {
		if _, err := c.Delta(t.Context(), change.Group, ""); err == nil {
			t.Fatal("no error")
		}
	}
	if len(g.calls) != 6+1+1 {
		t.Errorf("%d calls", len(g.calls))
	}
}

func TestWhatIsNoListIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	g := newGraph()
	g.outer["/subscriptions"] = raw(500, "text/html", "<html>")
	g.outer["/organization"] = raw(500, "text/html", "<html>")
	c := g.client(t, Config{})
	_, err := c.Subscriptions(t.Context())
	if _, orgErr := c.Organization(t.Context()); err == nil || orgErr == nil || len(g.calls) != 2 {
		t.Errorf("%v, %v, calls %v", err, orgErr, g.calls)
	}
}
