package ledger_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
)

// store is all that the ledger offers, wherever it is kept.
type store interface {
	provision.Ledger
	document.Store
	Records(ctx context.Context, each func(provision.Record) error) error
}

// opened is an empty ledger and what a test may do behind its back.
type opened struct {
	store

	// reopen returns a ledger over the same data that shares no memory with
	// the one before it, which is closed.
	reopen func(t *testing.T) store
	// overwrite replaces the stored JSON of the object's record.
	overwrite func(t *testing.T, o change.Object, data string)
	// outlasts is how much longer a claim lasts than was asked.
	outlasts time.Duration
}

// begin is the time at which tests begin, and lease how long claims last.
var begin = time.Date(2026, 3, 1, 9, 30, 0, 250_000_000, time.UTC)

const lease = 2 * time.Minute

// conformance checks that a store of the ledger keeps the ports' promises.
func conformance(t *testing.T, open func(*testing.T) opened) {
	t.Helper()
	promises(t, open)
	run(t, open, map[string]func(*testing.T, opened){
		"what was written is there after a restart":          restart,
		"a corrupt record is an error that names its object": corrupt,
		"a record too large to keep is refused":              recordTooLarge,
		"what a later version keeps of a record stays":       laterRecord,
		"all records are listed and nothing else is":         records,
		"a list of records ends with the first error":        recordsEnd,
		"a list of records may be written to on the way":     recordsWritten,
		"a document too large to keep is refused":            documentTooLarge,
		"nothing is done once the context has ended":         contextEnded,
	})
}

// promises checks what a ledger promises the engine, wherever it keeps it.
func promises(t *testing.T, open func(*testing.T) opened) {
	t.Helper()
	run(t, open, map[string]func(*testing.T, opened){
		"a claim excludes others until its lease ends":                 claimExcludes,
		"a claim given up is free at once":                             claimGivenUp,
		"an owner may claim again what it has":                         claimAgain,
		"every claim counts an attempt until a save says otherwise":    claimCounts,
		"of 50 workers that claim one object at once, one gets it":     claimRace,
		"a save under a lease that ran out succeeds if nobody took it": saveLate,
		"a save after the claim passed on writes nothing":              saveTooLate,
		"a save without a claim writes nothing":                        saveUnclaimed,
		"a save from a record that was replaced since writes nothing":  saveStale,
		"a record comes back as it was saved":                          roundTrip,
		"an object nobody claimed has no record and no link":           nothingStored,
		"a link leads from the account to its object":                  link,
		"an account that is linked to another is refused":              linkTaken,
		"of 10 objects that link one account at once, one gets it":     linkRace,
		"a link moves when the account changes":                        linkMoves,
		"an account that is unlinked is free":                          linkFreed,
		"forgetting removes the record and its link":                   forget,
		"forgetting after the claim passed on removes nothing":         forgetTooLate,
		"the accounts of objects are read in their order":              webexIDs,
		"an account is read as soon as it is another":                  webexIDsAtOnce,
		"a group waits for each of many until they have arrived":       await,
		"a group that says twice that it waits waits once":             awaitTwice,
		"nobody waits for an object that nobody awaits":                awaitNobody,
		"a user waits for a user beside the groups":                    awaitManager,
		"waiting needs no claim and touches no record":                 awaitUnclaimed,
		"of 50 groups that begin to wait at once none is forgotten":    awaitRace,
		"who begins to wait while another is done waits":               arriveRace,
		"a document comes back with a version that grows":              documentVersions,
		"a document written from an old version is a conflict":         documentConflict,
		"of 50 writers that create one document at once, one does":     documentRace,
		"a document may be empty":                                      documentEmpty,
	})
}

func run(t *testing.T, open func(*testing.T) opened, tests map[string]func(*testing.T, opened)) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

