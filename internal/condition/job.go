package condition

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/document"
)

// The jobs whose state is kept, by the names under which it is.
const (
	// Renewing looks after what runs out by itself: subscriptions, tokens, pauses.
	Renewing = "renew"
	// Looking looks for changes that no notification told.
	Looking = "look for changes"
	// ReachingWebex asks Webex for something harmless, lest a quiet day hide that it
	// refuses.
	ReachingWebex = "reach Webex"
	// ReachingWebhook calls the webhook as Graph does when a subscription is made.
	ReachingWebhook = "reach the webhook"
)

// Job says of what is done again and again when that was last.
type Job struct {
	// Last is when it last came to its end without an error; zero if it never did.
	Last time.Time `json:"last,omitzero"`
	// Within is how long after that it does again, where it is done at all.
	Within time.Duration `json:"within,omitempty"`
	// Failing is since when it does not, and why.
	Failing Failing `json:"failing,omitzero"`
}

// Known reports whether it was ever done.
func (j Job) Known() bool { return !j.Last.IsZero() || !j.Failing.Since.IsZero() }

// Late reports whether it was not done for longer than it may be. What fails is done.
func (j Job) Late(now time.Time) bool {
	return j.Known() && j.Failing.Since.IsZero() && now.Sub(j.Last) > j.Within
}

// ReadJob reads the state of a job. One that cannot be decoded is as if it never ran.
func ReadJob(ctx context.Context, documents document.Store, name string) (Job, error) {
	j, err := jobDocument(documents, name).Read(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return Job{}, fmt.Errorf("read when it was last done to %s: %w", name, err)
	}
	return j, nil
}

// Done notes that a job came to an end, with an error or none, and does again within
// that time. Of two runs at a time one notes it.
func Done(ctx context.Context, documents document.Store, name string, within time.Duration, ended error, now time.Time) error {
	kept, err := jobDocument(documents, name).Open(ctx)
	if err == nil || errors.Is(err, document.ErrMalformed) {
		kept.Value.Failing, kept.Value.Within = kept.Value.Failing.With(ended, now), within
		if ended == nil {
			kept.Value.Last = now.UTC()
		}
		err = kept.Save(ctx)
	}
	if err != nil && !errors.Is(err, document.ErrChanged) {
		return fmt.Errorf("note that it was done to %s: %w", name, err)
	}
	return nil
}

func jobDocument(documents document.Store, name string) document.Document[Job] {
	return document.Document[Job]{Store: documents, Name: "job " + name}
}
