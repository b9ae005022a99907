package provision

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
)

// One fault is one dead letter, however often it is found, and an object that has
// healed has none. The queue cannot be asked what is on it, so the record says so:
//
//	the attempt      writes the trouble, without a letter
//	the worker       sees that the ledger lists it, sends the letter, notes it
//	next attempts    find the same fault and its letter: their messages are done
//	a success        owes the removal of the letters, and forgets them
//	Letters.Drop     takes them off the queue, once the record is free and well
//
// What a process leaves that is killed between two of them:
//
//	trouble, no letter        the message comes again and is buried then
//	letter, not noted         the message comes again: a second letter
//	noted, message not done   the message comes again, and is done
//	removal owed, not healed  the letters stay, and are owed again by a success
//	healed, letters there     the removal is owed: Drop begins anew
//
// A letter that is put back on the queue stays a letter: whatever the record
// says, it is buried again if it fails for good again. So a record that knows a
// letter which is no more (somebody purged the queue) loses nothing but a second
// copy, and that for letterLife at most.

// Letter is a dead letter of the object, on the dead-letter queue.
type Letter struct {
	// Fault is the same for the same fault only.
	Fault string `json:"fault"`
	// At is when it was put there.
	At time.Time `json:"at"`
}

const (
	// letterLife is how long a letter counts: a queue keeps a message for 14 days
	// (MessageRetentionPeriod, the longest that SQS knows).
	letterLife = 13 * 24 * time.Hour
	// maxLetters bounds how many letters one object has: a reason that is another
	// one each time is no reason for more.
	maxLetters = 5
)

// dead reports whether the fault sends its messages to the dead-letter queue.
func (f *Fault) dead() bool { return f.Kind.Policy().Letter || f.GivenUp }

// mark tells the fault from others. What was given up is so for one reason or
// another: the trouble passes by itself, and one letter brings it back. The id of
// a call is another one each time.
func (f *Fault) mark(step StepName) string {
	if f.GivenUp {
		return "given up"
	}
	reason := f.Error()
	if f.RequestID != "" {
		reason = strings.ReplaceAll(reason, f.RequestID, "")
	}
	sum := sha256.Sum256([]byte(reason))
	return fmt.Sprintf("%s %s %x", f.Kind, step, sum[:8])
}

// AtFault reports whether the last attempt at the object failed. What is held
// did not: the ledger has it, and its messages are done.
func (r *Record) AtFault() bool { return r.OpenFault != nil && !r.OpenFault.Kind.Policy().Hold }

// lettered notes on the attempt whether the fault has its letter. The letters of
// an object that was not at fault are of a fault that is over.
func (v *view) lettered(f *Fault, at StepName) {
	r := &v.record
	if !r.AtFault() {
		r.Letters = nil
	}
	v.attempt.Lettered = f.dead() && r.hasLetter(f, at, v.now)
}

func (r *Record) hasLetter(f *Fault, step StepName, now time.Time) bool {
	letters := livingLetters(r.Letters, now)
	mark := f.mark(step)
	return slices.ContainsFunc(letters, func(l Letter) bool { return l.Fault == mark }) ||
		!f.GivenUp && len(letters) >= maxLetters
}

func livingLetters(letters []Letter, now time.Time) []Letter {
	var living []Letter
	for _, l := range letters {
		if now.Sub(l.At) < letterLife {
			living = append(living, l)
		}
	}
	return living
}

// overcome owes the removal of the letters of an object that is not at fault any
// more. Its record is claimed still: until it says so itself, nobody takes the
// note for done. Where it cannot be noted, the next success does it.
func (b *batch) overcome(ctx context.Context, w *imported) {
	r := &w.record
	if r.AtFault() || len(r.Letters) == 0 && !w.wasDead {
		return
	}
	if b.Healed != nil {
		if err := b.Healed(ctx); err != nil {
			b.Log.WarnContext(ctx, "its dead letters stay for now", "object", w.object.String(), "error", err)
			return
		}
	}
	r.Letters = nil
}

// Letters is the ledger's account of the dead-letter queue.
type Letters struct {
	Ledger    Ledger
	Documents document.Store
	Now       func() time.Time
}

// Listed reports whether the ledger shows the object as one that is at fault for
// good. Nothing is to be a dead letter that no list shows: an attempt whose end
// could not be saved is made again, and so is one that another overtook.
func (l *Letters) Listed(ctx context.Context, o change.Object) (bool, error) {
	r, _, err := l.Ledger.Record(ctx, o)
	return err == nil && r.OpenFault.Dead(), err
}

// Buried notes that a letter with the fault of the attempt is on the dead-letter
// queue. If the object has healed meanwhile, the removal is owed. Where it cannot
// be noted, the fault has a second letter when it is found again.
func (l *Letters) Buried(ctx context.Context, a Attempt) error {
	err := l.bury(ctx, a)
	if err != nil {
		return fmt.Errorf("note the dead letter of %s: %w", a.Object, err)
	}
	return nil
}

func (l *Letters) bury(ctx context.Context, a Attempt) error {
	// Looked at first: a claim would make a record of an object unknown.
	r, _, err := l.Ledger.Record(ctx, a.Object)
	if err != nil {
		return err
	}
	if !r.AtFault() {
		return l.Owe(ctx)
	}
	now, owner := l.Now(), uuid.NewString()
	claimed, err := l.Ledger.Claim(ctx, a.Object, owner, now, now.Add(Lease))
	if err != nil {
		return err
	}
	after := claimed
	after.Claim = Claim{}
	after.Unconcluded--
	mark := a.Fault.mark(a.FailedStep())
	known := func(l Letter) bool { return l.Fault == mark }
	var owed error
	if claimed.AtFault() {
		after.Letters = slices.DeleteFunc(livingLetters(claimed.Letters, now), known)
		after.Letters = append(after.Letters, Letter{Fault: mark, At: now.UTC()})
	}
	if worn := slices.ContainsFunc(claimed.Letters, known) && !slices.ContainsFunc(livingLetters(claimed.Letters, now), known); worn || !claimed.AtFault() {
		owed = l.Owe(ctx) // an embedded queue has the old letter still
	}
	if after.forgettable() {
		return errors.Join(owed, l.Ledger.Forget(ctx, owner, claimed))
	}
	return errors.Join(owed, l.Ledger.Save(ctx, owner, claimed, after))
}

// FailedStep is the step that failed; empty if none did.
func (a Attempt) FailedStep() StepName {
	for _, s := range slices.Backward(a.Steps) {
		if s.Status == Failure {
			return s.Name
		}
	}
	return ""
}
