package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
)

// planned is what the id of an account begins with that a dry run made up.
const planned = "planned-"

// IsPlanned reports whether a Webex id is one that a dry run made up.
func IsPlanned(webexID string) bool { return strings.HasPrefix(webexID, planned) }

// ReadOnlyTarget is what a dry run reads of Webex.
type ReadOnlyTarget interface {
	Read(ctx context.Context, kind change.Kind, id string) (Resource, error)
	Named(ctx context.Context, kind change.Kind, name string) ([]Resource, error)
	Addressed(ctx context.Context, address string) ([]Resource, error)
	Matching(ctx context.Context, c mapping.Criterion) ([]Resource, error)
	Members(ctx context.Context, groupID string, each func(ids []string) error) error
	Lister
}

// DryRunTarget is Webex to an engine that shall write nothing: reads are
// real, and a write is answered as Webex would answer it. A userName that is
// taken is refused, and what is not there is gone; for that Webex is asked, once
// for each, unless it was listed before. It is safe for concurrent use.
type DryRunTarget struct {
	webex ReadOnlyTarget
	rules mapping.Rules

	mu sync.Mutex
	// names are the userNames by Webex id of whom is known to be there, in lower
	// case, and of groups nothing; holders are the ids by these names.
	names, holders map[string]string
	// listed says that names are all there were.
	listed bool
	// What was written by Webex id: what was made, patched, given which userName,
	// and deleted.
	made    map[string]dryRunResource
	patches map[string][]mapping.PatchOperation
	renamed map[string]string
	deleted map[string]bool
	// members say by the group's id who is in it since, or is in it no more.
	members map[string]map[string]bool
	// seeds are how many members a group was made with.
	seeds map[change.Object]int
}

type dryRunResource struct {
	Resource

	kind change.Kind
}

var (
	_ Target = (*DryRunTarget)(nil)
	_ Lister = (*DryRunTarget)(nil)
)

// NewDryRunTarget returns a Target that begins as Webex is. The rules are
// the engine's.
func NewDryRunTarget(webex ReadOnlyTarget, rules mapping.Rules) *DryRunTarget {
	return &DryRunTarget{
		webex: webex, rules: rules, patches: map[string][]mapping.PatchOperation{}, names: map[string]string{}, holders: map[string]string{}, made: map[string]dryRunResource{},
		renamed: map[string]string{}, deleted: map[string]bool{}, seeds: map[change.Object]int{}, members: map[string]map[string]bool{},
	}
}

// Seeds returns how many members the group was created with.
func (t *DryRunTarget) Seeds(group change.Object) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seeds[group]
}

// Read implements Target.
func (t *DryRunTarget) Read(ctx context.Context, kind change.Kind, id string) (Resource, error) {
	t.mu.Lock()
	made, isMade := t.made[id]
	deleted := t.deleted[id]
	t.mu.Unlock()
	switch {
	case deleted:
		return Resource{}, Answered(Gone, fmt.Sprintf("the Webex %s %s would be deleted by then", kind, id), nil)
	case isMade:
		return t.present(kind, made.Resource), nil
	}
	found, err := t.webex.Read(ctx, kind, id)
	if err != nil {
		return Resource{}, err
	}
	t.meet(found)
	return t.present(kind, found), nil
}

// Addressed implements Target.
func (t *DryRunTarget) Addressed(ctx context.Context, address string) ([]Resource, error) {
	there, err := t.webex.Addressed(ctx, address)
	if err != nil {
		return nil, err
	}
	return t.meeting(ctx, there, func(attributes map[string]any) bool {
		emails, _ := attributes["emails"].([]any)
		return slices.ContainsFunc(emails, func(element any) bool {
			email, _ := element.(map[string]any)
			value, _ := email["value"].(string)
			return strings.EqualFold(value, address)
		})
	})
}

// Matching implements Target.
func (t *DryRunTarget) Matching(ctx context.Context, c mapping.Criterion) ([]Resource, error) {
	there, err := t.webex.Matching(ctx, c)
	if err != nil {
		return nil, err
	}
	return t.meeting(ctx, there, func(attributes map[string]any) bool {
		met, _ := c.Met(attributes)
		return met
	})
}

