package main

import (
	"context"
	"fmt"
	"time"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/change"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

// dawn waits for the initial sync, and blocks people while it runs: a leaver must
// not wait behind ten thousand others.
func (s stage) dawn(ctx context.Context, p *standalone.Process, show *screen) error {
	show.step("The initial sync: everybody in scope, users before groups")
	show.sync(true)
	began := time.Now()
	synced := func() bool {
		state, err := p.Sweeps.State(ctx)
		if err == nil && state.Running {
			show.syncing(state.Progress)
		}
		return err == nil && state.Last != nil
	}
	blocking, stop := context.WithCancel(ctx)
	defer stop()
	blocked := make(chan error, 1)
	go func() { blocked <- s.blockSome(blocking, p) }()
	const longest = 30 * time.Minute
	if err := sandbox.Wait(ctx, longest, synced); err != nil {
		return fmt.Errorf("initial sync: %w", err)
	}
	stop()
	if err := <-blocked; err != nil {
		return err
	}
	state, err := p.Sweeps.State(ctx)
	if err != nil {
		return err
	}
	show.synced(state.Last.Result, time.Since(began))
	return nil
}

// few are the people who are blocked and let in again during the initial sync: the
// guard counts each of them once.
const few = 8

// blockSome blocks and unblocks those of the first few people who are in Webex
// already, one after the other, until the context ends. All are let in at the
// end.
func (s stage) blockSome(ctx context.Context, p *standalone.Process) error {
	var people []graph.User
	for _, u := range s.Tenant.Users() {
		if u.Enabled() && len(people) < few {
			people = append(people, u)
		}
	}
	for turn := 0; ctx.Err() == nil; turn++ {
		id := people[turn%len(people)].Text("id")
		if !becomes(ctx, p, id, true) {
			break // the sync is over, or this one never comes
		}
		for _, enabled := range []bool{false, true} {
			if err := s.Tenant.Update(id, func(u graph.User) { u["accountEnabled"] = enabled }); err != nil {
				return err
			}
			becomes(ctx, p, id, enabled) // the evening compares
		}
	}
	return nil
}

// becomes waits until the ledger says that Webex has the account so, and reports
// whether it did.
func becomes(ctx context.Context, p *standalone.Process, id string, active bool) bool {
	return sandbox.Wait(ctx, time.Minute, func() bool {
		r, _, err := p.Stores.Ledger.Record(ctx, change.Object{Kind: change.User, ID: id})
		return err == nil && r.WebexID != "" && r.LastWritten["active"] == active
	}) == nil
}
