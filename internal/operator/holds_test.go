package operator_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

// sends counts what is sent at a time, and fails with err.
type sends struct {
	queue.Queue

	each []int
	err  error
}

func (s *sends) Send(ctx context.Context, entries []queue.Entry) error {
	s.each = append(s.each, len(entries))
	return errors.Join(ctx.Err(), s.err)
}

// twoHeld has two operations that are held, and tells what is sent.
func twoHeld(t *testing.T) (*operator.Operator, *sends) {
	t.Helper()
	o := stocked(t)
	save(t, o.Ledger, deadID, func(r *provision.Record) {
		r.WebexID, r.Hold = "v", &provision.Hold{Operation: provision.Disabling, Since: noon.Add(-time.Hour)}
	})
	s := &sends{Queue: o.Changes}
	o.Changes = s
	return o, s
}

func TestWhatIsApprovedTogetherIsQueuedTogether(t *testing.T) {
	t.Parallel()
	o, s := twoHeld(t)
	decided, err := o.Approve(t.Context(), operator.DecideRequest{All: true})
	if err != nil || len(decided.Done) != 2 || len(s.each) != 1 || s.each[0] != 2 {
		t.Errorf("%+v, %v; sent %v", decided, err, s.each)
	}
}

func TestWhatIsApprovedAndNotQueuedIsTold(t *testing.T) {
	t.Parallel()
	o, s := twoHeld(t)
	s.err = errors.New("no queue")
	_, err := o.Approve(t.Context(), operator.DecideRequest{All: true})
	if err == nil || !strings.Contains(err.Error(), "approve them once more: ") || !errors.Is(err, s.err) {
		t.Error(err)
	}
	s.err, s.each = nil, nil
	decided, err := o.Approve(t.Context(), operator.DecideRequest{All: true})
	if err != nil || len(decided.Done) != 2 || len(s.each) != 1 || s.each[0] != 2 {
		t.Errorf("once more: %+v, %v; sent %v", decided, err, s.each)
	}
}

// leaves is a ledger whose caller is gone once something was saved in it.
type leaves struct {
	stores.Ledger

	gone context.CancelFunc
}

func (l leaves) Save(ctx context.Context, owner string, before, after provision.Record) error {
	defer l.gone()
	return l.Ledger.Save(ctx, owner, before, after)
}

func TestWhatIsApprovedIsQueuedIfWhoeverApprovedItIsGone(t *testing.T) {
	t.Parallel()
	o, s := twoHeld(t)
	ctx, cancel := context.WithCancel(t.Context())
	o.Ledger = leaves{o.Ledger, cancel}
	if _, err := o.Approve(ctx, operator.DecideRequest{IDs: []string{heldID}}); err != nil || len(s.each) != 1 {
		t.Errorf("%v; sent %v", err, s.each)
	}
}
