package simulation_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/internal/app"
	"entrawebex/internal/config"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sweep"
)

const (
	// scheduled is the time between two runs of what is scheduled.
	scheduled = time.Minute
	// slack is how long after the last fault a job may still be held up: frozen
	// for seven minutes, or waiting for the claim of one that died, fifteen.
	slack = 25 * time.Minute
	// idle is the time between two runs once nothing more is to be expected of
	// them: a deleted user may be waited for a day.
	idle = 20 * time.Minute
)

// tick waits for the next run of what is scheduled, of which several begin at
// about the same moment.
func (s *storm) tick(ctx context.Context) error {
	every := scheduled
	if s.isCalm() {
		every = idle
	}
	now := time.Now()
	return s.sleep(ctx, now.Truncate(every).Add(every).Sub(now)+time.Duration(s.dice.IntN(int(100*time.Millisecond))))
}

// run runs a job once, for as long as a function may, or until it is killed.
func (s *storm) run(ctx context.Context, name string, job func(context.Context) error) {
	one, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.unique(15*time.Minute))
	defer cancel()
	if err := job(one); err != nil {
		s.tellf("%s: %v", name, err)
	}
}

// reconcile is what finds what was not told, as the function does.
func (s *storm) reconcile(ctx context.Context) {
	wire, kept, changes := s.wire(), s.store(), s.mailbox()
	changes.oneIn = 15 // it has few
	parts := &app.Parts{
		Settings: s.settings(), Rules: s.rules, Graph: s.directory(wire), Webex: s.target(wire), Ledger: kept, Queue: changes,
		Rests: s.sides().Why, Log: slog.New(slog.DiscardHandler),
	}
	engine := s.newEngine()
	job, sweeps := parts.Reconcile(engine), parts.Sweeps(engine)
	look := func(ctx context.Context) error {
		begun := time.Now()
		err := job.Run(ctx)
		if err == nil {
			s.assignmentsListed(ctx, begun)
		}
		return err
	}
	for s.tick(ctx) == nil {
		s.run(ctx, "reconcile", func(ctx context.Context) error {
			return errors.Join(look(ctx), sweeps.Run(watched(ctx)))
		})
	}
}

// settings are the storm's, as an administrator writes them.
func (s *storm) settings() config.Settings {
	scope := "all"
	if s.assigned {
		scope = "assigned"
	}
	return config.Settings{
		Entra: config.Entra{TenantID: tenantID, AppID: appID}, Scope: scope, DefaultAccess: "include",
		ProvisionGroups: true, NestedGroups: s.nested, GroupSoftDelete: "keep", RepairDrift: s.repairs,
	}
}

// renew is what makes subscriptions anew that were dropped, and ends pauses.
func (s *storm) renew(ctx context.Context) {
	job, recovery := s.renewal(s.wire(), s.store()), s.recovery()
	for s.tick(ctx) == nil {
		s.run(ctx, "renew", func(ctx context.Context) error {
			return errors.Join(recovery.Settle(ctx), job.Run(ctx), recovery.CatchUp(ctx))
		})
	}
}

// lose loses something of what the system learns by that something has changed,
// now and then.
func (s *storm) lose(ctx context.Context) {
	if s.season["ghost subscription"] && s.reconciled && s.dice.IntN(2) == 0 {
		s.tenant.Shorten(time.Hour) // so that they are renewed
	}
	if !s.lossy {
		return
	}
	s.tenant.Silence(s.deaf || s.strikes("silence", 6))
	if s.strikes("subscriptions dropped", 12) {
		s.tenant.DropSubscriptions()
	}
	if s.strikes("delta tokens lost", 25) {
		s.tenant.LoseCursors()
	}
	if s.strikes("document lost", 12) {
		s.loseDocument(ctx)
	}
}

// loseDocument spoils what the reconcile job goes on from.
func (s *storm) loseDocument(ctx context.Context) {
	names := []string{"delta user", "delta group"}
	if s.assigned {
		names = append(names, "assignments", fmt.Sprintf("assignments %d", s.dice.IntN(64)))
	}
	n := s.dice.IntN(len(names))
	name, isCursor := names[n], n < 2
	data, version, err := s.ledger.Document(ctx, name)
	if err != nil {
		s.t.Fatal(err)
	}
	var p map[string]any
	switch how := s.dice.IntN(3); {
	case version == 0:
		return
	case how == 0 && isCursor:
		s.tellf("— %q is deleted", name)
		s.forgetDocument(name)
		return
	case how == 1 && isCursor && json.Unmarshal(data, &p) == nil:
		s.tellf("— %q grows old", name)
		p["at"] = time.Now().Add(-8 * 24 * time.Hour)
		data = try(json.Marshal(p))(s.t)
	default:
		s.tellf("— %q is garbled", name)
		data = []byte("garbled")
	}
	if err = s.ledger.PutDocument(ctx, name, data, version); err != nil {
		s.t.Fatal(err)
	}
}

// forgetDocument takes a document out of the ledger, which itself never does.
func (s *storm) forgetDocument(name string) {
	if err := s.db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("documents")).Delete([]byte(name)) }); err != nil {
		s.t.Fatal(err)
	}
}

// compared reports whether everything has been compared once, from which on delta
// queries tell what happens.
func (s *storm) compared(ctx context.Context) bool {
	schedule := &sweep.Schedule{
		Requests: &sweep.Requests{Documents: s.ledger, Now: time.Now, Log: slog.New(slog.DiscardHandler)}, Now: time.Now,
	}
	return try(schedule.State(ctx))(s.t).Last != nil
}

// mend waits for what was lost to be found: two runs after the last fault, and
// as long as what is queued then takes. Until then Webex need not be what Entra
// says; it fails later.
func (s *storm) mend(ctx context.Context) {
	s.t.Helper()
	until := time.Now().Add(s.patience())
	for time.Now().Before(until) && len(s.unequal()) > 0 {
		s.rest(ctx)
	}
	s.rest(ctx)
}

// patience is how long after the faults Webex may be other than it should be. Of
// what is stale, or was changed by hand, the comparison of every day is the
// remedy; a link that is dead, or a subscription, counts as void after an hour.
func (s *storm) patience() time.Duration {
	patience := slack + 2*scheduled
	for name, more := range map[string]time.Duration{
		"dead link": time.Hour, "ghost subscription": time.Hour,
		"stale read": day, "404 for half an hour": day, "404 of a replica": day,
		"reopened by hand": day, "shut out by hand": day, "title changed by hand": day,
		"address kept": s.kept + day,
	} {
		if s.counts[name] > 0 {
			patience = max(patience, more+slack)
		}
	}
	return patience
}

// day is what a residue of what was stale lives at most.
const day = 24 * time.Hour

// allowed is what may be otherwise in the end: who was deleted for good while
// delta queries had to begin anew stays, if disabled. They list who is there. A
// link that is refused for an hour makes them begin anew, too, and so does one of
// a list without an end, which is void (410) once it has one. Where stale lists are read,
// whoever they made an account for, and nothing else, keeps it closed.
func (s *storm) allowed() []compare.Allowance {
	var allowed []compare.Allowance
	if s.counts["stale read"] > 0 {
		allowed = append(allowed, compare.StaleScope)
	}
	for _, name := range []string{"delta tokens lost", "document lost", "dead link", "endless pages", "repeating pages"} {
		if s.counts[name] > 0 {
			return append(allowed, compare.PendingDelete)
		}
	}
	return allowed
}
