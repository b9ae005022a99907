package provision_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// keeps has the world note what is told to be kept, call by call.
func keeps(calls *[][]provision.Attempt) func(*provision.Config) {
	return func(c *provision.Config) {
		c.Keep = func(_ context.Context, attempts []provision.Attempt) { *calls = append(*calls, slices.Clone(attempts)) }
	}
}

// Bob takes Ada's name, and is named before her: she is no part of what was asked for.
func TestABatchIsKeptAtOnceWithThoseWhoHadToMakeRoom(t *testing.T) {
	t.Parallel()
	var calls [][]provision.Attempt
	w := staff(t, keeps(&calls))
	w.tenant.users[ada].name = "ada.byron@example.com"
	w.tenant.users[bob].name = "ada@example.com"
	calls = nil
	w.converge(updated(bob), updated(cyd))
	if len(calls) != 1 {
		t.Fatalf("kept by %d calls, want 1", len(calls))
	}
	var kept []string
	for _, a := range calls[0] {
		kept = append(kept, a.Object.ID)
		if a.Finished.IsZero() {
			t.Errorf("%s is kept before it is over", a.Object)
		}
	}
	if diff := cmp.Diff([]string{bob, cyd, ada}, kept); diff != "" {
		t.Error(diff)
	}
}

func TestAttemptsAreKeptForAMomentAfterTheirDeadline(t *testing.T) {
	t.Parallel()
	var left time.Duration
	w := staff(t, func(c *provision.Config) {
		c.Keep = func(ctx context.Context, _ []provision.Attempt) {
			end, ok := ctx.Deadline()
			if left = time.Until(end); ctx.Err() != nil || !ok {
				t.Errorf("the context has ended (%v), or never does", ctx.Err())
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w.Converge(ctx, []change.Change{updated(ada)})
	if left <= time.Second || left > 5*time.Second {
		t.Errorf("%s are left to keep them", left)
	}
}

func TestALogThatPanicsIsNobodysFault(t *testing.T) {
	t.Parallel()
	w := staff(t, func(c *provision.Config) {
		c.Keep = func(context.Context, []provision.Attempt) { panic("full") }
	})
	w.tenant.users[ada].surname = "Byron"
	if a := w.converge(updated(ada))[0]; a.Status != provision.Success {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestAnAttemptTellsWhatTheObjectIsCalledOnBothSides(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.tenant.users[ada].surname = "Byron"
	want := provision.Names{DisplayName: "Given Surname", UserPrincipalName: "ada@example.com", Webex: "ada@example.com"}
	if diff := cmp.Diff(want, w.converge(updated(ada))[0].Names); diff != "" {
		t.Error(diff)
	}
	w.tenant.users[ada].binned = true // then Entra shows no name
	if diff := cmp.Diff(provision.Names{Webex: "ada@example.com"}, w.converge(updated(ada))[0].Names); diff != "" {
		t.Error(diff)
	}
}

func TestAnAttemptNamesWhomItAddedAndRemoved(t *testing.T) {
	t.Parallel()
	w := staff(t)
	w.team(sales, "Sales", ada)
	if a := w.formed(sales); !slices.Equal(a.Joined, []string{ada}) || a.Left != nil {
		t.Errorf("joined %v, left %v", a.Joined, a.Left)
	}
	w.team(sales, "Sales", bob)
	c := changed(sales)
	c.Members = []string{ada, bob}
	a := w.converge(c)[0]
	if !slices.Equal(a.Joined, []string{bob}) || !slices.Equal(a.Left, []string{ada}) {
		t.Errorf("joined %v, left %v", a.Joined, a.Left)
	}
}

func TestAnAttemptTellsTheRequestIDOfEveryRefusal(t *testing.T) {
	t.Parallel()
	said := func(id string, kind provision.FaultKind) *provision.Fault {
		return &provision.Fault{Kind: kind, Reason: "400 (title)", From: provision.Webex, RequestID: id}
	}
	t.Run("of a write and of the one without what was refused", func(t *testing.T) {
		t.Parallel()
		w := staff(t)
		w.tenant.users[ada].surname = "Byron"
		ids := []string{"first", "second"}
		w.org.answer = func(_ provision.Operation, done bool) error {
			if done {
				return nil
			}
			id := ids[0]
			ids = ids[1:]
			if id == "first" {
				return provision.Answered(provision.NoTarget, "400", said(id, provision.Permanent))
			}
			return said(id, provision.Throttled)
		}
		want := []provision.Refusal{
			{From: provision.Webex, RequestID: "first", Step: provision.Export, Label: "permanent"},
			{From: provision.Webex, RequestID: "second", Step: provision.Export, Label: "throttled"},
		}
		if diff := cmp.Diff(want, w.converge(updated(ada))[0].Refusals); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("of a reading", func(t *testing.T) {
		t.Parallel()
		w := staff(t)
		w.tenant.users[ada].fault = &provision.Fault{Kind: provision.Transient, From: provision.Graph, RequestID: "graph"}
		want := []provision.Refusal{{From: provision.Graph, RequestID: "graph", Step: provision.Import, Label: "transient"}}
		if diff := cmp.Diff(want, w.converge(updated(ada))[0].Refusals); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("of single members", func(t *testing.T) {
		t.Parallel()
		w := staff(t)
		w.team(sales, "Sales", ada, bob)
		w.org.refuse = map[string]error{
			w.record(change.Object{Kind: change.User, ID: ada}).WebexID: said("ada", provision.Permanent),
			w.record(change.Object{Kind: change.User, ID: bob}).WebexID: provision.Answered(provision.Gone, "404", said("bob", provision.Permanent)),
		}
		var ids []string
		for _, r := range w.converge(changed(sales))[0].Refusals {
			ids = append(ids, r.RequestID)
		}
		slices.Sort(ids)
		if diff := cmp.Diff([]string{"ada", "bob"}, ids); diff != "" {
			t.Error(diff)
		}
	})
}
