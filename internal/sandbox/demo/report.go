package demo

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/progress"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sweep"
	"entrawebex/internal/terminal"
)

// report shows a day in the sandbox to a person: a line for each act.
type report struct {
	tenant *graph.Tenant
	at     terminal.Terminal
	// live says that somebody is watching, who is told how far it is.
	live bool

	mu      sync.Mutex
	out     io.Writer
	line    progress.Line
	started time.Time
	acts    []*act
	// present says that what is done belongs to the last act, whenever it was
	// noticed; alone that each attempt has a line of its own.
	present, alone bool

	changes  int
	actions  map[provision.Action]int
	statuses map[provision.Status]int
	singles  []time.Duration // of changes that came one by one
	blocks   []time.Duration // from the block of a sign-in to the inactive account
	names    map[string]string
	troubles map[string]*trouble                 // by cause
	open     map[change.Object]map[string]string // the causes of what failed and has not landed since
}

// trouble is why attempts failed that were made again, and what came of them.
type trouble struct {
	times, objects, landed int
	again                  time.Duration
}

func newReport(out io.Writer, tenant *graph.Tenant, options Options) *report {
	return &report{
		out: out, line: progress.Line{Out: out}, tenant: tenant, at: options.Terminal, live: options.Live, started: time.Now(),
		present: options.Silent,
		actions: map[provision.Action]int{}, statuses: map[provision.Status]int{}, names: map[string]string{},
		troubles: map[string]*trouble{}, open: map[change.Object]map[string]string{},
	}
}

// say prints lines of at most 80 columns.
func (r *report) say(lines ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Clear()
	for _, line := range lines {
		terminal.Say(r.out, line)
	}
}

// begin begins an act.
func (r *report) begin(a *act) *act {
	r.mu.Lock()
	defer r.mu.Unlock()
	a.began = time.Now().Truncate(time.Millisecond)
	r.acts = append(r.acts, a)
	return a
}

// tell says how far the act is, where somebody is watching.
func (r *report) tell(a *act) {
	if !r.live {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	text := "… " + a.title
	if a.many > 0 {
		text += ": " + progress.Far(min(a.noticed, a.many), a.many, time.Since(a.began))
	}
	r.line.Show(a.title, text)
}

// syncing tells how far an initial sync is, where somebody is watching.
func (r *report) syncing(a *act, p sweep.Progress) {
	if !r.live {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line.Show(string(p.Phase), fmt.Sprintf("… %s: %s, %s", a.title, p.Phase, progress.Far(p.Done, p.Total, time.Since(a.began))))
}

// end prints the line about an act, all of which has landed or not.
func (r *report) end(a *act, landed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a.landed = landed
	r.line.Clear()
	r.at.Happening(r.out, a.happening())
}

// stay shows each attempt from now on by itself.
func (r *report) stay() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alone = true
}

// of returns the act that an attempt belongs to: the last that began before its change
// was noticed.
func (r *report) of(a provision.Attempt) *act {
	if len(r.acts) == 0 {
		return &act{}
	}
	if !r.present {
		when := noticed(a)
		for _, one := range slices.Backward(r.acts) {
			if !one.began.After(when) {
				return one
			}
		}
	}
	return r.acts[len(r.acts)-1]
}

// attempt counts an attempt. It is called by the workers.
func (r *report) attempt(a provision.Attempt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changes += len(a.Causes)
	r.statuses[a.Status]++
	name := r.name(a)
	r.follow(a)
	of := r.of(a)
	if r.alone {
		of = &act{title: name, began: noticed(a)}
	}
	if a.Fault == nil && a.Action != provision.None {
		r.actions[a.Action]++
		if of.many == 0 {
			r.singles = append(r.singles, a.Exported.Sub(of.since(a)))
		}
		if source := a.Causes[0].Source; a.Action == provision.Disable && (source == change.Notification || source == change.Reconcile) {
			from := noticed(a)
			if of.many == 0 {
				from = of.since(a)
			}
			r.blocks = append(r.blocks, a.Exported.Sub(from))
		}
	}
	of.take(a, name)
	if r.alone && (a.Fault != nil || a.Action != provision.None) {
		r.at.Happening(r.out, of.happening())
	}
}

// follow notes why an attempt failed, or that its object has landed after all.
func (r *report) follow(a provision.Attempt) {
	switch {
	case a.Fault == nil && a.Again == 0:
		for cause := range r.open[a.Object] {
			r.troubles[cause].landed++
		}
		delete(r.open, a.Object)
	case a.Fault != nil && (a.Again > 0 || !a.Later.IsZero()):
		cause := causeOf(a.Fault)
		t := r.troubles[cause]
		if t == nil {
			t = &trouble{}
			r.troubles[cause] = t
		}
		t.times++
		t.again = max(t.again, a.Again)
		if r.open[a.Object] == nil {
			r.open[a.Object] = map[string]string{}
		}
		if r.open[a.Object][cause] == "" {
			r.open[a.Object][cause] = cause
			t.objects++
		}
	}
}

// name is what a person calls the object; one who is gone keeps the last name.
func (r *report) name(a provision.Attempt) string {
	if user, err := r.tenant.User(a.Object.ID); err == nil {
		r.names[a.Object.ID] = user.Text("displayName")
	} else if group, err := r.tenant.Group(a.Object.ID); err == nil {
		r.names[a.Object.ID] = group.Text("displayName")
	}
	if name := r.names[a.Object.ID]; name != "" {
		return printable.Text(name)
	}
	return a.Object.ID
}