func claimExcludes(t *testing.T, h opened) {
	o := newUser()
	mustClaim(t, h, o, "a", begin)

	end := begin.Add(lease + h.outlasts)
	_, err := h.Claim(t.Context(), o, "b", end.Add(-time.Millisecond), end.Add(lease))
	wantError(t, err, provision.ErrClaimed)
	mustClaim(t, h, o, "b", end)
	_, err = h.Claim(t.Context(), o, "a", end, end.Add(lease))
	wantError(t, err, provision.ErrClaimed)

	r := mustRecord(t, h, o)
	want := provision.Claim{Owner: "b", Until: end.Add(lease + h.outlasts)}
	wantEqual(t, r.Claim, want)
}

func claimGivenUp(t *testing.T, h opened) {
	o := newUser()
	r := mustClaim(t, h, o, "a", begin)
	mustSave(t, h, "a", r, released(r))

	wantEqual(t, mustRecord(t, h, o).Claim, provision.Claim{})
	for _, owner := range []string{"a", ""} {
		wantError(t, h.Save(t.Context(), owner, r, r), provision.ErrClaimed)
	}
	mustClaim(t, h, o, "b", begin)
}

func claimAgain(t *testing.T, h opened) {
	o := newUser()
	mustClaim(t, h, o, "a", begin)

	r := mustClaim(t, h, o, "a", begin.Add(time.Second))
	wantEqual(t, r.Claim.Until, begin.Add(time.Second+lease+h.outlasts))
}

func claimCounts(t *testing.T, h opened) {
	o := newUser()
	for want := 1; want <= 3; want++ {
		r := mustClaim(t, h, o, "a", begin)
		wantEqual(t, r.Unconcluded, want)
	}
	r := mustRecord(t, h, o)
	wantEqual(t, r.Unconcluded, 3)

	concluded := released(r)
	concluded.Unconcluded = 0
	mustSave(t, h, "a", r, concluded)
	wantEqual(t, mustRecord(t, h, o).Unconcluded, 0)
	wantEqual(t, mustClaim(t, h, o, "b", begin).Unconcluded, 1)
}

func claimRace(t *testing.T, h opened) {
	o := newUser()
	errs := together(50, func(int) error {
		_, err := h.Claim(t.Context(), o, uuid.NewString(), begin, begin.Add(lease))
		return err
	})
	wantOne(t, errs, provision.ErrClaimed)
	wantEqual(t, mustRecord(t, h, o).Unconcluded, 1)
}

func saveLate(t *testing.T, h opened) {
	o := newUser()
	r := mustClaim(t, h, o, "a", begin.Add(-2*lease))
	after := r
	after.LastWritten = map[string]any{"active": true}
	mustSave(t, h, "a", r, after)

	wantEqual(t, mustRecord(t, h, o), after)
}

func saveTooLate(t *testing.T, h opened) {
	o := newUser()
	mine := mustClaim(t, h, o, "a", begin)
	theirs := mustClaim(t, h, o, "b", begin.Add(lease+h.outlasts))

	linked := mine
	linked.WebexID = uuid.NewString()
	wantError(t, h.Save(t.Context(), "a", mine, linked), provision.ErrClaimed)
	wantError(t, h.Save(t.Context(), "a", mine, released(mine)), provision.ErrClaimed)

	wantEqual(t, mustRecord(t, h, o), theirs)
	wantUnlinked(t, h, linked.WebexID)
}

func saveUnclaimed(t *testing.T, h opened) {
	r := provision.Record{Object: newUser()}
	for _, owner := range []string{"a", ""} {
		wantError(t, h.Save(t.Context(), owner, r, r), provision.ErrClaimed)
	}

	if _, found, err := h.Record(t.Context(), r.Object); found || err != nil {
		t.Errorf("Record = %v, %v; want none", found, err)
	}
}

