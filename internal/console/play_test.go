package console_test

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/play"
	"entrawebex/internal/sandbox/runtest"
)

// played is a console of a run on which somebody can play.
func played(t *testing.T) (*runtest.Sandbox, *standalone.Process, *browser) {
	t.Helper()
	s := runtest.New(t, 8)
	p := s.Open("CONSOLE_ADDR=127.0.0.1:0")
	p.Offer(play.New(s.Sandbox, 7))
	s.Start(p)
	return s, p, newBrowser(t, p.ConsoleURL()).enter()
}

func (b *browser) play(name string, who ...string) string {
	b.t.Helper()
	code, page := b.ask(b.request(http.MethodPost, "/play/"+name, url.Values{"csrf": {b.csrf()}, "who": who}))
	if code != http.StatusOK {
		b.t.Fatalf("%s: %d\n%s", name, code, page)
	}
	return page
}

func TestWhatIsPlayedBecomesOfWebex(t *testing.T) {
	t.Parallel()
	s, p, b := played(t)
	people := play.New(s.Sandbox, 7).People()
	for _, one := range []struct {
		name string
		who  []string
		want string
	}{
		{"hire", nil, "was hired as"},
		{"rename", people[:1], "is now"},
		{"block", people[1:2], "was blocked"},
		{"unblock", people[1:2], "may sign in again"},
		{"swap", people[2:4], "have swapped"},
		{"leave", people[4:5], "has left"},
		{"block", []string{"<script>"}, "is nobody in the tenant"},
		{"swap", people[5:6], "takes the names of 2 people"},
		{"explode", nil, "there is no play"},
		{"mend", nil, "no name is taken"},
	} {
		if page := b.play(one.name, one.who...); !strings.Contains(page, one.want) || strings.Contains(page, "<script>") {
			t.Errorf("%s: no %q in\n%s", one.name, one.want, page)
		}
	}
	s.Equal(t.Context(), time.Minute)
	s.Settle(t.Context(), p)
}

// dead is how many dead letters there are.
func dead(t *testing.T, o operator.Operations) int {
	t.Helper()
	letters, err := o.Letters(t.Context(), operator.LettersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return len(letters.Known)
}

func TestADeadLetterIsReplayedFromThePage(t *testing.T) {
	t.Parallel()
	_, p, b := played(t)
	b.play("taken")
	if err := sandbox.Wait(t.Context(), time.Minute, func() bool {
		queued, err := p.Stores.DeadLetters.Depth(t.Context()) // which the ledger is ahead of
		return err == nil && queued.Visible == 1 && dead(t, p.Operations()) == 1
	}); err != nil {
		t.Fatal(err)
	}
	b.play("mend")
	if _, page := b.order("replay", url.Values{"all": {"yes"}}); !strings.Contains(page, "put back on the queue") || !strings.Contains(page, "another Entra object") {
		t.Errorf("what will happen\n%s", page)
	}
	if _, page := b.order("replay", url.Values{"all": {"yes"}, "sure": {"yes"}}); !strings.Contains(page, "1 message put back on the queue.") {
		t.Error(page)
	}
	if err := sandbox.Wait(t.Context(), time.Minute, func() bool { return dead(t, p.Operations()) == 0 }); err != nil {
		t.Errorf("it is mended: %v", err)
	}
}

func TestAPageIsToldWhatPasses(t *testing.T) {
	t.Parallel()
	_, _, b := played(t)
	events, err := b.client.Do(b.request(http.MethodGet, "/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	if kind := events.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("%s", kind)
	}
	page := b.play("hire")
	_, hired, _ := strings.Cut(page, "was hired as ")
	hired, _, _ = strings.Cut(hired, ".")
	seen := false
	for lines := bufio.NewScanner(events.Body); !seen && lines.Scan(); {
		seen = strings.HasPrefix(lines.Text(), "data: ") && strings.Contains(lines.Text(), hired)
	}
	if !seen {
		t.Errorf("%s does not pass", hired)
	}
}

func TestNobodyPlaysWhereNothingIsSimulated(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, func(*console.Options) {}).enter()
	if code, _ := b.ask(b.request(http.MethodGet, "/play", nil)); code != http.StatusNotFound {
		t.Errorf("%d", code)
	}
	if code, _ := b.ask(b.request(http.MethodPost, "/play/hire", url.Values{"csrf": {b.csrf()}})); code != http.StatusNotFound {
		t.Errorf("%d", code)
	}
}
