package provision

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/scoping"
)

// The objects of the rules, and what Webex has for them.
var (
	ada    = change.Object{Kind: change.User, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"}
	bob    = change.Object{Kind: change.User, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"}
	team   = change.Object{Kind: change.Group, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f609"}
	crew   = change.Object{Kind: change.Group, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f60a"}
	former = "0e4d7a8c-1d2e-4f30-9a41-b2c3d4e5f6ff" // an id of another tenant
)

const name = "ada@example.com"

var now = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// given is one thing that is known of an object.
type given func(v *view)

// known is a user, or a group, of whom these things are known: without any, one who
// is in Entra as it should be, and of whom neither Webex nor the ledger knows.
func known(o change.Object, things ...given) view {
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		panic(err)
	}
	v := view{
		terms:   &terms{mapping: rules, confirmAfter: 10 * time.Minute, protected: map[string]bool{}},
		subject: subject{object: o, causes: []change.Change{{Object: o, Source: change.Notification, SeenAt: now}}},
		state:   state{attempt: Attempt{Object: o, Action: None, Started: now}, record: Record{Object: o}},
		now:     now,
		reading: Reading{Presence: Present, Attributes: map[string]any{
			"id": o.ID, "accountEnabled": true, "userPrincipalName": name, "givenName": "Ada", "surname": "L", "displayName": "Ada L",
		}},
	}
	if o.Kind == change.Group {
		v.reading.Attributes = map[string]any{"id": o.ID, "displayName": "Team", "securityEnabled": true}
	}
	for _, thing := range things {
		thing(&v)
	}
	return v
}

// What Entra says.
func blocked(v *view)  { v.reading.Attributes["accountEnabled"] = false }
func binned(v *view)   { v.reading.Presence = SoftDeleted }
func mail(v *view)     { v.reading.Attributes["securityEnabled"] = false }
func renamed(v *view)  { v.reading.Attributes["userPrincipalName"] = "new@example.com" }
func retitled(v *view) { v.reading.Attributes["displayName"] = "New" }
func lacking(v *view)  { delete(v.reading.Attributes, "accountEnabled") }
func nameless(v *view) { v.reading.Attributes["userPrincipalName"] = "" }
func assigned(v *view) { inScope(v, scoping.DefaultAccess) }
func unassigned(v *view) {
	inScope(v)
}

func unlisted(v *view) {
	inScope(v)
	v.reading.RolesErr = transientf("no list of assignments")
}

func inScope(v *view, roles ...string) {
	v.scoping.Application, v.reading.Roles = &scoping.Application{}, roles
}

// filtered has only those in scope whose name is not Ada L.
func filtered(v *view) {
	v.scoping.Filters = scoping.Filters{Users: notNamed("Ada L"), Groups: notNamed("Team")}
}

func notNamed(name string) scoping.Filter {
	f, mistakes := scoping.NewFilter([][]scoping.Clause{{{Attribute: "displayName", Operator: "NOT EQUALS", Value: name}}})
	if len(mistakes) > 0 {
		panic(mistakes[0])
	}
	return f
}

func undisplayed(v *view) { delete(v.reading.Attributes, "displayName") }

func absent(age time.Duration) given {
	return func(v *view) {
		v.reading.Presence, v.reading.Attributes = Absent, nil
		if age > 0 {
			v.record.Absence = &Absence{Since: now.Add(-age)}
		}
	}
}

func lastLook(age time.Duration) given {
	return func(v *view) { v.record.Absence.Last = now.Add(-age) }
}

// Why it is looked at.
func word(v *view)        { v.causes[0].Deleted = true }
func afresh(v *view)      { v.afresh = true }
func saidToLeave(v *view) { v.causes[0].Nominated = change.Out }
func saidAgo(age time.Duration) given {
	return func(v *view) { v.causes[0].Nominated, v.causes[0].SeenAt = change.Out, now.Add(-age) }
}

// What the settings say.
func upsertOnly(v *view)     { v.upsertOnly = true }
func deleteBinned(v *view)   { v.deleteBinned = true }
func skipOutOfScope(v *view) { v.scoping.SkipOutOfScope = true }
func protected(v *view)      { v.protected[ada.ID] = true }
func guarded(v *view)        { v.guarded = true }

// What the ledger says: linked to the account w, which has all that Entra had.
func linked(v *view) {
	v.record.WebexID = "w"
	v.record.LastWritten = map[string]any{
		"userName": name, "name.givenName": "Ada", "name.familyName": "L", "displayName": "Ada L", "externalId": v.object.ID,
		"active": true, `emails[type eq "work"].value`: name, `emails[type eq "work"].primary`: true,
	}
	if v.isGroup() {
		v.record.LastWritten = map[string]any{"displayName": "Team", "externalId": v.object.ID}
	}
}

func closed(v *view) {
	linked(v)
	v.record.LastWritten["active"] = false
}

func away(v *view) { v.record.Away = true }

func noList(age time.Duration) given {
	return func(v *view) { v.record.Unassigned = now.Add(-age) }
}

func contradicted(age time.Duration) given {
	return func(v *view) { v.record.Contradicted = now.Add(-age) }
}

func pending(age time.Duration, names ...string) given {
	return func(v *view) { v.record.PendingWrite = &PendingWrite{Since: now.Add(-age), Names: names} }
}

func gaveUp(looks int, age time.Duration) given {
	return func(v *view) { v.record.Missing = &Missing{Looks: looks, Since: now.Add(-age)} }
}

func approved(v *view) { v.record.Approval = &Approval{Operation: Disabling, At: now} }

func rejected(v *view) {
	h := fingerprint(v.reading.Presence, v.reading.Attributes)
	v.record.Rejected = &Rejection{Operation: Disabling, Fingerprint: h}
	v.record.Hold = &Hold{Operation: Disabling, Fingerprint: h}
}

func tried(c Code, attempts int) given {
	return func(v *view) {
		v.record.OpenFault = &OpenFault{Kind: Transient, Code: c, Attempts: attempts, Since: now, Last: now}
	}
}

// What was done in this attempt.
func did(a Action) given { return func(v *view) { v.attempt.Action = a } }
func settled(v *view)    { v.settled = true }

func refusedName(v *view) { v.refuse("userName", permanentf("taken")) }

// conflicts says that Webex refused to write the name, or something else.
func conflicts(path string) given {
	return func(v *view) {
		v.conflict = &conflict{write: &write{values: map[string]any{path: name}}, fault: &Fault{Reason: "409"}}
		if v.isGroup() && path == "displayName" {
			v.conflict.write.values[path] = "Team"
		}
	}
}

func tookNobody(v *view) { v.unseen = true }

// What a sweep saw.
func sweptWith(found ...Resource) given {
	return func(v *view) {
		v.seen = &Snapshot{Object: v.object, At: now.Add(time.Hour), Matches: found, Listed: true, Park: true}
	}
}

func sweptMembers(ids ...string) given {
	return func(v *view) { v.seen.Members, v.seen.Whole = ids, true }
}

// sought says by what a sweep looked through all of Webex.
func sought(targets ...string) given { return func(v *view) { v.seen.Sought = targets } }

// matchedBy has the user matched by these targets, in their precedence. Entra has their
// values.
func matchedBy(targets ...string) given {
	sources := map[string]string{userName: "userPrincipalName", number: "employeeId", nick: "mailNickname"}
	var lines strings.Builder
	for i, target := range targets {
		fmt.Fprintf(&lines, "    - { target: %q, source: %s, matching: %d }\n", target, sources[target], i+1)
	}
	rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()),
		"    - { target: userName, source: userPrincipalName, matching: 1 }\n", lines.String(), 1)))
	if err != nil {
		panic(err)
	}
	return func(v *view) {
		v.mapping = rules
		v.reading.Attributes["employeeId"], v.reading.Attributes["mailNickname"] = `4"2`, "ada"
	}
}