// meeting are the users of whom it is true by now: of those that Webex found, and of
// those that were written.
func (t *DryRunTarget) meeting(ctx context.Context, there []Resource, met func(attributes map[string]any) bool) ([]Resource, error) {
	var found []Resource
	for _, r := range there {
		t.meet(r)
		r = t.present(change.User, r)
		if met(r.Attributes) && t.has(r.ID) {
			found = append(found, r)
		}
	}
	for _, id := range t.writtenWith(met) {
		if slices.ContainsFunc(found, func(r Resource) bool { return r.ID == id }) {
			continue
		}
		r, err := t.Read(ctx, change.User, id)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, nil
}

// writtenWith returns the ids of the users of whom it is true by what was written.
func (t *DryRunTarget) writtenWith(met func(attributes map[string]any) bool) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for id, r := range t.made {
		if _, patched := t.patches[id]; met(r.Attributes) && !patched && r.kind == change.User && !t.deleted[id] {
			ids = append(ids, id)
		}
	}
	for id, patch := range t.patches {
		if met(t.rules.Users.Patched(t.made[id].Attributes, patch)) && t.names[id] != "" { // which no group has, and nobody who is deleted
			ids = append(ids, id)
		}
	}
	return ids
}

// Named implements Target.
func (t *DryRunTarget) Named(ctx context.Context, kind change.Kind, name string) ([]Resource, error) {
	there, err := t.webex.Named(ctx, kind, name)
	if err != nil {
		return nil, err
	}
	var found []Resource
	for _, r := range there {
		t.meet(r)
		if r = t.present(kind, r); t.has(r.ID) && strings.EqualFold(r.name(kind), name) {
			found = append(found, r)
		}
	}
	for _, id := range t.writtenAs(kind, name) {
		r, err := t.Read(ctx, kind, id)
		if err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, nil
}

// writtenAs returns the ids of what was made with, or given, this name.
func (t *DryRunTarget) writtenAs(kind change.Kind, name string) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for id, r := range t.made {
		_, renamed := t.renamed[id]
		if r.kind == kind && !renamed && !t.deleted[id] && strings.EqualFold(r.name(kind), name) {
			ids = append(ids, id)
		}
	}
	for id, given := range t.renamed {
		if kind == change.User && !t.deleted[id] && strings.EqualFold(given, name) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Members implements Target.
func (t *DryRunTarget) Members(ctx context.Context, groupID string, each func(ids []string) error) error {
	t.mu.Lock()
	since := maps.Clone(t.members[groupID])
	t.mu.Unlock()
	if !IsPlanned(groupID) {
		err := t.webex.Members(ctx, groupID, func(ids []string) error {
			return each(slices.DeleteFunc(slices.Clone(ids), func(id string) bool {
				_, changed := since[id]
				return changed
			}))
		})
		if err != nil {
			return err
		}
	}
	maps.DeleteFunc(since, func(_ string, in bool) bool { return !in })
	if len(since) == 0 {
		return nil
	}
	return each(slices.Sorted(maps.Keys(since)))
}

// Users implements Lister.
func (t *DryRunTarget) Users(ctx context.Context, each func(page []Resource) error) error {
	err := t.webex.Users(ctx, func(page []Resource) error {
		t.meet(page...)
		return each(page)
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed = t.listed || err == nil
	return err
}

// Groups implements Lister.
func (t *DryRunTarget) Groups(ctx context.Context, each func(page []ListedGroup) error) error {
	return t.webex.Groups(ctx, func(page []ListedGroup) error {
		for _, g := range page {
			t.meet(g.Resource)
		}
		return each(page)
	})
}

// Apply implements Target. What is created gets an id that IsPlanned.
func (t *DryRunTarget) Apply(ctx context.Context, ops []Operation) []Answer {
	answers := make([]Answer, len(ops))
	for i, op := range ops {
		answers[i] = Answer{ID: op.ID}
		if err := t.refusal(ctx, op); err != nil {
			answers[i].Err = err
			continue
		}
		answers[i].ID = t.write(op)
	}
	return answers
}

// refusal returns the fault with which Webex would answer; nil for none.
func (t *DryRunTarget) refusal(ctx context.Context, op Operation) error {
	if op.Resource == nil {
		if err := t.demand(ctx, op.Object.Kind, op.ID); err != nil {
			return err
		}
	}
	name := op.userName()
	if op.Object.Kind != change.User || name == "" {
		return nil
	}
	holder, err := t.holder(ctx, name)
	if err == nil && holder != "" && holder != op.ID {
		err = Answered(Exists, fmt.Sprintf("the userName of %s is that of the Webex account %s", op.Object, holder), nil)
	}
	return err
}

// demand returns nil if what has the id is there.
func (t *DryRunTarget) demand(ctx context.Context, kind change.Kind, id string) error {
	if t.has(id) {
		return nil
	}
	_, err := t.Read(ctx, kind, id)
	return err
}

// holder returns the id of the account that has the userName; empty if none has.
func (t *DryRunTarget) holder(ctx context.Context, name string) (string, error) {
	t.mu.Lock()
	id, known := t.holders[strings.ToLower(name)]
	listed := t.listed
	t.mu.Unlock()
	if known || listed {
		return id, nil
	}
	found, err := t.Named(ctx, change.User, name)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].ID, nil
}

func (t *DryRunTarget) write(op Operation) (id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	id = op.ID
	switch {
	case op.Resource != nil:
		id = fmt.Sprint(planned, len(t.made)+1)
		attributes := maps.Clone(op.Resource)
		members, _ := attributes["members"].([]any)
		delete(attributes, "members")
		t.seeds[op.Object] = len(members)
		t.join(id, seeded(members), true)
		t.made[id] = dryRunResource{Resource{ID: id, Attributes: attributes}, op.Object.Kind}
		t.hold(id, op.userName())
	case op.Delete:
		t.deleted[id] = true
		t.release(id)
	default:
		t.patches[id] = append(t.patches[id], op.Patch...)
		if name := op.userName(); name != "" {
			t.renamed[id] = name
			t.hold(id, name)
		}
	}
	return id
}

// seeded are the ids of the members that a group is made with.
func seeded(members []any) []string {
	ids := make([]string, 0, len(members))
	for _, member := range members {
		if id, ok := member.(map[string]any)["value"].(string); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// ChangeMembers implements Target.
func (t *DryRunTarget) ChangeMembers(ctx context.Context, c MemberChange) (refused map[string]error, err error) {
	if err := t.demand(ctx, c.Group.Kind, c.ID); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.join(c.ID, c.Add, true)
	t.join(c.ID, c.Remove, false)
	return map[string]error{}, nil
}

// join notes who is in a group from now on, or is in it no more.
func (t *DryRunTarget) join(groupID string, ids []string, in bool) {
	if t.members[groupID] == nil {
		t.members[groupID] = map[string]bool{}
	}
	for _, id := range ids {
		t.members[groupID][id] = in
	}
}

// meet notes what Webex has. What was written since counts for more.
func (t *DryRunTarget) meet(found ...Resource) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range found {
		if _, renamed := t.renamed[r.ID]; renamed || t.deleted[r.ID] {
			continue
		}
		t.hold(r.ID, r.name(change.User))
	}
}

// hold notes that what has the id is there, and has the userName, if any.
func (t *DryRunTarget) hold(id, name string) {
	t.release(id)
	name = strings.ToLower(name)
	t.names[id] = name
	if name != "" {
		t.holders[name] = id
	}
}

func (t *DryRunTarget) release(id string) {
	if name := t.names[id]; t.holders[name] == id {
		delete(t.holders, name)
	}
	delete(t.names, id)
}

// has reports whether what has the id is known to be there.
func (t *DryRunTarget) has(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, there := t.names[id]
	return there
}

// present returns the resource as it would be by now.
func (t *DryRunTarget) present(kind change.Kind, r Resource) Resource {
	t.mu.Lock()
	patch := t.patches[r.ID]
	t.mu.Unlock()
	m := t.rules.Users
	if kind == change.Group {
		m = t.rules.Groups
	}
	if len(patch) > 0 {
		r.Attributes = m.Patched(r.Attributes, patch)
	}
	return r
}

// name is the userName of a user, the displayName of a group.
func (found Resource) name(kind change.Kind) string {
	attribute := userName
	if kind == change.Group {
		attribute = displayName
	}
	name, _ := found.Attributes[attribute].(string)
	return name
}

// userName is the one that the operation writes; empty if none.
func (op Operation) userName() string {
	if name, ok := op.Resource[userName].(string); ok {
		return name
	}
	for _, p := range op.Patch {
		if name, ok := p.Value.(string); ok && p.Path == userName {
			return name
		}
	}
	return ""
}
