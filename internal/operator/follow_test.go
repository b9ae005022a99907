package operator

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/plan"
)

func TestATimeIsAMomentADayOrHowLongAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"":                          {},
		"2026-03-02":                time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		"2026-03-02T09:30":          time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
		"2026-03-02 09:30":          time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
		"2026-03-02T09:30:15+01:00": time.Date(2026, 3, 2, 8, 30, 15, 0, time.UTC),
		"90m":                       now.Add(-90 * time.Minute),
		"7d":                        now.Add(-7 * 24 * time.Hour),
	} {
		if got, err := Moment(now, "--since", s); err != nil || !got.Equal(want) {
			t.Errorf("%q is %s, %v; want %s", s, got, err, want)
		}
	}
}

// keeping are operations that keep entries as time goes on, each from its time.
type keeping struct {
	Operations

	queued  Provisioning
	entries []history.Entry // the oldest first
}

func (k keeping) Provision(context.Context, ProvisionRequest) (Provisioning, error) {
	return k.queued, nil
}

func (k keeping) History(_ context.Context, r HistoryRequest) (History, error) {
	var found History
	for _, e := range slices.Backward(k.entries) {
		if now := time.Now(); !e.At.After(now) && !e.At.Before(r.Since) && (r.Limit == 0 || len(found.Entries) < r.Limit) {
			found.Entries = append(found.Entries, e)
		}
	}
	return found, nil
}

func (k keeping) with(_ context.Context, do func(Operations) error) error { return do(k) }

// entryOf is one about a user.
func entryOf(id string, at time.Time, status history.Status) history.Entry {
	return history.Entry{
		ID: id, At: at, Source: &history.Identity{Type: "User", ID: id}, Status: history.StatusInfo{Status: status},
	}
}

func TestALogThatIsFollowedTellsTheLastAndThenEachOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		k := keeping{entries: []history.Entry{
			entryOf("older", now.Add(-time.Hour), history.Success), entryOf("last", now, history.Success),
			entryOf("next", now.Add(time.Second), history.Success), entryOf("later", now.Add(time.Hour), history.Success),
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		var told []string
		err := Follow(ctx, k.with, HistoryRequest{Limit: 1}, func(e history.Entry) error {
			told = append(told, e.Source.ID)
			return nil
		})
		if diff := cmp.Diff([]string{"last", "next", "later"}, told); err != nil || diff != "" {
			t.Error(err, diff)
		}
	})
}

func TestWhoeverIsProvisionedNowIsWaitedForUntilItIsTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		user := func(id string) change.Object { return change.Object{Kind: change.User, ID: id} }
		k := keeping{
			queued: Provisioning{Objects: []change.Object{user("soon"), user("failing"), user("late")}},
			entries: []history.Entry{
				entryOf("soon", now.Add(time.Second), history.Success), entryOf("failing", now.Add(2*time.Second), history.Failure),
				entryOf("late", now.Add(time.Hour), history.Success),
			},
		}
		var told []string
		left, failed, err := ProvisionNow(t.Context(), k.with, ProvisionRequest{}, time.Minute, func(e history.Entry) error {
			told = append(told, e.Source.ID)
			return nil
		})
		if diff := cmp.Diff([]string{"soon", "failing"}, told); err != nil || diff != "" || !failed {
			t.Error(failed, err, diff)
		}
		if diff := cmp.Diff([]change.Object{user("late")}, left.Objects); diff != "" || time.Since(now) != time.Minute {
			t.Error(time.Since(now), diff)
		}
	})
}

func TestAMigrationOfAnUnknownScopeIsRefused(t *testing.T) {
	t.Parallel()
	_, err := (&Operator{}).Migration(t.Context(), MigrationRequest{Scope: "half"}, plan.Watcher{})
	if told := asError(err); told == nil || told.Kind != Invalid {
		t.Error(err)
	}
}
