package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/sandbox/graph"
)

// play lets the steps of a story happen, each at its time.
func (p *fieldPlay) play(ctx context.Context, story []step) {
	p.t.Helper()
	for _, s := range story {
		if wait := time.Until(p.began.Add(time.Duration(s.At))); wait > 0 {
			time.Sleep(wait)
		}
		do, ok := verbs()[s.Do]
		if !ok {
			p.t.Fatalf("the story has a step that does %q", s.Do)
		}
		if err := do(ctx, p, s); err != nil {
			p.t.Fatalf("%s %s: %v", s.Do, s.Who, err)
		}
		time.Sleep(time.Second)
	}
}

type verb func(context.Context, *fieldPlay, step) error

// verbs are what can happen.
func verbs() map[string]verb {
	all := inEntra()
	maps.Copy(all, inGroups())
	maps.Copy(all, elsewhere())
	return all
}

// inEntra is what happens to people.
func inEntra() map[string]verb {
	enabled := func(is bool) verb {
		return func(_ context.Context, p *fieldPlay, s step) error {
			return p.tenant.Update(p.idOf(s.Who), func(u graph.User) { u["accountEnabled"] = is })
		}
	}
	return map[string]verb{
		"block": enabled(false), "unblock": enabled(true),
		"set": func(_ context.Context, p *fieldPlay, s step) error {
			return p.tenant.Update(p.idOf(s.Who), func(u graph.User) { maps.Copy(u, s.Set) })
		},
		"hire": func(_ context.Context, p *fieldPlay, s step) error {
			id, err := p.tenant.Create(s.Set)
			p.named(s.Who, id)
			return err
		},
		"delete":  func(_ context.Context, p *fieldPlay, s step) error { return p.tenant.Delete(p.idOf(s.Who)) },
		"restore": func(_ context.Context, p *fieldPlay, s step) error { return p.tenant.Restore(p.idOf(s.Who)) },
		"purge":   func(_ context.Context, p *fieldPlay, s step) error { return p.tenant.Purge(p.idOf(s.Who)) },
		"assign": func(_ context.Context, p *fieldPlay, s step) error {
			return p.tenant.Assign(p.idOf(s.Who), graph.DefaultAccess)
		},
		"unassign": func(_ context.Context, p *fieldPlay, s step) error {
			return p.tenant.Unassign(p.idOf(s.Who), graph.DefaultAccess)
		},
		"block each": func(_ context.Context, p *fieldPlay, s step) error {
			for _, name := range s.With {
				if err := p.tenant.Update(p.idOf(name), func(u graph.User) { u["accountEnabled"] = false }); err != nil {
					return err
				}
			}
			return nil
		},
		// Each of the crowd gets the properties, in which # is its number.
		"crowd": func(_ context.Context, p *fieldPlay, s step) error {
			for n := range p.of.Entra.Crowd {
				err := p.tenant.Update(p.idOf(fmt.Sprintf("user%03d", n+1)), func(u graph.User) {
					for name, value := range s.Set {
						if text, ok := value.(string); ok {
							value = strings.ReplaceAll(text, "#", fmt.Sprintf("%03d", n+1))
						}
						u[name] = value
					}
				})
				if err != nil {
					return err
				}
				time.Sleep(time.Duration(s.Every))
			}
			return nil
		},
	}
}

// inGroups is what happens to groups.
func inGroups() map[string]verb {
	return map[string]verb{
		"set group": func(_ context.Context, p *fieldPlay, s step) error {
			return p.tenant.UpdateGroup(p.idOf(s.Who), func(g graph.Group) { maps.Copy(g, s.Set) })
		},
		"form": func(_ context.Context, p *fieldPlay, s step) error {
			id, err := p.tenant.CreateGroup(s.Set)
			if err != nil {
				return err
			}
			p.named(s.Who, id)
			return p.addMembers(s.Who, s.With)
		},
		"join": func(_ context.Context, p *fieldPlay, s step) error { return p.addMembers(s.Who, s.With) },
		"leave": func(_ context.Context, p *fieldPlay, s step) error {
			return p.tenant.RemoveMembers(p.idOf(s.Who), p.idsOf(s.With)...)
		},
		"delete group":  func(_ context.Context, p *fieldPlay, s step) error { return p.tenant.DeleteGroup(p.idOf(s.Who)) },
		"restore group": func(_ context.Context, p *fieldPlay, s step) error { return p.tenant.RestoreGroup(p.idOf(s.Who)) },
		"purge group":   func(_ context.Context, p *fieldPlay, s step) error { return p.tenant.PurgeGroup(p.idOf(s.Who)) },
	}
}

