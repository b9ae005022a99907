package provision

import (
	"context"
	"fmt"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// displayName is the SCIM path by which a group is known.
const displayName = "displayName"

// decideGroup is decide for a group that is in Entra or in its recycle bin.
func (b *batch) decideGroup(ctx context.Context, w *work) {
	switch verdict := b.verdict(w); {
	case verdict.Reason == scoping.SoftDeleted:
		b.decideBinned(ctx, w)
		return
	case verdict.OutOfScope() || verdict.Reason == scoping.GroupsOff:
		b.skip(w, Scoping, verdict.Sentence(change.Group))
		return
	case b.lacks(w):
		return
	case verdict.Decision == scoping.Skip:
		b.skip(w, Scoping, verdict.Sentence(change.Group))
		return
	}
	want, err := b.Mapping.Groups.Map(w.reading.Attributes)
	switch {
	case err != nil:
		b.fail(w, Processing, permanentf("%s: %v", w.attempt.Object, err))
	case w.record.WebexID == "":
		b.matchGroup(ctx, w, want)
	default:
		b.change(ctx, w, want)
	}
}

// decideBinned deals with a group in the recycle bin, from which it may come
// back with all its members.
func (b *batch) decideBinned(ctx context.Context, w *work) {
	switch {
	case w.record.WebexID == "" && w.attempt.Action == Delete:
		b.succeed(w)
	case w.record.WebexID == "" || !b.DeleteBinned:
		b.skip(w, Scoping, b.verdict(w).Sentence(change.Group))
	case b.mayDestroy(ctx, w, Deleting):
		w.op = &Operation{Object: w.attempt.Object, ID: w.record.WebexID, Delete: true}
	}
}

// matchGroup looks for a group that has none in Webex yet. Webex lets any
// number of groups have one name, and has groups of its own among them: only
// the one that is evidently meant is adopted.
func (b *batch) matchGroup(ctx context.Context, w *work, want map[string]any) {
	found, err := b.namesakes(ctx, w, want)
	if err != nil {
		b.fail(w, Matching, err)
		return
	}
	var ours, free, others []Resource
	for _, g := range found {
		namesake, adoptable, err := b.standing(ctx, w, g)
		switch {
		case err != nil:
			b.fail(w, Matching, err)
			return
		case g.externalID() == w.attempt.Object.ID:
			ours = append(ours, g)
		case namesake:
		case adoptable:
			free = append(free, g)
		default:
			others = append(others, g)
		}
	}
	if len(ours) == 0 && len(others) == 0 {
		ours, others = free, nil
	}
	switch {
	case len(ours) > 1 || len(others) > 0 && len(ours) == 0:
		b.fail(w, Matching, permanentf(
			"%s could be any of the Webex groups %s, or none: rename or delete those that it is not in Control Hub, or rename the group in Entra",
			w.attempt.Object, candidates(append(append(ours, free...), others...))))
	case len(ours) == 1:
		b.adopting(ctx, w, ours[0])
		b.link(w, ours[0])
		b.change(ctx, w, want)
	case w.record.PendingWrite != nil:
		b.unseen(w)
	default:
		b.create(w, want)
		b.seed(ctx, w)
	}
}

// standing reports whether a group of Webex is that of another in Entra of the same
// name, and if not whether it may be adopted.
func (b *batch) standing(ctx context.Context, w *work, g Resource) (namesake, adoptable bool, err error) {
	if namesake, err = b.isNamesakes(ctx, w, g); err == nil && !namesake {
		adoptable, err = b.adoptable(ctx, g, w.attempt.Object)
	}
	return namesake, adoptable, err
}

// namesakes are the groups of Webex that have the name, as a sweep listed them,
// or as Webex finds them.
func (b *batch) namesakes(ctx context.Context, w *work, want map[string]any) ([]Resource, error) {
	if w.seen != nil && w.seen.Listed {
		return w.seen.Matches, nil
	}
	name, _ := want[displayName].(string)
	return b.Target.Named(ctx, change.Group, name)
}

// isNamesakes reports whether a group of Webex is that of another group in
// Entra, which may have the same name: linked to it, or created for it by an
// attempt that never learned so.
func (b *batch) isNamesakes(ctx context.Context, w *work, g Resource) (bool, error) {
	if owner, linked, err := b.Ledger.LinkedTo(ctx, g.ID); linked || err != nil {
		return owner != w.attempt.Object, err
	}
	id, ok := change.ParseID(g.externalID())
	if !ok || id == w.attempt.Object.ID {
		return false, nil
	}
	_, known, err := b.Ledger.Record(ctx, change.Object{Kind: change.Group, ID: id})
	return known, err
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
