package daily

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/document"
	"entrawebex/internal/operator"
)

// Job sends the mail of yesterday, once.
type Job struct {
	Documents document.Store
	// Kept is the provisioning log, Status how things stand now.
	Kept   log
	Status func(ctx context.Context) (operator.Status, error)
	// Send sends a mail, or returns why it did not.
	Send func(ctx context.Context, subject, text string) error
	// Hour is that of the day, in UTC, from which on the mail is due.
	Hour int
	Now  func() time.Time
}

// state is what is kept of the mails.
type state struct {
	// Told is the last day that was, such as 2026-03-30.
	Told string `json:"told,omitempty"`
	// By tells the run that wrote it from any other: to write what another wrote just so
	// would pass for having written it (document.Put).
	By string `json:"by,omitempty"`
}

// Run sends the mail if it is due. It is to be called every minute.
//
// That a day is told is written before the mail is sent, by compare and swap: of two runs
// one sends. Where sending fails that is taken back, and the next minute tries again. So
// no day is told twice, but where SNS took the mail and its answer was lost. What a crash
// between the two costs, or a ledger that fails just after SNS did, is the mail of that
// day: none is better than two, since everything in it can be asked for. Of days on which
// nothing ran only the last is told.
func (j *Job) Run(ctx context.Context) error {
	now := j.Now().UTC()
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	yesterday := today.AddDate(0, 0, -1)
	day := yesterday.Format(time.DateOnly)
	if now.Hour() < j.Hour {
		return nil
	}
	kept, err := document.Document[state]{Store: j.Documents, Name: "daily mail"}.Open(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return err
	}
	if kept.Value.Told >= day {
		return nil
	}
	d, err := read(ctx, j.Kept, yesterday)
	if err == nil {
		d.Status, err = j.Status(ctx)
	}
	if err != nil {
		return fmt.Errorf("write the daily mail of %s: %w", day, err)
	}
	before := kept.Value.Told
	kept.Value = state{Told: day, By: uuid.NewString()}
	switch err := kept.Save(ctx); {
	case errors.Is(err, document.ErrChanged):
		return nil // another sends it
	case err != nil:
		return err
	}
	if err := j.Send(ctx, Subject(d), Text(d)); err != nil {
		kept.Value.Told = before
		return errors.Join(fmt.Errorf("send the daily mail of %s: %w", day, err), kept.Save(context.WithoutCancel(ctx)))
	}
	return nil
}