func saveStale(t *testing.T, h opened) {
	r := mustClaim(t, h, newUser(), "a", begin)
	stored := mustLink(t, h, "a", r, uuid.NewString())

	stale := r
	stale.WebexID = uuid.NewString()
	wantError(t, h.Save(t.Context(), "a", r, stale), provision.ErrClaimed)

	wantEqual(t, mustRecord(t, h, r.Object), stored)
	wantUnlinked(t, h, stale.WebexID)
}

func roundTrip(t *testing.T, h opened) {
	o := newUser()
	before := mustClaim(t, h, o, "a", begin)
	after := provision.Record{
		Object:  o,
		WebexID: uuid.NewString(),
		LastWritten: map[string]any{
			"active":                  true,
			"userName":                "zoë@example.com",
			"title":                   nil,
			"meta.number":             1.5,
			"phoneNumbers":            []any{map[string]any{"type": "work", "value": "+1 555 0100"}},
			`emails[type eq "work"]`:  map[string]any{"value": "zoë@example.com"},
			"urn:example:2.0:costly#": "<&>\u2028",
		},
		PendingWrite:  &provision.PendingWrite{Names: []string{"zoë@example.com"}, Since: begin.Add(time.Microsecond)},
		Claim:         provision.Claim{Owner: "a", Until: begin.Add(lease)},
		Unconcluded:   4,
		InactiveSince: begin.Add(-time.Hour),
		OpenFault: &provision.OpenFault{
			Kind: provision.Transient, Step: provision.Export, Reason: "503", Since: begin, Attempts: 7,
		},
		Absence: &provision.Absence{Since: begin.Add(-time.Minute), Deleted: true},
	}
	mustSave(t, h, "a", before, after)

	wantEqual(t, mustRecord(t, h, o), after)
	claimed := mustClaim(t, h, o, "a", begin)
	after.Unconcluded++
	after.Claim.Until = begin.Add(lease + h.outlasts)
	wantEqual(t, claimed, after)
}

func nothingStored(t *testing.T, h opened) {
	if r, found, err := h.Record(t.Context(), newUser()); found || err != nil {
		t.Errorf("Record = %v, %v, %v; want none", r, found, err)
	}
	wantUnlinked(t, h, uuid.NewString())
	wantUnlinked(t, h, "")
}

func link(t *testing.T, h opened) {
	r := mustClaim(t, h, newUser(), "a", begin)
	r = mustLink(t, h, "a", r, uuid.NewString())

	wantLinked(t, h, r.WebexID, r.Object)
	mustSave(t, h, "a", r, released(r))
	wantLinked(t, h, r.WebexID, r.Object)
}

func linkTaken(t *testing.T, h opened) {
	holder := mustClaim(t, h, newUser(), "a", begin)
	holder = mustLink(t, h, "a", holder, uuid.NewString())
	other := mustClaim(t, h, newUser(), "a", begin)
	other = mustLink(t, h, "a", other, uuid.NewString())

	after := released(other)
	after.WebexID = holder.WebexID
	wantError(t, h.Save(t.Context(), "a", other, after), provision.ErrLinked)

	wantEqual(t, mustRecord(t, h, other.Object), other)
	wantLinked(t, h, other.WebexID, other.Object)
	wantLinked(t, h, holder.WebexID, holder.Object)
}

func linkRace(t *testing.T, h opened) {
	records := make([]provision.Record, 10)
	for i := range records {
		records[i] = mustClaim(t, h, newUser(), "a", begin)
	}
	webexID := uuid.NewString()
	save := func(i int) error {
		after := records[i]
		after.WebexID = webexID
		err := h.Save(t.Context(), "a", records[i], after)
		// Transactions that meet are a transient fault: another try will do.
		for isTransient(err) {
			err = h.Save(t.Context(), "a", records[i], after)
		}
		return err
	}
	winner := wantOne(t, together(len(records), save), provision.ErrLinked)
	wantLinked(t, h, webexID, records[winner].Object)
}

