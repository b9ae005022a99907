package terminal

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/golden"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/renew"
	"entrawebex/internal/sweep"
)

// badMorning is a status with something to say in every row.
func badMorning() operator.Status {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	const ada, bob = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607", "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
	failing := condition.Failing{Since: at.Add(-time.Hour), Error: "Graph answered 403 Forbidden"}
	last := sweep.Finished{At: at.Add(-7 * time.Hour), Took: 83 * time.Second}
	last.Classes = map[sweep.Class]int{sweep.InSync: 998, sweep.Drifted: 2}
	return operator.Status{
		At: at, Names: map[string]string{ada: "ada@contoso.example", bob: "bob\x1b[2J@contoso.example"},
		Paused:            pause.State{pause.Webex: {Since: at.Add(-time.Hour), Why: "401"}},
		GuardLatchedSince: at.Add(-time.Hour),
		Holds:             operator.Holds{Total: 3, Undecided: 2, Rejected: 1, Blocked: []change.Object{{Kind: change.User, ID: ada}}},
		Waiting:           3, InFlight: 1, Oldest: at.Add(-90 * time.Second), DeadLetters: 1, Linked: 1000,
		Latency: operator.Latency{Since: at.Add(-time.Hour), Count: 25, P50: 812, P99: 3104},
		Faults:  map[string]int{"permanent": 1},
		Worst: []operator.Fault{{
			Object:    change.Object{Kind: change.User, ID: bob},
			OpenFault: provision.OpenFault{Kind: provision.Permanent, Step: provision.Matching, Reason: "the userName is taken", Since: at.Add(-time.Hour), Attempts: 1},
		}},
		Open: sweep.Named{Count: 2, IDs: []string{bob}}, ShutOut: sweep.Named{Count: 1, IDs: []string{ada}},
		Spared:        operator.Spared{Count: 1, First: []operator.SparedAccount{{ID: bob, Spared: provision.Spared{Since: at, Why: "UPSERT_ONLY is set"}}}},
		Compared:      sweep.State{Last: &last, Rounds: []reconcile.RoundState{{Of: "users", Failing: failing}}},
		Subscribed:    true,
		Subscriptions: []renew.SubscriptionState{{Resource: "users", ID: "s", ExpiresAt: at.Add(60 * time.Hour), LastDelivery: at.Add(-time.Minute)}, {Resource: "groups", Failing: failing}},
		Alive:         renew.Alive{At: at.Add(-time.Hour), Interval: time.Minute},
		Token:         operator.Token{Access: at.AddDate(0, 0, 9), Refresh: at.AddDate(0, 0, 80)},
		Secret:        operator.Secret{Ends: at.AddDate(0, 0, 20), Warning: "make another client secret"},
		Jobs:          []operator.Job{{Name: condition.Looking, Job: condition.Job{Last: at.Add(-time.Hour), Failing: failing}}},
		Attention:     []string{"looking for changes of users fails: Graph answered 403 Forbidden", "webex is paused until it answers again: 401"},
		Retried:       []string{"1 fault"},
	}
}

func TestStatusIsATableOf80Columns(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	Terminal{}.Status(&out, badMorning())
	golden.Is(t, filepath.Join("testdata", "status.txt"), out.String())
	for line := range strings.Lines(out.String()) {
		if width := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); width > Columns {
			t.Errorf("%d columns: %s", width, line)
		}
	}
}

func TestTheOldestChangeIsToldAsFarAsItIsKnown(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for want, s := range map[string]operator.Status{
		"none":                                 {At: at},
		"not known: nothing was measured":      {At: at, Waiting: 1, OldestUnknown: "nothing was measured"},
		"since 2026-03-02T08:59:00Z, 1m0s ago": {At: at, InFlight: 1, Oldest: at.Add(-time.Minute)},
		"since 2026-03-02T08:50:00Z, 10m0s ago, as CloudWatch had it at 08:57Z": {At: at, Waiting: 1, Oldest: at.Add(-10 * time.Minute), OldestAsOf: at.Add(-3 * time.Minute)},
	} {
		if got := oldestState(s); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestALatencyOfLessThanTheHourSaysSo(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	s := operator.Status{At: at, Latency: operator.Latency{Since: at.Add(-time.Minute), Count: 1, P50: 7, P99: 7}}
	if got := latencyState(s); got != "p50 7ms, p99 7ms, of 1 change, of the last 1m0s" {
		t.Error(got)
	}
}

func TestOnlyATerminalSeesColours(t *testing.T) {
	t.Parallel()
	paused := operator.Status{Paused: pause.State{pause.Graph: {Since: time.Now(), Why: "no answer"}}}
	for _, colour := range []bool{false, true} {
		var out bytes.Buffer
		Terminal{Colour: colour}.Status(&out, paused)
		if strings.Contains(out.String(), "\x1b[") != colour || !strings.Contains(out.String(), "succeeds: no answer") {
			t.Errorf("colour %v: %q", colour, out.String())
		}
	}
}

func TestTheFirstAccountThatWebexRemovesIsToldWithItsDay(t *testing.T) {
	t.Parallel()
	soon := operator.Removed{Count: 2, First: time.Date(2026, 3, 6, 9, 0, 0, 0, time.UTC)}
	if got := removedState(soon); got != "2 inactive accounts within 7 days, the first on 2026-03-06" {
		t.Error(got)
	}
}

func TestAnAWSIdentityDoesNotEnd(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	Terminal{}.Status(&out, operator.Status{Secret: operator.Secret{Credential: renew.Federation}})
	if !regexp.MustCompile(`Entra's trust in AWS +│ does not end`).MatchString(out.String()) {
		t.Error(out.String())
	}
}
