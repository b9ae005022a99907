package provision

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/change"
)

// ErrNotHeld is returned where an operator decides on what is not held.
var ErrNotHeld = errors.New("no such operation of it is held")

// Approve lets the held operation of the object happen once, within 24 hours,
// if Entra still asks for it. It happens when the Change is queued that is returned:
// with those of others, for a worker to do them together. Of members it lets those
// be removed that are held now, each once. ErrClaimed if the object is being worked on,
// ErrNotHeld if that is not held. Approving twice does no harm.
func Approve(ctx context.Context, l Ledger, o change.Object, d Destruction, now time.Time) (change.Change, error) {
	err := amend(ctx, l, o, d, now, func(r *Record) {
		r.Approval, r.Rejected = &Approval{Operation: d, At: now, Members: r.Hold.Members, Who: r.Hold.Who}, nil
	})
	if err != nil {
		return change.Change{}, fmt.Errorf("approve to %s %s: %w", d, o, err)
	}
	return change.Change{Object: o, Source: change.Engine, SeenAt: now, CorrelationID: uuid.NewString()}, nil
}

// Reject leaves the operation held, without further alarm, until the object
// changes in Entra. Errors are those of Approve.
func Reject(ctx context.Context, l Ledger, o change.Object, d Destruction, now time.Time) error {
	err := amend(ctx, l, o, d, now, func(r *Record) {
		r.Rejected, r.Approval = &Rejection{Operation: d, Fingerprint: r.Hold.Fingerprint, Who: r.Hold.Who}, nil
	})
	if err != nil {
		return fmt.Errorf("reject to %s %s: %w", d, o, err)
	}
	return nil
}

// amend changes the record of an object of which this is held, under a claim
// that counts as no attempt.
func amend(ctx context.Context, l Ledger, o change.Object, d Destruction, now time.Time, decide func(*Record)) error {
	// Looked at first: a claim would make a record of an object unknown.
	if r, _, err := l.Record(ctx, o); err != nil || !r.holds(d) {
		return errors.Join(err, notHeld(r, d))
	}
	owner := uuid.NewString()
	claimed, err := l.Claim(ctx, o, owner, now, now.Add(Lease))
	if err != nil {
		return err
	}
	after := claimed
	after.Claim = Claim{}
	after.Unconcluded--
	if claimed.holds(d) {
		decide(&after)
	}
	end := func() error { return l.Save(ctx, owner, claimed, after) }
	if after.forgettable() {
		end = func() error { return l.Forget(ctx, owner, claimed) }
	}
	return errors.Join(end(), notHeld(claimed, d))
}

func (r *Record) holds(d Destruction) bool { return r.Hold != nil && r.Hold.Operation == d }

func notHeld(r Record, d Destruction) error {
	if r.holds(d) {
		return nil
	}
	return ErrNotHeld
}