func linkMoves(t *testing.T, h opened) {
	first := mustClaim(t, h, newUser(), "a", begin)
	first = mustLink(t, h, "a", first, uuid.NewString())
	second := mustLink(t, h, "a", first, uuid.NewString())

	wantUnlinked(t, h, first.WebexID)
	wantLinked(t, h, second.WebexID, second.Object)
}

func linkFreed(t *testing.T, h opened) {
	linked := mustClaim(t, h, newUser(), "a", begin)
	linked = mustLink(t, h, "a", linked, uuid.NewString())
	mustLink(t, h, "a", linked, "")
	wantUnlinked(t, h, linked.WebexID)

	other := mustClaim(t, h, newUser(), "a", begin)
	mustLink(t, h, "a", other, linked.WebexID)
	wantLinked(t, h, linked.WebexID, other.Object)
}

func forget(t *testing.T, h opened) {
	linked := mustClaim(t, h, newUser(), "a", begin)
	linked = mustLink(t, h, "a", linked, uuid.NewString())
	unlinked := mustClaim(t, h, newUser(), "a", begin)

	for _, r := range []provision.Record{linked, unlinked} {
		if err := h.Forget(t.Context(), "a", r); err != nil {
			t.Fatal(err)
		}
		if _, found, err := h.Record(t.Context(), r.Object); found || err != nil {
			t.Errorf("Record = %v, %v; want none", found, err)
		}
		wantError(t, h.Forget(t.Context(), "a", r), provision.ErrClaimed)
	}
	wantUnlinked(t, h, linked.WebexID)
}

func forgetTooLate(t *testing.T, h opened) {
	mine := mustClaim(t, h, newUser(), "a", begin)
	mine = mustLink(t, h, "a", mine, uuid.NewString())
	theirs := mustClaim(t, h, mine.Object, "b", begin.Add(lease+h.outlasts))

	wantError(t, h.Forget(t.Context(), "a", mine), provision.ErrClaimed)

	wantEqual(t, mustRecord(t, h, mine.Object), theirs)
	wantLinked(t, h, mine.WebexID, mine.Object)
}

func restart(t *testing.T, h opened) {
	r := mustClaim(t, h, newUser(), "a", begin)
	r = mustLink(t, h, "a", r, uuid.NewString())
	group := newGroup()
	mustAwait(t, h, group, r.Object)
	mustPut(t, h, "cursor", "x", 0)

	reopened := h.reopen(t)
	wantEqual(t, mustRecord(t, reopened, r.Object), r)
	wantLinked(t, reopened, r.WebexID, r.Object)
	wantWebexIDs(t, reopened, []change.Object{r.Object}, r.WebexID)
	wantAwaiting(t, reopened, r.Object, group)
	wantDocument(t, reopened, "cursor", "x", 1)
	_, err := reopened.Claim(t.Context(), r.Object, "b", begin, begin.Add(lease))
	wantError(t, err, provision.ErrClaimed)
}

func corrupt(t *testing.T, h opened) {
	o := newUser()
	mustClaim(t, h, o, "a", begin)

	for _, data := range []string{`{"object":`, `{}`, `{"object":{"kind":"user","id":"another"}}`} {
		h.overwrite(t, o, data)
		_, _, recordErr := h.Record(t.Context(), o)
		_, claimErr := h.Claim(t.Context(), o, "a", begin, begin.Add(lease))
		for _, err := range []error{recordErr, claimErr} {
			if err == nil || !strings.Contains(err.Error(), o.ID) {
				t.Errorf("record %s: error %v; want one that names %s", data, err, o.ID)
			}
		}
	}
}

func recordTooLarge(t *testing.T, h opened) {
	r := mustClaim(t, h, newUser(), "a", begin)
	large := r
	large.LastWritten = map[string]any{"title": strings.Repeat("x", ledger.MaxSize)}
	if err := h.Save(t.Context(), "a", r, large); err == nil {
		t.Error("Save succeeded; want an error")
	}
	wantEqual(t, mustRecord(t, h, r.Object), r)
}

