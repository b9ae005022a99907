package console

import (
	"bytes"
	"context"
	"net/http"
	"sync"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/progress"
)

// planning is the plan for everything that is made, or was made last: one at a time,
// since each reads both sides as a whole. There is one by what is in force, and one by a
// configuration that somebody thinks of. It is safe for concurrent use.
type planning struct {
	work

	mu       sync.Mutex
	state    planned
	done, of int
	began    time.Time // when the phase did
}

// planned is how far a plan is, and what came of it.
type planned struct {
	// Number is which it is since the console began, from 1; 0 if none was made yet.
	Number  int
	Running bool
	// Phase is what is done now, Began when it all did, and Ended when that was; zero
	// before.
	Phase        string
	Began, Ended time.Time
	// Far is how far the phase is.
	Far string
	// Scope is what it was planned for; empty for the setting.
	Scope string
	// Asks is what is asked once it is made: whether what it was planned by is to be
	// brought into force; nil for nothing.
	Asks *question
	Made *plan.Plan
	// Moving is what moving in would come to, in place of a plan.
	Moving *moving
	// Accounts are those of both sides.
	Accounts *accounts
	// Here is the page it is looked at on, with what its button says.
	Here place
	// Trouble says why there is no plan.
	Trouble string
}

// now is how far it is, for a page.
func (g *planning) now(at time.Time, here place) planned {
	g.mu.Lock()
	defer g.mu.Unlock()
	state := g.state
	state.Here = here
	if state.Running && (g.done > 0 || g.of > 0) {
		state.Far = progress.Far(g.done, g.of, at.Sub(g.began))
	}
	return state
}

// plan has a plan made, and returns its number; 0 if one is made already or the console
// ends. The channel is closed when it is made.
func (g *planning) plan(ctx context.Context, p *pages, r plan.Request, asks *question) (number int, made <-chan struct{}) {
	r.All, r.Watched = true, true
	return g.look(ctx, p, planned{Scope: r.Scope, Asks: asks}, func(ctx context.Context, o operator.Operations, watcher plan.Watcher, came *planned) (err error) {
		came.Accounts = &accounts{}
		watcher.Account = came.Accounts.add
		came.Made, err = o.Plan(ctx, r, watcher)
		return err
	})
}

// look has both sides looked at, and what came of it filled in.
func (g *planning) look(ctx context.Context, p *pages, state planned, do looker) (number int, made <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	made, ok := g.begin(ctx, func(ctx context.Context) { g.make(ctx, p, do) })
	if !ok {
		return 0, nil
	}
	number = g.state.Number + 1
	state.Number, state.Running, state.Began, state.Phase = number, true, p.Now(), "begin"
	g.state, g.done, g.of = state, 0, 0
	return number, made
}

// looker looks at both sides, and fills in what came of it.
type looker func(ctx context.Context, o operator.Operations, watcher plan.Watcher, came *planned) error

func (g *planning) make(ctx context.Context, p *pages, do looker) {
	var came planned
	watcher := plan.Watcher{Progress: func(phase string, done, of int) { g.tell(p.Now(), phase, done, of) }}
	err := p.With(ctx, func(o operator.Operations) error { return do(ctx, o, watcher, &came) })
	g.mu.Lock()
	defer g.mu.Unlock()
	g.state.Running, g.state.Ended = false, p.Now()
	switch {
	case err == nil:
		g.state.Made, g.state.Moving, g.state.Accounts = came.Made, came.Moving, came.Accounts
	case ctx.Err() != nil:
		g.state.Trouble = "It was cancelled. Nothing was written."
	default:
		g.state.Trouble = err.Error()
	}
}

func (g *planning) tell(at time.Time, phase string, done, of int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if phase != g.state.Phase {
		g.state.Phase, g.began = phase, at
	}
	g.done, g.of = done, of
}

// planningHere is where a plan is made for its own sake.
func planningHere() place { return place{"/plan", "Plan everything"} }

func (p *pages) planPage(*http.Request, operator.Operations) (view, error) {
	return view{Title: "Plan", Here: "/plan", Template: "plan", Body: p.planning.now(p.Now(), planningHere())}, nil
}

// planEvents tells the page how far the plan is.
func (p *pages) planEvents(w http.ResponseWriter, r *http.Request) {
	p.tellPlan(w, r, "planning", "planned", func() planned { return p.planning.now(p.Now(), planningHere()) })
}

// tellPlan tells a page how far a plan is, in a region of buttons and one of what came of
// it.
func (p *pages) tellPlan(w http.ResponseWriter, r *http.Request, buttons, came string, now func() planned) {
	var last planned
	var parts []region
	p.stream(w, r, func(context.Context) ([]region, error) {
		state := now()
		if parts != nil && state == last {
			return parts, nil
		}
		var fresh []region
		for _, name := range []string{buttons, came} {
			html, err := p.fragment(r, name, state)
			if err != nil {
				return nil, err
			}
			fresh = append(fresh, region{name, bytes.TrimSpace(html)})
		}
		last, parts = state, fresh
		return parts, nil
	})
}

// startPlan has a plan made. It is no order: it writes nothing.
func (p *pages) startPlan(w http.ResponseWriter, r *http.Request) {
	asked := plan.Request{All: true, Scope: r.PostForm.Get("scope")}
	if err := asked.Validate(); err != nil {
		p.refuse(w, r, &operator.Error{Kind: operator.Invalid, Message: err.Error()})
		return
	}
	asked.Accounts = true
	if number, _ := p.planning.plan(r.Context(), p, asked, nil); number == 0 {
		p.refuse(w, r, &operator.Error{Kind: operator.Refused, Message: "a plan is made already: wait for it, or cancel it"})
		return
	}
	http.Redirect(w, r, backOf(r.PostForm), http.StatusSeeOther) //nolint:gosec // G710: that is a page of ours
}

func (p *pages) cancelPlan(w http.ResponseWriter, r *http.Request) {
	p.planning.stop()
	http.Redirect(w, r, backOf(r.PostForm), http.StatusSeeOther) //nolint:gosec // G710: that is a page of ours
}
