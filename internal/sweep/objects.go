package sweep

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/paging"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/scoping"
)

// users deals with Entra's users, page by page.
func (r *run) users(ctx context.Context) error {
	return r.round(ctx, change.User, Users, func(o reconcile.Object, at time.Time) error {
		if o.Removed != reconcile.NotRemoved {
			return r.removed(ctx, o)
		}
		return r.deal(ctx, o, at, nil, false)
	})
}

// readGroups reads Entra's groups and who is in them. The members of a large one
// are spread over pages: all are read before any is dealt with.
func (r *run) readGroups(ctx context.Context) error {
	if r.meaningless() {
		return nil
	}
	if r.Lost != nil {
		var err error
		if r.lost, err = r.Lost(ctx); err != nil {
			return err
		}
	}
	r.read = r.Now()
	var page reconcile.Page
	pages := paging.New("groups", r.Log)
	for page.Delta == "" {
		var err error
		if page, err = r.Graph.Delta(ctx, change.Group, page.Next); err != nil {
			return err
		}
		for _, o := range page.Objects {
			g := r.gathered[o.ID]
			if g == nil {
				g = &gathered{}
				r.gathered[o.ID] = g
				r.order = append(r.order, g)
			}
			g.merge(o)
		}
		r.tell(Progress{Phase: ReadGroups, Done: len(r.order)})
		if err := pages.Follow(ctx, page.Next, page.Fresh(pages)); err != nil {
			return err
		}
	}
	r.next = page.Delta
	return nil
}

// readAllGroups reads Entra's groups before its users, since who is in scope, and in
// which app roles, may follow from them. Where it does not, no user waits for a list of groups that
// cannot be read: that is told once the users are dealt with.
func (r *run) readAllGroups(ctx context.Context) error {
	r.unread = r.readGroups(ctx)
	if r.Scoping.UsersFollowGroups() {
		return r.unread
	}
	return nil
}

// meaningless reports whether nothing follows from groups: they are left alone, and
// nobody is in scope by one.
func (r *run) meaningless() bool { return !r.Scoping.GroupsMatter() }

// groups deals with Entra's groups.
func (r *run) groups(ctx context.Context) error {
	if r.meaningless() || r.unread != nil {
		return r.unread
	}
	for i, g := range r.order {
		switch {
		case r.Scoping.SkipGroups:
			r.skip(g.Object.Object, nameOf(g.Attributes), r.verdict(g.Object, &known{}))
		case g.Removed != reconcile.NotRemoved:
			if err := r.removed(ctx, g.Object); err != nil {
				return err
			}
		default:
			members, whole := g.users(r.gathered, r.Nested)
			if err := r.deal(ctx, g.Object, r.read, members, whole); err != nil {
				return err
			}
		}
		r.tell(Progress{Phase: Groups, Done: i + 1, Total: len(r.order)})
	}
	return r.conclude(ctx, change.Group, r.next)
}

// removed leaves what is in the recycle bin, or gone, to the worker, if it is
// known.
func (r *run) removed(ctx context.Context, o reconcile.Object) error {
	k := r.known[o.Object]
	if k == nil {
		return nil
	}
	k.seen = true
	c := r.lookAgain(k)
	c.Deleted = o.Removed == reconcile.Deleted
	if k.webexID != "" && k.open {
		r.open[o.ID] = true
	}
	return r.leave(ctx, c)
}

// round reads all of a first round and calls each with what lives in it. What
// was seen on a page is dealt with before the next one is read, while it is true.
func (r *run) round(ctx context.Context, kind change.Kind, phase Phase, each func(reconcile.Object, time.Time) error) error {
	r.tell(Progress{Phase: phase})
	var page reconcile.Page
	pages := paging.New(string(kind)+"s", r.Log)
	for page.Delta == "" {
		at := r.Now()
		var err error
		if page, err = r.Graph.Delta(ctx, kind, page.Next); err != nil {
			return err
		}
		for _, o := range page.Objects {
			if err := each(o, at); err != nil {
				return err
			}
		}
		if err := r.flush(ctx); err != nil {
			return err
		}
		r.tell(Progress{Phase: phase, Done: r.progress.Done + len(page.Objects)})
		if err := pages.Follow(ctx, page.Next, page.Fresh(pages)); err != nil {
			return err
		}
	}
	return r.conclude(ctx, kind, page.Delta)
}

