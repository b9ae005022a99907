package provision

import (
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
)

// match looks for an account that is there already by the matching attributes, in their
// precedence: the first by which one is found that may be adopted decides. It reports
// whether to decide on, with that account or without one.
//
// The name costs a search only where a later attribute finds somebody: whether it is
// taken, the creation itself tells.
func (d *decision) match(want map[string]any) bool {
	if d.unmatched || d.record.PendingWrite != nil { // where an earlier attempt found nobody
		return true
	}
	rules := d.rules(d.object.Kind)
	var name *mapping.Criterion
	for _, c := range rules.Criteria(want) {
		if c.Target() == rules.Name() && !d.isListed(c) {
			name = &c
			continue
		}
		hits, known := d.hits(c)
		if len(hits) > 0 && name != nil {
			var named []Resource
			if named, known = d.hits(*name); len(named) > 0 {
				hits, c = named, *name
			}
		}
		switch {
		case !known:
			return false
		case len(hits) > 0:
			return d.take(c, hits)
		}
	}
	d.unmatched = true
	return true
}

// hits are those that meet a criterion and may be adopted: whoever is another object's,
// or somebody's of this tenant, is not meant; false if something must be asked first.
func (d *decision) hits(c mapping.Criterion) ([]Resource, bool) {
	found, known := d.meeting(c)
	if !known {
		return nil, false
	}
	var hits []Resource
	for _, candidate := range found {
		free, known := d.isFree(candidate)
		if !known {
			return nil, false
		}
		if free {
			hits = append(hits, candidate)
		}
	}
	return hits, true
}

// meeting are those that meet a criterion, as a sweep listed them, or as Webex finds
// them; false if it must be asked first.
func (d *decision) meeting(c mapping.Criterion) ([]Resource, bool) {
	if d.isListed(c) {
		return meeting(c, d.seen.Matches), true
	}
	filter := c.Filter()
	if found, known := d.answers.meeting[filter]; known {
		return found, true
	}
	return nil, d.ask(question{at: Matching, asks: askMeeting, text: filter, criterion: c})
}

// isListed reports whether a sweep has seen what meets the criterion, or that nothing
// does. Of values that it has not seen it knows no more than what it found.
func (d *decision) isListed(c mapping.Criterion) bool {
	if d.seen == nil {
		return false
	}
	all := slices.Contains(d.seen.Sought, c.Target()) && d.seen.holds(d.record, d.skew)
	return all || len(meeting(c, d.seen.Matches)) > 0
}

// meeting are those of some accounts that meet a criterion.
func meeting(c mapping.Criterion, accounts []Resource) []Resource {
	return slices.DeleteFunc(slices.Clone(accounts), func(r Resource) bool {
		met, _ := c.Met(r.Attributes)
		return !met
	})
}

// isFree reports whether an account may be adopted for the object. Of two in this batch
// that would adopt the same one, the ledger lets the first have it.
func (d *decision) isFree(found Resource) (free, known bool) {
	if free, known = d.adoptable(found); !known || !free {
		return false, known
	}
	owner, known := d.owner(found.ID)
	return owner == change.Object{} || owner == d.object, known
}

// take adopts what was found by a criterion, if that is one, or one that has the
// object's id. It reports whether to decide on.
func (d *decision) take(c mapping.Criterion, hits []Resource) bool {
	if ours := slices.DeleteFunc(slices.Clone(hits), func(r Resource) bool { return !d.isOurs(r) }); len(ours) > 0 {
		hits = []Resource{lowest(ours)}
	}
	if len(hits) > 1 {
		d.fail(Matching, permanentf("by %s %s could be any of the Webex accounts %s: leave the value with one of them in Control Hub, or match by another attribute",
			c.Target(), d.object, candidates(hits)))
		return false
	}
	return d.takeOver(hits[0])
}

// takeOver adopts what may be adopted. It reports whether to decide on.
func (d *decision) takeOver(found Resource) bool {
	found, known := d.whole(found)
	if !known {
		return false
	}
	away := d.record.Away // who had an account that was given up has it again
	d.adopt(found)
	d.adopted = !away
	return true
}

// isOurs reports whether the account has the object's id.
func (d *decision) isOurs(found Resource) bool { return found.externalID() == d.object.ID }

// lowest is the account of the lowest id: of several with one object's id the same one,
// in whatever order Webex lists or finds them.
func lowest(accounts []Resource) Resource {
	return slices.MinFunc(accounts, func(a, b Resource) int { return strings.Compare(a.ID, b.ID) })
}

// matchSeen links a user who has no account to the one with the object's id that a sweep
// saw: it is evidently theirs, also of one who shall have none. Of several it is the one
// that a search would have found, by the first attribute that any of them meets. It
// reports whether to decide on.
func (d *decision) matchSeen(want map[string]any) bool {
	var ours []Resource
	for _, found := range d.seen.Matches {
		if !d.isOurs(found) {
			continue
		}
		free, known := d.isFree(found)
		if !known {
			return false
		}
		if free {
			ours = append(ours, found)
		}
	}
	if len(ours) == 0 {
		return true
	}
	for _, c := range d.rules(d.object.Kind).Criteria(want) {
		if met := meeting(c, ours); len(met) > 0 {
			return d.takeOver(lowest(met))
		}
	}
	return d.takeOver(lowest(ours))
}
