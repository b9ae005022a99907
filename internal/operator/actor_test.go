package operator_test

import (
	"context"
	"testing"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/replay"
)

// What a client asked for may be done when the client is gone.
func TestAnActIsKeptWhenWhoeverOrderedItIsGone(t *testing.T) {
	t.Parallel()
	o := stocked(t)
	ctx, cancel := context.WithCancel(operator.As(t.Context(), "ada@host"))
	o.Now = func() time.Time { cancel(); return noon } // with the first thing it does
	_, _ = o.ClearGuard(ctx)
	found, err := o.History(t.Context(), operator.HistoryRequest{Action: "guard clear"})
	if err != nil || len(found.Entries) != 1 || found.Entries[0].InitiatedBy.DisplayName != "ada@host" {
		t.Errorf("%+v, %v", found.Entries, err)
	}
}

func TestWhatWasNotOrderedIsNoAct(t *testing.T) {
	t.Parallel()
	o := stocked(t)
	for _, do := range []func() error{
		func() error { _, err := o.Replay(t.Context(), replay.Request{DryRun: true}, nil); return err },
		func() error {
			_, err := o.Replay(t.Context(), replay.Request{Filter: []string{"nonsense"}}, nil)
			return err
		},
		func() error { _, err := o.Pause(t.Context(), operator.PauseRequest{Side: "teams"}); return err },
		func() error {
			_, err := o.Approve(t.Context(), operator.DecideRequest{IDs: []string{deadID}})
			return err
		},
	} {
		_ = do() // some are refused
	}
	found, err := o.History(t.Context(), operator.HistoryRequest{Action: "other"})
	if err != nil || len(found.Entries) > 0 {
		t.Errorf("%+v, %v", found.Entries, err)
	}
}

func TestWhoIsNotNamedIsUnknown(t *testing.T) {
	t.Parallel()
	o := stocked(t)
	if err := o.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	found, err := o.History(t.Context(), operator.HistoryRequest{Action: "reconcile"})
	if err != nil || len(found.Entries) != 1 || found.Entries[0].InitiatedBy.DisplayName != "unknown" {
		t.Errorf("%+v, %v", found.Entries, err)
	}
}

// Every kind of fault is a word that the log can be asked for.
func TestEveryFaultCanBeAskedFor(t *testing.T) {
	t.Parallel()
	for kind := provision.FaultKind(1); kind.String() != ""; kind++ {
		if err := (operator.HistoryRequest{Fault: kind.String()}).Validate(); err != nil {
			t.Error(err)
		}
	}
}
