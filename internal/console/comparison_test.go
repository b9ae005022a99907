package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/plan"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sweep"
)

func TestAComparisonLeadsDownToTheAccounts(t *testing.T) {
	t.Parallel()
	s, p := stage(t)
	users := s.Tenant.Users()
	for i, edit := range []func(graph.User){
		func(u graph.User) { u["displayName"], u["surname"] = "<script>new", "<script>new" },
		func(u graph.User) { u["accountEnabled"] = false },
	} {
		if err := s.Tenant.Update(users[i].Text("id"), edit); err != nil {
			t.Fatal(err)
		}
	}
	b := served(t, p, func(o *console.Options) { o.ReadOnly = true }).enter() // it writes nothing
	if page := b.get("/comparison"); !strings.Contains(page, "Nothing was compared since this console began") {
		t.Error(page)
	}
	if code, page := b.ask(b.request(http.MethodGet, "/comparison?class=behind", nil)); code != http.StatusNotFound || !strings.Contains(page, "compare first") {
		t.Errorf("%d\n%s", code, page)
	}
	if code, page := b.plans("/plan", url.Values{"back": {"/comparison"}}); code != http.StatusOK || !strings.Contains(page, "Both sides now") {
		t.Fatalf("%d\n%s", code, page)
	}
	page := b.awaitAt("/comparison", "A class leads to its accounts")
	for _, want := range []string{`href="/comparison?class=in%20sync#accounts-title">in sync`, `href="/comparison?class=behind#accounts-title">behind`, "<b>2</b> <svg", "<rect width="} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	page = b.get("/comparison?class=behind")
	for _, want := range []string{"behind: 2<", "<b>update</b>", "<b>disable</b>", users[0].Text("id"), users[1].Text("userPrincipalName")} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if page = b.get("/comparison?class=in+sync"); strings.Contains(page, "<b>update</b>") || !strings.Contains(page, `<span class="soft">nothing</span>`) {
		t.Error(page)
	}
}

// crowded are operations whose plan finds many accounts.
type crowded struct{ operator.Operations }

func (crowded) Plan(_ context.Context, r plan.Request, watcher plan.Watcher) (*plan.Plan, error) {
	made := plan.New()
	const many = 1003
	if r.Accounts {
		for i := range many {
			watcher.Account(sweep.Account{Class: sweep.Local, Kind: change.User, WebexID: fmt.Sprintf("w-%d", i), Name: "<script>" + fmt.Sprint(i), ExternalID: "<b>other"})
		}
	}
	made.Classes = map[sweep.Class]int{sweep.Local: many, sweep.Drifted: 1, "of another version": 2}
	return made, nil
}

func TestAComparisonListsSoManyAccountsAndNoMore(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, func(o *console.Options) {
		o.With = func(_ context.Context, do func(operator.Operations) error) error { return do(crowded{p.Operations()}) }
	}).enter()
	if code, page := b.plans("/plan", url.Values{"back": {"/comparison"}}); code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	page := b.awaitAt("/comparison", "A class leads to its accounts")
	for _, want := range []string{`<rect width="100"`, `<rect width="0.5"`, "of another version"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	page = b.get("/comparison?class=local")
	if !strings.Contains(page, "And 3 more: <code>entrawebex plan --all --accounts") || strings.Contains(page, "<script>0") || !strings.Contains(page, "&lt;b&gt;other") {
		t.Error(page[:2000])
	}
	if n := strings.Count(page, `href="/object?name=w-`); n != 1000 {
		t.Errorf("%d are listed", n)
	}
}

func TestAComparisonIsCancelledOnThePage(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b, begun := slow(t, p)
	if code, page := b.plans("/plan", url.Values{"back": {"/comparison"}}); code != http.StatusOK || !strings.Contains(page, "/plan/cancel") {
		t.Fatalf("%d\n%s", code, page)
	}
	<-begun
	b.awaitAt("/comparison", "read the users of Webex</b>: 200 of 700")
	if code, page := b.plans("/plan/cancel", url.Values{"back": {"/comparison"}}); code != http.StatusOK || !strings.Contains(page, "Both sides now") {
		t.Errorf("%d\n%s", code, page)
	}
	b.awaitAt("/comparison", "It was cancelled.")
}

func TestEverythingIsComparedFromThePage(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	if page := b.get("/comparison"); !strings.Contains(page, `action="/orders/reconcile"`) {
		t.Error(page)
	}
	if _, err := p.Operations().Pause(t.Context(), operator.PauseRequest{Side: pause.Webex, Why: "x"}); err != nil {
		t.Fatal(err)
	}
	_, page := b.order("reconcile", url.Values{"back": {"/comparison"}})
	for _, want := range []string{"Compare everything?", "begins within a minute", "Webex is paused: nothing is put right until you resume it."} {
		if !strings.Contains(page, want) {
			t.Errorf("what will happen: no %q in\n%s", want, page)
		}
	}
	if state, err := p.Sweeps.State(t.Context()); err != nil || strings.Contains(state.Why, "an operator") {
		t.Fatalf("%+v, %v before that was confirmed", state, err)
	}
	_, page = b.order("reconcile", url.Values{"back": {"/comparison"}, "sure": {"yes"}})
	for _, want := range []string{"A comparison of everything begins within a minute.", "Due since", "an operator asked for it"} {
		if !strings.Contains(page, want) {
			t.Errorf("what came of it: no %q in\n%s", want, page)
		}
	}
}