func records(t *testing.T, h opened) {
	mustPut(t, h, "cursor", "x", 0)
	mustAwait(t, h, newGroup(), newUser())
	want := map[change.Object]provision.Record{}
	for _, o := range append(newUsers(600), newGroup()) {
		want[o] = mustClaim(t, h, o, "a", begin)
	}
	linked := mustLink(t, h, "a", want[slices.Collect(maps.Keys(want))[0]], uuid.NewString())
	linked.OpenFault = &provision.OpenFault{Kind: provision.Permanent, Step: provision.Export, Reason: "no", Since: begin, Attempts: 1}
	mustSave(t, h, "a", linked, linked)
	want[linked.Object] = linked

	got := map[change.Object]provision.Record{}
	err := h.Records(t.Context(), func(r provision.Record) error {
		if _, twice := got[r.Object]; twice {
			t.Errorf("%s is listed twice", r.Object)
		}
		got[r.Object] = r
		return nil
	})
	wantError(t, err, nil)
	wantEqual(t, got, want)
}

func laterRecord(t *testing.T, h opened) {
	o := newUser()
	mustClaim(t, h, o, "a", begin)
	h.overwrite(t, o, `{"object":{"kind":"user","id":"`+o.ID+`"},"later":{"a":[1]},"manager":"m"}`)
	before := mustClaim(t, h, o, "a", begin)
	after := before
	after.Manager = "n"
	mustSave(t, h, "a", before, after)
	got := mustRecord(t, h, o)
	wantEqual(t, got.Manager, "n")
	wantEqual(t, got.Unknown, map[string]json.RawMessage{"later": []byte(`{"a":[1]}`)})
}

func recordsEnd(t *testing.T, h opened) {
	for _, o := range newUsers(3) {
		mustClaim(t, h, o, "a", begin)
	}
	calls, enough := 0, errors.New("enough")
	wantError(t, h.Records(t.Context(), func(provision.Record) error {
		calls++
		return enough
	}), enough)
	wantEqual(t, calls, 1)

	o := newUser()
	mustClaim(t, h, o, "a", begin)
	h.overwrite(t, o, `{"object":`)
	err := h.Records(t.Context(), func(provision.Record) error { return nil })
	if err == nil || !strings.Contains(err.Error(), o.ID) {
		t.Errorf("error %v; want one that names %s", err, o.ID)
	}
}

func recordsWritten(t *testing.T, h opened) {
	for _, o := range newUsers(3) {
		mustClaim(t, h, o, "a", begin)
	}
	listed := 0
	wantError(t, h.Records(t.Context(), func(r provision.Record) error {
		listed++
		return h.Save(t.Context(), "a", r, released(r))
	}), nil)
	wantEqual(t, listed, 3)
}

func webexIDs(t *testing.T, h opened) {
	// More than DynamoDB reads at once.
	objects := newUsers(250)
	want := make([]string, len(objects))
	for _, i := range []int{0, 99, 100, 249} {
		want[i] = uuid.NewString()
		mustLink(t, h, "a", mustClaim(t, h, objects[i], "a", begin), want[i])
	}
	mustClaim(t, h, objects[1], "a", begin) // has a record, but no account
	namesake := change.Object{Kind: change.Group, ID: objects[0].ID}
	objects = append(objects, objects[249], namesake, objects[0], objects[1])
	want = slices.Concat(want, []string{want[249], "", want[0], ""})

	wantWebexIDs(t, h, objects, want...)
	wantWebexIDs(t, h, nil)
}

func webexIDsAtOnce(t *testing.T, h opened) {
	r := mustClaim(t, h, newGroup(), "a", begin)
	asked := []change.Object{r.Object}
	for _, id := range []string{uuid.NewString(), uuid.NewString(), ""} {
		r = mustLink(t, h, "a", r, id)
		wantWebexIDs(t, h, asked, id)
	}
	r = mustLink(t, h, "a", r, uuid.NewString())
	if err := h.Forget(t.Context(), "a", r); err != nil {
		t.Fatal(err)
	}
	wantWebexIDs(t, h, asked, "")
}

