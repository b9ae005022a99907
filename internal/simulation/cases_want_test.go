package simulation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/queue"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/worker"
)

// expect fails the case where what is wanted at a moment is not so.
func (p *fieldPlay) expect(ctx context.Context, w *want, when string) {
	p.t.Helper()
	p.expectEqual(w, when)
	for name, wanted := range w.Accounts {
		p.expectAccount(name, wanted, when)
	}
	for name, wanted := range w.Groups {
		p.expectGroup(name, wanted, when)
	}
	p.expectCounts(w, when)
	p.expectStatus(ctx, w, when)
	p.expectLetters(ctx, w, when)
	for _, wanted := range w.Calls {
		p.expectCalls(wanted, when)
	}
	logged := p.lines.String()
	for _, text := range w.Log {
		if !strings.Contains(logged, p.expand(text)) {
			p.t.Errorf("%s: no line of the log says %q", when, text)
		}
	}
	for _, text := range w.Silent {
		if strings.Contains(logged, p.expand(text)) {
			p.t.Errorf("%s: a line of the log says %q", when, text)
		}
	}
}

func (p *fieldPlay) expectCounts(w *want, when string) {
	p.t.Helper()
	users := p.org.Users()
	inactive := 0
	for _, u := range users {
		if u["active"] != true {
			inactive++
		}
	}
	if w.Count > 0 && len(users) != w.Count || w.Inactive > 0 && inactive != w.Inactive {
		p.t.Errorf("%s: %d accounts, want %d; %d of them inactive, want %d", when, len(users), w.Count, inactive, w.Inactive)
	}
}

func (p *fieldPlay) expectEqual(w *want, when string) {
	p.t.Helper()
	if w.Differs {
		return
	}
	var allowed []compare.Allowance
	if w.Pending {
		allowed = append(allowed, compare.PendingDelete)
	}
	for _, d := range p.differences(allowed...) {
		if d.Kind == "group" && !p.settings.ProvisionGroups {
			continue
		}
		p.t.Errorf("%s: %s", when, d)
	}
}

func (p *fieldPlay) expectAccount(name string, wanted map[string]any, when string) {
	p.t.Helper()
	got, there := p.org.Users()[p.webexID(name)]
	if !there || wanted == nil {
		if there != (wanted != nil) {
			p.t.Errorf("%s: the account of %s is there: %t", when, name, there)
		}
		return
	}
	p.expectAttributes("the account of "+name, p.filled(wanted), got, when)
}

// expectAttributes compares those attributes that are named.
func (p *fieldPlay) expectAttributes(what string, wanted, got map[string]any, when string) {
	p.t.Helper()
	if diff := cmp.Diff(any(wanted), narrowed(got, wanted)); diff != "" {
		p.t.Errorf("%s: %s (-want +got):\n%s", when, what, diff)
	}
}

// narrowed is a value without what is not named in another.
func narrowed(value, by any) any {
	switch by := by.(type) {
	case map[string]any:
		object, ok := value.(map[string]any)
		if !ok {
			return value
		}
		kept := map[string]any{}
		for name, inner := range by {
			if v, ok := object[name]; ok || inner == nil {
				kept[name] = narrowed(v, inner)
			}
		}
		return kept
	case []any:
		list, ok := value.([]any)
		if !ok || len(list) != len(by) {
			return value
		}
		kept := make([]any, len(list))
		for i := range list {
			kept[i] = narrowed(list[i], by[i])
		}
		return kept
	default:
		return value
	}
}

func (p *fieldPlay) expectGroup(name string, wanted *wantedGroup, when string) {
	p.t.Helper()
	id := p.webexID(name)
	got, there := p.org.Groups()[id]
	if !there || wanted == nil {
		if there != (wanted != nil) {
			p.t.Errorf("%s: the group %s is there: %t", when, name, there)
		}
		return
	}
	if wanted.Attributes != nil {
		p.expectAttributes("the group "+name, p.filled(wanted.Attributes), got, when)
	}
	members := p.org.Members(id)
	if n := len(members); wanted.Size > 0 && n != wanted.Size {
		p.t.Errorf("%s: the group %s has %d members, want %d", when, name, n, wanted.Size)
	}
	if wanted.Members == nil {
		return
	}
	var ids []string
	for _, member := range wanted.Members {
		ids = append(ids, p.webexID(member))
	}
	slices.Sort(ids)
	slices.Sort(members)
	if diff := cmp.Diff(ids, members); diff != "" {
		p.t.Errorf("%s: members of the group %s (-want +got):\n%s", when, name, diff)
	}
}

