package webex

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// ChangeMembers changes a group's members in one PATCH, which is all it takes
// as Webex documents it: who is in the group already is added without effect.
// Servers differ in that, and in what they say of a member that is not there
// (RFC 7644 leaves both open), so
//
//   - a PATCH that is refused is halved until one member fails alone; if it is
//     refused as a conflict, first without those who are as asked already,
//   - a single member that is refused is looked for: who is as asked is no
//     failure,
//   - a member that a server lists twice is taken out and added again.
//
// A member that is refused for good is a fault of kind Gone, Transient or
// Permanent in refused.
func (c *Client) ChangeMembers(ctx context.Context, m provision.MemberChange) (refused map[string]error, err error) {
	e := &memberEdit{
		Client: c, id: m.ID, refusals: map[string]error{},
		what: fmt.Sprintf("change the members of Webex group %s of %s", m.ID, m.Group),
	}
	steps := make([]memberStep, 0, len(m.Remove)+len(m.Add))
	for _, id := range m.Remove {
		steps = append(steps, memberStep{id: id})
	}
	for _, id := range m.Add {
		steps = append(steps, memberStep{id: id, add: true})
	}
	if err := e.send(ctx, steps); err != nil {
		return nil, err
	}
	if err := e.settle(ctx); err != nil {
		return nil, err
	}
	return e.refusals, nil
}

// memberEdit is one ChangeMembers under way.
type memberEdit struct {
	*Client

	id, what string
	// there says that the group was read, after a 404.
	there bool
	// fruitless says that a conflict was not about who is as asked already.
	fruitless bool
	// open are the single members that were refused.
	open []openStep
	// refusals are the results.
	refusals map[string]error
}

// memberStep adds one member or takes one out.
type memberStep struct {
	id  string
	add bool
}

// openStep is a step that the server refused, and what it said.
type openStep struct {
	memberStep

	refusal *provision.Fault
}

type memberOperation struct {
	Op    string        `json:"op"`
	Path  string        `json:"path"`
	Value []memberValue `json:"value,omitempty"`
}

type memberValue struct {
	Value string `json:"value"`
	Type  string `json:"type"`
}

// patch makes one PATCH of the steps: whom to take out first, one by one, then
// all whom to add. The order is kept (RFC 7644 section 3.5.2).
func (e *memberEdit) patch(ctx context.Context, steps []memberStep) (reply, error) {
	operations := make([]memberOperation, 0, len(steps))
	add := memberOperation{Op: "add", Path: "members"}
	for _, s := range steps {
		if s.add {
			add.Value = append(add.Value, memberValue{s.id, "user"})
			continue
		}
		operations = append(operations, memberOperation{Op: "remove", Path: "members[value eq " + quote(s.id) + "]"})
	}
	if len(add.Value) > 0 {
		operations = append(operations, add)
	}
	body := map[string]any{"schemas": []string{patchSchema}, "Operations": operations}
	return e.exchange(ctx, e.what, http.MethodPatch, typeOf(change.Group).path(e.id), body)
}

// send carries out the steps. What is refused is halved, so that a member the
// server does not take costs the others about 2·log₂ n calls, and not their
// membership.
func (e *memberEdit) send(ctx context.Context, steps []memberStep) error {
	if len(steps) == 0 {
		return nil
	}
	r, err := e.patch(ctx, steps)
	if err != nil {
		return err
	}
	if r.ok() {
		return e.mend(ctx, r, steps)
	}
	refusal := e.refused(e.what, r)
	if !concernsMember(r, refusal) {
		return refusal
	}
	if refusal.Answer == provision.Gone && !e.there {
		if _, err := e.Read(ctx, change.Group, e.id); err != nil {
			return err
		}
		e.there = true
	}
	if len(steps) == 1 {
		if s := steps[0]; s.add || refusal.Answer != provision.NoTarget {
			e.open = append(e.open, openStep{s, refusal})
		}
		return nil
	}
	if refusal.Answer == provision.Exists && !e.fruitless {
		left, err := e.undone(ctx, steps)
		if err != nil {
			return err
		}
		if len(left) < len(steps) {
			return e.send(ctx, left)
		}
		e.fruitless = true
	}
	return e.halve(ctx, steps)
}

// halve sends one half of the steps and then the other.
func (e *memberEdit) halve(ctx context.Context, steps []memberStep) error {
	half := len(steps) / 2
	if err := e.send(ctx, steps[:half]); err != nil {
		return err
	}
	return e.send(ctx, steps[half:])
}

// concernsMember reports whether a refusal may be about one member only.
func concernsMember(r reply, refusal *provision.Fault) bool {
	if refusal.Foreign {
		return false
	}
	switch r.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusGone, http.StatusConflict:
		return true
	default:
		return false
	}
}

// settle finds out of each member that was refused alone whether it is as
// asked: first by its account, then all in one pass through the group.
func (e *memberEdit) settle(ctx context.Context) error {
	steps := make([]memberStep, 0, len(e.open))
	said := make(map[string]*provision.Fault, len(e.open))
	for _, o := range e.open {
		if o.add {
			_, err := e.one(ctx, change.User, o.id)
			switch f := provision.AsFault(err); {
			case f == nil:
			case f.Answer == provision.Gone:
				e.refusals[o.id] = f
				continue
			case f.Kind.Policy().Retry != provision.Never:
				return f
			}
		}
		steps = append(steps, o.memberStep)
		said[o.id] = o.refusal
	}
	left, err := e.undone(ctx, steps)
	if err != nil {
		return err
	}
	for _, s := range left {
		e.refusals[s.id] = asRefusal(said[s.id])
	}
	return nil
}

