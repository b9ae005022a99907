package worker_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/worker"
)

// account is what a ledger knows of letters: whether it shows the fault, and what
// it was told.
type account struct {
	listed bool
	err    error
	buried []change.Object
	// dead is where a letter must be by the time it is told of.
	dead queue.Queue
	t    *testing.T
}

func (a *account) Listed(context.Context, change.Object) (bool, error) { return a.listed, a.err }

func (a *account) Buried(ctx context.Context, attempt provision.Attempt) error {
	a.buried = append(a.buried, attempt.Object)
	if depth, err := a.dead.Depth(ctx); err != nil || depth.Visible != 1 {
		a.t.Errorf("told of a letter with %+v on the queue, %v", depth, err)
	}
	return a.err
}

func permanent() provision.Attempt {
	return provision.Attempt{
		Fault: &provision.Fault{Kind: provision.Permanent, Reason: "the name\nis taken", Err: errors.New("409")},
		Steps: []provision.ProvisioningStep{
			{Name: provision.Import, Status: provision.Success},
			{Name: provision.Matching, Status: provision.Failure},
		},
	}
}

func TestAPermanentFaultIsOneLetterWithTheFault(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		ch := newChange(1)
		msgs := enqueue(t, h, ch, ch)
		e.attempts[ch.Object] = permanent()
		wantEqual(t, c.Handle(t.Context(), msgs), []string(nil))

		m := receive(t, h.deadLetters, 1)[0]
		wantNone(t, h.deadLetters)
		wantEqual(t, m.Group, ch.ID)
		wantEqual(t, m.Body, msgs[0].Body)
		wantEqual(t, m.Attributes, map[string]string{
			worker.AttributeFaultKind:     "permanent",
			worker.AttributeFaultStep:     "matching",
			worker.AttributeFaultReason:   "the name is taken: 409",
			worker.AttributeFirstSeen:     "2026-03-01T09:30:00Z",
			worker.AttributeAttempts:      "1",
			worker.AttributeCorrelationID: ch.CorrelationID,
		})
	})
}

// ids are the ids of so many members.
func ids(from, to int) []string {
	var members []string
	for n := from; n < to; n++ {
		members = append(members, newChange(n).ID)
	}
	return members
}

func TestALetterAsksForAllThatItsMessagesAskFor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ one, two, want change.Change }{
		"members": {
			change.Change{Members: ids(0, 60)}, change.Change{Members: ids(50, 100)}, change.Change{Members: ids(0, 100)},
		},
		"more members than a change can name": {
			change.Change{Members: ids(0, 60)}, change.Change{Members: ids(60, 101)}, change.Change{Afresh: true},
		},
		"to trust nothing":                   {change.Change{}, change.Change{Afresh: true}, change.Change{Afresh: true}},
		"the word that the group is no more": {change.Change{Members: ids(0, 1)}, change.Change{Deleted: true}, change.Change{Members: ids(0, 1), Deleted: true}},
		"nothing beyond the first":           {change.Change{}, change.Change{}, change.Change{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
				group := func(ch change.Change) change.Change {
					like := newChange(7)
					ch.Object, ch.Source, ch.SeenAt, ch.CorrelationID = change.Object{Kind: change.Group, ID: like.ID}, like.Source, like.SeenAt, like.CorrelationID
					return ch
				}
				msgs := enqueue(t, h, group(test.one), group(test.two))
				e.attempts[group(test.one).Object] = permanent()
				wantEqual(t, c.Handle(t.Context(), msgs), []string(nil))
				got, err := change.Decode(receive(t, h.deadLetters, 1)[0].Body)
				if err != nil {
					t.Fatal(err)
				}
				wantEqual(t, got, group(test.want))
			})
		})
	}
}

