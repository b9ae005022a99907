package console

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"

	"entrawebex/internal/change"
	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
	"entrawebex/internal/sweep"
)

// mostListed is how many accounts of a class are kept for a page: the memory of a console
// does not grow with the tenant. The command line has all.
const mostListed = 1000

// accounts are those of both sides by their class, of each the first. They are safe for
// concurrent use.
type accounts struct {
	mu    sync.Mutex
	first map[sweep.Class][]sweep.Account
}

func (a *accounts) add(one sweep.Account) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.first == nil {
		a.first = map[sweep.Class][]sweep.Account{}
	}
	if len(a.first[one.Class]) < mostListed {
		a.first[one.Class] = append(a.first[one.Class], one)
	}
}

// of are those in a class.
func (a *accounts) of(class sweep.Class) []sweep.Account {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.first[class])
}

// meaning says what is in a class and what a comparison does about it. Tone is how that
// looks: good, warn, bad, or empty.
type meaning struct {
	Class       sweep.Class
	Means, Tone string
}

// meanings are those of the classes, in the order of a chart.
func meanings() []meaning {
	return []meaning{
		{sweep.InSync, "Webex has what Entra says.", "good"},
		{sweep.New, "Not in Webex yet. It is created.", ""},
		{sweep.Behind, "Entra has changed since it was written. It is written now.", ""},
		{sweep.Drifted, "Changed in Webex since it was written. It is left so, or put back with REPAIR_DRIFT=true.", "warn"},
		{sweep.Missing, "Webex no longer lists it. It is looked for, and made again if it is gone.", "warn"},
		{sweep.Unassigned, "No longer in scope. Its account is disabled behind the guard, unless it is already.", "bad"},
		{sweep.Vanished, "Entra did not list it. Entra is asked about each before anything is done.", "bad"},
		{sweep.Opaque, "A group of which one side does not list all members. The worker compares them.", ""},
		{sweep.Local, "In Webex, and nobody’s in Entra. It is never touched.", ""},
	}
}

// bar is a class in a chart.
type bar struct {
	meaning

	Count int
	// Long is the length of the bar, in percent of the longest.
	Long float64
}

// bars are the chart of classes. Few among many can be seen, too.
func bars(classes map[sweep.Class]int) []bar {
	if len(classes) == 0 {
		return nil
	}
	const all, least = 100, 0.5
	most := slices.Max(slices.Collect(maps.Values(classes)))
	rest := maps.Clone(classes)
	var chart []bar
	add := func(m meaning) {
		if n := rest[m.Class]; n > 0 {
			chart = append(chart, bar{m, n, max(least, all*float64(n)/float64(most))})
		}
		delete(rest, m.Class)
	}
	for _, m := range meanings() {
		add(m)
	}
	for _, class := range slices.Sorted(maps.Keys(rest)) { // of another version's process
		add(meaning{Class: class})
	}
	return chart
}

// compared is what the page of the comparison shows.
type compared struct {
	Plan planned
	Bars []bar
	// Swept is what there is to tell of comparisons that write, Found the chart of the
	// last.
	Swept sweep.State
	Found []bar
	// Chosen is the class whose accounts are listed; nil for none.
	Chosen *listed
}

// listed are the accounts of a class.
type listed struct {
	meaning

	Count    int
	Accounts []listedAccount
}

// Beyond is how many are not listed.
func (l listed) Beyond() int { return l.Count - len(l.Accounts) }

// listedAccount is one of them, and what would be done about it; empty for nothing.
type listedAccount struct {
	sweep.Account

	Would, Why string
}

// Asked is what the account is asked for by.
func (a listedAccount) Asked() string { return cmp.Or(a.ID, a.WebexID) }

// Called is what people call it.
func (a listedAccount) Called() string {
	return called(a.Name, change.Object{Kind: a.Kind, ID: a.Asked()})
}

// comparing is where a plan is made for the sake of the classes.
func comparing() place { return place{"/comparison", "Compare without writing"} }

// comparisonNow is how everything stands.
func (p *pages) comparisonNow(s operator.Status) compared {
	c := compared{Plan: p.planning.now(p.Now(), comparing()), Swept: s.Compared}
	if c.Plan.Made != nil {
		c.Bars = bars(c.Plan.Made.Classes)
	}
	if s.Compared.Last != nil {
		c.Found = bars(s.Compared.Last.Classes)
	}
	return c
}

func (p *pages) comparison(r *http.Request, _ operator.Operations) (view, error) {
	v := view{Title: "Comparison", Here: "/comparison", Template: "comparison"}
	status, err := p.status.asked(r.Context())
	if err != nil {
		return v, err
	}
	c := p.comparisonNow(status)
	if class := sweep.Class(r.FormValue("class")); class != "" {
		if c.Chosen, err = chosen(c, class); err != nil {
			return v, err
		}
	}
	v.Body = c
	return v, nil
}

// chosen lists the accounts of a class, as the last plan found them.
func chosen(c compared, class sweep.Class) (*listed, error) {
	for _, one := range c.Bars {
		if one.Class != class {
			continue
		}
		l := &listed{meaning: one.meaning, Count: one.Count}
		would := map[change.Object]plan.Object{}
		for _, o := range c.Plan.Made.Objects {
			would[o.Object] = o
		}
		for _, a := range c.Plan.Accounts.of(class) {
			o := would[change.Object{Kind: a.Kind, ID: a.ID}]
			l.Accounts = append(l.Accounts, listedAccount{Account: a, Would: string(o.Action), Why: o.Reason})
		}
		return l, nil
	}
	return nil, &gone{fmt.Sprintf("nobody is %.40q, or nothing was compared since this console began: compare first", string(class))}
}

// comparisonEvents tells the page how far a comparison is, and what one has found.
func (p *pages) comparisonEvents(w http.ResponseWriter, r *http.Request) {
	p.stream(w, r, func(ctx context.Context) ([]region, error) {
		status, err := p.status.watched(ctx)
		if err != nil {
			return nil, err
		}
		c := p.comparisonNow(status)
		var parts []region
		for _, part := range []struct {
			name string
			body any
		}{{"planning", c.Plan}, {"compared", c}, {"swept", c}} {
			html, err := p.fragment(r, part.name, part.body)
			if err != nil {
				return nil, err
			}
			parts = append(parts, region{part.name, bytes.TrimSpace(html)})
		}
		return parts, nil
	})
}
