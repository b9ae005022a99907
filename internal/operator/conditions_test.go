package operator

import (
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/renew"
	"entrawebex/internal/sweep"
)

func TestAllIsNotWellWhileAConditionLasts(t *testing.T) {
	t.Parallel()
	failing := condition.Failing{Since: now.Add(-passing), Error: "502"}
	young := condition.Failing{Since: now.Add(-passing + 1), Error: "502"}
	subscription := func(id string, ends time.Time, failing condition.Failing) Status {
		return Status{Subscriptions: []renew.SubscriptionState{{Resource: "users", ID: id, ExpiresAt: ends, Failing: failing}}}
	}
	job := func(j condition.Job) Status { return Status{Jobs: []Job{{condition.Renewing, j}}} }
	serving := func(is bool, s Status) Status {
		s.Served = &is
		return s
	}
	later := now.Add(time.Hour)
	for _, test := range []struct {
		name   string
		status Status
		want   string
	}{
		{"a side is paused", Status{Paused: pause.State{pause.Webex: {Since: now, Why: "401"}}}, "webex is paused until it answers again: 401"},
		{"a side was paused", Status{Paused: pause.State{pause.Webex: {Since: now, ByOperator: true, Why: "maintenance"}}}, "webex is paused until entrawebex resume webex: maintenance"},
		{"the guard is latched", Status{GuardLatchedSince: now}, "the guard is latched: look at entrawebex holds, then entrawebex guard clear"},
		{"an account is open", Status{Open: sweep.Named{Count: 2}}, "2 accounts open in Webex that must not be: entrawebex reconcile closes what no setting leaves open"},
		{"somebody was shut out by hand", Status{ShutOut: sweep.Named{Count: 1}}, ""},
		{"no subscription", subscription("", time.Time{}, condition.Failing{Since: now}), "the subscription to users is missing"},
		{"a subscription that is just being made", subscription("", time.Time{}, condition.Failing{}), ""},
		{"a subscription past its end", subscription("s", now, condition.Failing{}), "the subscription to users has ended"},
		{
			"a subscription that an operator has left",
			Status{Subscribed: true, Subscriptions: []renew.SubscriptionState{{Resource: "users", LeftUntil: later}}},
			"the subscription to users was removed by entrawebex uninstall: whatever runs after 2026-03-02T10:00:00Z subscribes again",
		},
		{"a subscription that delivers", subscription("s", later, condition.Failing{}), ""},
		{"one that is refused for a moment", subscription("s", later, condition.Failing{Since: now.Add(-time.Minute)}), "retried: to keep the subscription to users"},
		{"one that is refused for ten minutes", subscription("s", later, failing), "the subscription to users cannot be kept: 502"},
		{"subscriptions that were just seen", Status{Subscribed: true, Alive: renew.Alive{At: now.Add(-2 * time.Minute), Interval: time.Minute}}, ""},
		{
			"subscriptions that nobody has seen of late",
			Status{Subscribed: true, Alive: renew.Alive{At: now.Add(-2*time.Minute - 1), Interval: time.Minute}},
			"the subscriptions were last seen alive at 2026-03-02T08:57:59Z: see that a process runs (entrawebex run, or the function renew)",
		},
		{
			"subscriptions that nobody has ever seen",
			Status{Subscribed: true},
			"the subscriptions were never seen alive: see that a process runs (entrawebex run, or the function renew)",
		},
		{"none are wanted", Status{Alive: renew.Alive{At: now.Add(-time.Hour), Interval: time.Minute}}, ""},
		{"looks for changes fail", Status{Compared: sweep.State{Rounds: []reconcile.RoundState{{Of: "users", Failing: failing}}}}, "looking for changes of users fails: 502"},
		{"looks for changes fail for a moment", Status{Compared: sweep.State{Rounds: []reconcile.RoundState{{Of: "users", Failing: young}}}}, "retried: looking for changes of users fails: 502"},
		{"a job that was just done", job(condition.Job{Last: now, Within: time.Minute}), ""},
		{"a job that is late", job(condition.Job{Last: now.Add(-time.Minute - 1), Within: time.Minute}), "nothing tried to renew since 2026-03-02T08:58:59Z: " + start},
		{"a job that was never done", job(condition.Job{}), "nothing has begun to renew: " + start},
		{"a job that was not done yet", serving(true, job(condition.Job{})), "retried: it has yet to renew"},
		{"a job that fails for a moment", job(condition.Job{Failing: young}), "retried: to renew fails: 502"},
		{"a job that fails", job(condition.Job{Failing: failing}), "to renew fails: 502"},
		{"no process", serving(false, job(condition.Job{})), "no process serves this data: start entrawebex run"},
		{"a comparison that is asked for", Status{Compared: sweep.State{Due: now.Add(-24 * time.Hour)}}, ""},
		{"one that does not come", Status{Compared: sweep.State{Due: now.Add(-24*time.Hour - time.Second)}}, "a comparison of everything is due since 2026-03-01T08:59:59Z and comes to no end"},
		{"the comparison fails", Status{Compared: sweep.State{Failing: failing}}, "comparing everything fails: 502"},
		{"the secret ends", Status{Secret: Secret{Warning: "make another"}}, "Entra's client secret ends: make another"},
		{"the certificate ends", Status{Secret: Secret{Credential: renew.Certificate, Warning: "make another"}}, "Entra's certificate ends: make another"},
		{"the token ends", Status{Token: Token{Warning: "make another"}}, "the Webex token ends: make another"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.status.Compared.Last = &sweep.Finished{At: now}
			test.status.attend(now)
			got := strings.Join(test.status.Attention, "; ")
			if len(test.status.Retried) > 0 {
				got += "retried: " + strings.Join(test.status.Retried, "; ")
			}
			if got != test.want || test.status.AllIsWell != (test.want == "") {
				t.Errorf("%q, want %q; all is well: %v", got, test.want, test.status.AllIsWell)
			}
		})
	}
}

