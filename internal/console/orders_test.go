package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/sandbox/story"
)

func TestAHostileNameIsShownAsText(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 6)
	const hostile = `<script>alert(1)</script>"><img src=x onerror=alert(2)>` + "\u202egnp"
	err := s.Tenant.Update(story.WellKnownID, func(u graph.User) { u["displayName"] = hostile; u["surname"] = hostile })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tenant.CreateGroup(graph.Group{"displayName": hostile}); err != nil {
		t.Fatal(err)
	}
	p := s.Open()
	s.Start(p)
	b := served(t, p, nil).enter()
	for _, path := range []string{
		"/", "/log", "/object?name=" + story.WellKnownID, "/object?name=" + url.QueryEscape(hostile), "/log?name=" + url.QueryEscape(hostile),
		"/object?what=if&name=" + story.WellKnownID,
	} {
		_, page := b.ask(b.request(http.MethodGet, path, nil))
		if strings.Contains(page, "<script>") || strings.Contains(page, "<img") || strings.Contains(page, "\u202e") {
			t.Errorf("%s\n%s", path, page)
		}
	}
	if page := b.get("/object?name=" + story.WellKnownID); !strings.Contains(page, "&lt;script&gt;alert(1)") {
		t.Error(page)
	}
	if code, page := b.order("provision", url.Values{"id": {story.WellKnownID}, "called": {hostile}}); code != http.StatusOK || strings.Contains(page, "<script>") {
		t.Errorf("%d\n%s", code, page)
	}
}

// blocked has everybody leave at once, and waits until the guard has been latched.
func blocked(t *testing.T, s *runtest.Sandbox, o operator.Operations) (ids []string) {
	t.Helper()
	ctx := t.Context()
	for _, u := range s.Tenant.Users() {
		if u["accountEnabled"] != true {
			continue
		}
		ids = append(ids, u.Text("id"))
		if err := s.Tenant.Update(u.Text("id"), func(u graph.User) { u["accountEnabled"] = false }); err != nil {
			t.Fatal(err)
		}
	}
	if err := sandbox.Wait(ctx, time.Minute, func() bool {
		held, err := o.Holds(ctx)
		return err == nil && len(held) == len(ids)
	}); err != nil {
		held, heldErr := o.Holds(ctx)
		t.Fatalf("%v: %d of %d held, %v", err, len(held), len(ids), heldErr)
	}
	return ids
}

func TestHoldsAreDecidedOnFromThePage(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 8)
	p := s.Open("GUARD_FLOOR=1", "GUARD_SHARE=0", "PROTECTED_USERS="+everybody(s))
	s.Start(p)
	o := p.Operations()
	ids := blocked(t, s, o)
	b := served(t, p, nil).enter()
	page := b.get("/")
	if want := fmt.Sprintf("%d holds to decide on", len(ids)); !strings.Contains(page, want) {
		t.Fatalf("no %q in\n%s", want, page)
	}
	code, page := b.order("reject", url.Values{"id": ids[:1]})
	if code != http.StatusOK || !strings.Contains(page, "Reject 1 hold?") || !strings.Contains(page, "stays open in Webex") {
		t.Errorf("what will happen: %d\n%s", code, page)
	}
	if _, page = b.order("reject", url.Values{"id": ids[:1], "sure": {"yes"}}); !strings.Contains(page, "1 hold rejected.") {
		t.Error(page)
	}
	_, page = b.order("approve", url.Values{"all": {"yes"}})
	if n := len(ids) - 1; !strings.Contains(page, fmt.Sprintf("Approve %d holds?", n)) {
		t.Error(page)
	}
	if code, page = b.order("approve", url.Values{}); code != http.StatusBadRequest || !strings.Contains(page, "nothing is ticked") {
		t.Errorf("%d\n%s", code, page)
	}
	decided, err := o.Holds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range decided {
		if rejected := h.Decision == operator.Rejected; rejected != (h.Object.ID == ids[0]) {
			t.Errorf("%+v", h)
		}
	}
}

// everybody are the ids of all users, comma-separated.
func everybody(s *runtest.Sandbox) string {
	var ids []string
	for _, u := range s.Tenant.Users() {
		ids = append(ids, u.Text("id"))
	}
	return strings.Join(ids, ",")
}

func TestASideIsPausedAndResumedFromThePage(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	if page := b.get("/"); strings.Count(page, `action="/orders/pause"`) != 2 || strings.Contains(page, `action="/orders/resume"`) {
		t.Error(page)
	}
	_, page := b.order("pause", url.Values{"side": {"webex"}})
	for _, want := range []string{"Pause Webex?", "changes wait until you resume", "People who leave keep their access", `name="why"`} {
		if !strings.Contains(page, want) {
			t.Errorf("what will happen: no %q in\n%s", want, page)
		}
	}
	if _, page = b.order("pause", url.Values{"side": {"webex"}, "sure": {"yes"}, "why": {"<b>maintenance"}}); !strings.Contains(page, "Webex is paused until you resume it.") || !strings.Contains(page, "by an operator: &lt;b&gt;maintenance") {
		t.Error(page)
	}
	if strings.Count(page, `action="/orders/pause"`) != 1 || strings.Count(page, `action="/orders/resume"`) != 2 {
		t.Errorf("what needs you, and the sides, offer to resume\n%s", page)
	}
	if _, page = b.order("resume", url.Values{"side": {"webex"}}); !strings.Contains(page, "Resume Webex?") || !strings.Contains(page, "with what has waited") {
		t.Error(page)
	}
	if _, page = b.order("resume", url.Values{"side": {"webex"}, "sure": {"yes"}}); !strings.Contains(page, "Webex goes on.") || !strings.Contains(page, "Webex</b> works.") {
		t.Error(page)
	}
	for _, order := range []string{"pause", "resume"} {
		if code, page := b.order(order, url.Values{"side": {"<i>teams"}}); code != http.StatusBadRequest || !strings.Contains(page, "name a side: graph or webex") {
			t.Errorf("%s: %d\n%s", order, code, page)
		}
	}
	if code, page := b.order("resume", url.Values{"side": {"nowhere"}, "sure": {"yes"}}); code != http.StatusOK || !strings.Contains(page, "is no side") {
		t.Errorf("%d\n%s", code, page)
	}
	if code, _ := b.order("format", url.Values{"sure": {"yes"}}); code != http.StatusNotFound {
		t.Errorf("%d", code)
	}
}

// What a form goes back to is a page of ours.
func TestNobodyIsLedElsewhere(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	for _, back := range []string{"https://attacker.example/", "//attacker.example/", "/\\attacker.example", "javascript:alert(1)", "/log?name=ada"} {
		_, page := b.order("reconcile", url.Values{"back": {back}})
		found := regexp.MustCompile(`class="button" href="([^"]*)"`).FindStringSubmatch(page)
		if found == nil || found[1] != "/" && found[1] != "/log?name=ada" && found[1] != "/%5cattacker.example" && found[1] != "/%5Cattacker.example" {
			t.Errorf("%q leads to %q", back, found)
		}
	}
}
