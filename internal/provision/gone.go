package provision

import (
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
// looked for under every name that it was written under. It reports whether to
// decide on: with what was found, or without a link, since it is by now proven that
// Webex has it no more.
func (d *decision) missing(f *Fault) bool {
	r := &d.record
	found, there, known := d.soughtByName()
	switch {
	case !known:
		return false
	case there && found.ID == r.WebexID:
		r.reported(d.now)
		d.fail(Matching, &Fault{Kind: Transient, Reason: fmt.Sprintf(
			"Webex finds the %s %s of %s by its name and not by its id", d.object.Kind, r.WebexID, d.object), Err: f})
		return false
	case there:
		d.step(Matching, Success, fmt.Sprintf("Webex no longer has the %s %s; found %s, made for the same object",
			d.object.Kind, r.WebexID, found.ID))
		r.Away = r.Away || !d.isGroup()
		d.link(found)
		return true
	}
	m := r.reported(d.now)
	if !d.trustGone && (m.Looks < missingLooks || d.now.Sub(m.Since) < d.missingFor()) {
		d.fail(Matching, d.stillMissing(f))
		return false
	}
	d.step(Matching, Warning, fmt.Sprintf("Webex no longer has the %s %s: so it answered %d times in %s, by its id and by its names",
		d.object.Kind, r.WebexID, m.Looks, d.now.Sub(m.Since).Round(time.Second)))
	r.unlink()
	d.settled = true
	if d.isGroup() || d.entitled() {
		return true
	}
	r.Absence = nil
	d.end(Success, "Webex no longer has it, and shall not", 0)
	r.OpenFault = nil
	return false
}

// reported counts that Webex said once more that what is linked is not there.
func (r *Record) reported(now time.Time) Missing {
	m := Missing{Since: now}
	if r.Missing != nil {
		m = *r.Missing
	}
	m.Looks++
	r.Missing = &m
	return m
}

func (v *view) stillMissing(f *Fault) *Fault {
	return &Fault{Kind: Transient, Reason: fmt.Sprintf(
		"Webex says that the %s %s of %s is not there: looked at again before that is believed", v.object.Kind, v.record.WebexID, v.object), Err: f}
}

// missingFor is for how long the object must have been missing.
func (v *view) missingFor() time.Duration {
	if v.isActive() && !v.entitled() {
		return openMissingFor
	}
	return missingFor
}

// soughtByName looks for what is linked, or was made for the same object, under
// all names that it was written under; false as the last if one must be asked
// first.
func (d *decision) soughtByName() (found Resource, there, known bool) {
	r := &d.record
	var names []string
	if r.PendingWrite != nil {
		names = append(names, r.PendingWrite.Names...)
	}
	if name, ok := r.LastWritten[d.rules(d.object.Kind).Name()].(string); ok && !containsFold(names, name) {
		names = append(names, name)
	}
	for _, name := range names {
		holders, known := d.holders(name)
		if !known {
			return Resource{}, false, false
		}
		for _, candidate := range holders {
			if candidate.ID == r.WebexID || candidate.externalID() == d.object.ID {
				return candidate, true, true
			}
		}
	}
	return Resource{}, false, true
}