func TestAnOpenAccountIsToldUntilItIsClosedOrItsPersonEntitled(t *testing.T) {
	t.Parallel()
	ended := now.Add(-30 * time.Minute)
	began := ended.Add(-30 * time.Minute)
	record := func(open bool, concluded time.Time, edits ...func(*provision.Record)) provision.Record {
		r := provision.Record{WebexID: "w", Concluded: concluded, LastWritten: map[string]any{"active": open}}
		for _, edit := range edits {
			edit(&r)
		}
		return r
	}
	for _, test := range []struct {
		name         string
		record       provision.Record
		open, spared int
	}{
		{"closed since", record(false, now), 0, 0},
		{"closed while it was compared", record(false, began.Add(1)), 0, 0},
		{"closed before", record(false, began), 1, 0},
		{"entitled since", record(true, now), 0, 0},
		{"entitled while it was compared, and perhaps not after", record(true, ended), 1, 0},
		{"linked to nothing any more", provision.Record{Concluded: began.Add(1)}, 0, 0},
		{"held", record(false, now, func(r *provision.Record) { r.Hold = &provision.Hold{Operation: provision.Disabling} }), 1, 0},
		{"blocked and held, and told as that", record(false, now, func(r *provision.Record) {
			r.Hold = &provision.Hold{Operation: provision.Disabling, Security: true}
		}), 0, 0},
		{"refused", record(false, now, func(r *provision.Record) { r.OpenFault = &provision.OpenFault{Kind: provision.Transient, Since: now} }), 1, 0},
		{"in doubt", record(false, now, func(r *provision.Record) { r.PendingWrite = &provision.PendingWrite{Since: now} }), 1, 0},
		{"not found in Webex for now", record(true, now, func(r *provision.Record) { r.Missing = &provision.Missing{Since: now} }), 1, 0},
		{"gone from Entra, and looked at again", record(true, now, func(r *provision.Record) { r.Absence = &provision.Absence{Since: now} }), 1, 0},
		{"unassigned, and looked at again", record(true, now, func(r *provision.Record) { r.Unassigned = now }), 1, 0},
		{"spared since", record(true, now, func(r *provision.Record) { r.Spared = &provision.Spared{Since: now, Why: "a setting"} }), 0, 1},
		{"spared before", record(true, began, func(r *provision.Record) { r.Spared = &provision.Spared{Since: began, Why: "a setting"} }), 0, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			last := sweep.Finished{At: ended, Took: ended.Sub(began)}
			last.Open = sweep.Named{Count: 1, IDs: []string{"u"}}
			s := Status{Faults: map[string]int{}, Compared: sweep.State{Last: &last}}
			s.found()
			test.record.Object = change.Object{Kind: change.User, ID: "u"}
			s.count(test.record, now)
			s.forgotten()
			if s.Open.Count != test.open || len(s.Open.IDs) != test.open || s.Spared.Count != test.spared {
				t.Errorf("open: %+v, spared: %+v", s.Open, s.Spared)
			}
			if len(last.Open.IDs) != 1 {
				t.Error("what the comparison found was changed")
			}
		})
	}
}

// The record goes with the account.
func TestAnOpenAccountOfWhichThereIsNoRecordAnyMoreIsToldNoLonger(t *testing.T) {
	t.Parallel()
	last := sweep.Finished{At: now}
	last.Open = sweep.Named{Count: 2, IDs: []string{"u0", "u1"}}
	s := Status{Faults: map[string]int{}, Compared: sweep.State{Last: &last}}
	s.found()
	s.count(provision.Record{Object: change.Object{Kind: change.User, ID: "u0"}, WebexID: "w"}, now)
	s.forgotten()
	if s.Open.Count != 1 || s.Open.IDs[0] != "u0" {
		t.Errorf("open: %+v", s.Open)
	}
}

// No comparison has to have found it: a sweep that spares one counts it as dealt with.
func TestASparedAccountNeedsAPersonWithTheSetting(t *testing.T) {
	t.Parallel()
	records := make([]provision.Record, 102)
	for i := range records {
		records[i].Spared = &provision.Spared{Since: now, Why: "a setting"}
	}
	s := statusOf(records...)
	if s.Spared.Count != 102 || len(s.Spared.First) != 100 || s.Spared.First[1] != (SparedAccount{ID: "u1", Spared: *records[0].Spared}) {
		t.Errorf("%+v", s.Spared)
	}
	if want := "102 accounts open in Webex that must not be: entrawebex reconcile closes what no setting leaves open"; strings.Join(s.Attention, "; ") != want || s.AllIsWell {
		t.Errorf("%q", s.Attention)
	}
}