// manages is the target of the manager.
const manages = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"

// managedBy is somebody's, or with an empty id nobody's, with the manager mapped, who is
// cleared if nobody is.
func managedBy(id string) given {
	rules, err := mapping.Parse([]byte(strings.Replace(string(infra.Provisioning()),
		"    - { target: displayName, source: displayName }\n", "    - { target: displayName, source: displayName }\n    - { target: '"+manages+"', source: manager, whenNull: clear }\n", 1)))
	if err != nil {
		panic(err)
	}
	return func(v *view) {
		v.mapping = rules
		if v.reading.Attributes["manager"] = nil; id != "" {
			v.reading.Attributes["manager"] = id
		}
	}
}

// managerUnread is one of whom Entra did not say who manages.
func managerUnread(v *view) {
	delete(v.reading.Attributes, "manager")
	v.reading.ManagerErr = transientf("no manager")
}

func managerUnshown(v *view) { delete(v.reading.Attributes, "manager") }

// wroteManager is one whose account has that manager.
func wroteManager(webexID string) given {
	return func(v *view) { v.record.LastWritten[manages] = webexID }
}

// managerHas says that the manager has that account, or with an empty id none.
func managerHas(webexID string) given {
	return func(v *view) { set(&v.answers.managers, bob.ID, webexID) }
}

func lookedAtSince(v *view) { v.record.Concluded = now.Add(2 * time.Hour) }

func unnumbered(v *view) { v.reading.Attributes["employeeId"] = nil }

const (
	number = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"
	nick   = "nickName"
)

// numbered is an account that has the number, and another name.
func numbered(id, external string) Resource {
	return Resource{ID: id, Attributes: map[string]any{
		"userName": "old@example.com", "externalId": external, "active": true,
		"emails": []any{map[string]any{"type": "work", "value": "old@example.com", "primary": true}},
		"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": map[string]any{"employeeNumber": `4"2`},
	}}
}

// unaddressed is such an account as a list shows it that leaves addresses out.
func unaddressed(id string) Resource {
	r := numbered(id, "")
	delete(r.Attributes, "emails")
	return r
}

// What was answered.
func tenant(v *view) { v.answers.tenant = true }
func admits(v *view) { v.answers.guard = &verdict{} }
func latches(v *view) {
	v.answers.guard = &verdict{latched: now}
}

func has(id string, attributes map[string]any) given {
	return func(v *view) { set(&v.answers.accounts, id, Resource{ID: id, Attributes: attributes}) }
}

func hasNot(id string) given {
	return func(v *view) { set(&v.answers.gone, id, Answered(Gone, "404", nil)) }
}

func search(text string, found ...Resource) given {
	return func(v *view) { set(&v.answers.names, text, found) }
}

// The filters of searches by the matching attributes.
const (
	byNumber = number + ` eq "4\"2"`
	byNick   = `nickName eq "ada"`
	byName   = `userName eq "` + name + `"`
)

func meets(filter string, found ...Resource) given {
	return func(v *view) { set(&v.answers.meeting, filter, found) }
}