// undone returns the steps that are still to be done, going by the group's
// members.
func (e *memberEdit) undone(ctx context.Context, steps []memberStep) ([]memberStep, error) {
	if len(steps) == 0 {
		return nil, nil
	}
	asked, present := map[string]bool{}, map[string]bool{}
	for _, s := range steps {
		asked[s.id] = true
	}
	err := e.Members(ctx, e.id, func(ids []string) error {
		for _, id := range ids {
			if asked[id] {
				present[id] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	left := make([]memberStep, 0, len(steps))
	for _, s := range steps {
		if s.add != present[s.id] {
			left = append(left, s)
		}
	}
	return left, nil
}

// asRefusal is what a server said of a member whose account and group are both
// there: a 404 is then a replica's, which is behind, and a 409 is about what
// somebody else writes at the moment; any other answer is a refusal.
func asRefusal(f *provision.Fault) *provision.Fault {
	kind := provision.Permanent
	if f.Answer == provision.Gone || f.Answer == provision.Exists {
		kind = provision.Transient
	}
	refusal := *f
	refusal.Kind, refusal.Answer, refusal.Code = kind, "", ""
	return &refusal
}

// mend takes out and adds again whom the group has more than once, now that
// the steps were carried out. Only servers that add without looking need it:
// a remove takes all of one member out.
func (e *memberEdit) mend(ctx context.Context, r reply, steps []memberStep) error {
	members, err := e.shown(r)
	if err != nil {
		return err
	}
	e.contradict(members, steps)
	doubled, err := e.doubled(ctx, members, added(steps))
	if err != nil {
		return err
	}
	for some := range slices.Chunk(doubled, change.MaxMembers/2) { // each is named twice
		if err := e.readd(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// shown reads the members that the answer to a PATCH shows; none for a 204. It
// is an error if it does not say that the group was changed.
func (e *memberEdit) shown(r reply) ([]member, error) {
	switch r.status {
	case http.StatusNoContent:
		return nil, nil
	case http.StatusOK:
		return groupShown(e.what, e.id, r)
	default:
		return nil, r.doubt(e.what, fmt.Sprintf("Webex answered %d %s, which does not say that it is done", r.status, http.StatusText(r.status)))
	}
}

// contradict refuses the steps that the answer shows as not done: who was taken
// out and is shown still, who was added and is not in a list that shows all. A
// list that ends at a hundred may be cut.
func (e *memberEdit) contradict(members []member, steps []memberStep) {
	const cut = 100
	present := make(map[string]bool, len(members))
	for _, m := range members {
		present[m.Value] = true
	}
	for _, s := range steps {
		if s.add == present[s.id] || s.add && len(members)%cut == 0 {
			continue
		}
		state := "in it still"
		if s.add {
			state = "not in it"
		}
		e.refusals[s.id] = doubt(e.what, fmt.Sprintf("Webex answered that it is done and shows member %s %s", s.id, state))
	}
}

func (e *memberEdit) readd(ctx context.Context, ids []string) error {
	steps := make([]memberStep, 0, 2*len(ids))
	for _, id := range ids {
		steps = append(steps, memberStep{id: id})
	}
	for _, id := range ids {
		steps = append(steps, memberStep{id: id, add: true})
	}
	r, err := e.patch(ctx, steps)
	if err != nil {
		return err
	}
	if !r.ok() {
		refusal := e.refused(e.what, r)
		if !concernsMember(r, refusal) {
			return refusal
		}
		// They may be out by now: they are to be added once more.
		refusal.Kind = provision.Transient
		for _, id := range ids {
			e.refusals[id] = refusal
		}
		return nil
	}
	members, err := e.shown(r)
	if err != nil {
		return err
	}
	still, err := e.doubled(ctx, members, ids)
	if err != nil {
		return err
	}
	for _, id := range still {
		e.refusals[id] = &provision.Fault{
			Kind:   provision.Permanent,
			Reason: fmt.Sprintf("%s: it has member %s more than once, even after it was taken out and added again", e.what, id),
		}
	}
	return nil
}

func added(steps []memberStep) []string {
	ids := make([]string, 0, len(steps))
	for _, s := range steps {
		if s.add {
			ids = append(ids, s.id)
		}
	}
	return ids
}

// doubled returns those of the ids that the group has more than once, going by
// the members that the answer to a PATCH shows, or by the group itself if it
// shows none.
func (e *memberEdit) doubled(ctx context.Context, members []member, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if len(members) == 0 {
		var err error
		if members, err = e.groupMembers(ctx, e.id); err != nil {
			return nil, err
		}
	}
	times := make(map[string]int, len(members))
	for _, m := range members {
		times[m.Value]++
	}
	doubled := make([]string, 0, len(ids))
	for _, id := range ids {
		if times[id] > 1 {
			doubled = append(doubled, id)
		}
	}
	return doubled, nil
}
