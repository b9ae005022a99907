package console

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"entrawebex/internal/history"
	"entrawebex/internal/operator"
)

// logged is a part of the provisioning log.
type logged struct {
	operator.History
	filter

	Statuses, Actions, Faults []string
	Spans                     []span
	// Unknown says why the filter chooses nothing.
	Unknown string
	// At is when it was read.
	At time.Time
}

// filter is what is chosen of the log.
type filter struct {
	operator.HistoryRequest

	// Span is for how long back.
	Span string
}

// span is a length of time that the log can be looked at.
type span struct {
	Value, Text string
	long        time.Duration
}

func spans() []span {
	const day = 24 * time.Hour
	return []span{
		{"1h", "the last hour", time.Hour},
		{"24h", "the last day", day},
		{"168h", "the last 7 days", 7 * day},
		{"", "all that is kept", 0},
	}
}

// entriesOf is how many entries of the log are on a page.
const entriesOf = 50

// watchShare is what part of the time may be spent on watching, at most: one in so many.
// keptLate is how long after an attempt it may be kept: as long as its batch lasts.
const (
	watchShare = 30
	keptLate   = 3 * time.Minute
)

func filterOf(form url.Values, now time.Time) filter {
	f := filter{Span: form.Get("span"), HistoryRequest: operator.HistoryRequest{
		Name: form.Get("name"), Status: form.Get("status"), Action: form.Get("action"), Fault: form.Get("fault"),
		Correlation: form.Get("correlation"), Limit: entriesOf,
	}}
	for _, s := range spans() {
		if s.Value == f.Span && s.long > 0 {
			f.Since = now.Add(-s.long)
		}
	}
	if until, err := time.Parse(time.RFC3339Nano, form.Get("until")); err == nil {
		f.Until = until
	}
	return f
}

// query is the filter as the query of an address.
func (f filter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{
		"name": f.Name, "status": f.Status, "action": f.Action, "fault": f.Fault, "correlation": f.Correlation, "span": f.Span,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// Follow is the address at which what comes is told, with the same filter: what has come
// since the page was read, too.
func (l logged) Follow() string {
	q := l.query()
	q.Set("from", l.At.Format(time.RFC3339Nano))
	return "/log/events?" + q.Encode()
}

// Older is the address of the page before; empty if there is none.
func (l logged) Older() string {
	if !l.More || len(l.Entries) == 0 {
		return ""
	}
	q := l.query()
	q.Set("until", l.Entries[len(l.Entries)-1].At.Format(time.RFC3339Nano))
	return "/log?" + q.Encode()
}

// followed is how many entries that came are told at a time; more are on the page that is
// asked for anew.
const followed = 50

// historyEvents tells a page of the log what comes.
func (p *pages) historyEvents(w http.ResponseWriter, r *http.Request) {
	f := filterOf(r.URL.Query(), p.Now())
	f.Limit = followed
	from, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("from"))
	if err != nil {
		from = p.Now()
	}
	told, begun := map[string]bool{}, false
	var took time.Duration
	var looked time.Time
	var rows []byte
	p.stream(w, r, func(ctx context.Context) ([]region, error) {
		now := p.Now()
		if now.Sub(looked) < max(time.Second, watchShare*took) {
			return nil, nil
		}
		looked = now
		f.Since = from.Add(-keptLate)
		var found operator.History
		err := p.With(ctx, func(o operator.Operations) (err error) {
			found, err = o.History(ctx, f.HistoryRequest)
			return err
		})
		if took = p.Now().Sub(now); err != nil {
			return nil, err
		}
		var fresh []history.Entry
		for _, e := range found.Entries {
			if !told[e.ID] && (begun || !e.At.Before(from)) { // else the page has it
				fresh = append(fresh, e)
			}
			told[e.ID] = true
		}
		if begun = true; len(fresh) > 0 {
			rows, err = p.fragment(r, "entries", fresh)
		}
		return []region{{"entries", rows}}, err
	})
}

func (p *pages) history(r *http.Request, o operator.Operations) (view, error) {
	f := filterOf(r.URL.Query(), p.Now())
	l := logged{filter: f, Statuses: operator.Statuses(), Actions: operator.Actions(), Faults: operator.FaultKinds(), Spans: spans(), At: p.Now()}
	v := view{Title: "Log", Here: "/log", Template: "log"}
	var err error
	if l.History, err = o.History(r.Context(), f.HistoryRequest); err != nil {
		if l.Unknown = told(err); l.Unknown == "" {
			return v, err
		}
	}
	v.Body = l
	return v, nil
}