func TestAFaultThatHasItsLetterGetsNoOtherOne(t *testing.T) {
	t.Parallel()
	deleted := newChange(1)
	deleted.Deleted = true
	for name, test := range map[string]struct {
		change     change.Change
		attributes map[string]string
		letters    int
	}{
		"a change":                              {newChange(1), nil, 0},
		"but a letter that was replayed":        {newChange(1), map[string]string{worker.AttributeReplayed: "true"}, 1},
		"but a letter that SQS itself replayed": {newChange(1), map[string]string{worker.AttributeFaultKind: "permanent"}, 1},
		"but the word that it was deleted":      {deleted, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
				body, err := test.change.Encode()
				if err != nil {
					t.Fatal(err)
				}
				mustSend(t, h, queue.Entry{Group: test.change.ID, Body: body, Attributes: test.attributes})
				a := permanent()
				a.Lettered = true
				e.attempts[test.change.Object] = a
				c.Letters = &account{t: t, listed: true, dead: h.deadLetters}
				wantEqual(t, c.Handle(t.Context(), enqueue(t, h)), []string(nil))
				depth, err := h.deadLetters.Depth(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				wantEqual(t, depth.Visible, test.letters)
			})
		})
	}
}

// As a Lambda event has them: SQS keeps the attributes of what it moves back.
func TestALetterThatSQSMovedBackIsALetterAgain(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		a := permanent()
		a.Lettered = true
		e.attempts[newChange(1).Object] = a
		m := record(t, "m1", newChange(1))
		kind := "permanent"
		m.MessageAttributes = map[string]events.SQSMessageAttribute{worker.AttributeFaultKind: {DataType: "String", StringValue: &kind}}
		response, err := c.HandleEvent(t.Context(), events.SQSEvent{Records: []events.SQSMessage{m}})
		if err != nil || len(response.BatchItemFailures) > 0 {
			t.Fatal(response, err)
		}
		receive(t, h.deadLetters, 1)
	})
}

func TestALetterIsToldOfOnceItIsThere(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		told := &account{t: t, listed: true, dead: h.deadLetters}
		c.Letters = told
		e.attempts[newChange(1).Object] = permanent()
		wantEqual(t, c.Handle(t.Context(), enqueue(t, h, newChange(1))), []string(nil))
		wantEqual(t, told.buried, []change.Object{newChange(1).Object})
	})
}

func TestALetterThatIsNotThereIsNotToldOf(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		told := &account{t: t, listed: true, dead: h.deadLetters}
		c.Letters, c.DeadLetters = told, failing{}
		e.attempts[newChange(1).Object] = permanent()
		msgs := enqueue(t, h, newChange(1))
		wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID})
		wantEqual(t, told.buried, []change.Object(nil))
	})
}

// reluctant is a ledger that shows the fault, and does not take the note.
type reluctant struct{}

func (reluctant) Listed(context.Context, change.Object) (bool, error) { return true, nil }

func (reluctant) Buried(context.Context, provision.Attempt) error { return provision.ErrClaimed }

func TestALetterThatCannotBeNotedIsDoneAllTheSame(t *testing.T) {
	t.Parallel()
	handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
		c.Letters = reluctant{}
		e.attempts[newChange(1).Object] = permanent()
		wantEqual(t, c.Handle(t.Context(), enqueue(t, h, newChange(1))), []string(nil))
		receive(t, h.deadLetters, 1)
	})
}

func TestNothingIsADeadLetterThatNoListShows(t *testing.T) {
	t.Parallel()
	for name, unlisted := range map[string]*account{
		"its end was not saved":      {},
		"the ledger does not answer": {err: errors.New("out of reach")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handles(t, func(t *testing.T, h opened, e *engine, c *worker.Worker) {
				c.Letters = unlisted
				e.attempts[newChange(1).Object] = permanent()
				msgs := enqueue(t, h, newChange(1), newChange(1))
				begin := time.Now()
				wantEqual(t, c.Handle(t.Context(), msgs), []string{msgs[0].ID, msgs[1].ID})
				wantNone(t, h.deadLetters)
				again := receive(t, h, 2)
				if waited := time.Since(begin); waited > time.Minute || !slices.Equal(again[0].Body, msgs[0].Body) {
					t.Error(fmt.Sprint("it is tried again after ", waited))
				}
			})
		})
	}
}
