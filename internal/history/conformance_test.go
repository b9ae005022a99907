package history_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/history"
)

// kept is how long a log keeps an entry in these tests, noon what its clock shows.
const kept = 30 * 24 * time.Hour

var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

// opened is an empty log, and its clock.
type opened struct {
	history.Store

	now *time.Time
}

// conformance checks that a store of the log keeps what Store promises.
func conformance(t *testing.T, open func(t *testing.T, now func() time.Time) history.Store) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, opened){
		"an entry comes back as it was kept, by its object and by the time":     roundTrip,
		"entries come with the newest first, whatever their order and status":   newestFirst,
		"a span has those from its first moment, and none of its last":          spans,
		"entries of one status are those of that status":                        ofAStatus,
		"entries of one object are those of that object":                        ofAnObject,
		"an entry that is kept twice is there once":                             keptTwice,
		"of entries at one moment each is there":                                atOneMoment,
		"what is about nobody is among those of its time":                       aboutNobody,
		"what was kept for long enough is not shown":                            expired,
		"an object is found by each of its names, and by the id of its account": named,
		"two objects of one name are both found":                                namesakes,
		"a former name finds the object until its last entry goes":              formerName,
		"counts of one process replace each other, those of several add up":     counts,
		"counts are those of the hours asked for":                               countsOfHours,
		"many are read page by page":                                            pages,
		"who reads may stop, and keep on the way":                               stopped,
		"nothing is done once the context has ended":                            contextEnded,
		"nothing is no work":                                                    nothing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := noon
			test(t, opened{Store: open(t, func() time.Time { return now }), now: &now})
		})
	}
}

func user(n int) change.Object {
	return change.Object{Kind: change.User, ID: fmt.Sprintf("5b6e7a8c-1d2e-4f30-9a41-%012d", n)}
}

// entry is one of a user, that long before noon.
func entry(o change.Object, ago time.Duration, status history.Status) history.Entry {
	return history.Entry{
		ID: uuid.NewString(), At: noon.Add(-ago), Action: history.Update,
		Source: &history.Identity{Type: "User", ID: o.ID}, Status: history.StatusInfo{Status: status},
	}
}

func (h opened) keep(t *testing.T, entries ...history.Entry) {
	t.Helper()
	if err := h.Keep(t.Context(), entries, nil); err != nil {
		t.Fatal(err)
	}
}

// read are the entries of a span.
func (h opened) read(t testing.TB, s history.Span) []history.Entry {
	t.Helper()
	return all(t, h.Entries(t.Context(), s))
}

func all(t testing.TB, entries iter.Seq2[history.Entry, error]) []history.Entry {
	t.Helper()
	var list []history.Entry
	for e, err := range entries {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

func want(t *testing.T, got []history.Entry, want ...history.Entry) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Helper()
		t.Error(diff)
	}
}

func roundTrip(t *testing.T, h opened) {
	o := user(1)
	e := entry(o, time.Hour, history.Failure)
	e.At = e.At.Add(123456789)
	e.TenantID, e.ChangeID, e.CycleID, e.Took, e.Cause, e.Fault = "t", "c", "y", 12, history.Notification, "permanent"
	e.InitiatedBy = history.Initiator{DisplayName: "entrawebex", Type: "system"}
	e.Source.DisplayName, e.Source.UserPrincipalName = "Ada", "ada@example.com"
	e.Target = &history.Identity{Type: "User", ID: "w", DisplayName: "ada@example.com"}
	e.Status.Error = &history.ErrorInfo{Code: "EntryConflict", Reason: "taken", Details: "d", Recommended: "wait", Category: "failure"}
	e.Steps = []history.Step{{Type: "import", Status: history.Success, Description: "read from Entra"}}
	e.Modified = []history.Property{{DisplayName: "title", Old: "a", New: "b"}, {DisplayName: "active", Old: true, New: false}, {DisplayName: "nickName"}}
	e.Members = &history.Members{Added: 2, Removed: 1, Waiting: 3, Skipped: 4, Joined: []history.Member{{ID: "x"}}, Left: []history.Member{{ID: "y"}}}
	e.Refusals = []history.Refusal{{System: "Webex", RequestID: "ATLAS_1", Step: "export", Kind: "exists"}}
	e.Latency, e.RetryAt = new(int64(7)), noon
	h.keep(t, e)
	want(t, h.read(t, history.Span{Object: &o}), e)
	want(t, h.read(t, history.Span{}), e)
}

