package history_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// rules let the values of the title be kept, and no others.
func rules(t *testing.T) mapping.Rules {
	t.Helper()
	r, err := mapping.Parse(bytes.Replace(infra.Provisioning(), []byte("- { target: userName,"),
		[]byte("- { target: title, source: jobTitle, log: values }\n    - { target: userName,"), 1))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func attempt(amend func(*provision.Attempt)) provision.Attempt {
	a := provision.Attempt{
		Object: user(1), Action: provision.None, Status: provision.Success, WebexID: "w",
		Names:   provision.Names{DisplayName: "Ada", UserPrincipalName: "ada@example.com", Webex: "ada.webex@example.com"},
		Causes:  []change.Change{{Object: user(1), Source: change.Notification, SeenAt: noon.Add(-2 * time.Second), CorrelationID: "c"}},
		Started: noon.Add(-time.Second), Finished: noon,
	}
	amend(&a)
	return a
}

func of(t *testing.T, amend func(*provision.Attempt)) history.Entry {
	t.Helper()
	e, idle := history.Of(attempt(amend), "id", history.Terms{TenantID: "t", CycleID: "y", Rules: rules(t)})
	if idle != "" {
		t.Fatalf("it is counted as %q", idle)
	}
	return e
}

func TestAnAttemptThatFoundNothingToDoIsCounted(t *testing.T) {
	t.Parallel()
	fault := func(kind provision.FaultKind, err error) *provision.Fault {
		return &provision.Fault{Kind: kind, Reason: "r", Err: err}
	}
	for _, test := range []struct {
		name  string
		amend func(*provision.Attempt)
		idle  string
	}{
		{"that Webex has it", func(a *provision.Attempt) { a.Redundant = true }, "RedundantExport"},
		{"that it was skipped", func(a *provision.Attempt) {
			a.Status, a.Verdict = provision.Skipped, scoping.Verdict{Decision: scoping.Skip, Reason: scoping.NotAssigned}
		}, "not assigned"},
		{"that it was left alone", func(a *provision.Attempt) { a.Status = provision.Skipped }, "EntrySynchronizationSkipped"},
		{"that another is at it", func(a *provision.Attempt) {
			a.Status, a.Fault = provision.Failure, fault(provision.Transient, provision.ErrClaimed)
		}, "being worked on"},
		{"a write", func(a *provision.Attempt) { a.Action = provision.Update }, ""},
		{"a member added", func(a *provision.Attempt) { a.Members.Added = 1 }, ""},
		{"a fault", func(a *provision.Attempt) { a.Status, a.Fault = provision.Failure, fault(provision.Throttled, nil) }, ""},
		{"a wait", func(a *provision.Attempt) { a.Status, a.Again = provision.Warning, time.Minute }, ""},
		{"what an operator asked for", func(a *provision.Attempt) { a.Redundant, a.Causes[0].Source = true, change.OnDemand }, ""},
		{"a replay", func(a *provision.Attempt) { a.Redundant, a.Causes[0].Replayed = true, true }, ""},
	} {
		if _, idle := history.Of(attempt(test.amend), "id", history.Terms{}); idle != test.idle {
			t.Errorf("%s: %q, want %q", test.name, idle, test.idle)
		}
	}
}

// Each case says which part of the entry it is about.
func TestAnAttemptIsToldInTheWordsOfEntra(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		amend func(*provision.Attempt)
		part  func(history.Entry) any
		want  string
	}{
		{"what was done, and both sides", func(a *provision.Attempt) { a.Action = provision.Disable }, func(e history.Entry) any {
			return []any{e.ID, e.At, e.TenantID, e.ChangeID, e.CycleID, e.Action, e.Took, e.InitiatedBy, e.Source, e.Target, e.Cause, e.Status}
		}, `["id","2026-03-31T12:00:00Z","t","c","y","disable",1000,{"displayName":"entrawebex","initiatorType":"system"},` +
			`{"identityType":"User","id":"5b6e7a8c-1d2e-4f30-9a41-000000000001","displayName":"Ada","userPrincipalName":"ada@example.com"},` +
			`{"identityType":"User","id":"w","displayName":"ada.webex@example.com"},"notification",{"status":"success"}]`},
		{"no account", func(a *provision.Attempt) {
			a.Action, a.WebexID, a.Names.Webex = provision.Delete, "", ""
		}, func(e history.Entry) any { return e.Target }, `null`},
		{"values that may be kept", func(a *provision.Attempt) {
			a.Modified = []provision.Modified{{Attribute: "title", Old: "a", New: "b"}, {Attribute: "displayName", Old: "a", New: "b"}, {Attribute: "active", Old: true, New: false}}
		}, func(e history.Entry) any { return e.Modified }, `[{"displayName":"title","oldValue":"a","newValue":"b"},{"displayName":"displayName"},{"displayName":"active","oldValue":true,"newValue":false}]`},
		{"the steps", func(a *provision.Attempt) {
			a.Action = provision.Update
			a.Steps = []provision.ProvisioningStep{{Name: provision.ReferenceResolution, Status: provision.Warning, Description: "2 members\x1b[31m"}}
		}, func(e history.Entry) any { return e.Steps }, `[{"provisioningStepType":"referenceResolution","status":"warning","description":"2 members [31m"}]`},
		{"members", func(a *provision.Attempt) {
			a.Members, a.Joined, a.Left = provision.MemberCount{Added: 1, Removed: 2, Waiting: 3, Skipped: 4}, []string{"x"}, []string{"y", "z"}
		}, func(e history.Entry) any { return e.Members }, `{"added":1,"removed":2,"waiting":3,"skipped":4,"addedMembers":[{"id":"x"}],"removedMembers":[{"id":"y"},{"id":"z"}]}`},
		{"those with whom a group was made", func(a *provision.Attempt) {
			a.Action, a.Joined = provision.Create, []string{"x"}
		}, func(e history.Entry) any { return e.Members }, `{"added":1,"removed":0,"addedMembers":[{"id":"x"}]}`},
		{"the refusals", func(a *provision.Attempt) {
			a.Action = provision.Update
			a.Refusals = []provision.Refusal{{From: provision.Webex, RequestID: "ATLAS_1", Step: provision.Export, Label: "exists"}}
		}, func(e history.Entry) any { return e.Refusals }, `[{"system":"Webex","requestId":"ATLAS_1","provisioningStepType":"export","kind":"exists"}]`},
		{"the latency", func(a *provision.Attempt) {
			a.Action, a.Exported = provision.Update, noon.Add(-500*time.Millisecond)
		}, func(e history.Entry) any { return e.Latency }, `1500`},
		{"no latency of what was not written", func(a *provision.Attempt) { a.Status = provision.Warning }, func(e history.Entry) any { return e.Latency }, `null`},
		{"when it is tried again", func(a *provision.Attempt) {
			a.Status, a.Again = provision.Warning, time.Minute
		}, func(e history.Entry) any { return e.RetryAt }, `"2026-03-31T12:01:00Z"`},
		{"when it is queued again", func(a *provision.Attempt) {
			a.Status, a.Later = provision.Warning, noon.Add(time.Hour)
		}, func(e history.Entry) any { return e.RetryAt }, `"2026-03-31T13:00:00Z"`},
		{"why it was disabled", func(a *provision.Attempt) {
			a.Action, a.Verdict = provision.Disable, scoping.Verdict{Decision: scoping.Deactivate, Reason: scoping.LeftFilter, Clauses: "department EQUALS Sales"}
		}, func(e history.Entry) any { return e.Status }, `{"status":"success","errorInformation":{"errorCode":"NotEffectivelyEntitled","reason":"left the scoping filter","additionalDetails":"department EQUALS Sales","errorCategory":"nonServiceFailure"}}`},
		{"what is wrong, and what to do", func(a *provision.Attempt) {
			a.Status, a.Reason, a.Fault = provision.Failure, "400", &provision.Fault{Kind: provision.Permanent}
		}, func(e history.Entry) any { return []any{e.Status, e.Fault} }, `[{"status":"failure","errorInformation":{"errorCode":"UnprocessableEntity","reason":"400",` +
			`"recommendedAction":"mend what the reason says, then entrawebex replay --filter object=5b6e7a8c-1d2e-4f30-9a41-000000000001","errorCategory":"nonServiceFailure"}},"permanent"]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(test.part(of(t, test.amend)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestACauseIsWhatNoticedTheChange(t *testing.T) {
	t.Parallel()
	for want, c := range map[history.Cause]change.Change{
		history.Notification: {Source: change.Notification}, history.Engine: {Source: change.Engine}, history.Comparison: {Source: change.Comparison},
		history.Delta: {Source: change.Reconcile}, history.Assignment: {Source: change.Reconcile, Nominated: change.Out},
		history.OnDemand: {Source: change.OnDemand}, history.Replay: {Source: change.Notification, Replayed: true},
	} {
		if got := of(t, func(a *provision.Attempt) { a.Action, a.Causes[0] = provision.Update, c }).Cause; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestEveryFaultHasACodeAndAMend(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		fault            provision.Fault
		code, says, kind string
	}{
		{provision.Fault{Kind: provision.Throttled}, "TooManyRequests", "nothing: it is", "failure"},
		{provision.Fault{Kind: provision.Transient}, "InternalError", "nothing: it is", "failure"},
		{provision.Fault{Kind: provision.Transient, Pending: true}, "Timeout", "nothing: it is", "failure"},
		{provision.Fault{Kind: provision.Transient, Foreign: true}, "WebExceptionProtocolError", "nothing: it is", "failure"},
		{provision.Fault{Kind: provision.Transient, GivenUp: true}, "InternalError", "once the side has recovered: entrawebex replay", "failure"},
		{provision.Fault{Kind: provision.Permanent}, "UnprocessableEntity", "mend what", "nonServiceFailure"},
		{provision.Fault{Kind: provision.Permanent, Code: provision.Twin}, "DuplicateSourceEntries", "mend what", "nonServiceFailure"},
		{provision.Fault{Kind: provision.Transient, Code: provision.Taken}, "EntryConflict", "nothing: it is", "failure"},
		{provision.Fault{Kind: provision.Transient, Code: provision.Linked}, "EntryConflict", "nothing: it is", "failure"},
		{provision.Fault{Kind: provision.Transient, Code: provision.NotThere}, "InvalidAnchor", "nothing: it is", "failure"},
		{provision.Fault{Kind: provision.Transient, Code: provision.Conflict}, "Conflict", "nothing: it is", "failure"},
		{provision.Fault{Kind: provision.Unauthorized}, "Unauthorized", "mend the credentials", "nonServiceFailure"},
		{provision.Fault{Kind: provision.Held}, "StagedAction", "entrawebex holds", "nonServiceFailure"},
	} {
		e := of(t, func(a *provision.Attempt) { a.Status, a.Fault = provision.Failure, &test.fault })
		if got := e.Status.Error; got.Code != test.code || !strings.Contains(got.Recommended, test.says) || got.Category != test.kind {
			t.Errorf("%+v: %+v", test.fault, got)
		}
	}
}

// An item of DynamoDB has 400 KB.
func TestAnEntryIsNeverTooLargeToKeep(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<é>", 2_000)
	e := of(t, func(a *provision.Attempt) {
		a.Status, a.Reason, a.Fault = provision.Failure, long, &provision.Fault{Kind: provision.Permanent}
		a.Names = provision.Names{DisplayName: long, UserPrincipalName: long, Webex: long}
		a.Causes[0].CorrelationID = long
		for range 1000 {
			a.Joined, a.Left = append(a.Joined, user(1).ID), append(a.Left, user(1).ID)
			a.Steps = append(a.Steps, provision.ProvisioningStep{Name: provision.Export, Status: provision.Warning, Description: long})
			a.Modified = append(a.Modified, provision.Modified{Attribute: "title", Old: long, New: map[string]any{long: long}})
		}
	})
	h := opened{Store: openBolt(t, bolttest.Open(t), func() time.Time { return noon })}
	h.keep(t, e)
	if data, err := json.Marshal(h.read(t, history.Span{Object: new(user(1))})); err != nil || len(data) > 380<<10 {
		t.Errorf("%d bytes, %v", len(data), err)
	}
}

// logged is a Log, its store, its clock and what it tells.
type logged struct {
	opened

	log  *history.Log
	told *bytes.Buffer
}

func logOf(t *testing.T, amend func(history.Store) history.Store) *logged {
	t.Helper()
	now, told := noon, &bytes.Buffer{}
	clock := func() time.Time { return now }
	l := &logged{opened: opened{Store: amend(openBolt(t, bolttest.Open(t), clock)), now: &now}, told: told}
	l.log = history.NewLog(l.Store, "t", clock, slog.New(slog.NewTextHandler(told, nil)))
	return l
}

func (l *logged) attempts(t *testing.T, attempts ...provision.Attempt) {
	t.Helper()
	l.log.Keep(t.Context(), rules(t), attempts)
}

// counted is a store that counts its writes, and may fail.
type counted struct {
	history.Store

	writes int
	fails  error
	during func() // what happens while it writes
}

func (c *counted) Keep(ctx context.Context, entries []history.Entry, idle []history.Idle) error {
	c.writes++
	if c.during != nil {
		c.during()
	}
	if c.fails != nil {
		return c.fails
	}
	return c.Store.Keep(ctx, entries, idle)
}

func TestABatchIsKeptByOneWriteAndWithItWhatFoundNothingToDo(t *testing.T) {
	t.Parallel()
	c := &counted{}
	l := logOf(t, func(s history.Store) history.Store { c.Store = s; return c })
	did := attempt(func(a *provision.Attempt) { a.Action = provision.Update })
	idle := attempt(func(a *provision.Attempt) { a.Redundant = true })
	l.attempts(t, did, idle, did, idle)
	entries := l.read(t, history.Span{})
	if len(entries) != 2 || c.writes != 1 || entries[0].CycleID != entries[1].CycleID || entries[0].ID == entries[1].ID {
		t.Errorf("%d writes of %+v", c.writes, entries)
	}
	l.wantCounts(t, time.Time{}, time.Time{}, map[string]int{"RedundantExport": 2})
}

func TestWhatFoundNothingToDoIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	c := &counted{}
	l := logOf(t, func(s history.Store) history.Store { c.Store = s; return c })
	for range 180 {
		*l.now = l.now.Add(time.Second)
		l.attempts(t, attempt(func(a *provision.Attempt) { a.Redundant, a.Finished = true, *l.now }))
	}
	if c.writes < 3 || c.writes > 4 {
		t.Errorf("%d writes in three minutes", c.writes)
	}
	*l.now = l.now.Add(time.Hour) // the counts of the hour before are kept, and so are the new ones
	l.attempts(t, attempt(func(a *provision.Attempt) { a.Redundant, a.Finished = true, *l.now }))
	l.wantCounts(t, noon, noon.Add(time.Hour), map[string]int{"RedundantExport": 180})
	l.wantCounts(t, noon.Add(time.Hour), time.Time{}, map[string]int{"RedundantExport": 1})
}

func TestAnAttemptThatIsCountedWhileCountsAreWrittenIsNotLost(t *testing.T) {
	t.Parallel()
	c := &counted{}
	l := logOf(t, func(s history.Store) history.Store { c.Store = s; return c })
	idle := attempt(func(a *provision.Attempt) { a.Redundant = true })
	did := attempt(func(a *provision.Attempt) { a.Action = provision.Update })
	*l.now = noon.Add(time.Hour) // the hour of the attempts is over
	c.during = func() {
		c.during = nil
		l.attempts(t, idle) // too soon to be written
	}
	l.attempts(t, idle, did)
	l.attempts(t, did)
	l.wantCounts(t, time.Time{}, time.Time{}, map[string]int{"RedundantExport": 2})
}

func TestThatTheLogIsNotKeptIsToldAndCountsAreNotLost(t *testing.T) {
	t.Parallel()
	c := &counted{fails: errors.New("no space left")}
	l := logOf(t, func(s history.Store) history.Store { c.Store = s; return c })
	idle := attempt(func(a *provision.Attempt) { a.Redundant = true })
	l.attempts(t, attempt(func(a *provision.Attempt) { a.Action = provision.Update }), idle)
	if told := l.told.String(); !strings.Contains(told, `level=ERROR msg="provisioning log not kept" entries=1 error="no space left"`) {
		t.Errorf("told %q", told)
	}
	c.fails = nil
	*l.now = l.now.Add(2 * time.Minute)
	l.attempts(t, idle)
	l.wantCounts(t, time.Time{}, time.Time{}, map[string]int{"RedundantExport": 2})
}

func TestAnActOfAnOperatorIsKeptWithWhoDidIt(t *testing.T) {
	t.Parallel()
	l := logOf(t, func(s history.Store) history.Store { return s })
	l.log.Acted(t.Context(),
		history.Act{Name: "approve", By: "ada@host", Object: new(user(1)), Names: provision.Names{Webex: "bob@example.com"}, WebexID: "w", Reason: "disable", Began: noon.Add(-time.Second)},
		history.Act{Name: "pause", By: "ada@host", Began: noon, Err: fmt.Errorf("the ledger fails")})
	var told []string
	for _, e := range l.read(t, history.Span{}) {
		e.ID, e.At = "", time.Time{}
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, string(data))
	}
	for _, want := range []string{
		`"provisioningAction":"other","act":"approve","durationInMilliseconds":1000,"initiatedBy":{"displayName":"ada@host","initiatorType":"user"},` +
			`"sourceIdentity":{"identityType":"User","id":"5b6e7a8c-1d2e-4f30-9a41-000000000001"},"targetIdentity":{"identityType":"User","id":"w","displayName":"bob@example.com"},` +
			`"provisioningStatusInfo":{"status":"success"},"provisioningSteps":[{"provisioningStepType":"processing","status":"success","description":"disable"}]`,
		`"act":"pause","durationInMilliseconds":0,"initiatedBy":{"displayName":"ada@host","initiatorType":"user"},"provisioningStatusInfo":{"status":"failure","errorInformation":{"errorCode":"InternalError","reason":"the ledger fails"`,
	} {
		if !strings.Contains(strings.Join(told, "\n"), want) {
			t.Errorf("there is no %s in\n%s", want, strings.Join(told, "\n"))
		}
	}
	if found := l.read(t, history.Span{Object: new(user(1))}); len(found) != 1 || found[0].Name() != "bob@example.com" {
		t.Errorf("of the object %+v", found)
	}
}