// elsewhere is what happens on the way, in Webex, and by an operator.
func elsewhere() map[string]verb {
	tenant := func(do func(*graph.Tenant)) verb {
		return func(_ context.Context, p *fieldPlay, _ step) error {
			do(p.tenant)
			return nil
		}
	}
	return map[string]verb{
		"silence":     tenant(func(t *graph.Tenant) { t.Silence(true) }),
		"speak":       tenant(func(t *graph.Tenant) { t.Silence(false) }),
		"unsubscribe": tenant((*graph.Tenant).DropSubscriptions),
		"lose":        tenant((*graph.Tenant).LoseCursors),
		"webex":       func(ctx context.Context, p *fieldPlay, s step) error { return p.byHand(ctx, s) },
		"compare":     func(ctx context.Context, p *fieldPlay, _ step) error { return p.compare(ctx) },
		"mark": func(_ context.Context, p *fieldPlay, s step) error {
			p.marks[s.Who] = time.Now()
			return nil
		},
		"look": func(ctx context.Context, p *fieldPlay, s step) error {
			p.expect(ctx, s.Want, s.Who)
			return nil
		},
		"repeat": func(ctx context.Context, p *fieldPlay, s step) error {
			for range s.Times {
				p.play(ctx, s.Steps)
				time.Sleep(time.Duration(s.Every))
			}
			return nil
		},
		"pause": func(ctx context.Context, p *fieldPlay, s step) error {
			return p.sides.Pause(ctx, pause.Side(s.Who), pause.Pause{Since: time.Now(), Why: "maintenance", ByOperator: true})
		},
		"resume": func(ctx context.Context, p *fieldPlay, s step) error { return p.sides.Resume(ctx, pause.Side(s.Who)) },
		"clear guard": func(ctx context.Context, p *fieldPlay, _ step) error {
			_, err := (&provision.Guard{Documents: p.ledger}).Clear(ctx)
			return err
		},
		"approve": func(ctx context.Context, p *fieldPlay, _ step) error {
			for _, r := range p.held(ctx) {
				if r.Rejected != nil {
					continue
				}
				c, err := provision.Approve(ctx, p.ledger, r.Object, r.Hold.Operation, time.Now())
				if err == nil {
					err = queue.Changes{Queue: p.changes}.Enqueue(ctx, []change.Change{c})
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
		// What is held of the first one.
		"reject first": func(ctx context.Context, p *fieldPlay, _ step) error {
			held := p.held(ctx)
			if len(held) == 0 {
				return errors.New("nothing is held")
			}
			return provision.Reject(ctx, p.ledger, held[0].Object, held[0].Hold.Operation, time.Now())
		},
		"rest": func(context.Context, *fieldPlay, step) error {
			time.Sleep(90 * time.Second)
			return nil
		},
		"reject": func(ctx context.Context, p *fieldPlay, s step) error {
			return provision.Reject(ctx, p.ledger, p.object(s.Who), provision.Disabling, time.Now())
		},
	}
}

// compare has everything compared, and waits for the end of that and of what it
// queued.
func (p *fieldPlay) compare(ctx context.Context) error {
	asked := time.Now()
	if err := p.requests.Request(ctx, "the story asks for it"); err != nil {
		return err
	}
	for range 180 {
		time.Sleep(time.Minute)
		state, err := p.sweeps.State(ctx)
		if err != nil {
			return err
		}
		if state.Last != nil && state.Last.At.After(asked) {
			time.Sleep(2 * time.Minute)
			return nil
		}
	}
	return fmt.Errorf("not compared within three hours\n%s", p.story())
}