func newestFirst(t *testing.T, h opened) {
	var entries []history.Entry
	for i, status := range []history.Status{
		history.Success, history.Failure, history.Warning, history.Skipped, history.Success, history.Success, history.Failure, history.Skipped,
	} {
		entries = append(entries, entry(user(i%3), time.Duration(i)*9*time.Hour, status))
	}
	h.keep(t, entries[4], entries[0], entries[7], entries[2])
	h.keep(t, entries[1], entries[6], entries[5], entries[3])
	want(t, h.read(t, history.Span{}), entries...)
}

func spans(t *testing.T, h opened) {
	o := user(1)
	var entries []history.Entry
	for i := range 5 {
		entries = append(entries, entry(o, time.Duration(i)*24*time.Hour, history.Success))
	}
	h.keep(t, entries...)
	for _, s := range []history.Span{
		{Since: entries[3].At, Until: entries[0].At},
		{Since: entries[3].At, Until: entries[0].At, Object: &o},
		{Since: entries[3].At, Until: entries[0].At, Status: history.Success},
		{Since: entries[3].At.Add(-time.Nanosecond), Until: entries[1].At.Add(time.Nanosecond)},
		{Since: entries[3].At.In(time.FixedZone("", -5*3600)), Until: entries[0].At.In(time.FixedZone("", 5*3600))},
	} {
		want(t, h.read(t, s), entries[1:4]...)
	}
	want(t, h.read(t, history.Span{Since: entries[0].At.Add(time.Nanosecond)}))
}

func ofAStatus(t *testing.T, h opened) {
	o := user(1)
	failed, skipped := entry(o, time.Hour, history.Failure), entry(o, 2*time.Hour, history.Skipped)
	other := entry(user(2), 26*time.Hour, history.Failure)
	h.keep(t, failed, skipped, other)
	want(t, h.read(t, history.Span{Status: history.Failure}), failed, other)
	want(t, h.read(t, history.Span{Status: history.Failure, Object: &o}), failed)
	want(t, h.read(t, history.Span{Status: history.Warning}))
}

func ofAnObject(t *testing.T, h opened) {
	group := change.Object{Kind: change.Group, ID: user(1).ID}
	o := user(1)
	ours, theirs := entry(o, time.Hour, history.Success), entry(user(11), time.Hour, history.Success)
	of := entry(o, time.Minute, history.Success)
	of.Source.Type = "Group"
	h.keep(t, ours, theirs, of)
	want(t, h.read(t, history.Span{Object: &o}), ours)
	want(t, h.read(t, history.Span{Object: &group}), of)
}

func keptTwice(t *testing.T, h opened) {
	e := entry(user(1), time.Hour, history.Success)
	h.keep(t, e, e)
	h.keep(t, e)
	want(t, h.read(t, history.Span{}), e)
}

func atOneMoment(t *testing.T, h opened) {
	var ids []string
	var entries []history.Entry
	for i := range 30 { // more than one request
		e := entry(user(i), time.Hour, history.Statuses()[i%4])
		entries, ids = append(entries, e), append(ids, e.ID)
	}
	h.keep(t, entries...)
	var got []string
	for _, e := range h.read(t, history.Span{}) {
		got = append(got, e.ID)
	}
	slices.Sort(ids)
	slices.Reverse(ids)
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Error(diff)
	}
}

func aboutNobody(t *testing.T, h opened) {
	e := entry(user(1), time.Hour, history.Success)
	e.Source, e.Act = nil, "pause"
	h.keep(t, e)
	want(t, h.read(t, history.Span{Status: history.Success}), e)
}

func expired(t *testing.T, h opened) {
	o := user(1)
	old, young := entry(o, kept-time.Hour, history.Success), entry(o, kept-2*time.Hour, history.Success)
	h.keep(t, old, young)
	*h.now = noon.Add(90 * time.Minute)
	for _, s := range []history.Span{{}, {Object: &o}, {Status: history.Success}, {Since: noon.Add(-2 * kept)}} {
		want(t, h.read(t, s), young)
	}
	*h.now = noon.Add(kept)
	h.keep(t, entry(user(2), -kept, history.Success)) // which removes what there is
	if found, err := h.Named(t.Context(), "ada@example.com"); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}

// ada is an entry about somebody with names.
func ada(o change.Object, ago time.Duration, upn string) history.Entry {
	e := entry(o, ago, history.Success)
	e.Source.DisplayName, e.Source.UserPrincipalName = "Ada Byron", upn
	e.Target = &history.Identity{Type: "User", ID: "6f1d2c3b-0000-4000-8000-00000000000" + o.ID[35:], DisplayName: "ada.webex@example.com"}
	return e
}

