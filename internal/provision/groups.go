package provision

import (
	"fmt"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// displayName is the SCIM path by which a group is known.
const displayName = "displayName"

// decideGroup is decide for a group that is in Entra or in its recycle bin.
func (d *decision) decideGroup() {
	switch verdict := d.verdict(); {
	case verdict.Reason == scoping.SoftDeleted:
		d.decideBinned()
		return
	case verdict.OutOfScope() || verdict.Reason == scoping.GroupsOff:
		d.skip(Scoping, verdict.Sentence(change.Group))
		return
	case d.lacks():
		return
	case verdict.Decision == scoping.Skip:
		d.skip(Scoping, verdict.Sentence(change.Group))
		return
	}
	want, err := d.mapped()
	switch {
	case err != nil:
		d.fail(Processing, permanentf("%s: %v", d.object, err))
	case d.record.WebexID == "":
		d.matchGroup(want)
	default:
		d.change(want)
	}
}

// decideBinned deals with a group in the recycle bin, from which it may come
// back with all its members.
func (d *decision) decideBinned() {
	switch {
	case d.record.WebexID == "" && d.attempt.Action == Delete:
		d.succeed()
	case d.record.WebexID == "" || !d.deleteBinned:
		d.skip(Scoping, d.verdict().Sentence(change.Group))
	case d.mayDestroy(Deleting):
		d.remove()
	}
}

// matchGroup looks for a group that has none in Webex yet. Webex lets any
// number of groups have one name, and has groups of its own among them: only
// the one that is evidently meant is adopted.
func (d *decision) matchGroup(want map[string]any) {
	found, known := d.namesakes(want)
	if !known {
		return
	}
	ours, free, others, known := d.sort(found)
	if len(ours) == 0 && len(others) == 0 {
		ours, free = free, nil
	}
	switch {
	case !known:
	case len(ours) > 1 || len(others) > 0 && len(ours) == 0:
		d.fail(Matching, permanentf(
			"%s could be any of the Webex groups %s, or none: rename or delete those that it is not in Control Hub, or rename the group in Entra",
			d.object, candidates(append(append(ours, free...), others...))))
	case len(ours) == 1:
		d.adopt(ours[0])
		d.conform()
	case d.record.PendingWrite != nil:
		d.hidden()
	case !d.mapping.Groups.Actions().Create:
		d.skip(Export, off("create", change.Group)+"no group is made")
	case d.seed():
		d.create(want)
		d.next.write.seed(d.answers.links)
	}
}

// sort sorts groups of the same name: those that carry the id of this one, those
// that it may adopt, and those that it may not. What is evidently a namesake's is
// left out.
func (d *decision) sort(found []Resource) (ours, free, others []Resource, known bool) {
	for _, g := range found {
		namesake, adoptable, known := d.standing(g)
		switch {
		case !known:
			return nil, nil, nil, false
		case g.externalID() == d.object.ID:
			ours = append(ours, g)
		case namesake:
		case adoptable:
			free = append(free, g)
		default:
			others = append(others, g)
		}
	}
	return ours, free, others, true
}

// standing reports whether a group of Webex is that of another in Entra of the same
// name, and if not whether it may be adopted; false as the last if something must be
// asked first.
func (d *decision) standing(g Resource) (namesake, adoptable, known bool) {
	if namesake, known = d.isNamesakes(g); known && !namesake {
		adoptable, known = d.adoptable(g)
	}
	return namesake, adoptable, known
}

// namesakes are the groups of Webex that have the name, as a sweep listed them,
// or as Webex finds them.
func (d *decision) namesakes(want map[string]any) ([]Resource, bool) {
	if d.seen != nil && d.seen.Listed {
		return d.seen.Matches, true
	}
	name, _ := want[displayName].(string)
	return d.holders(name)
}

// isNamesakes reports whether a group of Webex is that of another group in
// Entra, which may have the same name: linked to it, or created for it by an
// attempt that never learned so.
func (d *decision) isNamesakes(g Resource) (namesake, known bool) {
	owner, known := d.owner(g.ID)
	if !known || owner != (change.Object{}) {
		return owner != d.object, known
	}
	id, ok := change.ParseID(g.externalID())
	if !ok || id == d.object.ID {
		return false, true
	}
	r, known := d.recorded(change.Object{Kind: change.Group, ID: id})
	return r.Object != change.Object{}, known
}

// candidates lists groups and why each is not simply taken.
func candidates(groups []Resource) string {
	var list []string
	for _, g := range groups {
		switch {
		case g.Reserved != "":
			list = append(list, fmt.Sprintf("%s (%s)", g.ID, g.Reserved))
		case g.externalID() != "":
			list = append(list, fmt.Sprintf("%s (its externalId is %q)", g.ID, g.externalID()))
		default:
			list = append(list, g.ID)
		}
	}
	return strings.Join(list, ", ")
}
