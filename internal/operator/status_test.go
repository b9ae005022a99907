package operator

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
)

// now is when the statuses of the tests are made.
var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func statusOf(records ...provision.Record) Status {
	s := Status{Faults: map[string]int{}, Compared: sweep.State{Last: &sweep.Finished{At: now}}}
	for i, r := range records {
		r.Object = change.Object{Kind: change.User, ID: fmt.Sprint("u", i)}
		s.count(r, now)
	}
	s.attend(now)
	return s
}

func trouble(kind provision.FaultKind, attempts int, age time.Duration) provision.Record {
	return provision.Record{OpenFault: &provision.OpenFault{Kind: kind, Attempts: attempts, Since: now.Add(-age)}}
}

func TestTheWorstThreeFaultsAreThosePersonsMustMendThenTheMostTried(t *testing.T) {
	t.Parallel()
	s := statusOf(
		trouble(provision.Throttled, 9, time.Minute), trouble(provision.Transient, 4, time.Minute),
		trouble(provision.Held, 1, time.Minute), trouble(provision.Permanent, 1, time.Minute),
		trouble(provision.Transient, 7, time.Minute), trouble(provision.Permanent, 2, time.Minute))
	var got []string
	for _, f := range s.Worst {
		got = append(got, f.Object.ID)
	}
	if diff := cmp.Diff([]string{"u5", "u3", "u4"}, got); diff != "" {
		t.Error(diff)
	}
	if got := s.OpenFaults(); got != "2 permanent, 1 throttled, 2 transient" {
		t.Error(got)
	}
}

func TestAFaultThatIsTriedAgainNeedsNobodyForAnHour(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		age  time.Duration
		well bool
	}{{time.Hour - 1, true}, {time.Hour, false}} {
		if s := statusOf(trouble(provision.Throttled, 1, test.age)); len(s.Attention) == 0 != test.well || s.AllIsWell {
			t.Errorf("after %s: %v", test.age, s.Attention)
		}
	}
}

func TestAccountsThatWebexRemovesWithinSevenDaysAreToldWithTheFirstDate(t *testing.T) {
	t.Parallel()
	inactive := func(days int) provision.Record {
		return provision.Record{WebexID: "w", InactiveSince: now.AddDate(0, 0, -days)}
	}
	gone := inactive(25)
	gone.WebexID = ""
	s := statusOf(inactive(22), inactive(24), inactive(26), inactive(31), gone)
	want := Removed{Count: 2, First: now.AddDate(0, 0, 4)}
	if diff := cmp.Diff(want, s.Removed); diff != "" || !s.AllIsWell {
		t.Error(diff, s.Attention)
	}
}

func TestWhatWasGivenUpIsAsBadAsWhatIsPermanent(t *testing.T) {
	t.Parallel()
	givenUp := trouble(provision.Transient, 130, 24*time.Hour)
	givenUp.OpenFault.GivenUp = true
	s := statusOf(trouble(provision.Transient, 200, time.Minute), givenUp)
	if s.Worst[0].Object.ID != "u1" || s.OpenFaults() != "1 given up, 1 transient" || s.Unmended != 1 || s.AllIsWell {
		t.Errorf("%+v", s)
	}
}

func TestAHoldIsDecidedOnByAWordAboutThisVeryThing(t *testing.T) {
	t.Parallel()
	disabling := provision.Hold{Operation: provision.Disabling, Fingerprint: "f"}
	removing := provision.Hold{Operation: provision.Removing, Members: 20, Of: 40, Fingerprint: "f"}
	for _, test := range []struct {
		name      string
		hold      provision.Hold
		record    provision.Record
		undecided int
	}{
		{"no word yet", disabling, provision.Record{}, 1},
		{"rejected", disabling, provision.Record{Rejected: &provision.Rejection{Operation: provision.Disabling, Fingerprint: "f"}}, 0},
		{
			"rejected when Entra said something else", disabling,
			provision.Record{Rejected: &provision.Rejection{Operation: provision.Disabling, Fingerprint: "g"}},
			1,
		},
		{"approved", disabling, provision.Record{Approval: &provision.Approval{Operation: provision.Disabling, At: now.Add(-24*time.Hour + 1)}}, 0},
		{"approved a day ago", disabling, provision.Record{Approval: &provision.Approval{Operation: provision.Disabling, At: now.Add(-24 * time.Hour)}}, 1},
		{"approved to be deleted", disabling, provision.Record{Approval: &provision.Approval{Operation: provision.Deleting, At: now}}, 1},
		{"approved for fewer", removing, provision.Record{Approval: &provision.Approval{Operation: provision.Removing, At: now, Members: 19}}, 1},
		{
			"approved for others",
			provision.Hold{Operation: provision.Removing, Members: 1, Who: []string{"a"}},
			provision.Record{Approval: &provision.Approval{Operation: provision.Removing, At: now, Members: 1, Who: []string{"b"}}},
			1,
		},
		{
			"rejected by the names of the members", removing,
			provision.Record{Rejected: &provision.Rejection{Operation: provision.Removing, Who: []string{"a"}}},
			0,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.record.Hold = &test.hold
			if s := statusOf(test.record); s.Holds.Undecided != test.undecided || s.AllIsWell != (test.undecided == 0) {
				t.Errorf("%+v", s.Holds)
			}
		})
	}
}
