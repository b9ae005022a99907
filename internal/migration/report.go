package migration

import (
	"cmp"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
)

// Outcome is what would become of an account or a group.
type Outcome string

// The outcomes.
const (
	Same    Outcome = "the same"
	Change  Outcome = "would change"
	Create  Outcome = "would be created"
	Disable Outcome = "would be disabled"
	Refused Outcome = "cannot be taken over"
	Left    Outcome = "left alone"
	// Outside has no account in Webex, and none would be made.
	Outside Outcome = "not provisioned"
)

// Outcomes are all of them, in the order in which they are told.
func Outcomes() []Outcome { return []Outcome{Same, Change, Create, Disable, Refused, Left, Outside} }

// Origin is whose the id is that an account carries.
type Origin string

// The origins.
const (
	Own    Origin = "its own"
	None   Origin = "none"
	Other  Origin = "another system's"
	Former Origin = "one that this tenant does not know"
)

// Origins are all of them, in the order in which they are told.
func Origins() []Origin { return []Origin{Own, None, Other, Former} }

// Row is what would become of one user or group, or of an account that is nobody's.
type Row struct {
	Outcome Outcome     `json:"outcome"`
	Kind    change.Kind `json:"kind"`
	// Name is the userPrincipalName, the userName or the displayName.
	Name string `json:"name,omitempty"`
	// ID is the Entra object id, WebexID Webex's; empty where there is none.
	ID      string `json:"id,omitempty"`
	WebexID string `json:"webexId,omitempty"`
	// Active says whether Webex shows an account active that is left alone; nil for a group,
	// and where it is not shown.
	Active *bool `json:"active,omitempty"`
	// Held says that it waits for an operator's approval.
	Held bool `json:"held,omitempty"`
	// Adopted says whose id an account carries that was there before and is taken over;
	// empty where none is. ExternalID is that id.
	Adopted    Origin `json:"adopted,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
	// Attributes are those that would change, Members how many a group would gain and
	// lose, Reason is why it is so.
	Attributes []provision.Modified `json:"attributes,omitempty"`
	Members    *plan.Members        `json:"members,omitempty"`
	Reason     string               `json:"reason"`
}

// Report is what moving in would come to.
type Report struct {
	Gallery Gallery `json:"gallery"`
	// Mapping is the mapping file that takes the place of the gallery app's mapping;
	// empty where the one in force is looked by. Findings say what became of each of its
	// lines.
	Mapping  string                    `json:"mapping,omitempty"`
	Findings []synchronization.Finding `json:"findings,omitempty"`
	Settings []Setting                 `json:"settings"`
	// Differing says which settings are other ones here than in the gallery app.
	Differing []string `json:"differing,omitempty"`
	Rows      []Row    `json:"rows"`
	Notes     []string `json:"notes,omitempty"`
}

// Count returns how many rows there are of a kind with an outcome, and how many of them
// are held.
func (r *Report) Count(o Outcome, kind change.Kind) (n, held int) {
	for _, row := range r.Rows {
		if row.Outcome == o && row.Kind == kind {
			n++
			if row.Held {
				held++
			}
		}
	}
	return n, held
}

// OutOfScope returns how many accounts are left alone that belong to somebody in Entra,
// and how many of them Webex shows active.
func (r *Report) OutOfScope() (n, active int) {
	for _, row := range r.Rows {
		if row.Outcome != Left || row.ID == "" || row.Reason == plan.Drifted {
			continue
		}
		n++
		if row.Active != nil && *row.Active {
			active++
		}
	}
	return n, active
}

// TakenOut returns how many members groups would lose.
func (r *Report) TakenOut() int {
	n := 0
	for _, row := range r.Rows {
		if row.Members != nil {
			n += row.Members.Removed
		}
	}
	return n
}

// Adopted returns how many accounts and groups that were there before are taken over,
// by whose id they carry.
func (r *Report) Adopted() map[Origin]int {
	counts := map[Origin]int{}
	for _, row := range r.Rows {
		if row.Adopted != "" {
			counts[row.Adopted]++
		}
	}
	return counts
}

// Rows are what would become of all whom a plan is about, and of the accounts that are
// nobody's, what cannot be taken over and what is taken away first.
func Rows(objects []plan.Object, accounts []sweep.Account) []Row {
	t := table{rows: make([]Row, 0, len(objects)+len(accounts)), known: map[string]int{}, named: map[string]int{}}
	for _, o := range objects {
		t.add(rowOf(o))
	}
	var others []sweep.Account
	for _, a := range accounts {
		if a.Class == sweep.Local && !t.carried(a) {
			others = append(others, a)
		}
	}
	for _, a := range others { // an id says more than a name
		t.local(a)
	}
	rows := t.rows
	order := []Outcome{Disable, Refused, Change, Create, Left, Same, Outside}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(slices.Index(order, a.Outcome)-slices.Index(order, b.Outcome), -strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Name, b.Name))
	})
	return rows
}

func key(kind change.Kind, id string) string { return string(kind) + " " + strings.ToLower(id) }

func rowOf(o plan.Object) Row {
	r := Row{Kind: o.Object.Kind, Name: o.Name, ID: o.Object.ID, WebexID: o.WebexID, Held: o.Held, Attributes: o.Attributes, Members: o.Members, Reason: o.Reason}
	if o.Adopted != nil {
		r.Adopted, r.ExternalID = origin(*o.Adopted, r.ID), *o.Adopted
	}
	switch o.Action {
	case plan.Unchanged:
		r.Outcome, r.Reason = Same, cmp.Or(r.Reason, "Webex has it as it is to be")
	case plan.Action(provision.Create):
		r.Outcome, r.Reason = Create, cmp.Or(r.Reason, "is in scope, and has no account in Webex")
	case plan.Action(provision.Disable), plan.Action(provision.Delete):
		r.Outcome, r.Reason = Disable, cmp.Or(r.Reason, "is not to be active, and is")
	case plan.Fail:
		r.Outcome = Refused
	case plan.Skip, plan.Wait:
		r.Outcome = Left
		if r.WebexID == "" {
			r.Outcome = Outside
		}
	default:
		r.Outcome = Change
	}
	return r
}

// origin is whose an id is that an account carries which is taken over for an object: of
// Entra's ids that are not the object's none is known to the tenant, or it would not be.
func origin(externalID, id string) Origin {
	switch _, entra := change.ParseID(externalID); {
	case externalID == "":
		return None
	case strings.EqualFold(externalID, id):
		return Own
	case entra:
		return Former
	default:
		return Other
	}
}

// table are rows, with their places by kind and id in Entra, and by kind and name.
type table struct {
	rows         []Row
	known, named map[string]int
}

func (t *table) add(r Row) {
	t.known[key(r.Kind, r.ID)] = len(t.rows)
	if _, taken := t.named[key(r.Kind, r.Name)]; r.Name != "" && (!taken || r.Outcome == Outside) {
		t.named[key(r.Kind, r.Name)] = len(t.rows)
	}
	t.rows = append(t.rows, r)
}

// carried reports whether an account that is linked to nobody carries the id of somebody
// without an account, and tells it as theirs.
func (t *table) carried(a sweep.Account) bool {
	at, there := t.known[key(a.Kind, a.ExternalID)]
	return there && t.give(at, a, "the account that carries its id")
}

// give tells an account as that of a row, unless it has one.
func (t *table) give(at int, a sweep.Account, which string) bool {
	r := &t.rows[at]
	if r.WebexID != "" {
		return false
	}
	r.Name = cmp.Or(r.Name, a.Name) // of whom the mapping has no values it has no name
	r.WebexID, r.ExternalID, r.Active = a.WebexID, a.ExternalID, a.Active
	if r.Outcome == Outside {
		r.Outcome = Left
		r.Reason += "; " + which + " stays as it is"
	}
	return true
}

// local adds an account that is linked to nobody, and carries no id of somebody without
// an account. One that has the name of such a person is told as theirs.
func (t *table) local(a sweep.Account) {
	owner, carries := t.known[key(a.Kind, a.ExternalID)]
	namesake, there := t.named[key(a.Kind, a.Name)]
	if !carries && there && t.rows[namesake].Outcome == Outside && t.give(namesake, a, "the account of that name") {
		return
	}
	reason := "nobody in Entra has it: it is never written"
	switch o := origin(a.ExternalID, ""); {
	case carries:
		of := t.rows[owner]
		reason = "it carries the id of " + cmp.Or(of.Name, of.ID) + ", who has another account: it is never written"
	case o == Former:
		reason = "it carries an id of Entra for which nobody here is provisioned: it is never written"
	case there && t.rows[namesake].WebexID == "":
		reason = "it has the name of " + t.rows[namesake].Name + " in Entra, and is not taken over: the line of that name says why"
	case there:
		reason = "it has the name of " + t.rows[namesake].Name + ", who has another account: it is never written"
	case o == Other:
		reason = "it carries another system's id, and nobody in Entra has its name: it is never written"
	}
	t.rows = append(t.rows, Row{Outcome: Left, Kind: a.Kind, Name: a.Name, WebexID: a.WebexID, Active: a.Active, ExternalID: a.ExternalID, Reason: reason})
}