// conclude ends the first round of a kind: all of it is dealt with, or left to
// the worker.
func (r *run) conclude(ctx context.Context, kind change.Kind, next string) error {
	if kind == change.User {
		if err := r.askForManagers(ctx); err != nil {
			return err
		}
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	if err := r.enqueue(ctx, r.left...); err != nil {
		return err
	}
	r.left = nil
	return r.Round(ctx, kind, next)
}

// deal classes one that lives in Entra, and does what follows.
func (r *run) deal(ctx context.Context, o reconcile.Object, at time.Time, members []string, whole bool) error {
	k := r.known[o.Object]
	if k == nil {
		k = &known{object: o.Object, settled: true}
	}
	k.seen = true
	r.settle(k)
	o = r.withRoles(o)
	verdict := r.verdict(o, k)
	if r.waits(verdict) {
		r.skip(o.Object, nameOf(o.Attributes), verdict)
		return nil
	}
	want, err := r.wants(r.Mapping.Of(o.Kind), o, k, verdict)
	name := nameOf(want)
	result := classify(r.standing(o, k, verdict, want, err), r.RepairDrift)
	if result.open {
		r.open[o.ID] = true
	}
	if result.shutOut {
		r.shutOut[o.ID] = true
	}
	if result.class == InSync && result.members {
		return r.compareMembers(ctx, k, members, whole, name)
	}
	if result.class != "" {
		r.class(result.class, o.Object, k.webexID, name)
	}
	switch result.deed {
	case nothing:
	case skip:
		r.skip(o.Object, name, verdict)
	case look:
		c := r.lookAgain(k)
		c.Afresh = c.Afresh || result.afresh
		return r.leave(ctx, c)
	case converge:
		if err := r.hand(ctx, o, at, members, whole, result.afresh); err != nil {
			return err
		}
	}
	if !result.members {
		return nil
	}
	_, err = r.queueMembers(ctx, k, members, whole)
	return err
}

// standing is how one that lives in Entra stands, who is to have these values, or of whom
// an error says that they are not known.
func (r *run) standing(o reconcile.Object, k *known, verdict scoping.Verdict, want map[string]any, err error) standing {
	m := r.Mapping.Of(o.Kind)
	clears, unclear := m.Clears(k.leftover, want, o.Attributes)
	return standing{
		kind: o.Kind, verdict: verdict,
		linked: k.webexID != "", active: k.active, settled: k.settled,
		listed: k.listed, drifted: k.drifted, open: k.open, shut: k.shut, hidden: k.hidden,
		stray: r.strays.has(o.Object), away: k.away, leftover: clears || unclear,
		mapped: err == nil && !unclear && !m.MayClear(k.written, o.Attributes),
		same:   m.Has(k.written, want), entitled: want["active"] == true,
	}
}

// wants is what Webex should have, until the next object is asked about. What only the
// mapping is told is not among the object's attributes after it.
func (r *run) wants(m mapping.Mapping, o reconcile.Object, k *known, verdict scoping.Verdict) (map[string]any, error) {
	attributes := o.Attributes
	if attributes == nil {
		attributes = map[string]any{}
	}
	attributes["id"] = o.ID
	if o.Kind == change.User {
		attributes["IsSoftDeleted"] = verdict.IsSoftDeleted()
		defer delete(attributes, "IsSoftDeleted")
	}
	if id, shown := attributes[manager]; shown {
		r.managed = true
		defer func() { attributes[manager] = id }()
		attributes[manager] = r.accountOf(id)
	}
	return m.At(m.Moments(k.moments, attributes, r.Now())).MapInto(r.wanted, attributes)
}

// hand gives an object to the engine with what was read of it.
func (r *run) hand(ctx context.Context, o reconcile.Object, at time.Time, members []string, whole, afresh bool) error {
	attributes := maps.Clone(o.Attributes)
	attributes["id"] = o.ID
	criteria := criteriaOf(r.Mapping.Of(o.Kind), attributes)
	attributes, at = r.proven(attributes, at)
	memberOf, at := r.provenMemberOf(o.Object, at)
	roles := r.assigned[o.Object]
	if r.Former != nil {
		roles = []string{scoping.AsBefore}
	}
	return r.give(ctx, provision.Snapshot{
		Object: o.Object, At: at, Members: members, Whole: whole, Afresh: afresh, Park: r.Park, Listed: r.Former == nil,
		Matches: r.strays.matches(o.Object, criteria), Sought: r.sought(criteria),
		Reading: provision.Reading{Presence: provision.Present, Attributes: attributes, Roles: roles, MemberOf: memberOf},
	})
}

// give gives an object to the engine, with others. One that Graph lists twice is
// given as it came last.
func (r *run) give(ctx context.Context, s provision.Snapshot) error {
	if i := slices.IndexFunc(r.batch, func(other provision.Snapshot) bool { return other.Object == s.Object }); i >= 0 {
		r.batch[i] = s
		return nil
	}
	r.batch = append(r.batch, s)
	if len(r.batch) < batchSize {
		return nil
	}
	return r.flush(ctx)
}

// criteriaOf are those that one is looked for by who has no account, and is to have
// one; none of one that cannot be mapped.
func criteriaOf(m mapping.Mapping, attributes map[string]any) []mapping.Criterion {
	attributes = maps.Clone(attributes)
	attributes["IsSoftDeleted"] = scoping.Verdict{Decision: scoping.Provision}.IsSoftDeleted()
	want, err := m.MapNew(attributes)
	if err != nil {
		return nil
	}
	return m.Criteria(want)
}

// sought are the targets of those criteria of which it is known what of Webex meets
// them. Its list has been seen to leave out an attribute of several values: of one that
// it shows of nobody nothing is known.
func (r *run) sought(criteria []mapping.Criterion) []string {
	if r.Former != nil {
		return nil
	}
	var targets []string
	for _, c := range criteria {
		if !c.OfElement() || r.meets[c.Target()] || !r.inhabited {
			targets = append(targets, c.Target())
		}
	}
	return targets
}

// flush queues what was left to the worker, and then has the engine converge what
// was handed to it.
func (r *run) flush(ctx context.Context) error {
	if err := r.queueLooks(ctx); err != nil {
		return err
	}
	for len(r.batch) > 0 {
		size, err := r.admitted(ctx)
		if err != nil {
			return err
		}
		size = min(size, len(r.batch))
		if err := r.converge(ctx, r.batch[:size]); err != nil {
			return err
		}
		r.tell(r.progress) // still at it
		r.batch = r.batch[size:]
	}
	r.batch = nil
	return nil
}

// admitted returns how many objects may go to the engine now.
func (r *run) admitted(ctx context.Context) (int, error) {
	why, err := r.Rests(ctx)
	if err != nil || why != "" {
		return 0, unfinished(why, err)
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*provision.Margin {
		return 0, unfinished("the deadline is near", nil)
	}
	waiting, err := r.Depth(ctx)
	if waiting > 0 {
		return politeSize, err
	}
	return batchSize, err
}

// converge has the engine converge objects. What cannot be done now is left to
// the worker, which tries it as long as it takes, once all of its kind have been
// dealt with: what one lacks may be another. What a side asks of everybody, or
// refuses to everybody, ends the sweep, and the next one finds it again.
func (r *run) converge(ctx context.Context, batch []provision.Snapshot) error {
	stop := ""
	for i, a := range r.Converge(ctx, batch) {
		r.result.Actions[a.Action]++
		r.learn(a)
		switch {
		case a.Fault == nil && a.Again == 0, a.Fault != nil && a.Fault.Kind.Policy().Hold, !a.Later.IsZero():
			r.failures = 0
			if a.Fault == nil {
				delete(r.open, a.Object.ID)
			}
			continue
		case a.Fault != nil && a.Fault.Kind.Policy().Retry.Waits():
			stop = a.Fault.Reason
			continue
		case a.Fault != nil && a.Again > 0:
			if r.failures++; r.failures > maxFailures {
				stop = "nothing succeeds: " + a.Fault.Reason
			}
			if r.Mapping.Of(a.Object.Kind).Withdraws(r.known[a.Object].written) {
				r.failed = append(r.failed, batch[i])
				continue
			}
		}
		c := r.look(a.Object)
		c.Afresh = batch[i].Afresh
		r.known[a.Object].left = true
		r.left = append(r.left, c)
	}
	if stop != "" {
		return unfinished(stop, nil)
	}
	return nil
}

// learn notes the account that somebody has now.
func (r *run) learn(a provision.Attempt) {
	k := r.known[a.Object]
	if k == nil {
		k = &known{object: a.Object, seen: true}
		r.known[a.Object] = k
	}
	if a.WebexID != "" && k.webexID != a.WebexID {
		k.webexID, k.listed, k.active = a.WebexID, true, true
		r.byWebex[a.WebexID] = k
	}
}

// compareMembers classes a group that is otherwise as it should be.
func (r *run) compareMembers(ctx context.Context, k *known, members []string, whole bool, name string) error {
	class, err := r.queueMembers(ctx, k, members, whole)
	if err == nil {
		r.class(class, k.object, k.webexID, name)
	}
	return err
}

// queueMembers compares the members of a group. Whoever is in one list only is
// asked about singly, by the worker.
func (r *run) queueMembers(ctx context.Context, k *known, members []string, whole bool) (Class, error) {
	c := r.look(k.object)
	if !whole || !k.whole {
		c.Afresh = true
		return Opaque, r.leave(ctx, c)
	}
	differ, without := r.differences(k, members)
	class := Behind
	if len(differ) == 0 {
		class = InSync
	}
	if len(differ) > 0 || r.lost {
		c.Members = slices.Concat(differ, without)
	}
	if len(c.Members) == 0 {
		return class, nil
	}
	if len(c.Members) > change.MaxMembers {
		c.Members, c.Afresh = nil, true
	}
	return class, r.leave(ctx, c)
}

// differences are the users who are in a group in one of both only, and those in it
// who have no account and are to have none now. These are told with the others, or
// where the delta query was lost: what told of them may have been, too, and the group
// is to wait for them.
func (r *run) differences(k *known, members []string) (differ, without []string) {
	has := make(map[string]bool, len(k.members))
	for _, webexID := range k.members {
		has[webexID] = true
	}
	for _, id := range members {
		u := r.known[change.Object{Kind: change.User, ID: id}]
		switch {
		case u == nil, u.webexID == "" && !u.left:
			without = append(without, id)
		case u.webexID == "": // left to the worker: so that the group waits for them
			differ = append(differ, id)
		case !has[u.webexID]:
			differ = append(differ, id)
		default:
			delete(has, u.webexID)
		}
	}
	for _, webexID := range slices.Sorted(maps.Keys(has)) {
		if u := r.byWebex[webexID]; u != nil && u.object.Kind == change.User {
			differ = append(differ, u.object.ID)
		}
	}
	return differ, without
}

func unfinished(why string, err error) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %s", ErrUnfinished, why)
}