func aliases(found ...Resource) given {
	return func(v *view) { set(&v.answers.aliases, name, found) }
}

func owned(webexID string, o change.Object) given {
	return func(v *view) { set(&v.answers.owners, webexID, o) }
}

func recorded(o change.Object, r Record) given {
	return func(v *view) { set(&v.answers.records, o, r) }
}

func unknownHere(id string, unknown bool) given {
	return func(v *view) { set(&v.answers.unknown, id, unknown) }
}

func inWebex(links ...string) given { return func(v *view) { v.answers.links = links } }

func made(m roomMade) given { return func(v *view) { v.answers.room = &m } }

// account is one of Webex with this externalId.
func account(id, external string) Resource {
	return Resource{ID: id, Attributes: map[string]any{
		"userName": name, "displayName": "Team", "externalId": external, "active": true,
		"emails": []any{map[string]any{"type": "work", "value": name, "primary": true}},
	}}
}

// told is a step as one line.
func told(s step) string {
	switch {
	case s.ask != nil:
		subject := s.ask.text
		if s.ask.object.ID != "" {
			subject = s.ask.object.String()
		}
		return strings.TrimSpace("ask " + asks[s.ask.asks] + " " + subject)
	case s.room != nil:
		return fmt.Sprintf("make room: %s of %s", s.room.name, s.room.owner)
	case s.write != nil && s.write.op.Delete:
		return "delete"
	case s.write != nil && s.write.op.Resource != nil:
		members, _ := s.write.op.Resource["members"].([]any)
		return fmt.Sprintf("create with %d members, absent %d", len(members), len(s.absent))
	case s.write != nil:
		var values []string
		for _, path := range slices.Sorted(maps.Keys(s.write.values)) {
			values = append(values, fmt.Sprintf("%s=%v", path, s.write.values[path]))
		}
		return "write " + strings.Join(values, " ")
	case s.members:
		return "members"
	case s.ended && s.attempt.Fault != nil:
		return fmt.Sprintf("end %s %s: %s", s.attempt.Status, s.attempt.Fault.Kind, s.attempt.Reason)
	case s.ended && s.attempt.Again > 0:
		return fmt.Sprintf("end %s, again after %s: %s", s.attempt.Status, s.attempt.Again, s.attempt.Reason)
	case s.ended:
		return fmt.Sprintf("end %s: %s", s.attempt.Status, s.attempt.Reason)
	default:
		return "decide anew"
	}
}

var asks = map[asked]string{
	askAccount: "Webex what it has by the id", askNamed: "Webex who has the name", askAlias: "Webex who has the address", askMeeting: "Webex who meets",
	askOwner: "the ledger whose account is", askRecord: "the ledger about", askUnknown: "Entra whether it knows",
	askTenant: "Entra which tenant it is", askGuard: "the guard to", askLinks: "the ledger which members are in Webex",
	askManager: "the ledger for the account of the manager",
}