func (h opened) wantNamed(t *testing.T, name string, want ...change.Object) {
	t.Helper()
	found, err := h.Named(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, found, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

func named(t *testing.T, h opened) {
	h.keep(t, ada(user(1), time.Hour, "Ada@Example.com"))
	for _, name := range []string{"ada@example.com", " ADA@EXAMPLE.COM", "ada byron", "ada.webex@example.com", "6F1D2C3B-0000-4000-8000-000000000001"} {
		h.wantNamed(t, name, user(1))
	}
	for _, name := range []string{"ada", "", "ada@example.co", strings.Repeat("a", 5000)} {
		h.wantNamed(t, name)
	}
}

func namesakes(t *testing.T, h opened) {
	h.keep(t, ada(user(2), time.Hour, "b@example.com"), ada(user(1), time.Hour, "a@example.com"))
	h.wantNamed(t, "Ada Byron", user(1), user(2))
}

func formerName(t *testing.T, h opened) {
	h.keep(t, ada(user(1), kept-time.Hour, "old@example.com"), ada(user(1), kept-3*time.Hour, "new@example.com"))
	h.wantNamed(t, "old@example.com", user(1))
	*h.now = noon.Add(2 * time.Hour)
	h.wantNamed(t, "old@example.com")
	h.keep(t, entry(user(2), -2*time.Hour, history.Success))
	h.wantNamed(t, "old@example.com")
	h.wantNamed(t, "new@example.com", user(1))
	h.wantNamed(t, "Ada Byron", user(1))
}

func (h opened) count(t *testing.T, idle ...history.Idle) {
	t.Helper()
	if err := h.Keep(t.Context(), nil, idle); err != nil {
		t.Fatal(err)
	}
}

func (h opened) wantCounts(t *testing.T, since, until time.Time, want map[string]int) {
	t.Helper()
	got, err := h.Idle(t.Context(), since, until)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func counts(t *testing.T, h opened) {
	h.count(t, history.Idle{Hour: noon, Process: "a", Counts: map[string]int{"x": 1}})
	h.count(t,
		history.Idle{Hour: noon, Process: "a", Counts: map[string]int{"x": 5, "y": 2}},
		history.Idle{Hour: noon, Process: "b", Counts: map[string]int{"x": 10}})
	h.wantCounts(t, time.Time{}, time.Time{}, map[string]int{"x": 15, "y": 2})
}

func countsOfHours(t *testing.T, h opened) {
	for i := range 30 {
		h.count(t, history.Idle{Hour: noon.Add(-time.Duration(i) * time.Hour), Process: "a", Counts: map[string]int{"x": 1}})
	}
	h.wantCounts(t, noon.Add(-26*time.Hour), noon, map[string]int{"x": 26})
	h.wantCounts(t, noon.Add(-90*time.Minute), time.Time{}, map[string]int{"x": 3})
	*h.now = noon.Add(kept - 10*time.Hour)
	h.wantCounts(t, time.Time{}, time.Time{}, map[string]int{"x": 11})
}

// A page of the embedded log is 200 entries, one of DynamoDB 1 MB.
func pages(t *testing.T, h opened) {
	o := user(1)
	const many = 450
	var entries []history.Entry
	for i := range many {
		e := entry(o, time.Duration(i)*time.Minute, history.Success)
		e.Steps = []history.Step{{Type: "import", Status: history.Success, Description: strings.Repeat("x", 3000)}}
		entries = append(entries, e)
	}
	h.keep(t, entries...)
	for _, s := range []history.Span{{}, {Object: &o}, {Status: history.Success}} {
		want(t, h.read(t, s), entries...)
	}
}

func stopped(t *testing.T, h opened) {
	for i := range 3 {
		h.keep(t, entry(user(1), time.Duration(i)*30*time.Hour, history.Success))
	}
	n := 0
	for _, err := range h.Entries(t.Context(), history.Span{}) {
		if err != nil {
			t.Fatal(err)
		}
		h.keep(t, entry(user(2), 0, history.Success))
		if n++; n == 2 {
			break
		}
	}
}

func contextEnded(t *testing.T, h opened) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e := entry(user(1), 0, history.Success)
	if err := h.Keep(ctx, []history.Entry{e}, nil); err == nil {
		t.Error("kept")
	}
	for _, s := range []history.Span{{}, {Object: new(user(1))}} {
		n := 0
		for _, err := range h.Entries(ctx, s) {
			if n++; err == nil || n > 1 {
				t.Errorf("%d: %v", n, err)
			}
		}
		if n == 0 {
			t.Error("there is no error")
		}
	}
	if _, err := h.Named(ctx, "ada"); err == nil {
		t.Error("looked for a name")
	}
	if _, err := h.Idle(ctx, time.Time{}, time.Time{}); err == nil {
		t.Error("read counts")
	}
	want(t, h.read(t, history.Span{}))
}

func nothing(t *testing.T, h opened) {
	h.keep(t)
	want(t, h.read(t, history.Span{}))
	h.wantCounts(t, time.Time{}, time.Time{}, nil)
}