// expectStatus asks what an operator is told.
func (p *fieldPlay) expectStatus(ctx context.Context, w *want, when string) {
	p.t.Helper()
	asked := &operator.Operator{Ledger: p.ledger, Changes: p.changes, DeadLetters: p.dead, Now: time.Now, Log: p.log}
	status := try(asked.Status(ctx))(p.t)
	if w.Well != nil && *w.Well != status.AllIsWell {
		p.t.Errorf("%s: all is well: %t, attention: %v", when, status.AllIsWell, status.Attention)
	}
	attention := strings.Join(status.Attention, "\n")
	for _, text := range w.Attention {
		if !strings.Contains(attention, p.expand(text)) {
			p.t.Errorf("%s: status needs nobody for %q, only for %q", when, text, status.Attention)
		}
	}
	whole := plainJSON(p, status)
	for _, text := range w.Status {
		if !strings.Contains(whole, p.expand(text)) {
			p.t.Errorf("%s: status does not say %q: %s", when, text, whole)
		}
	}
	state := try(p.sides.State(ctx))(p.t)
	for _, side := range pause.Sides() {
		if _, paused := state[side]; paused != slices.Contains(w.Paused, string(side)) {
			p.t.Errorf("%s: %s is paused: %t", when, side, paused)
		}
	}
}

// plainJSON is JSON in which every character stands for itself.
func plainJSON(p *fieldPlay, value any) string {
	p.t.Helper()
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	p.must(encoder.Encode(value))
	return text.String()
}

// expectLetters looks at the dead letters, and leaves them.
func (p *fieldPlay) expectLetters(ctx context.Context, w *want, when string) {
	p.t.Helper()
	var reasons []string
	for {
		msgs := try(p.dead.Receive(ctx, queue.MaxReceive, time.Second, 0))(p.t)
		if len(msgs) == 0 {
			break
		}
		for _, m := range msgs {
			reasons = append(reasons, m.Group+": "+m.Attributes[worker.AttributeFaultReason])
		}
	}
	time.Sleep(2 * time.Second)
	left := slices.Clone(reasons)
	for _, text := range w.Letters {
		at := slices.IndexFunc(left, func(r string) bool { return strings.Contains(r, p.expand(text)) })
		if at < 0 {
			p.t.Errorf("%s: no dead letter says %q: %q", when, text, reasons)
			continue
		}
		left = slices.Delete(left, at, at+1)
	}
	if len(left) > 0 {
		p.t.Errorf("%s: dead letters nobody wants: %q", when, left)
	}
}

// expectCalls counts.
func (p *fieldPlay) expectCalls(w wantedCall, when string) {
	p.t.Helper()
	since, until := p.marks[w.Since], time.Now()
	if w.Until != "" {
		until = p.marks[w.Until]
	}
	if w.Since == "" {
		since = p.began
	} else if since.IsZero() {
		p.t.Fatalf("the story marks no %q", w.Since)
	}
	p.wire.mu.Lock()
	calls := slices.Clone(p.wire.calls)
	p.wire.mu.Unlock()
	var found []string
	for _, call := range calls {
		if call.at.Before(since) || call.at.After(until) || !w.fits(call, p.expand) || w.Status > 0 && call.status != w.Status {
			continue
		}
		found = append(found, fmt.Sprintf("%s %s %s %s %d", call.at.Format(time.TimeOnly), call.method, call.target, call.body, call.status))
	}
	if n := len(found); n < w.Least || n > w.Most {
		const some = 12
		p.t.Errorf("%s: %d calls %s %s %s %v, want %d to %d:\n%s", when, n, w.Side, w.Method, w.Path, w.Has, w.Least, w.Most,
			strings.Join(found[:min(n, some)], "\n"))
	}
}
