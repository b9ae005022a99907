package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
)

func TestStatusTellsEveryAlarmForAsLongAsItIsTrue(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t, second, first))
	operate(t, environ, "pause", "webex", "--why", "maintenance")
	status := operate(t, environ, "status")
	for _, want := range []string{
		"Graph", "not paused", "by an operator, until", "entrawebex resume: maintenance", "latched since 2026-03-02T09:00:00Z",
		"2 objects, 2 to decide on", "Linked to Webex",
		"Needs you: webex is paused; the guard is latched; 2 accounts blocked in Entra and still open in Webex; 2 holds to decide on\n",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("there is no %q in\n%s", want, status)
		}
	}
	if strings.Index(status, first) > strings.Index(status, second) {
		t.Errorf("those blocked are not told by their ids:\n%s", status)
	}
	operate(t, environ, "resume", "webex")
	operate(t, environ, "guard", "clear")
	operate(t, environ, "holds", "reject", "--all")
	if status := operate(t, environ, "status"); !strings.HasSuffix(status, "\nNeeds you: 2 accounts blocked in Entra and still open in Webex\n") {
		t.Errorf("after all was decided:\n%s", status)
	}
}

func TestTheLastLineOfStatusSaysThatAllIsWell(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t))
	operate(t, environ, "guard", "clear")
	if status := operate(t, environ, "status"); !strings.HasSuffix(status, "\nall is well\n") {
		t.Errorf("status:\n%s", status)
	}
	var s survey
	if err := json.Unmarshal([]byte(operate(t, environ, "status", "--json")), &s); err != nil || !s.AllIsWell || len(s.Attention) > 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestStatusTellsDeadLettersAndTheirReason(t *testing.T) {
	t.Parallel()
	status := operate(t, kept(t), "status")
	for _, want := range []string{
		"1: entrawebex dead-letters", "1 permanent, 1 transient", "the userName is taken",
		"Needs you: 1 dead letter; 1 fault that trying again does not mend; 1 fault tried again for more than an hour\n",
	} {
		if !strings.Contains(status, want) {
			t.Errorf("there is no %q in\n%s", want, status)
		}
	}
}

// now is when the surveys of the tests are made.
var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func surveyOf(records ...provision.Record) survey {
	s := survey{Faults: map[string]int{}}
	for i, r := range records {
		r.Object = change.Object{Kind: change.User, ID: fmt.Sprint("u", i)}
		s.count(r, now)
	}
	s.attend()
	return s
}

func trouble(kind provision.FaultKind, attempts int, age time.Duration) provision.Record {
	return provision.Record{Trouble: &provision.Trouble{Kind: kind, Attempts: attempts, Since: now.Add(-age)}}
}

func TestTheWorstThreeFaultsAreThosePersonsMustMendThenTheMostTried(t *testing.T) {
	t.Parallel()
	s := surveyOf(
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
	if got := s.faults(); got != "2 permanent, 1 throttled, 2 transient" {
		t.Error(got)
	}
}

func TestAFaultThatIsTriedAgainNeedsNobodyForAnHour(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		age  time.Duration
		well bool
	}{{time.Hour - 1, true}, {time.Hour, false}} {
		if s := surveyOf(trouble(provision.Throttled, 1, test.age)); s.AllIsWell != test.well {
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
	s := surveyOf(inactive(22), inactive(24), inactive(26), inactive(31), gone)
	want := removedSoon{Count: 2, First: now.AddDate(0, 0, 4)}
	if diff := cmp.Diff(want, s.Removed); diff != "" || !s.AllIsWell {
		t.Error(diff, s.Attention)
	}
	if got := removedState(s.Removed); got != "2 inactive accounts within 7 days, the first on 2026-03-06" {
		t.Error(got)
	}
}

func TestOnlyATerminalSeesColours(t *testing.T) {
	t.Parallel()
	paused := survey{Paused: pause.State{pause.Graph: {Since: now, Why: "no answer"}}}
	for _, colour := range []bool{false, true} {
		var out bytes.Buffer
		terminal{Colour: colour}.show(&out, paused)
		if strings.Contains(out.String(), "\x1b[") != colour || !strings.Contains(out.String(), "succeeds: no answer") {
			t.Errorf("colour %v: %q", colour, out.String())
		}
	}
}

func TestWhatWasGivenUpIsAsBadAsWhatIsPermanent(t *testing.T) {
	t.Parallel()
	givenUp := trouble(provision.Transient, 130, 24*time.Hour)
	givenUp.Trouble.GivenUp = true
	s := surveyOf(trouble(provision.Transient, 200, time.Minute), givenUp)
	if s.Worst[0].Object.ID != "u1" || s.faults() != "1 given up, 1 transient" || s.Unmended != 1 || s.AllIsWell {
		t.Errorf("%+v", s)
	}
}

func TestAHoldIsDecidedOnUntilItsApprovalRunsOut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		record    provision.Record
		undecided int
	}{
		{"no word yet", provision.Record{}, 1},
		{"rejected", provision.Record{Rejected: &provision.Rejection{}}, 0},
		{"approved", provision.Record{Approval: &provision.Approval{At: now.Add(-24*time.Hour + 1)}}, 0},
		{"approved a day ago", provision.Record{Approval: &provision.Approval{At: now.Add(-24 * time.Hour)}}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.record.Hold = &provision.Hold{Operation: provision.Disabling}
			if s := surveyOf(test.record); s.Holds.Undecided != test.undecided || s.AllIsWell != (test.undecided == 0) {
				t.Errorf("%+v", s.Holds)
			}
		})
	}
}
