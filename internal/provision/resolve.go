package provision

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"entrawebex/internal/change"
)

// resolve deals with a conflict. It is a question: what is there is looked at. An
// account that holds the name is adopted, moved out of the way, or a reason to give
// up; what is about no name is read again. Unless that ends the attempt, the object
// is decided anew.
func (d *decision) resolve() {
	name, _ := d.conflict.write.values[d.rules(d.object.Kind).Name()].(string)
	switch {
	case name == "":
		d.conflictAnyway()
	case d.isGroup():
		d.resolveGroup(name)
	default:
		d.resolveUser(name)
	}
}

func (d *decision) resolveUser(name string) {
	found, known := d.holders(name)
	if !known {
		return
	}
	holders := slices.DeleteFunc(slices.Clone(found), func(r Resource) bool { return !strings.EqualFold(r.name(change.User), name) })
	switch {
	case len(holders) == 0:
		d.takenUnseen(name)
	case len(holders) > 1:
		d.record.PendingWrite = d.conflict.before
		d.withhold(permanentf("%d Webex accounts have the userName of %s, %s: leave one in Control Hub",
			len(holders), d.object, candidates(holders)))
	case d.record.WebexID != "" && holders[0].ID == d.record.WebexID:
		d.conflictAnyway() // it has the name: the conflict is about something else
	default:
		d.takenBy(name, holders[0])
	}
}

// conflictAnyway has an object read that Webex refuses to write for a conflict
// which is about no name, and decided anew; one that conflicts again is tried later.
func (d *decision) conflictAnyway() {
	f := d.conflict.fault
	d.record.PendingWrite = d.conflict.before
	if d.record.WebexID == "" || d.reread {
		d.fail(Export, &Fault{Kind: Transient, Code: Conflict, From: f.From, RequestID: f.RequestID, Reason: f.Reason + ", and no name is taken"})
		return
	}
	d.step(Export, Warning, f.Reason)
	d.reread, d.look, d.settled = true, true, false
	d.conflict = nil
}

// resolveGroup deals with a group whose name conflicts. Webex lets groups share a
// name; a server that does not shows which one has it.
func (d *decision) resolveGroup(name string) {
	found, known := d.holders(name)
	if !known {
		return
	}
	others := slices.DeleteFunc(slices.Clone(found), func(g Resource) bool { return g.ID == d.record.WebexID })
	for _, g := range others {
		if g.externalID() == d.object.ID && d.record.WebexID == "" {
			d.adopt(g)
			return
		}
	}
	if len(others) == 0 || d.record.OpenFault.tries(Conflict) < unseenAttempts {
		d.conflictAnyway() // which is not about the name where names may be shared
		return
	}
	d.record.PendingWrite = d.conflict.before
	d.withhold(permanentf("the name of %s is that of the Webex groups %s: rename or delete those in Control Hub, or rename the group in Entra",
		d.object, candidates(others)))
}

// withhold deals with a name that the object cannot have: one that is in Webex
// already gets all the rest.
func (d *decision) withhold(f *Fault) {
	if d.record.WebexID == "" {
		d.fail(Matching, f)
		return
	}
	rules, values := d.rules(d.object.Kind), d.conflict.write.values
	name := values[rules.Name()]
	for path, v := range values {
		if rules.Same(rules.Name(), v, name) {
			d.refuse(path, f)
		}
	}
	d.conflict = nil
}

// unseenAttempts is how often a name is tried again soon that is taken by nobody
// to be seen, before that is expected to last: Webex's search lags behind. As
// often is one tried again that two have in Entra: a replica lags behind, too.
// Six attempts are ten minutes.
const unseenAttempts = 6

