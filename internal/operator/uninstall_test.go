package operator

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/renew"
)

func TestWhoLeavesAWSIsToldWhatWouldKeepTheStackThere(t *testing.T) {
	t.Parallel()
	s := config.Settings{AWS: config.AWS{LedgerTable: "ledger"}}
	detach := func(r Remains) bool {
		return strings.Contains(r.Where, "OperatorPolicyArn") && strings.HasPrefix(r.Then, "detach it")
	}
	if !slices.ContainsFunc(remains(&s), detach) || slices.ContainsFunc(remains(&config.Settings{}), detach) {
		t.Error("on AWS, and only there, a policy that is attached keeps the stack")
	}
}

// Graph may well be left alone for longer: what does not run needs no subscription, and
// what runs again is told of by others.
func TestThatAnOperatorHasLeftIsToldForAnHour(t *testing.T) {
	t.Parallel()
	file, err := stores.OpenFile(&config.Settings{DataDir: t.TempDir()}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := renew.Leave(t.Context(), nobody{}, file.Ledger, now); err != nil {
		t.Fatal(err)
	}
	at := now
	o := Operator{Ledger: file.Ledger, Now: func() time.Time { return at }}
	for after, want := range map[time.Duration]int{time.Minute: len(renew.Resources(true)), renew.LeaveFor: 0} {
		at = now.Add(after)
		if states, err := o.subscriptions(t.Context()); err != nil || len(states) != want {
			t.Errorf("after %s: %+v, %v; want %d", after, states, err, want)
		}
	}
}

// nobody has no subscription at Graph.
type nobody struct{ renew.Leaver }

func (nobody) Subscriptions(context.Context) ([]renew.Subscription, error) { return nil, nil }
