package plan

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"time"

	"entrawebex/internal/app"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// Trial is what a mapping file makes of one user or group, step by step, and in this
// form with --json.
type Trial struct {
	Object change.Object `json:"object"`
	// Name is the userPrincipalName or displayName.
	Name string `json:"name,omitempty"`

	mapping.Explanation

	// Filter are the groups of the scoping filter; none lets everybody pass.
	Filter  []FilterGroup `json:"filter"`
	Verdict Verdict       `json:"verdict"`
	// Body is what would be posted to Webex to create it, members aside; empty if it
	// would not be, for a fault.
	Body map[string]any `json:"body,omitempty"`
	// Notes are what there is to know about the trial itself.
	Notes []string `json:"notes,omitempty"`
}

// FilterGroup is what came of a group of clauses: it holds, fails or is undetermined.
type FilterGroup struct {
	Outcome string         `json:"outcome"`
	Clauses []FilterClause `json:"clauses"`
}

// FilterClause is what came of a clause.
type FilterClause struct {
	Attribute string `json:"attribute,omitempty"`
	Operator  string `json:"operator"`
	// Value is what the attribute is compared with.
	Value   string `json:"value,omitempty"`
	Outcome string `json:"outcome"`
	// Decides says that the outcome of the filter rests on this clause.
	Decides bool `json:"decides"`
	// State and Actual are the value of the attribute.
	State  mapping.State `json:"state"`
	Actual any           `json:"actual,omitempty"`
}

// Verdict is what is to become of the object.
type Verdict struct {
	Decision scoping.Decision `json:"decision"`
	Reason   scoping.Reason   `json:"reason,omitempty"`
	// Sentence says the reason in the words of Entra's provisioning log.
	Sentence string `json:"sentence,omitempty"`
}

// Try maps one user or group, which is in scope by these rules or not.
func Try(rules mapping.Rules, scope scoping.Rules, s scoping.Subject, now time.Time) Trial {
	verdict := scope.Decide(s)
	attributes := maps.Clone(s.Attributes)
	attributes["IsSoftDeleted"] = verdict.IsSoftDeleted()
	id, _ := s.Attributes["id"].(string)
	t := Trial{
		Object: change.Object{Kind: s.Kind, ID: id}, Name: nameOf(s.Attributes),
		Explanation: rules.Of(s.Kind).Explain(attributes, now),
		Filter:      filterGroups(rules.Of(s.Kind), s),
		Verdict:     Verdict{verdict.Decision, verdict.Reason, verdict.Sentence(s.Kind)},
	}
	if m := rules.Of(s.Kind); m.Redacts(m.Name()) {
		t.Name = ""
	}
	if t.Values != nil {
		t.Body = app.Body(s.Kind, rules.Of(s.Kind).Resource(t.Values))
	}
	if s.SoftDeleted {
		t.Notes = append(t.Notes, "it is in Entra's recycle bin, where its name is another: Webex is told nothing but that it is not active")
	}
	return t
}

// filterGroups is what came of the mapping's filter. What the mapping redacts is not told.
func filterGroups(m mapping.Mapping, s scoping.Subject) []FilterGroup {
	e := m.Filter().Explain(s)
	groups := make([]FilterGroup, len(e.Groups))
	for i, g := range e.Groups {
		groups[i].Outcome = g.Outcome.String()
		for _, c := range g.Clauses {
			told := FilterClause{
				Attribute: c.Clause.Attribute, Operator: c.Clause.Operator, Value: c.Clause.Value,
				Outcome: c.Outcome.String(), Decides: c.Decides, State: mapping.Valued, Actual: c.Value,
			}
			switch {
			case !c.Known:
				told.State = mapping.Absent
			case c.Value == nil:
				told.State = mapping.Null
			case m.RedactsSource(c.Clause.Attribute):
				told.Actual = expression.Redaction
			}
			groups[i].Clauses = append(groups[i].Clauses, told)
		}
	}
	return groups
}

// Try maps the one that has the name or id, as Entra has it now.
func (pl *Planner) Try(ctx context.Context, name string) (Trial, error) {
	if err := app.CheckTenant(ctx, pl.Graph, pl.tenantID); err != nil {
		return Trial{}, err
	}
	found, err := pl.find(ctx, name)
	if err != nil {
		return Trial{}, err
	}
	application, err := pl.Engine.Scoping.App(ctx)
	if err != nil {
		return Trial{}, err
	}
	reading := pl.Graph.Read(ctx, []provision.Query{pl.query(found.Object, application)})[0].WithRoles()
	switch {
	case reading.Err != nil:
		return Trial{}, reading.Err
	case reading.Presence == provision.Absent:
		return Trial{}, fmt.Errorf("there is nothing to map: Entra has %s neither among the living nor in the recycle bin", found.Object)
	}
	record, _, err := pl.Stored.Record(ctx, found.Object)
	if err != nil {
		return Trial{}, err
	}
	attributes, note, err := pl.refer(ctx, reading.Attributes)
	if err != nil {
		return Trial{}, err
	}
	record.Object = found.Object
	t := Try(pl.Engine.Mapping, pl.Engine.Scoping, pl.subject(record, reading, attributes), time.Now())
	t.Notes = append(t.Notes, unknown(reading)...)
	if note != "" {
		t.Notes = append(t.Notes, note)
	}
	return t, nil
}

// unknown says what of one that was read is not known, though itself is.
func unknown(r provision.Reading) []string {
	var notes []string
	for _, err := range []error{cmp.Or(r.RolesErr, r.RoleNamesErr), r.ManagerErr, r.MemberOfErr} {
		if err != nil {
			notes = append(notes, err.Error())
		}
	}
	return notes
}

// refer puts the id of the manager's account in the place of the manager's, if managers
// are mapped, and says which manager that is.
func (pl *Planner) refer(ctx context.Context, attributes map[string]any) (referring map[string]any, note string, err error) {
	id, managed := attributes["manager"].(string)
	if !managed {
		return attributes, "", nil
	}
	accounts, err := pl.Stored.WebexIDs(ctx, []change.Object{{Kind: change.User, ID: id}})
	if err != nil {
		return nil, "", err
	}
	referring = maps.Clone(attributes)
	if account := accounts[0]; account != "" {
		referring["manager"] = account
		return referring, fmt.Sprintf("the manager in Entra is user %s, whose account in Webex is %s", id, account), nil
	}
	referring["manager"] = nil
	return referring, fmt.Sprintf("the manager in Entra is user %s, who has no account in Webex: as long as that is so there is no value", id), nil
}
