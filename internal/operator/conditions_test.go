package operator

import (
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/renew"
)

func TestAllIsNotWellWhileAConditionLasts(t *testing.T) {
	t.Parallel()
	failing := reconcile.Failing{Since: now.Add(-passing), Error: "502"}
	young := reconcile.Failing{Since: now.Add(-passing + 1), Error: "502"}
	subscription := func(id string, ends time.Time, failing renew.Failing) Status {
		return Status{Subscriptions: []renew.SubscriptionState{{Resource: "users", ID: id, ExpiresAt: ends, Failing: failing}}}
	}
	later := now.Add(time.Hour)
	for _, test := range []struct {
		name   string
		status Status
		want   string
	}{
		{"a side is paused", Status{Paused: pause.State{pause.Webex: {Since: now}}}, "webex is paused"},
		{"the guard is latched", Status{GuardLatchedSince: now}, "the guard is latched"},
		{"an account is open", Status{Open: reconcile.Named{Count: 2}}, "2 accounts open in Webex that must not be"},
		{"somebody was shut out by hand", Status{ShutOut: reconcile.Named{Count: 1}}, ""},
		{"no subscription", subscription("", time.Time{}, renew.Failing{Since: now}), "the subscription to users is missing"},
		{"a subscription that is just being made", subscription("", time.Time{}, renew.Failing{}), ""},
		{"a subscription past its end", subscription("s", now, renew.Failing{}), "the subscription to users has ended"},
		{"a subscription that delivers", subscription("s", later, renew.Failing{}), ""},
		{"one that is refused for a moment", subscription("s", later, renew.Failing{Since: now.Add(-time.Minute)}), ""},
		{"one that is refused for ten minutes", subscription("s", later, renew.Failing(failing)), "the subscription to users cannot be kept"},
		{"looks for changes fail", Status{Compared: reconcile.State{Rounds: []reconcile.RoundState{{Of: "users", Failing: failing}}}}, "looking for changes of users fails"},
		{"looks for changes fail for a moment", Status{Compared: reconcile.State{Rounds: []reconcile.RoundState{{Of: "users", Failing: young}}}}, ""},
		{"the comparison fails", Status{Compared: reconcile.State{Failing: failing}}, "comparing everything fails"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.status.attend(now)
			if got := strings.Join(test.status.Attention, "; "); got != test.want || test.status.AllIsWell != (test.want == "") {
				t.Errorf("%q, want %q; all is well: %v", got, test.want, test.status.AllIsWell)
			}
		})
	}
}

func TestAnOpenAccountIsToldUntilItWasWrittenInactive(t *testing.T) {
	t.Parallel()
	began := now.Add(-time.Hour)
	closed := provision.Record{Concluded: now, Written: map[string]any{"active": false}}
	with := func(edit func(*provision.Record)) provision.Record {
		r := closed
		edit(&r)
		return r
	}
	for _, test := range []struct {
		name   string
		record provision.Record
		open   int
	}{
		{"closed since", closed, 0},
		{"looked at before", with(func(r *provision.Record) { r.Concluded = began }), 1},
		{"held", with(func(r *provision.Record) { r.Hold = &provision.Hold{Operation: provision.Disabling} }), 1},
		{"blocked and held, and told as that", with(func(r *provision.Record) {
			r.Hold = &provision.Hold{Operation: provision.Disabling, Security: true}
		}), 0},
		{"refused", with(func(r *provision.Record) { r.Trouble = &provision.Trouble{Kind: provision.Transient, Since: now} }), 1},
		{"in doubt", with(func(r *provision.Record) { r.Doubt = &provision.Doubt{Since: now} }), 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			last := reconcile.Finished{At: now.Add(-30 * time.Minute), Took: 30 * time.Minute}
			last.Open = reconcile.Named{Count: 1, IDs: []string{"u"}}
			s := Status{Faults: map[string]int{}, Compared: reconcile.State{Last: &last}}
			s.found()
			test.record.Object = change.Object{Kind: change.User, ID: "u"}
			s.count(test.record, now)
			if s.Open.Count != test.open || len(s.Open.IDs) != test.open {
				t.Errorf("open: %+v", s.Open)
			}
			if len(last.Open.IDs) != 1 {
				t.Error("what the comparison found was changed")
			}
		})
	}
}
