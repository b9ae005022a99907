package provision

import (
	"context"
	"fmt"
	"time"
)

// Missing is kept while Webex says that what the object is linked to is not
// there. A replica that is behind, a router without a route and a gateway's page
// have said the same of accounts that were there all the time.
type Missing struct {
	// Since is when it was first said, Looks how often it has been since.
	Since time.Time `json:"since"`
	Looks int       `json:"looks"`
}

const (
	// missingLooks is how often Webex must have said by id and by name that an
	// account or a group is not there, missingFor for how long, before its link is
	// given up: with the delays of backoff it is at the fifth look.
	missingLooks = 3
	missingFor   = 5 * time.Minute
	// openMissingFor is how long for an account that was last open and may not be.
	// If that is given up too early somebody is left with access who has none.
	openMissingFor = time.Hour
)

// missing deals with Webex's word (f) that what is linked is not there: it is
// looked for under every name that it was written under. It reports whether
// Webex has it no more, by now proven, and the link is given up; else the record
// has what was found, or the attempt has ended.
func (b *batch) missing(ctx context.Context, w *work, f *Fault) bool {
	r := &w.record
	found, there, err := b.soughtByName(ctx, w)
	switch {
	case err != nil:
		b.fail(w, Matching, err)
		return false
	case there && found.ID == r.WebexID:
		b.reported(w)
		b.fail(w, Matching, &Fault{Kind: Transient, Reason: fmt.Sprintf(
			"Webex finds the %s %s of %s by its name and not by its id", w.attempt.Object.Kind, r.WebexID, w.attempt.Object), Err: f})
		return false
	case there:
		w.step(Matching, Success, fmt.Sprintf("Webex no longer has the %s %s; found %s, made for the same object",
			w.attempt.Object.Kind, r.WebexID, found.ID))
		r.Away = r.Away || !w.isGroup()
		b.link(w, found)
		return false
	}
	m := b.reported(w)
	if b.TrustGone || m.Looks >= missingLooks && b.Now().Sub(m.Since) >= b.missingFor(w) {
		w.step(Matching, Warning, fmt.Sprintf("Webex no longer has the %s %s: so it answered %d times in %s, by its id and by its names",
			w.attempt.Object.Kind, r.WebexID, m.Looks, b.Now().Sub(m.Since).Round(time.Second)))
		w.unlink()
		w.gone = true
		return true
	}
	b.fail(w, Matching, stillMissing(w, f))
	return false
}

// reported counts that Webex said so once more.
func (b *batch) reported(w *work) Missing {
	m := Missing{Since: b.Now()}
	if w.record.Missing != nil {
		m = *w.record.Missing
	}
	m.Looks++
	w.record.Missing = &m
	return m
}

func stillMissing(w *work, f *Fault) *Fault {
	return &Fault{Kind: Transient, Reason: fmt.Sprintf(
		"Webex says that the %s %s of %s is not there: looked at again before that is believed", w.attempt.Object.Kind, w.record.WebexID, w.attempt.Object), Err: f}
}

// missingFor is for how long the object must have been missing.
func (b *batch) missingFor(w *work) time.Duration {
	if w.isActive() && !b.entitled(w) {
		return openMissingFor
	}
	return missingFor
}

// soughtByName looks for what is linked, or was made for the same object, under
// all names that it was written under.
func (b *batch) soughtByName(ctx context.Context, w *work) (Resource, bool, error) {
	r := &w.record
	var names []string
	if r.PendingWrite != nil {
		names = append(names, r.PendingWrite.Names...)
	}
	if name, ok := r.LastWritten[b.rules(w).Matching()].(string); ok && !containsFold(names, name) {
		names = append(names, name)
	}
	for _, name := range names {
		found, err := b.Target.Named(ctx, w.attempt.Object.Kind, name)
		if err != nil {
			return Resource{}, false, err
		}
		for _, candidate := range found {
			if candidate.ID == r.WebexID || candidate.externalID() == w.attempt.Object.ID {
				return candidate, true, nil
			}
		}
	}
	return Resource{}, false, nil
}

// concludeGone ends the attempt at an object whose account is proven to be no
// more, and which shall have none.
func (b *batch) concludeGone(w *work) {
	w.record.Absence = nil
	b.end(w, Success, "Webex no longer has it, and shall not", 0)
	w.record.OpenFault = nil
}
