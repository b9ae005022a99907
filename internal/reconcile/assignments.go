package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/document"
	"entrawebex/internal/paging"
	"entrawebex/internal/provision"
)

// manifestDocument is where it stands what was seen last, and bucketDocument
// where the number-th part of it is.
func manifestDocument(documents document.Store) document.Document[manifest] {
	return document.Document[manifest]{Store: documents, Name: "assignments"}
}

// openManifest reads the manifest. Nothing at all is that of a first list.
func (j *Job) openManifest(ctx context.Context) (document.Copy[manifest], error) {
	kept, err := manifestDocument(j.Documents).Open(ctx)
	if err != nil {
		return kept, fmt.Errorf("read which assignments were seen: %w", err)
	}
	if kept.Version == 0 {
		kept.Value.First = true
	}
	return kept, nil
}

func bucketDocument(number int) string { return fmt.Sprintf("assignments %d", number) }

// whyGone is why a sweep must find the members of a group.
const whyGone = "a group that was assigned is gone, and who was in it cannot be read any more"

// last is how long a run that is being ended takes to give its claim up.
const last = 5 * time.Second

// polling is one look at the assignments, with what it needs to know.
type polling struct {
	*Job

	// all are those on the list, sorted.
	all []assigned
	// unqueued says that the sweep that is due reads the same list, and that
	// all are to be noted without a Change.
	unqueued bool
	// first says that no list came to its end before.
	first bool
	// queued counts the Changes, left those who are still to be queued, again those who
	// are to be queued once more.
	queued, left, again int
	failed              []error
	// down is why nothing more can be queued.
	down error
}

// assignments queues whoever is assigned to the enterprise application and was
// not, is no longer, or is in other roles than when it last looked; and with a
// group those who are in it. Graph has no delta query of assignments, so that
// all of them are listed.
//
// The manifest says whether the list is the one that was last seen. Where it is
// not, a run claims it before it writes; one that finds it claimed leaves it.
// Whoever is to be queued is noted first and crossed off after: a run that ends
// between the two leaves a note for the next, also if the list is by then as it
// was. Where roles are mapped, the next run queues them once more.
func (j *Job) assignments(ctx context.Context) error {
	kept, err := j.openManifest(ctx)
	switch {
	case errors.Is(err, document.ErrMalformed): // every bucket is looked at, and the manifest written anew
		j.Log.WarnContext(ctx, "which assignments were seen is looked up anew", "error", err)
	case err != nil:
		return err
	}
	seen := kept.Value
	if seen.isClaimed(j.Now()) {
		j.Log.InfoContext(ctx, "another run is at the assignments", "until", seen.Until)
		return nil
	}
	// Not before the manifest was read: what is written in the end shall be
	// newer than what it says.
	app, err := j.Scoping.App(ctx)
	if err != nil {
		return err
	}
	all, err := j.list(ctx, app)
	if err != nil {
		return err
	}
	hash := hashOf(app, all)
	switch {
	case hash != seen.Hash:
	case seen.Failing != condition.Failing{}:
		_, err := j.writeManifest(ctx, &kept, manifest{Hash: hash})
		return err
	default:
		return nil
	}
	deadline, _ := ctx.Deadline()
	claim := manifest{First: seen.First, Failing: seen.Failing, Owner: uuid.NewString(), Until: j.Now().Add(time.Until(deadline)).UTC()}
	if ok, err := j.writeManifest(ctx, &kept, claim); !ok || err != nil {
		return err
	}
	p := &polling{Job: j, all: all, first: seen.First}
	p.poll(ctx, all)
	end := manifest{Hash: hash}
	if p.left > 0 || p.again > 0 || len(p.failed) > 0 {
		end = manifest{First: seen.First, Failing: seen.Failing}
	}
	j.Log.InfoContext(ctx, "assignments have changed", "assigned", len(all), "changes", p.queued, "left", p.left)
	// Also where the run is being ended, or the next ones would wait for it.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	if _, err := j.writeManifest(ending, &kept, end); err != nil {
		p.failed = append(p.failed, err)
	}
	return errors.Join(p.failed...)
}

// failed keeps since when the assignments cannot be dealt with, unless another run
// is at them.
func (j *Job) failed(ctx context.Context, failed error) error {
	kept, err := j.openManifest(ctx)
	if err != nil {
		return err
	}
	m := kept.Value
	if m.isClaimed(j.Now()) {
		return nil // whoever is at it writes it anew
	}
	m.Failing = m.Failing.With(failed, j.Now())
	_, err = j.writeManifest(ctx, &kept, m)
	return err
}

