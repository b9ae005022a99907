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
	// Held says that it waits for an operator's approval.
	Held bool `json:"held,omitempty"`
	// Adopted says whose id an account carries that was there before and is taken over;
	// empty where none is. ExternalID is that id.
	Adopted    Origin `json:"adopted,omitempty"`
	ExternalID string `json:"externalId,omitempty"`
	// Attributes are those that would change, Reason is why it is so.
	Attributes []provision.Modified `json:"attributes,omitempty"`
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

// OutOfScope returns how many accounts are left alone that belong to somebody in Entra.
func (r *Report) OutOfScope() int {
	n := 0
	for _, row := range r.Rows {
		if row.Outcome == Left && row.ID != "" {
			n++
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
	rows := make([]Row, 0, len(objects)+len(accounts))
	known := map[string]int{} // places of the rows, by kind and id in Entra
	for _, o := range objects {
		known[key(o.Object.Kind, o.Object.ID)] = len(rows)
		rows = append(rows, rowOf(o))
	}
	for _, a := range accounts {
		if a.Class == sweep.Local {
			rows = local(rows, known, a)
		}
	}
	order := []Outcome{Disable, Refused, Change, Create, Left, Same, Outside}
	slices.SortStableFunc(rows, func(a, b Row) int {
		return cmp.Or(slices.Index(order, a.Outcome)-slices.Index(order, b.Outcome), -strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.Name, b.Name))
	})
	return rows
}

func key(kind change.Kind, id string) string { return string(kind) + " " + strings.ToLower(id) }

func rowOf(o plan.Object) Row {
	r := Row{Kind: o.Object.Kind, Name: o.Name, ID: o.Object.ID, WebexID: o.WebexID, Held: o.Held, Attributes: o.Attributes, Reason: o.Reason}
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

// local adds an account that is linked to nobody. One that carries the id of somebody
// who is not provisioned is told as theirs.
func local(rows []Row, known map[string]int, a sweep.Account) []Row {
	if at, there := known[key(a.Kind, a.ExternalID)]; there && a.ExternalID != "" && rows[at].WebexID == "" {
		r := &rows[at]
		r.WebexID, r.ExternalID = a.WebexID, a.ExternalID
		if r.Outcome == Outside {
			r.Outcome = Left
			r.Reason += "; the account that carries its id stays as it is"
		}
		return rows
	}
	reason := "nobody in Entra has it: it is never written"
	switch origin(a.ExternalID, "") {
	case Former:
		reason = "it carries an id of Entra for which nobody here is provisioned: it is never written"
	case Other:
		reason = "it carries another system's id, and nobody in Entra has its name: it is never written"
	case Own, None:
	}
	return append(rows, Row{Outcome: Left, Kind: a.Kind, Name: a.Name, WebexID: a.WebexID, ExternalID: a.ExternalID, Reason: reason})
}