func await(t *testing.T, h opened) {
	users := newUsers(1000)
	first, last := users[0], users[len(users)-1]
	large, small := newGroup(), newGroup()
	mustAwait(t, h, large, users...)
	mustAwait(t, h, small, first)
	wantAwaiting(t, h, first, large, small)
	wantAwaiting(t, h, users[500], large)
	wantAwaiting(t, h, last, large)

	mustArrive(t, h, first, large)
	wantAwaiting(t, h, first, small)
	wantAwaiting(t, h, last, large)
	mustArrive(t, h, first, small)
	wantAwaiting(t, h, first)

	mustAwait(t, h, small, first)
	mustAwait(t, h, large, first)
	mustArrive(t, h, first, small, large)
	wantAwaiting(t, h, first)
}

func awaitTwice(t *testing.T, h opened) {
	group, user := newGroup(), newUser()
	mustAwait(t, h, group, user, user)
	mustAwait(t, h, group, user)
	wantAwaiting(t, h, user, group)

	mustArrive(t, h, user, group, group)
	wantAwaiting(t, h, user)
}

func awaitNobody(t *testing.T, h opened) {
	group, user := newGroup(), newUser()
	mustAwait(t, h, group)
	wantAwaiting(t, h, user)
	mustArrive(t, h, user, group)
	mustArrive(t, h, user)
	wantAwaiting(t, h, user)

	mustAwait(t, h, group, user)
	mustArrive(t, h, user)
	mustArrive(t, h, user, newGroup())
	wantAwaiting(t, h, user, group)
	wantAwaiting(t, h, change.Object{Kind: change.Group, ID: user.ID})
}

func awaitManager(t *testing.T, h opened) {
	group, report, manager := newGroup(), newUser(), newUser()
	mustAwait(t, h, report, manager)
	mustAwait(t, h, group, manager)
	wantAwaiting(t, h, manager, report, group)
	if err := h.Arrived(t.Context(), manager, []change.Object{group}); err != nil {
		t.Fatal(err)
	}
	wantAwaiting(t, h, manager, report)
}

func awaitUnclaimed(t *testing.T, h opened) {
	r := mustClaim(t, h, newUser(), "a", begin)
	r = mustLink(t, h, "a", r, uuid.NewString())
	group, unknown := newGroup(), newUser()
	mustAwait(t, h, group, r.Object, unknown)
	mustArrive(t, h, r.Object, group)

	wantEqual(t, mustRecord(t, h, r.Object), r)
	wantLinked(t, h, r.WebexID, r.Object)
	for _, o := range []change.Object{group, unknown} {
		if _, found, err := h.Record(t.Context(), o); found || err != nil {
			t.Errorf("Record of %s = %v, %v; want none", o, found, err)
		}
	}
	mustSave(t, h, "a", r, released(r))
	mustClaim(t, h, unknown, "a", begin)
	wantAwaiting(t, h, unknown, group)
}

func awaitRace(t *testing.T, h opened) {
	user := newUser()
	groups := newGroups(50)
	wantAll(t, together(len(groups), func(i int) error {
		return h.Await(t.Context(), groups[i], []change.Object{user})
	}))
	wantAwaiting(t, h, user, groups...)
}

func arriveRace(t *testing.T, h opened) {
	user := newUser()
	leave, come := newGroups(10), newGroups(10)
	for _, group := range leave {
		mustAwait(t, h, group, user)
	}
	wantAll(t, together(len(leave)+len(come), func(i int) error {
		if i < len(leave) {
			return h.Arrived(t.Context(), user, leave[i:i+1])
		}
		return h.Await(t.Context(), come[i-len(leave)], []change.Object{user})
	}))
	wantAwaiting(t, h, user, come...)
}

