package plan

import (
	"context"
	"slices"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/scoping"
)

// Look is one user or group as both sides have it now, side by side.
type Look struct {
	Entra Side `json:"entra"`
	Webex Side `json:"webex"`
	// Attributes are those that are mapped, in the order of the mapping, where either
	// side has a value.
	Attributes []Compared `json:"attributes"`
	// Scope says whether it is in scope, and by what; nil where Entra does not have it.
	Scope *Scope `json:"scope,omitempty"`
	// Members are a group's; nil for a user.
	Members *Roster `json:"members,omitempty"`
	// Next is what would be done now; nil where it cannot be told.
	Next *Object `json:"next,omitempty"`
	// Notes are what there is to know beside, such as what could not be read.
	Notes []string `json:"notes,omitempty"`
}

// Presence says where a side has an object.
type Presence string

// The places. Unsure is what could not be read.
const (
	There      Presence = "present"
	RecycleBin Presence = "recycle bin"
	Nowhere    Presence = "absent"
	Unsure     Presence = "unknown"
)

// Side is what one side has of an object.
type Side struct {
	Presence Presence `json:"presence"`
	ID       string   `json:"id,omitempty"`
	// Name is the userPrincipalName, the userName, or the name of a group.
	Name        string `json:"name,omitempty"`
	DisplayName string `json:"displayName,omitempty"`
	Mail        string `json:"mail,omitempty"`
	// Enabled is a user's accountEnabled, or active; nil for a group, and where it is not
	// shown.
	Enabled *bool `json:"enabled,omitempty"`
	// Modified is when Webex says that it was last changed, by whomever.
	Modified string `json:"lastModified,omitempty"`
	// Error says why it could not be read.
	Error string `json:"error,omitempty"`
}

// Unseen is a Look at what cannot be looked at, for that reason.
func Unseen(r provision.Record, why error) Look {
	return Look{
		Entra: Side{Presence: Unsure, ID: r.Object.ID, Error: why.Error()}, Webex: Side{Presence: Unsure, ID: r.WebexID, Error: why.Error()},
		Attributes: []Compared{},
	}
}

// Look looks at the object of a record, which need not be kept. What cannot be read is
// told as such.
func (pl *Planner) Look(ctx context.Context, r provision.Record) Look {
	l := Look{Attributes: []Compared{}}
	reading := pl.read(ctx, r.Object, &l)
	l.Entra = pl.source(r.Object, reading)
	resource := pl.account(ctx, r, &l)
	var attributes map[string]any
	var verdict scoping.Verdict
	if known := reading.Presence == provision.Present || reading.Presence == provision.SoftDeleted; known && reading.Err == nil {
		var note string
		var err error
		if attributes, note, err = pl.refer(ctx, reading.Attributes); err != nil {
			note, attributes = err.Error(), reading.Attributes
		}
		l.note(note)
		verdict = pl.judge(ctx, r, reading, attributes, &l)
		for _, note := range unknown(reading) {
			if note != l.Scope.Unknown { // which says so already
				l.note(note)
			}
		}
	}
	l.Attributes = pl.compare(r, attributes, verdict, resource)
	if r.Object.Kind == change.Group {
		l.Members = pl.roster(ctx, r, reading)
	}
	return l
}

func (l *Look) note(text string) {
	if text != "" && !slices.Contains(l.Notes, text) {
		l.Notes = append(l.Notes, text)
	}
}

// read reads the object in Entra, with its assignments where they count.
func (pl *Planner) read(ctx context.Context, o change.Object, l *Look) provision.Reading {
	application, err := pl.Engine.Scoping.App(ctx)
	if err != nil {
		l.note(err.Error())
	}
	reading := pl.Graph.Read(ctx, []provision.Query{pl.query(o, application)})[0].WithRoles()
	if err != nil {
		reading.RolesErr = err
	}
	return reading
}

// query asks for all that decides about the object.
func (pl *Planner) query(o change.Object, application string) provision.Query {
	q := provision.Query{Object: o, Transitive: pl.Engine.Nested, App: application}
	if o.Kind == change.User {
		q.RoleNames, q.Groups = pl.Engine.Scoping.Mapped != nil, pl.Engine.Scoping.UserGroups()
	}
	return q
}

// source is what Entra has of the object.
func (pl *Planner) source(o change.Object, r provision.Reading) Side {
	s := Side{ID: o.ID, Presence: Unsure}
	if r.Err != nil {
		s.Error = r.Err.Error()
	}
	switch r.Presence {
	case provision.Present:
		s.Presence = There
	case provision.SoftDeleted:
		s.Presence = RecycleBin
	case provision.Absent:
		s.Presence, s.ID = Nowhere, ""
	case provision.Unknown:
	}
	m := pl.Engine.Mapping.Of(o.Kind)
	text := func(attribute string) string {
		if v, ok := r.Attributes[attribute].(string); ok && !pl.isNameless(o.Kind) && !m.RedactsSource(attribute) {
			return v
		}
		return ""
	}
	s.DisplayName, s.Mail, s.Name = text("displayName"), text("mail"), text("displayName")
	if o.Kind == change.User {
		s.Name = text("userPrincipalName")
		if enabled, shown := r.Attributes["accountEnabled"].(bool); shown {
			s.Enabled = &enabled
		}
	}
	return s
}

// account reads what is linked to the object in Webex; nil if nothing is, or it cannot
// be read.
func (pl *Planner) account(ctx context.Context, r provision.Record, l *Look) map[string]any {
	if r.WebexID == "" {
		l.Webex.Presence = Nowhere
		return nil
	}
	l.Webex = Side{Presence: Unsure, ID: r.WebexID}
	found, err := pl.Webex.Read(ctx, r.Object.Kind, r.WebexID)
	switch {
	case provision.Gone.Is(err):
		l.Webex.Presence = Nowhere
		return nil
	case err != nil:
		l.Webex.Error = err.Error()
		return nil
	}
	l.Webex = pl.side(r.Object.Kind, found)
	return found.Attributes
}

// side is what Webex has of an account or a group.
func (pl *Planner) side(kind change.Kind, found provision.Resource) Side {
	s := Side{Presence: There, ID: found.ID}
	m := pl.Engine.Mapping.Of(kind)
	text := func(attribute string) string {
		if v, ok := found.Attributes[attribute].(string); ok && !pl.isNameless(kind) && !m.Redacts(attribute) {
			return v
		}
		return ""
	}
	s.DisplayName, s.Name = text("displayName"), text("displayName")
	if kind == change.User {
		s.Name = text("userName")
		if active, shown := found.Attributes["active"].(bool); shown {
			s.Enabled = &active
		}
	}
	if meta, ok := found.Attributes["meta"].(map[string]any); ok {
		s.Modified, _ = meta["lastModified"].(string)
	}
	return s
}

// Foresee returns what would be done about the object now, as a plan tells it.
func (pl *Planner) Foresee(ctx context.Context, o change.Object) (Object, error) {
	if err := pl.check(ctx); err != nil {
		return Object{}, err
	}
	pl.converge(ctx, o)
	return pl.planned(ctx, pl.attempts[o]), nil
}
