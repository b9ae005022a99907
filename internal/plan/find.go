package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
)

// named is an object, and the name by which it was found.
type named struct {
	change.Object

	Name string
}

// Find returns the object that has the name or id, in Entra, in Webex, or in the ledger.
// The error says what to give instead.
func (pl *Planner) Find(ctx context.Context, name string) (change.Object, error) {
	found, err := pl.find(ctx, name)
	return found.Object, err
}

// find returns the one that has the name or id.
func (pl *Planner) find(ctx context.Context, name string) (named, error) {
	if id, ok := change.ParseID(name); ok {
		return pl.findID(ctx, id)
	}
	listed, err := pl.Graph.Find(ctx, name)
	found := make([]named, len(listed))
	for i, f := range listed {
		found[i] = named{Object: f.Object, Name: f.Name}
	}
	if err == nil && len(found) == 0 {
		found, err = pl.findInWebex(ctx, name)
	}
	switch {
	case err != nil:
		return named{}, err
	case len(found) == 0:
		return named{}, fmt.Errorf("%q is nobody's userPrincipalName, userName or displayName: give the name as a whole, or the object id", name)
	case len(found) > 1:
		lines := make([]string, len(found))
		for i, f := range found {
			lines[i] = fmt.Sprintf("\n  %s %s", f.Object, printable.Text(f.Name))
		}
		return named{}, fmt.Errorf("%q is the name of %d objects: name one by its id%s", name, len(found), strings.Join(lines, ""))
	}
	return found[0], nil
}

// findID finds out whether an id is that of a user or of a group: as Entra says,
// or if it has neither, as the ledger does.
func (pl *Planner) findID(ctx context.Context, id string) (named, error) {
	queries := make([]provision.Query, 0, len(change.Kinds()))
	for _, kind := range change.Kinds() {
		queries = append(queries, provision.Query{Object: change.Object{Kind: kind, ID: id}})
	}
	readings := pl.Graph.Read(ctx, queries)
	for i, r := range readings {
		if r.Presence == provision.Present {
			return named{Object: queries[i].Object, Name: nameOf(r.Attributes)}, nil
		}
	}
	for i, r := range readings {
		_, kept, err := pl.Stored.Record(ctx, queries[i].Object)
		switch {
		case err != nil || r.Err != nil:
			return named{}, errors.Join(err, r.Err)
		case kept || r.Presence == provision.SoftDeleted:
			return named{Object: queries[i].Object}, nil
		}
	}
	return named{}, fmt.Errorf("neither Entra nor the ledger has a user or a group with the id %s", id)
}

// findInWebex returns whose account or group in Webex has the name: that of a
// guest is another one in Entra.
func (pl *Planner) findInWebex(ctx context.Context, name string) ([]named, error) {
	var found []named
	for _, kind := range change.Kinds() {
		resources, err := pl.Webex.Named(ctx, kind, name)
		if err != nil {
			return nil, err
		}
		for _, r := range resources {
			o, linked, err := pl.Stored.LinkedTo(ctx, r.ID)
			if err != nil {
				return nil, err
			}
			if linked {
				found = append(found, named{Object: o, Name: name})
			}
		}
	}
	return found, nil
}

// nameOf is the userPrincipalName of a user, the displayName of a group.
func nameOf(attributes map[string]any) string {
	if name, ok := attributes["userPrincipalName"].(string); ok {
		return name
	}
	name, _ := attributes["displayName"].(string)
	return name
}
