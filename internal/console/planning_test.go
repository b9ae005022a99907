package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

// plans sends a form of the page of plans, or of another that says so.
func (b *browser) plans(path string, form url.Values) (code int, page string) {
	b.t.Helper()
	if !form.Has("back") {
		form.Set("back", "/plan")
	}
	form.Set("csrf", hidden(b.get(form.Get("back"))).Get("csrf"))
	return b.ask(b.request(http.MethodPost, path, form))
}

// await returns the page of plans when it has a text.
func (b *browser) await(text string) (page string) {
	b.t.Helper()
	return b.awaitAt("/plan", text)
}

// awaitAt returns a page when it has a text.
func (b *browser) awaitAt(path, text string) (page string) {
	b.t.Helper()
	if err := sandbox.Wait(b.t.Context(), time.Minute, func() bool {
		page = b.get(path)
		return strings.Contains(page, text)
	}); err != nil {
		b.t.Fatalf("%v: no %q in\n%s", err, text, page)
	}
	return page
}

func TestAPlanForEverythingIsOnThePage(t *testing.T) {
	t.Parallel()
	s, p := stage(t)
	for i, u := range s.Tenant.Users()[:2] {
		if err := s.Tenant.Update(u.Text("id"), func(u graph.User) {
			if u["surname"] = "<script>new"; i == 0 {
				u["accountEnabled"] = false
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	b := served(t, p, func(o *console.Options) { o.ReadOnly = true }).enter() // it writes nothing
	if page := b.get("/plan"); !strings.Contains(page, "No plan was made yet") {
		t.Error(page)
	}
	if code, page := b.plans("/plan", url.Values{}); code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	page := b.await("Made at")
	takes, changes := strings.Index(page, "<b>disable</b>"), strings.Index(page, "<b>update</b>")
	if takes < 0 || changes < takes || strings.Contains(page, "<script>new") || !strings.Contains(page, "&lt;script&gt;new") {
		t.Errorf("what takes away is not first\n%s", page)
	}
	if code, page := b.plans("/plan", url.Values{"scope": {"<b>none"}}); code != http.StatusBadRequest || !strings.Contains(page, "must be assigned or all") {
		t.Errorf("%d\n%s", code, page)
	}
}

// waiting are operations whose plan is never done: it is told how far it is, and cancelled.
type waiting struct {
	operator.Operations

	begun chan<- plan.Request
}

func (w waiting) Plan(ctx context.Context, r plan.Request, watcher plan.Watcher) (*plan.Plan, error) {
	watcher.Progress("read the users of Webex", 200, 700)
	w.begun <- r
	<-ctx.Done()
	return nil, ctx.Err()
}

// slow is a console on which no plan is ever done.
func slow(t *testing.T, p *standalone.Process) (b *browser, begun chan plan.Request) {
	t.Helper()
	begun = make(chan plan.Request, 1)
	return served(t, p, func(o *console.Options) {
		o.With = func(_ context.Context, do func(operator.Operations) error) error {
			return do(waiting{p.Operations(), begun})
		}
	}).enter(), begun
}

func TestAPlanIsCancelledOnThePage(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b, begun := slow(t, p)
	if code, page := b.plans("/plan", url.Values{}); code != http.StatusOK || !strings.Contains(page, "/plan/cancel") {
		t.Fatalf("%d\n%s", code, page)
	}
	<-begun
	b.await("read the users of Webex</b>: 200 of 700")
	if code, page := b.plans("/plan", url.Values{}); code != http.StatusBadRequest || !strings.Contains(page, "made already") {
		t.Errorf("a second one: %d\n%s", code, page)
	}
	if code, page := b.plans("/plan/cancel", url.Values{}); code != http.StatusOK {
		t.Errorf("%d\n%s", code, page)
	}
	b.await("It was cancelled.")
	// The next one is cancelled by the end of the console.
	if code, page := b.plans("/plan", url.Values{}); code != http.StatusOK {
		t.Errorf("%d\n%s", code, page)
	}
	<-begun
}

func TestNoPlanIsMadeForAnotherOrigin(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	for _, path := range []string{"/plan", "/plan/cancel"} {
		r := b.request(http.MethodPost, path, url.Values{"csrf": {b.csrf()}})
		r.Header.Set("Origin", "https://attacker.example")
		if code, page := b.ask(r); code != http.StatusForbidden {
			t.Errorf("%s: %d\n%s", path, code, page)
		}
		if code, page := b.ask(b.request(http.MethodPost, path, url.Values{"csrf": {"guessed"}})); code != http.StatusForbidden {
			t.Errorf("%s without its token: %d\n%s", path, code, page)
		}
	}
	if page := b.get("/plan"); !strings.Contains(page, "No plan was made yet") {
		t.Error(page)
	}
}
