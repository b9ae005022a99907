package ledger_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// dryRun is what a dry run has of a ledger: all but the list of its records.
type dryRun struct {
	*provision.DryRunLedger
	*provision.DryRunDocuments
}

func (dryRun) Records(context.Context, func(provision.Record) error) error { return nil }

func overStored(stored store) dryRun {
	return dryRun{provision.NewDryRunLedger(stored), provision.NewDryRunDocuments(stored)}
}

func TestADryRunKeepsTheLedgersPromises(t *testing.T) {
	t.Parallel()
	promises(t, func(t *testing.T) opened {
		t.Helper()
		return opened{store: overStored(openBolt(t)), outlasts: 24 * time.Hour}
	})
}

// What is stored is read through a dry run, and is the same after all that a dry run
// may write.
func TestADryRunReadsTheLedgerAndLeavesItAsItIs(t *testing.T) {
	t.Parallel()
	stored := openBolt(t)
	user, leaver, group := newUser(), newUser(), newGroup()
	r := mustLink(t, stored, "a", mustClaim(t, stored, user, "a", begin), "account")
	mustSave(t, stored, "a", r, released(r))
	gone := mustLink(t, stored, "a", mustClaim(t, stored, leaver, "a", begin), "leaving")
	mustSave(t, stored, "a", gone, released(gone))
	mustAwait(t, stored, group, user)
	mustPut(t, stored, "guard", "x", 0)
	before := all(t, stored)

	d := overStored(stored)
	wantLinked(t, d, "account", user)
	wantWebexIDs(t, d, []change.Object{user, leaver}, "account", "leaving")
	wantAwaiting(t, d, user, group)
	wantDocument(t, d, "guard", "x", 1)
	wantEqual(t, mustRecord(t, d, user), released(r))

	now := begin.Add(time.Hour)
	mustLink(t, d, "b", mustClaim(t, d, user, "b", now), "another")
	if err := d.Forget(t.Context(), "b", mustClaim(t, d, leaver, "b", now)); err != nil {
		t.Fatal(err)
	}
	mustClaim(t, d, newUser(), "b", now)
	mustArrive(t, d, user, group)
	mustAwait(t, d, group, leaver)
	mustPut(t, d, "guard", "y", 1)
	wantUnlinked(t, d, "account")
	wantLinked(t, d, "another", user)
	wantAwaiting(t, d, user)
	wantAwaiting(t, d, leaver, group)
	wantDocument(t, d, "guard", "y", 2)

	if diff := cmp.Diff(before, all(t, stored)); diff != "" {
		t.Errorf("a dry run wrote (-before +after):\n%s", diff)
	}
	wantLinked(t, stored, "account", user)
	wantUnlinked(t, stored, "another")
	wantAwaiting(t, stored, user, group)
	wantAwaiting(t, stored, leaver)
	wantDocument(t, stored, "guard", "x", 1)
}

// all are the records of a store.
func all(t *testing.T, s store) map[change.Object]provision.Record {
	t.Helper()
	found := map[change.Object]provision.Record{}
	wantError(t, s.Records(t.Context(), func(r provision.Record) error {
		found[r.Object] = r
		return nil
	}), nil)
	return found
}
