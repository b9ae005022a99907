package console_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

func TestMovingInIsLookedAtAndBegunOnThePage(t *testing.T) {
	t.Parallel()
	s, p := stage(t)
	schema, err := os.ReadFile("../mapping/synchronization/testdata/portal.json")
	if err != nil {
		t.Fatal(err)
	}
	s.Tenant.SetSynchronization(graph.Synchronization{ID: "webex.1.2", Template: "webex", Schema: schema, Secrets: map[string]string{"SyncAll": "true"}})
	id := s.Tenant.Users()[0].Text("id")
	if err := s.Tenant.Update(id, func(u graph.User) { u["employeeId"], u["surname"] = "1", "<script>new" }); err != nil {
		t.Fatal(err)
	}
	b := served(t, p, nil).enter()
	if page := b.get("/plan"); !strings.Contains(page, `href="/migration"`) {
		t.Errorf("nothing leads there\n%s", page)
	}
	if page := b.get("/migration"); !strings.Contains(page, "Nothing was looked at yet") {
		t.Error(page)
	}
	form := func(more ...string) url.Values {
		v := url.Values{"app": {sandbox.AppID}, "back": {"/migration"}}
		for i := 0; i < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	if code, page := b.plans("/migration", form("scope", "<b>none")); code != http.StatusBadRequest || !strings.Contains(page, "must be assigned or all") {
		t.Errorf("%d\n%s", code, page)
	}
	if code, page := b.plans("/migration", form("app", "")); code != http.StatusOK {
		t.Errorf("%d\n%s", code, page)
	}
	b.awaitAt("/migration", "no enterprise application is named")
	if code, page := b.plans("/migration", form()); code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	page := b.awaitAt("/migration", "The switch")
	for _, want := range []string{
		"its job is active", "Of the 26 lines of its schema", "cannot be taken over", `data-th="Users">1<`, "&lt;script&gt;new",
		"SCOPE=all", "target: userName, source: userPrincipalName", `value="` + sandbox.AppID + `"`, "and would go on writing",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if strings.Contains(page, "<script>new") {
		t.Error("a name became a part of the page")
	}
	begin := func(more ...string) string {
		_, page := b.order("migrate", form(append(more, "sure", "yes")...))
		return page
	}
	if code, page := b.order("migrate", form()); code != http.StatusOK || !strings.Contains(page, "Begin to write to Webex?") {
		t.Errorf("%d\n%s", code, page)
	}
	if page := begin(); !strings.Contains(page, "webex is not paused") {
		t.Error(page)
	}
	if _, err := p.Operations().Pause(t.Context(), operator.PauseRequest{Side: pause.Webex, Why: "moving in"}); err != nil {
		t.Fatal(err)
	}
	if page := begin(); !strings.Contains(page, "job is active, and would go on writing") {
		t.Error(page)
	}
	if page := begin("purpose", "yes"); !strings.Contains(page, "Webex goes on.") {
		t.Error(page)
	}
}

func TestAPageThatOnlyReadsLooksAtMovingInAndBeginsNothing(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, func(o *console.Options) { o.ReadOnly = true }).enter()
	if code, page := b.plans("/migration", url.Values{"app": {sandbox.AppID}, "back": {"/migration"}}); code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	if page := b.awaitAt("/migration", "The switch"); !strings.Contains(page, "it has no provisioning job") || strings.Contains(page, "/orders/") {
		t.Error(page)
	}
}