// takenUnseen deals with a name that is taken and that no account has: it may be
// another organization's, an alias, or that of an account that is deleted.
func (d *decision) takenUnseen(name string) {
	if !d.unseen {
		// The holder may have been renamed since Webex answered, in this
		// very batch: it is tried once more.
		d.unseen, d.conflict = true, nil
		return
	}
	aliases, known := d.aliases(name)
	if !known {
		return
	}
	why := "it may belong to another organization (claim the user in Control Hub), to an account deleted " +
		"within the last 7 days (Webex frees it by itself), or be an alias that Webex does not show"
	for _, a := range aliases {
		if a.ID != d.record.WebexID {
			why = fmt.Sprintf("it is an alias of the Webex account %s (take it off there); else "+
				"it may belong to another organization, or to an account deleted within the last 7 days", a.ID)
			break
		}
	}
	d.withhold(&Fault{Kind: Transient, Code: Taken, Reason: fmt.Sprintf(
		"the userName of %s is taken and is no account's userName that this organization shows: %s; asked again for 8 days", d.object, why)})
}

// takenBy deals with a name that an account has.
func (d *decision) takenBy(name string, holder Resource) {
	owner, known := d.ownerOf(holder)
	if !known {
		return
	}
	owned := owner != change.Object{}
	free := false
	if !owned && d.record.WebexID == "" {
		if free, known = d.adoptable(holder); !known {
			return
		}
	}
	if free || owned {
		if holder, known = d.whole(holder); !known {
			return
		}
	}
	if free || owned && owner == d.object {
		d.adopt(holder)
		return
	}
	d.record.PendingWrite = d.conflict.before // the name is another's, so nothing was written
	switch {
	case owned:
		d.makeRoom(room{name: name, holder: holder, owner: owner})
	case holder.Reserved != "":
		d.withhold(permanentf("the userName of %s is that of the Webex account %s, and %s: give that another address in Control Hub, or the user another one in Entra",
			d.object, holder.ID, holder.Reserved))
	case d.record.WebexID != "":
		d.withhold(permanentf("the new userName of %s is that of the Webex account %s, which is not managed here: rename or delete that account in Control Hub",
			d.object, holder.ID))
	default:
		d.fail(Matching, permanentf("the userName of %s is that of the Webex account %s, whose externalId names another Entra object, %s: clear it if that object is no more",
			d.object, holder.ID, holder.externalID()))
	}
}

// makeRoom has the name taken from an account that is another object's, and goes on
// when that is done.
func (d *decision) makeRoom(r room) {
	switch made := d.answers.room; {
	case made == nil:
		d.next.room = &r
	case made.fault == nil:
		d.conflict = nil
	case made.withheld:
		d.withhold(made.fault)
	default:
		d.fail(Matching, made.fault)
	}
}

// adoptable reports whether what is linked to nothing may be taken over for the
// object: a person's account or a group of nobody, of this very object, or one
// that another system left behind, another tenant among them.
func (d *decision) adoptable(found Resource) (free, known bool) {
	id, entra := change.ParseID(found.externalID())
	switch {
	case found.Reserved != "":
		return false, true
	case !entra, id == d.object.ID:
		return true, true
	default:
		return d.isUnknown(id)
	}
}

// whole is what was found, read by its id if it does not show all that a write
// of it depends on.
func (d *decision) whole(found Resource) (Resource, bool) {
	if d.rules(d.object.Kind).ShowsElements(found.Attributes) {
		return found, true
	}
	read, gone, known := d.account(found.ID)
	if gone != nil {
		d.fail(Matching, gone)
		return Resource{}, false
	}
	return read, known
}

// adopt links the object to what is taken over, and tells whose it was: its
// externalId is about to be written over.
func (d *decision) adopt(found Resource) {
	kind, was := "account", found.externalID()
	if d.isGroup() {
		kind = "group"
	}
	d.step(Matching, Success, fmt.Sprintf("adopted the %s %s; its externalId was %q", kind, found.ID, was))
	d.notice(slog.LevelInfo, "adopted", slog.String("webexId", found.ID), slog.String("externalId", was))
	d.attempt.Adopted = &was
	d.conflict, d.seeded, d.absent = nil, false, nil
	d.link(found)
}