// writeManifest reports false where another has written it since.
func (j *Job) writeManifest(ctx context.Context, kept *document.Copy[manifest], m manifest) (bool, error) {
	kept.Value = m
	switch err := kept.Save(ctx); {
	case errors.Is(err, document.ErrChanged):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("write which assignments were seen: %w", err)
	}
	return true, nil
}

// list returns all who are assigned, sorted. Nothing follows from a list that
// was not read to its end.
func (j *Job) list(ctx context.Context, app string) ([]assigned, error) {
	var seats []seat
	var next string
	pages := paging.New("assignments", j.Log)
	for {
		page, err := j.Graph.Assignments(ctx, app, next)
		if err != nil {
			return nil, err
		}
		for _, a := range page.Assignments {
			s, err := newSeat(a)
			if err != nil {
				return nil, fmt.Errorf("list assignments: %w", err)
			}
			seats = append(seats, s)
		}
		if page.Next == "" {
			return collect(seats, j.Scoping.InScope), nil
		}
		if err := pages.Follow(ctx, page.Next, page.Fresh(pages)); err != nil {
			return nil, err
		}
		if next = page.Next; late(ctx) {
			return nil, fmt.Errorf("list assignments: %d were read when the time was up", len(seats))
		}
	}
}

// poll brings every bucket to what is on the list. A failure to queue or to
// write ends it; one that is of a single group does not.
func (p *polling) poll(ctx context.Context, all []assigned) {
	if p.first {
		var err error
		if p.unqueued, err = p.Sweeps.Waiting(ctx); err != nil {
			p.failed = append(p.failed, err)
			return
		}
	}
	var spread [buckets][]assigned
	for _, a := range all {
		spread[a.bucket()] = append(spread[a.bucket()], a)
	}
	for number, listed := range spread {
		if late(ctx) {
			p.left++
			return
		}
		if err := p.settle(ctx, number, listed); err != nil {
			p.failed = append(p.failed, err)
			return
		}
	}
}

// settle brings a bucket to what is on the list.
func (p *polling) settle(ctx context.Context, number int, listed []assigned) error {
	data, version, err := p.Documents.Document(ctx, bucketDocument(number))
	if err != nil {
		return fmt.Errorf("read which assignments were seen: %w", err)
	}
	seen, err := decodeBucket(data)
	if err != nil { // all on the list are new then, and the sweep finds who is not on it
		if err := p.Sweeps.Request(ctx, "which assignments were seen cannot be read"); err != nil {
			return err
		}
	}
	nominated := difference(seen, listed)
	if len(nominated) == 0 && err == nil {
		return nil
	}
	write := func(entries []assigned) error {
		err := document.Put(ctx, p.Documents, bucketDocument(number), encodeBucket(entries), version)
		version++
		return err
	}
	if p.unqueued {
		return write(listed)
	}
	if err := write(noted(listed, nominated)); err != nil {
		return err
	}
	left, err := p.queue(ctx, nominated)
	if err != nil {
		return err
	}
	p.left += len(left)
	entries := noted(listed, left)
	if p.looksAgain() {
		entries = p.marked(entries, nominated)
	}
	return write(entries)
}

// looksAgain reports whether whoever is queued is queued once more by the next list:
// where roles are mapped, and a replica that is behind shows the former ones when it is
// asked, nothing else tells of the others. Of a first list nobody is known to have had
// others.
func (p *polling) looksAgain() bool { return p.Scoping.Mapped != nil && !p.first }

// marked marks those who were queued now, and not for the second time, as queued once.
func (p *polling) marked(entries []assigned, nominated []nomination) []assigned {
	for _, n := range nominated {
		i, found := slices.BinarySearchFunc(entries, n.assigned, compareAssigned)
		switch {
		case n.second, found && entries[i].roles == pending:
			continue
		case !found:
			n.roles = pending
			entries = slices.Insert(entries, i, n.assigned)
		}
		entries[i].roles = queuedOnce(entries[i].roles)
		p.again++
	}
	return entries
}

// nomination is one who is to be queued.
type nomination struct {
	assigned

	// listed says that it is assigned now, second that it was queued for that already.
	listed, second bool
}

// word is what the list says of it. One that names nobody says nothing: that of an
// application that is gone is empty, too. Where everybody is in scope none does.
func (p *polling) word(n nomination) change.Nomination {
	switch {
	case !p.Scoping.AssignmentsMatter():
		return ""
	case n.listed && n.counts:
		return change.In
	case len(p.all) == 0:
		return ""
	default:
		return change.Out
	}
}

