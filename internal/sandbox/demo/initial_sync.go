package demo

import (
	"context"
	"fmt"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

// initialSync waits for the initial sync, and blocks people while it runs: a leaver must
// not wait behind ten thousand others.
func (d *demo) initialSync(ctx context.Context) error {
	a := d.report.begin(&act{title: "The initial sync of everybody", many: d.options.Users, whole: true})
	synced := func() bool {
		state, err := d.process.Sweeps.State(ctx)
		if err == nil && state.Running {
			d.report.syncing(a, state.Progress)
		}
		return err == nil && state.Last != nil
	}
	blocking, stop := context.WithCancel(ctx)
	defer stop()
	blocked := make(chan error, 1)
	go func() { blocked <- d.blockSome(blocking) }()
	const longest = 30 * time.Minute
	if err := sandbox.Wait(ctx, longest, synced); err != nil {
		return fmt.Errorf("initial sync: %w", err)
	}
	stop()
	if err := <-blocked; err != nil {
		return err
	}
	d.report.end(a, true)
	return nil
}

// few are the people who are blocked and let in again during the initial sync: the
// guard counts each of them once.
const few = 8

// blockSome blocks and unblocks those of the first few people who are in Webex
// already, one after the other, until the context ends. All are let in at the
// end.
func (d *demo) blockSome(ctx context.Context) error {
	var people []graph.User
	for _, u := range d.Tenant.Users() {
		if u.Enabled() && len(people) < few {
			people = append(people, u)
		}
	}
	for turn := 0; ctx.Err() == nil; turn++ {
		id := people[turn%len(people)].Text("id")
		if !d.becomes(ctx, id, true) {
			break // the sync is over, or this one never comes
		}
		for _, enabled := range []bool{false, true} {
			if err := d.Tenant.Update(id, func(u graph.User) { u["accountEnabled"] = enabled }); err != nil {
				return err
			}
			d.becomes(ctx, id, enabled) // both sides are compared at the end of the day
		}
	}
	return nil
}

// becomes waits until the ledger says that Webex has the account so, and reports
// whether it did.
func (d *demo) becomes(ctx context.Context, id string, active bool) bool {
	return sandbox.Wait(ctx, time.Minute, func() bool {
		r, _, err := d.process.Stores.Ledger.Record(ctx, change.Object{Kind: change.User, ID: id})
		return err == nil && r.WebexID != "" && r.LastWritten["active"] == active
	}) == nil
}