func documentVersions(t *testing.T, h opened) {
	if data, version, err := h.Document(t.Context(), "cursor"); data != nil || version != 0 || err != nil {
		t.Errorf("Document = %q, %d, %v; want none", data, version, err)
	}
	mustPut(t, h, "cursor", "one", 0)
	mustPut(t, h, "pause", "other", 0)
	wantDocument(t, h, "cursor", "one", 1)
	mustPut(t, h, "cursor", "two", 1)
	wantDocument(t, h, "cursor", "two", 2)
	wantDocument(t, h, "pause", "other", 1)
}

func documentConflict(t *testing.T, h opened) {
	wantError(t, h.PutDocument(t.Context(), "cursor", []byte("early"), 1), document.ErrConflict)
	mustPut(t, h, "cursor", "one", 0)
	mustPut(t, h, "cursor", "two", 1)
	for _, version := range []int64{0, 1, 3} {
		wantError(t, h.PutDocument(t.Context(), "cursor", []byte("late"), version), document.ErrConflict)
	}
	wantDocument(t, h, "cursor", "two", 2)
}

func documentRace(t *testing.T, h opened) {
	errs := together(50, func(i int) error {
		return h.PutDocument(t.Context(), "cursor", []byte{byte(i)}, 0)
	})
	winner := wantOne(t, errs, document.ErrConflict)
	wantDocument(t, h, "cursor", string([]byte{byte(winner)}), 1)
}

func documentEmpty(t *testing.T, h opened) {
	mustPut(t, h, "cursor", "", 0)
	wantDocument(t, h, "cursor", "", 1)
}

func documentTooLarge(t *testing.T, h opened) {
	mustPut(t, h, "cursor", strings.Repeat("x", ledger.MaxSize), 0)
	if err := h.PutDocument(t.Context(), "cursor", make([]byte, ledger.MaxSize+1), 1); err == nil {
		t.Error("PutDocument succeeded; want an error")
	}
}

func contextEnded(t *testing.T, h opened) {
	r := mustClaim(t, h, newUser(), "a", begin)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	wantError(t, h.Save(ctx, "a", r, released(r)), context.Canceled)
	_, _, err := h.Record(ctx, r.Object)
	wantError(t, err, context.Canceled)
	wantEqual(t, mustRecord(t, h, r.Object), r)

	waits, comes := newGroup(), newGroup()
	mustAwait(t, h, waits, r.Object)
	wantError(t, h.Await(ctx, comes, []change.Object{r.Object}), context.Canceled)
	wantError(t, h.Arrived(ctx, r.Object, []change.Object{waits}), context.Canceled)
	_, err = h.Awaiting(ctx, r.Object)
	wantError(t, err, context.Canceled)
	_, err = h.WebexIDs(ctx, []change.Object{r.Object})
	wantError(t, err, context.Canceled)
	wantError(t, h.Records(ctx, func(provision.Record) error { return nil }), context.Canceled)
	wantAwaiting(t, h, r.Object, waits)
}

func newUser() change.Object { return change.Object{Kind: change.User, ID: uuid.NewString()} }

func newGroup() change.Object { return change.Object{Kind: change.Group, ID: uuid.NewString()} }

func newUsers(n int) []change.Object {
	users := make([]change.Object, n)
	for i := range users {
		users[i] = newUser()
	}
	return users
}

func newGroups(n int) []change.Object {
	groups := make([]change.Object, n)
	for i := range groups {
		groups[i] = newGroup()
	}
	return groups
}

func released(r provision.Record) provision.Record {
	r.Claim = provision.Claim{}
	return r
}