// ownerOf is the object an account is ours for: linked to it, or created for it by
// an attempt that never learned so; zero for none.
func (d *decision) ownerOf(a Resource) (change.Object, bool) {
	owner, known := d.owner(a.ID)
	if !known || owner != (change.Object{}) {
		return owner, known
	}
	id, ok := change.ParseID(a.externalID())
	if !ok {
		return change.Object{}, true
	}
	o := change.Object{Kind: change.User, ID: id}
	r, known := d.recorded(o)
	if r.WebexID == "" && r.PendingWrite != nil {
		return o, known
	}
	return change.Object{}, known
}

// vacate decides about an account which holds a name that another object shall have:
// it is moved to a reserved address, if Entra says that the name is no longer its
// own. It returns the write and the state in which that is made; or the fault of the
// other object, and whether that one cannot have the name.
func vacate(v view, other *view, ours bool, r room) (step, *roomMade) {
	if made := v.mayMove(other, ours, r.name); made != nil {
		return step{}, made
	}
	d := decision{view: v}
	pending := d.record.PendingWrite
	if d.conflict != nil {
		pending = d.conflict.before // what was refused a moment ago is in none
	}
	d.settles(pending)
	d.link(r.holder)
	d.ended, d.conflict, d.attempt.Fault = false, nil, nil
	values := map[string]any{}
	_, domain, _ := strings.Cut(r.name, "@")
	for path, has := range d.record.LastWritten {
		if s, ok := has.(string); ok && strings.EqualFold(s, r.name) {
			values[path] = v.object.ID + "@" + domain
		}
	}
	patch, _ := v.mapping.Users.Diff(d.record.LastWritten, values, d.record.Picks)
	if len(patch) == 0 {
		return step{}, &roomMade{fault: transientf(
			"Webex finds the account %s by the userName of %s, and does not show that it has it", r.holder.ID, other.object)}
	}
	return step{state: d.state, past: d.past, write: &write{
		op: Operation{Object: v.object, ID: r.holder.ID, Patch: patch}, values: values, moving: true,
	}}, nil
}

// mayMove returns nil if Entra says that the name is not the object's any more, else
// what the other one has for it. Ours says that the object is claimed.
func (v *view) mayMove(other *view, ours bool, name string) *roomMade {
	unknown := &roomMade{withheld: true, fault: transientf("%s holds the userName of %s and cannot be looked at now", v.object, other.object)}
	switch {
	case !ours || v.reading.Err != nil || v.reading.RolesErr != nil || v.reading.Presence == Unknown:
		return unknown
	case v.reading.Presence != Present:
		return nil
	case v.lacking() != nil:
		return unknown
	}
	want, err := v.mapped()
	if err != nil {
		return &roomMade{withheld: true, fault: permanentf(
			"the userName of %s is held by %s, whose own attributes are at fault: %v", other.object, v.object, err)}
	}
	if theirs, _ := want[userName].(string); !strings.EqualFold(theirs, name) {
		return nil
	}
	twin := Fault{Kind: Transient, Code: Twin, Reason: fmt.Sprintf(
		"%s and %s both have this userName in Entra: Webex can give it to one of them", other.object, v.object)}
	if other.record.OpenFault.tries(Twin) >= unseenAttempts {
		twin.Kind = Permanent
	}
	return &roomMade{withheld: true, fault: &twin}
}

// moved is what the other object learns of the write that makes room, which ended in
// this fault; nil for none.
func (r room) moved(other change.Object, f *Fault) *roomMade {
	switch {
	case f == nil:
		return &roomMade{}
	case f.Kind == Permanent:
		return &roomMade{withheld: true, fault: &Fault{Kind: Permanent, From: f.From, RequestID: f.RequestID, Reason: fmt.Sprintf(
			"the userName of %s is held by the %s Webex account %s of %s, which Webex does not let be renamed: delete that account, or rename it, in Control Hub, then replay",
			other, stateOf(r.holder), r.holder.ID, r.owner), Err: f}}
	default:
		return &roomMade{fault: &Fault{Kind: Transient, Reason: fmt.Sprintf(
			"the userName of %s could not be taken from %s yet", other, r.owner), Err: f}}
	}
}

func stateOf(account Resource) string {
	if account.Attributes[active] == false {
		return "inactive"
	}
	return "active"
}
