package console_test

import (
	"bufio"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/history"
)

// events are those that a page is told at an address, until the test ends.
type events struct {
	t     *testing.T
	lines *bufio.Scanner
}

// event is one of them.
type event struct{ name, html string }

func (b *browser) events(t *testing.T, address string) *events {
	t.Helper()
	answer, err := b.client.Do(b.request(http.MethodGet, address, nil))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d, %s", answer.StatusCode, kind)
	}
	const long = 1 << 20
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, long)
	return &events{t: t, lines: lines}
}

// next is the next one of that name whose text has what is wanted.
func (e *events) next(name, want string) string {
	e.t.Helper()
	var one event
	for e.lines.Scan() {
		field, value, _ := strings.Cut(e.lines.Text(), ": ")
		switch field {
		case "event":
			one = event{name: value}
		case "data":
			one.html += value + "\n"
		case "":
			if one.name == name && strings.Contains(one.html, want) {
				return one.html
			}
		}
	}
	e.t.Fatalf("no %s has %q: %v", name, want, e.lines.Err())
	return ""
}

// kept has the log keep an attempt at somebody.
func kept(t *testing.T, log history.Store, id, name string, status history.Status) {
	t.Helper()
	const user = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f6"
	e := history.Entry{
		ID: id, At: time.Now(), ChangeID: id, Action: history.Update, Status: history.StatusInfo{Status: status},
		Source: &history.Identity{Type: "User", ID: user + id, DisplayName: name, UserPrincipalName: name},
	}
	if err := log.Keep(t.Context(), []history.Entry{e}, nil); err != nil {
		t.Fatal(err)
	}
}

func TestTheLogIsFollowedWithItsFilter(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	kept(t, p.Stores.History, "10", "before", history.Failure)
	told := b.events(t, "/log/events?status=failure&span=1h")
	told.next("entries", "") // the stream has begun
	kept(t, p.Stores.History, "11", "other", history.Success)
	kept(t, p.Stores.History, "12", "<script>first", history.Failure)
	first := told.next("entries", "first")
	if strings.Contains(first, "before") || strings.Contains(first, "other") || strings.Contains(first, "<script>") || strings.Count(first, "<tr") != 1 {
		t.Errorf("%s", first)
	}
	kept(t, p.Stores.History, "13", "second", history.Failure)
	if second := told.next("entries", "second"); strings.Contains(second, "first") || strings.Count(second, "<tr") != 1 {
		t.Errorf("an entry is told twice\n%s", second)
	}
}

// Whoever looks at the log for a while and then follows it misses nothing in between.
func TestFollowingTheLogBeginsWhereThePageEnds(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	kept(t, p.Stores.History, "10", "on the page", history.Failure)
	found := regexp.MustCompile(`data-follow="([^"]+)"`).FindStringSubmatch(b.get("/log?status=failure"))
	if found == nil {
		t.Fatal("the page cannot be followed")
	}
	kept(t, p.Stores.History, "11", "in between", history.Failure)
	if first := b.events(t, html.UnescapeString(found[1])).next("entries", "in between"); strings.Contains(first, "on the page") || strings.Count(first, "<tr") != 1 {
		t.Errorf("%s", first)
	}
}

func TestAPageIsToldHowFarAPlanIs(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b, begun := slow(t, p)
	plan, comparison := b.events(t, "/plan/events"), b.events(t, "/comparison/events")
	plan.next("planned", "No plan was made yet")
	comparison.next("compared", "Nothing was compared since this console began")
	if code, page := b.plans("/plan", url.Values{}); code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	<-begun
	plan.next("planning", "Cancel")
	plan.next("planned", "read the users of Webex</b>: 200 of 700")
	comparison.next("compared", "read the users of Webex</b>: 200 of 700")
	if code, page := b.plans("/plan/cancel", url.Values{}); code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	plan.next("planning", "Plan everything")
	plan.next("planned", "It was cancelled. Nothing was written.")
	comparison.next("compared", "It was cancelled. Nothing was written.")
}