func mustClaim(t *testing.T, s store, o change.Object, owner string, now time.Time) provision.Record {
	t.Helper()
	r, err := s.Claim(t.Context(), o, owner, now, now.Add(lease))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func mustSave(t *testing.T, s store, owner string, before, after provision.Record) {
	t.Helper()
	if err := s.Save(t.Context(), owner, before, after); err != nil {
		t.Fatal(err)
	}
}

// mustLink links r to the account, or to none, and returns it as saved.
func mustLink(t *testing.T, s store, owner string, r provision.Record, webexID string) provision.Record {
	t.Helper()
	after := r
	after.WebexID = webexID
	mustSave(t, s, owner, r, after)
	return after
}

func mustRecord(t *testing.T, s store, o change.Object) provision.Record {
	t.Helper()
	r, found, err := s.Record(t.Context(), o)
	if err != nil || !found {
		t.Fatalf("Record = %v, %v; want one", found, err)
	}
	return r
}

func mustAwait(t *testing.T, s store, group change.Object, users ...change.Object) {
	t.Helper()
	if err := s.Await(t.Context(), group, users); err != nil {
		t.Fatal(err)
	}
}

func mustArrive(t *testing.T, s store, user change.Object, groups ...change.Object) {
	t.Helper()
	if err := s.Arrived(t.Context(), user, groups); err != nil {
		t.Fatal(err)
	}
}

func mustPut(t *testing.T, s store, name, data string, version int64) {
	t.Helper()
	if err := s.PutDocument(t.Context(), name, []byte(data), version); err != nil {
		t.Fatal(err)
	}
}

func wantDocument(t *testing.T, s store, name, data string, version int64) {
	t.Helper()
	got, gotVersion, err := s.Document(t.Context(), name)
	if err != nil || string(got) != data || gotVersion != version {
		t.Errorf("Document = %q, %d, %v; want %q, %d", got, gotVersion, err, data, version)
	}
}

func wantWebexIDs(t *testing.T, s store, objects []change.Object, want ...string) {
	t.Helper()
	got, err := s.WebexIDs(t.Context(), objects)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Webex ids (-want +got):\n%s", diff)
	}
}

// wantAwaiting checks who waits for the user, in whatever order.
func wantAwaiting(t *testing.T, s store, user change.Object, want ...change.Object) {
	t.Helper()
	got, err := s.Awaiting(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	byID := cmpopts.SortSlices(func(a, b change.Object) bool { return a.ID < b.ID })
	if diff := cmp.Diff(want, got, byID, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("waiting for %s (-want +got):\n%s", user, diff)
	}
}

func wantLinked(t *testing.T, s store, webexID string, want change.Object) {
	t.Helper()
	o, found, err := s.LinkedTo(t.Context(), webexID)
	if err != nil || !found || o != want {
		t.Errorf("LinkedTo = %v, %v, %v; want %v", o, found, err, want)
	}
}

func wantUnlinked(t *testing.T, s store, webexID string) {
	t.Helper()
	if o, found, err := s.LinkedTo(t.Context(), webexID); found || err != nil {
		t.Errorf("LinkedTo = %v, %v, %v; want none", o, found, err)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v; want %v", err, want)
	}
}

func wantEqual[T any](t *testing.T, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("not as wanted (-want +got):\n%s", diff)
	}
}

// together runs fn n times at once and returns what each run returned.
func together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// wantAll checks that every run succeeded.
func wantAll(t *testing.T, errs []error) {
	t.Helper()
	for _, err := range errs {
		wantError(t, err, nil)
	}
}

// wantOne checks that one run succeeded and the others met the refusal, and
// returns which one it was.
func wantOne(t *testing.T, errs []error, refusal error) int {
	t.Helper()
	winner, winners := -1, 0
	for i, err := range errs {
		if err == nil {
			winner = i
			winners++
			continue
		}
		wantError(t, err, refusal)
	}
	if winners != 1 {
		t.Fatalf("%d of %d succeeded; want 1", winners, len(errs))
	}
	return winner
}

func isTransient(err error) bool {
	var f *provision.Fault
	return errors.As(err, &f) && f.Kind == provision.Transient
}