// The rules of convergence, each a sentence: of whom this is known, what comes next.
func TestRules(t *testing.T) {
	t.Parallel()
	const email = `emails[type eq "work"].value`
	rules := []struct {
		rule string
		of   view
		next string // up to where the step's own line may go on
	}{
		// Hires and changes.
		{"Whoever is new is created, without a search", known(ada), "create"},
		{"Whoever is assigned is created", known(ada, assigned), "create"},
		{"Whoever is as last written needs nothing", known(ada, linked), "end Skipped: Webex already has this state (RedundantExport)"},
		{"Only what differs is written", known(ada, linked, retitled), "write displayName=New"},
		{"A new name is written with the address that goes with it", known(ada, linked, renamed), "write " + email + "=new@example.com userName=new@example.com"},
		{"What was written in this attempt, and is all, is a success", known(ada, linked, did(Update)), "end Success: updated in Webex"},
		{"Whoever is back is opened", known(ada, closed), "write active=true"},
		{"A name that was refused leaves all else to be written", known(ada, linked, renamed, retitled, refusedName), "write displayName=New " + email},
		{"An attempt with nothing left but a refused name ends with the refusal as its fault", known(ada, linked, refusedName), "end Failure permanent: userName not written, all else is: taken"},
		{"A user without a name is a fault of that user", known(ada, nameless), "end Failure permanent: user " + ada.ID + ": map userName"},
		{"An answer that lacks what decides is asked for again", known(ada, lacking), "end Failure transient: Entra's answer for"},
		{"An answer that lacks what decides is asked for again of an open account, too", known(ada, linked, lacking), "end Failure transient: Entra's answer for"},

		// Leavers.
		{"Whoever is blocked and was never there is left out", known(ada, blocked), "end Skipped: is disabled or deleted in Entra and was never provisioned"},
		{"Whoever is blocked: which tenant says so", known(ada, linked, blocked), "ask Entra which tenant it is"},
		{"Whoever is blocked is closed", known(ada, linked, blocked, tenant), "write active=false"},
		{"Closing goes before all else about the account", known(ada, linked, blocked, renamed, retitled, tenant), "write active=false"},
		{"Whoever is blocked and closed has their name kept right", known(ada, closed, blocked, renamed), "write " + email + "=new@example.com userName=new@example.com"},
		{"Whoever is blocked is closed even with attributes at fault", known(ada, linked, blocked, nameless, tenant), "write active=false"},
		{"Whoever is in the recycle bin is closed", known(ada, linked, binned, tenant), "write active=false"},
		{"Whoever is in the recycle bin and closed needs nothing", known(ada, closed, binned), "end Skipped: Webex already has this state"},
		{"Whoever is in the recycle bin and was never there is left out", known(ada, binned), "end Skipped: is disabled or deleted"},

		// The scope.
		{"Whoever is not assigned is left out", known(ada, unassigned), "end Skipped: is not assigned to the application"},
		{"Where the assignments are not known nothing follows", known(ada, linked, unlisted), "end Failure transient: no list of assignments"},
		{"One empty list of assignments closes nobody", known(ada, linked, unassigned, tenant), "end Warning, again after 1m0s: Entra lists no assignment"},
		{"Lists of assignments that were empty for less than five minutes close nobody", known(ada, linked, unassigned, noList(4*time.Minute), tenant), "end Warning, again after 1m0s"},
		{"After five minutes of empty lists of assignments the account is closed", known(ada, linked, unassigned, noList(5*time.Minute), tenant), "write active=false"},
		{"Whoever has no assignment is closed at once if another source says so, too", known(ada, linked, unassigned, saidToLeave, tenant), "write active=false"},
		{"What another source said five minutes ago closes nobody at once", known(ada, linked, unassigned, saidAgo(5*time.Minute), tenant), "end Warning, again after 1m0s: Entra lists no assignment"},
		{"What looks contradicted for four minutes closes nobody at once", known(ada, linked, unassigned, saidAgo(4*time.Minute+time.Second), contradicted(time.Second), tenant), "end Warning, again after 1m0s: Entra lists no assignment"},
		{"What a look contradicted for two seconds is believed after two seconds of empty lists", known(ada, linked, unassigned, saidAgo(4*time.Second), contradicted(2*time.Second), tenant), "end Warning, again after 2s: Entra lists no assignment"},
		{"which closes the account then", known(ada, linked, unassigned, saidAgo(6*time.Second), contradicted(4*time.Second), noList(2*time.Second), tenant), "write active=false"},
		{"What is said anew after a look that contradicted it is believed", known(ada, linked, unassigned, saidToLeave, contradicted(time.Second), tenant), "write active=false"},
		{"Whoever has no assignment is closed at once if blocked, too", known(ada, linked, unassigned, blocked, tenant), "write active=false"},
		{"Out of scope nothing but the state is written", known(ada, closed, unassigned, renamed), "end Skipped: Webex already has this state"},
		{"A setting leaves those open who left the scope", known(ada, linked, unassigned, skipOutOfScope), "end Skipped: left the scope, and stays as it is"},
		{"Who left the scope and whose account was given up is searched for", known(ada, unassigned, away), "ask Webex who has the name " + name},
		{"If it is there after all, the scope decides about it", known(ada, unassigned, away, search(name, account("w", ada.ID)), tenant), "end Warning, again after 1m0s: Entra lists no assignment"},
		{"An account that was given up, and is there after all, is closed if another source says that its user left the scope", known(ada, unassigned, away, search(name, account("w", ada.ID)), saidToLeave, tenant), "write active=false"},
		{"An account that was given up, and is there after all, stays open where a setting leaves those open who left the scope", known(ada, unassigned, away, search(name, account("w", ada.ID)), skipOutOfScope), "end Skipped: left the scope, and stays as it is"},
		{"An account of another under the name is not touched", known(ada, unassigned, away, search(name, account("w", bob.ID))), "end Skipped: is not assigned to the application"},

		{"Whoever does not satisfy the scoping filter is left out", known(ada, filtered), `end Skipped: does not satisfy the scoping filter, by displayName NOT EQUALS "Ada L"`},
		{"Whoever no longer satisfies the scoping filter is closed at once", known(ada, linked, filtered, tenant), "write active=false"},
		{"Whoever no longer satisfies the scoping filter is closed while the lists of assignments are empty, too", known(ada, linked, unassigned, filtered, tenant), "write active=false"},
		{"Whoever no longer satisfies the scoping filter is closed while the assignments are not known, too", known(ada, linked, unlisted, filtered, tenant), "write active=false"},
		{"The guard is asked before somebody is closed by the scoping filter", known(ada, linked, filtered, tenant, guarded), "ask the guard to disable"},
		{"A setting leaves those open who no longer satisfy the scoping filter", known(ada, linked, filtered, skipOutOfScope), "end Skipped: no longer satisfies the scoping filter"},
		{"Of whoever is closed and does not satisfy the scoping filter nothing but the state is written", known(ada, closed, filtered, renamed), "end Skipped: Webex already has this state"},
		{"Whoever satisfies the scoping filter is created", known(ada, filtered, retitled), "create"},
		{"Whoever satisfies the scoping filter again is opened", known(ada, closed, filtered, retitled), "write active=true displayName=New"},
		{"Where Entra does not show what the scoping filter asks for nothing follows", known(ada, linked, filtered, undisplayed), "end Failure transient: user " + ada.ID + " may satisfy the scoping filter or not"},
		{"Whoever is in the recycle bin is closed whatever the filter says", known(ada, linked, binned, filtered, undisplayed, tenant), "write active=false"},

		// The manager.
		{"Whoever has a manager: which account that one has", known(ada, managedBy(bob.ID)), "ask the ledger for the account of the manager " + bob.ID},
		{"The manager is written if that one has an account", known(ada, linked, managedBy(bob.ID), managerHas("b")), "write " + manages + "=b"},
		{"A manager who was written already is not written again", known(ada, linked, managedBy(bob.ID), managerHas("b"), wroteManager("b")), "end Skipped: Webex already has this state"},
		{"Another account of the same manager is written", known(ada, linked, managedBy(bob.ID), managerHas("b2"), wroteManager("b")), "write " + manages + "=b2"},
		{"Whoever has a manager without an account is created without a manager", known(ada, managedBy(bob.ID), managerHas("")), "create"},
		{"Whoever is in Webex without a manager stays so while the manager has no account", known(ada, linked, managedBy(bob.ID), managerHas("")), "end Skipped: Webex already has this state"},
		{"A manager whose account is gone is cleared", known(ada, linked, managedBy(bob.ID), managerHas(""), wroteManager("b")), "write " + manages + "=<nil>"},
		{"A manager who manages the user no more is cleared", known(ada, linked, managedBy(""), wroteManager("b")), "write " + manages + "=<nil>"},
		{"A manager who is not shown is not null", known(ada, linked, managedBy(bob.ID), managerUnshown, wroteManager("b")), "end Skipped: Webex already has this state"},
		{"Where the manager could not be read all else is written", known(ada, linked, managedBy(bob.ID), managerUnread, wroteManager("b"), retitled), "write displayName=New"},
		{"A manager who could not be read is asked for again once all else is written", known(ada, linked, managedBy(bob.ID), managerUnread, wroteManager("b")), "end Failure transient: " + manages + " not written, all else is: no manager"},
		{"A leaver is closed whether the manager is known or not", known(ada, linked, blocked, managedBy(bob.ID), managerUnread, tenant), "write active=false"},
		{"Out of scope nobody's manager matters", known(ada, closed, unassigned, managedBy(bob.ID)), "end Skipped: Webex already has this state"},
		{"The manager of who is left out does not matter", known(ada, blocked, managedBy(bob.ID)), "end Skipped: is disabled or deleted in Entra and was never provisioned"},
		{"The manager of who is in the recycle bin does not matter", known(ada, linked, binned, managedBy(bob.ID), tenant), "write active=false"},

		// What may be destroyed.
		{"With UPSERT_ONLY nobody is closed", known(ada, linked, blocked, upsertOnly), "end Skipped: UPSERT_ONLY is set"},
		{"Whoever is protected is held", known(ada, linked, blocked, protected), "end Failure held: user " + ada.ID + " is in PROTECTED_USERS"},
		{"The guard is asked before a disable", known(ada, linked, blocked, tenant, guarded), "ask the guard to disable"},
		{"Whom the guard admits is closed", known(ada, linked, blocked, tenant, guarded, admits), "write active=false"},
		{"Once the guard is latched, a disable is held", known(ada, linked, blocked, tenant, guarded, latches), "end Failure held: the guard is latched since"},
		{"What is approved does not ask the guard", known(ada, linked, blocked, tenant, guarded, approved), "write active=false"},
		{"What is rejected is held for as long as Entra says the same", known(ada, linked, blocked, tenant, guarded, rejected), "end Failure held: an operator rejected"},
		{"A rejection is void once Entra says something else", known(ada, linked, blocked, tenant, guarded, rejected, retitled), "ask the guard to disable"},
		{"The guard is not asked about a title", known(ada, linked, retitled, guarded), "write displayName=New"},

		// Deletions.
		{"Whoever Entra does not show for the first time is looked at again, and nothing is taken away", known(ada, linked, absent(0)), "end Warning, again after 10m0s: Entra no longer has it"},
		{"After an hour in which Entra did not show the user the account is closed", known(ada, linked, absent(time.Hour), tenant), "write active=false"},
		{"After less than an hour in which Entra did not show the user nothing is taken away", known(ada, linked, absent(50*time.Minute)), "end Warning, again after 10m0s: Entra does not have it"},
		{"Two looks with most of two days between them are no hour in which Entra did not show the user", known(ada, linked, absent(40*time.Hour)), "end Warning, again after 10m0s: Entra no longer has it"},
		{"Many looks of long ago and one now are no hour in which Entra did not show the user", known(ada, linked, absent(40*time.Hour), lastLook(39*time.Hour)), "end Warning, again after 10m0s: Entra no longer has it"},
		{"After two days of absence the account is closed if the look before was within the last hour", known(ada, linked, absent(40*time.Hour), lastLook(time.Hour), tenant), "write active=false"},
		{"Graph's word closes the account at once", known(ada, linked, absent(0), word, tenant), "write active=false"},
		{"Graph's word that somebody is deleted deletes the account once it is confirmed", known(ada, closed, absent(10*time.Minute), word, tenant), "delete"},
		{"Graph's word that somebody is deleted deletes nothing before it is confirmed", known(ada, closed, absent(9*time.Minute), word), "end Warning, again after 1m0s"},
		{"The guard is asked before a delete", known(ada, closed, absent(10*time.Minute), word, tenant, guarded), "ask the guard to delete"},
		{"Without Graph's word nothing is ever deleted", known(ada, closed, absent(30*time.Hour)), "end Skipped: Webex already has this state"},
		{"Whoever is on neither side is forgotten at Graph's word", known(ada, absent(0), word), "end Skipped: is not in Entra and not provisioned"},
		{"Without Graph's word whoever is on neither side is looked at again", known(ada, absent(0)), "end Warning, again after 10s: Entra does not know it"},
		{"What was deleted in this attempt is a success", known(ada, absent(0), word, did(Delete)), "end Success: deleted in Webex"},

		// Pending writes.
		{"A write whose end is not known is looked up by its id", known(ada, linked, pending(time.Minute, name)), "ask Webex what it has by the id w"},
		{"A create whose end is not known is looked up by its name", known(ada, pending(time.Minute, name)), "ask Webex who has the name " + name},
		{"What a create made whose end was not known is ours", known(ada, pending(time.Minute, name), search(name, account("w", ada.ID))), "write displayName=Ada L name.familyName=L name.givenName=Ada"},
		{"While Webex may still hide what was created it is created again under the same name only", known(ada, pending(time.Minute, name), search(name)), "create"},
		{"While Webex may still hide what was created nothing is created under another name", known(ada, pending(time.Minute, "old@example.com"), search("old@example.com")), "end Failure transient: an interrupted attempt may have created"},
		{"After five minutes what Webex does not show was never created", known(ada, pending(6*time.Minute, "old@example.com"), search("old@example.com")), "create"},
		{"What trusts nothing is read", known(ada, linked, afresh), "ask Webex what it has by the id w"},
		{"What trusts nothing is read once only", known(ada, linked, afresh, settled), "end Skipped: Webex already has this state"},
		{"The difference is taken against what Webex has", known(ada, linked, afresh, has("w", account("w", ada.ID).Attributes)), "write displayName=Ada L name.familyName=L"},
		{"Whoever Entra does not show is not forgotten while the end of a create is not known", known(ada, absent(0), word, pending(time.Minute, name), search(name)), "end Failure transient: an interrupted attempt"},

		// What Webex says is not there.
		{"One 404 is no proof: it is searched by its name", known(ada, linked, afresh, hasNot("w")), "ask Webex who has the name " + name},
		{"After one 404, and found by no name, the account is looked at again", known(ada, linked, afresh, hasNot("w"), search(name)), "end Failure transient: Webex says that the user w"},
		{"What is found by its name and not by its id is there", known(ada, linked, afresh, hasNot("w"), search(name, account("w", ada.ID))), "end Failure transient: Webex finds the user w"},
		{"What was made for the same object in its place is ours", known(ada, linked, afresh, hasNot("w"), search(name, account("w2", ada.ID))), "write displayName=Ada L"},
		{"After the third 404 in five minutes the account is made anew", known(ada, linked, gaveUp(2, 5*time.Minute), hasNot("w"), search(name)), "create"},
		{"A leaver's open account is believed to be gone after an hour of 404s and not before", known(ada, linked, blocked, gaveUp(9, 50*time.Minute), hasNot("w"), search(name)), "end Failure transient: Webex says that the user w"},
		{"After an hour of 404s nothing is left to be done about a leaver", known(ada, linked, blocked, gaveUp(9, time.Hour), hasNot("w"), search(name)), "end Success: Webex no longer has it, and shall not"},

		// Names that are taken.
		{"A conflict about a name: who has it", known(ada, conflicts("userName")), "ask Webex who has the name " + name},
		{"A name that is taken, and that nobody is seen to have, is tried once more", known(ada, conflicts("userName"), search(name)), "decide anew"},
		{"A name that nobody is seen to have again: who has the address", known(ada, conflicts("userName"), tookNobody, search(name)), "ask Webex who has the address " + name},
		{"A name that nobody has, nor the address, is a fault that says what it may be", known(ada, conflicts("userName"), tookNobody, search(name), aliases()), "end Failure transient: the userName of user " + ada.ID + " is taken"},
		{"An account that has the name: whose it is", known(ada, conflicts("userName"), search(name, account("w", ""))), "ask the ledger whose account is w"},
		{"An account with the name that is nobody's is adopted", known(ada, conflicts("userName"), search(name, account("w", "")), owned("w", change.Object{})), "decide anew"},
		{"An account with the name and an Entra id: whether the ledger knows that", known(ada, conflicts("userName"), search(name, account("w", former)), owned("w", change.Object{})), "ask the ledger about user " + former},
		{"An Entra id that the ledger does not know: whether Entra does", known(ada, conflicts("userName"), search(name, account("w", former)), owned("w", change.Object{}), recorded(change.Object{Kind: change.User, ID: former}, Record{})), "ask Entra whether it knows " + former},
		{"An account with the name that a former tenant left is adopted", known(ada, conflicts("userName"), search(name, account("w", former)), owned("w", change.Object{}), recorded(change.Object{Kind: change.User, ID: former}, Record{}), unknownHere(former, true)), "decide anew"},
		{"An account with the name that is another's of this tenant is not adopted", known(ada, conflicts("userName"), search(name, account("w", former)), owned("w", change.Object{}), recorded(change.Object{Kind: change.User, ID: former}, Record{}), unknownHere(former, false)), "end Failure permanent: the userName of user " + ada.ID + " is that of the Webex account w"},
		{"Another user's account that has the name has to make room", known(ada, conflicts("userName"), search(name, account("w", bob.ID)), owned("w", bob)), "make room: " + name + " of " + bob.String()},
		{"Once the other account made room, the name is written", known(ada, conflicts("userName"), search(name, account("w", bob.ID)), owned("w", bob), made(roomMade{})), "decide anew"},
		{"An account that keeps the name is a fault of whoever wants it", known(ada, conflicts("userName"), search(name, account("w", bob.ID)), owned("w", bob), made(roomMade{withheld: true, fault: permanentf("two")})), "end Failure permanent: two"},
		{"Two accounts with one name are for a person to mend", known(ada, conflicts("userName"), search(name, account("w", ""), account("w2", ""))), "end Failure permanent: 2 Webex accounts have the userName of user " + ada.ID + ", w, w2: "},
		{"Whoever is in Webex gets all but the name that two accounts have", known(ada, linked, renamed, conflicts("userName"), search(name, account("x", ""), account("w2", ""))), "decide anew"},
		{"A conflict about no name is read again", known(ada, linked, conflicts("displayName")), "decide anew"},
		{"A conflict about the name that the account has is about something else", known(ada, linked, conflicts("userName"), search(name, account("w", ada.ID))), "decide anew"},

		// Whoever is matched by more than the name.
		{"Whoever is new is searched for by the number", known(ada, matchedBy(number, "userName")), "ask Webex who meets " + byNumber},
		{"The first attribute in the precedence is searched by first", known(ada, matchedBy(nick, number, "userName")), "ask Webex who meets " + byNick},
		{"An attribute without a value is not searched by", known(ada, matchedBy(number, nick, "userName"), unnumbered), "ask Webex who meets " + byNick},
		{"Where nobody has the first attribute the next one is searched by", known(ada, matchedBy(nick, number, "userName"), meets(byNick)), "ask Webex who meets " + byNumber},
		{"By the name nobody is searched for: the creation itself tells if it is taken", known(ada, matchedBy(number, "userName"), meets(byNumber)), "create"},
		{"Where the name comes first nobody is searched for by it, either", known(ada, matchedBy("userName", number), meets(byNumber)), "create"},
		{"For who is left out nobody is searched for", known(ada, matchedBy(number, "userName"), blocked), "end Skipped: is disabled or deleted"},
		{"While it is not known whether an account was made nobody else is searched for", known(ada, matchedBy(number, "userName"), pending(time.Minute, name), search(name)), "create"},
		{"An account with the number: whose it is", known(ada, matchedBy(number, "userName"), meets(byNumber, numbered("w", ""))), "ask the ledger whose account is w"},
		{"An account with the number that is nobody's is adopted, and renamed", known(ada, matchedBy(number, "userName"), meets(byNumber, numbered("w", "")), owned("w", change.Object{})), "write displayName=Ada L " + email + "=" + name},
		{"An account with the number, where the name comes first: whether an account has that", known(ada, matchedBy("userName", number), meets(byNumber, numbered("w", "")), owned("w", change.Object{})), "ask Webex who meets " + byName},
		{"Of an account with the name and one with the number, the one that comes first is adopted", known(ada, matchedBy("userName", number), meets(byNumber, numbered("w", "")), meets(byName, account("w2", "")), owned("w", change.Object{}), owned("w2", change.Object{})), "write displayName=Ada L externalId="},
		{"Where no account has the name the one with the number is adopted", known(ada, matchedBy("userName", number), meets(byNumber, numbered("w", "")), meets(byName), owned("w", change.Object{})), "write displayName=Ada L " + email + "=" + name},
		{"An account with the number that is another user's is not adopted", known(ada, matchedBy(number, "userName"), meets(byNumber, numbered("w", bob.ID)), owned("w", bob), unknownHere(bob.ID, true)), "create"},
		{"An account with the number and an Entra id: whether Entra knows that", known(ada, matchedBy(number, "userName"), meets(byNumber, numbered("w", former))), "ask Entra whether it knows " + former},
		{"An account with the number and the id of another of this tenant is not adopted", known(ada, matchedBy(number, "userName"), meets(byNumber, numbered("w", bob.ID)), unknownHere(bob.ID, false)), "create"},
		{"An account with the number that a former tenant left is adopted", known(ada, matchedBy(number, "userName"), meets(byNumber, numbered("w", former)), unknownHere(former, true), owned("w", change.Object{})), "write displayName=Ada L"},
		{"An account that does not show its addresses is read before it is adopted", known(ada, matchedBy(number, "userName"), meets(byNumber, unaddressed("w")), owned("w", change.Object{})), "ask Webex what it has by the id w"},
		{"Two accounts with one number are for a person to mend, by their ids", known(ada, matchedBy(number, "userName"), meets(byNumber, numbered("w", ""), numbered("w2", "")), owned("w", change.Object{}), owned("w2", change.Object{})), "end Failure permanent: by " + number + " user " + ada.ID + " could be any of the Webex accounts w, w2: "},
		{"Of two accounts with one number the one with the user's id is adopted", known(ada, matchedBy(number, "userName"), meets(byNumber, numbered("w", ""), numbered("w2", ada.ID)), owned("w", change.Object{}), owned("w2", change.Object{})), "write displayName=Ada L"},

		// What a sweep saw.
		{"An account with the number that a sweep saw is adopted without a search", known(ada, matchedBy(number, "userName"), sweptWith(numbered("w", "")), owned("w", change.Object{})), "write displayName=Ada L"},
		{"Where a sweep saw nobody with the number nobody is searched for", known(ada, matchedBy(number, "userName"), sweptWith(), sought(number, "userName")), "create"},
		{"By an attribute that a sweep did not look for Webex is asked", known(ada, matchedBy(number, "userName"), sweptWith(), sought("userName")), "ask Webex who meets " + byNumber},
		{"What a sweep saw before the last look at the user is not believed to be all", known(ada, matchedBy(number, "userName"), sweptWith(), sought(number, "userName"), lookedAtSince), "ask Webex who meets " + byNumber},
		{"Of two accounts that a sweep saw the one that comes first in the precedence is adopted", known(ada, matchedBy("userName", number), sweptWith(numbered("w2", ""), account("w", "")), sought(number, "userName"), owned("w", change.Object{}), owned("w2", change.Object{})), "write displayName=Ada L externalId="},
		{"An account that a sweep saw and that has no matching value is not adopted", known(ada, sweptWith(numbered("w", "")), owned("w", change.Object{})), "create"},
		{"An account that a sweep saw: whose it is", known(ada, sweptWith(account("w", ""))), "ask the ledger whose account is w"},
		{"An account that a sweep saw and that is nobody's is adopted, and gets what it lacks", known(ada, sweptWith(account("w", "")), owned("w", change.Object{})), "write displayName=Ada L externalId=" + ada.ID},
		{"An account that a sweep saw and that is another user's is not adopted", known(ada, sweptWith(account("w", "")), owned("w", bob)), "create"},
		{"For a leaver no account is adopted but one that has the user's id", known(ada, blocked, sweptWith(account("w", ""))), "end Skipped: is disabled or deleted in Entra and was never"},
		{"To close what was just adopted is left to an operator", known(ada, blocked, tenant, sweptWith(account("w", ada.ID)), owned("w", change.Object{})), "end Failure held: a first comparison"},

		// Groups.
		{"A new group: who has the name", known(team), "ask Webex who has the name Team"},
		{"A new group whose name nobody has is created", known(team, search("Team")), "create"},
		{"A group of Webex with the name that is nobody's is adopted, and gets the id", known(team, search("Team", account("g", "")), owned("g", change.Object{})), "write externalId=" + team.ID},
		{"A group of Webex with the name and the group's id is its own", known(team, search("Team", account("g", team.ID)), owned("g", change.Object{})), "members"},
		{"A group of Webex with the name that is another group's is left alone", known(team, search("Team", account("g", crew.ID)), owned("g", crew)), "create"},
		{"Of two groups of Webex that could be it a person has to choose", known(team, search("Team", account("g", ""), account("h", "")), owned("g", change.Object{}), owned("h", change.Object{})), "end Failure permanent: group " + team.ID + " could be any of"},
		{"A group as last written goes on with its members", known(team, linked), "members"},
		{"The name of a group is written before its members", known(team, linked, retitled), "write displayName=New"},
		{"A group of mail is left out", known(team, mail), "end Skipped: is not security-enabled"},
		{"A group that does not satisfy the scoping filter is left out", known(team, filtered), "end Skipped: does not satisfy the scoping filter"},
		{"A group that no longer satisfies the scoping filter stays as it is in Webex", known(team, linked, filtered), "end Skipped: no longer satisfies the scoping filter"},
		{"A group in the recycle bin stays as it is in Webex", known(team, linked, binned), "end Skipped: is in Entra's recycle bin"},
		{"A group in the recycle bin is deleted where a setting says so", known(team, linked, binned, deleteBinned, tenant), "delete"},
		{"A group that is deleted for good is deleted as a user is", known(team, linked, absent(10*time.Minute), word, tenant), "delete"},
		{"A group of a sweep: which of its members are in Webex", known(team, sweptWith(), sweptMembers("a", "b")), "ask the ledger which members are in Webex"},
		{"A group of a sweep is created with those of its members that are in Webex", known(team, sweptWith(), sweptMembers("a", "b"), inWebex("w", "")), "create with 1 members, absent 1"},
		{"A group whose name conflicts and that is there by its id is its own", known(team, conflicts("displayName"), search("Team", account("g", team.ID))), "decide anew"},
		{"A group whose name others have is tried again some times", known(team, conflicts("displayName"), search("Team", account("g", ""))), "end Failure transient: 409, and no name is taken"},
		{"A group whose name others have is for a person to mend after that", known(team, conflicts("displayName"), search("Team", account("g", "")), tried(Conflict, unseenAttempts)), "end Failure permanent: the name of group " + team.ID},
	}
	for _, r := range rules {
		t.Run(r.rule, func(t *testing.T) {
			t.Parallel()
			before := kept(t, r.of)
			got := told(next(r.of))
			if !strings.HasPrefix(got, r.next) {
				t.Errorf("got  %s\nwant %s", got, r.next)
			}
			if again := told(next(r.of)); again != got {
				t.Errorf("decided once more: %s", again)
			}
			if after := kept(t, r.of); after != before {
				t.Errorf("what it was decided by has changed:\n%s\n%s", before, after)
			}
		})
	}
	const least = 80
	if len(rules) < least {
		t.Errorf("%d rules, fewer than %d", len(rules), least)
	}
}

// kept is all that a view says of what is noted, of what it points to, too.
func kept(t *testing.T, v view) string {
	t.Helper()
	text, err := json.Marshal([]any{v.record, v.attempt, v.reading.Attributes})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Of one who is matched to be closed nobody was asked about the manager, whose id in
// Entra is none of Webex's.
func TestAManagerWhoseAccountIsNotKnownIsNotWritten(t *testing.T) {
	t.Parallel()
	s := next(known(ada, blocked, managedBy(bob.ID), tenant, approved, sweptWith(account("w", ada.ID)), owned("w", change.Object{})))
	if s.write == nil || s.write.values["active"] != false {
		t.Fatal(told(s))
	}
	if value, written := s.write.values[manages]; written {
		t.Errorf("the manager is written as %v", value)
	}
}

// Whoever has the right manager by chance is looked at once, and noted on that one.
func TestAManagerOnWhomNothingIsNotedIsAnother(t *testing.T) {
	t.Parallel()
	same, err := (&Engine{}).sameManager(t.Context(), Record{}, map[string]any{"manager": bob.ID})
	if same || err != nil {
		t.Errorf("%t, %v", same, err)
	}
}
