package console

import (
	"errors"
	"net/http"

	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
)

// person is one user or group as all there is to know of it.
type person struct {
	Name  string
	Shown *operator.Shown
	// Past are the entries of the provisioning log, the newest first.
	Past operator.History
	// Unknown says why nobody is shown.
	Unknown string
	// Similar are those whose name has what was asked for as a part.
	Similar operator.Search
	// WhatIf is a plan for it, if that was asked for.
	WhatIf *plan.Plan
}

// pastEntries is how many entries of somebody's history are shown.
const pastEntries = 100

func (p *pages) object(r *http.Request, o operator.Operations) (view, error) {
	ctx := r.Context()
	v := view{Title: "Person or group", Here: "/object", Template: "object"}
	one := person{Name: r.FormValue("name")}
	if one.Name == "" {
		v.Body = one
		return v, nil
	}
	found, err := o.Show(ctx, operator.ShowRequest{Name: one.Name})
	if told, ok := errors.AsType[*operator.Error](err); ok && told.Kind == operator.Invalid {
		one.Unknown = told.Message
		if one.Similar, err = o.Search(ctx, operator.SearchRequest{Part: one.Name}); err != nil {
			p.Log.DebugContext(ctx, "nobody is looked for by a part of a name", "error", err) // that nobody has the whole stands
		}
		if v.Body = one; len(one.Similar.Found) == 0 {
			v.Status = http.StatusNotFound
		}
		return v, nil
	}
	if err != nil {
		return v, err
	}
	one.Shown = &found
	if found.Object != nil {
		v.Title = titled(found)
		if one.Past, err = o.History(ctx, operator.HistoryRequest{Name: found.Object.ID, Limit: pastEntries}); err != nil {
			one.Past = operator.History{Entries: found.Attempts} // nothing is kept of it
		}
		if r.FormValue("what") == "if" {
			if one.WhatIf, err = o.Plan(ctx, plan.Request{Name: found.Object.ID}, plan.Watcher{}); err != nil {
				return v, err
			}
		}
	}
	v.Body = one
	return v, nil
}

func titled(s operator.Shown) string {
	if s.Name != "" {
		return s.Name
	}
	return s.Object.String()
}