// wordOf is what the list says of a user in a group of which it says this: one
// who is assigned as well is in.
func (p *polling) wordOf(id string, ofGroup change.Nomination) change.Nomination {
	parsed, err := uuid.Parse(id)
	if err != nil || ofGroup == change.In || !p.Scoping.AssignmentsMatter() {
		return ofGroup
	}
	if i, found := slices.BinarySearchFunc(p.all, assigned{id: parsed, kind: user}, compareAssigned); found && p.all[i].counts {
		return change.In
	}
	return ofGroup
}

// nominated returns a Change that carries what the list says: Graph has no other
// source of it, so that one reading that says otherwise is not the last word.
func (p *polling) nominated(n nomination) change.Change {
	c := p.change(n.object())
	c.Nominated = p.word(n)
	return c
}

// difference returns those who are on only one of two sorted lists, or are in
// other roles.
func difference(seen, listed []assigned) []nomination {
	var nominated []nomination
	for len(seen) > 0 || len(listed) > 0 {
		var order int
		switch {
		case len(seen) == 0:
			order = 1
		case len(listed) == 0:
			order = -1
		default:
			order = compareAssigned(seen[0], listed[0])
		}
		switch {
		case order < 0:
			nominated, seen = append(nominated, nomination{seen[0], false, seen[0].roles == queuedOnce(pending)}), seen[1:]
		case order > 0:
			nominated, listed = append(nominated, nomination{listed[0], true, false}), listed[1:]
		default:
			if seen[0].roles != listed[0].roles {
				nominated = append(nominated, nomination{listed[0], true, seen[0].roles == queuedOnce(listed[0].roles)})
			}
			seen, listed = seen[1:], listed[1:]
		}
	}
	return nominated
}

// noted returns the list with those who are still to be queued as pending,
// also those who are not on it.
func noted(listed []assigned, left []nomination) []assigned {
	entries := slices.Clone(listed)
	for _, n := range left {
		n.roles = pending
		i, found := slices.BinarySearchFunc(entries, n.assigned, compareAssigned)
		if found {
			entries[i] = n.assigned
		} else {
			entries = slices.Insert(entries, i, n.assigned)
		}
	}
	return entries
}

// queue queues them and returns those who may not be on the queue because of
// something of their own. An error is one of the queue.
func (p *polling) queue(ctx context.Context, nominated []nomination) (left []nomination, err error) {
	var users []change.Change
	for _, n := range nominated {
		if n.kind == user {
			users = append(users, p.nominated(n))
		}
	}
	if err := p.enqueue(ctx, users); err != nil {
		return nil, err
	}
	for _, n := range nominated {
		if n.kind != group {
			continue
		}
		done, err := p.queueGroup(ctx, n)
		if p.down != nil {
			return nil, p.down
		}
		if err != nil {
			p.failed = append(p.failed, fmt.Errorf("queue the members of %s: %w", n.object(), err))
		}
		if !done {
			left = append(left, n)
		}
	}
	return left, nil
}

// queueGroup queues a group and all users in it, and reports whether all of
// them are on the queue. If not, the next run begins with it anew.
func (p *polling) queueGroup(ctx context.Context, n nomination) (bool, error) {
	cause := p.nominated(n)
	changes, page := []change.Change{cause}, ""
	pages := paging.New("members of "+cause.String(), p.Log)
	for {
		if late(ctx) {
			return false, nil
		}
		if err := p.enqueue(ctx, changes); err != nil {
			return false, err
		}
		members, err := p.Members.Members(ctx, cause.ID, p.Nested, page)
		if provision.Gone.Is(err) && page == "" && !n.listed {
			return p.leaveToSweep(ctx)
		}
		if err != nil {
			return false, err
		}
		changes = make([]change.Change, 0, len(members.Users))
		for _, id := range members.Users {
			of := cause
			of.Object, of.Nominated = change.Object{Kind: change.User, ID: id}, p.wordOf(id, cause.Nominated)
			changes = append(changes, of)
		}
		if page = members.Next; page == "" {
			return true, p.enqueue(ctx, changes)
		}
		if err := pages.Follow(ctx, page, pages.SeesAny(members.Users)); err != nil {
			return false, errors.Join(err, p.enqueue(ctx, changes))
		}
	}
}

// leaveToSweep asks for a sweep and reports whether there will be one that has
// not read anything yet.
func (p *polling) leaveToSweep(ctx context.Context) (bool, error) {
	if err := p.Sweeps.Request(ctx, whyGone); err != nil {
		return false, err
	}
	return p.Sweeps.Waiting(ctx)
}

// enqueue counts what it queues, and keeps why it cannot.
func (p *polling) enqueue(ctx context.Context, changes []change.Change) error {
	if p.down = p.Job.enqueue(ctx, changes); p.down == nil {
		p.queued += len(changes)
	}
	return p.down
}
