package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
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

// ErrNobody is returned where no object has the name or id.
var ErrNobody = errors.New("nobody has it")

// Ambiguous is the error where several objects have the name: who is meant, nobody
// can tell but whoever asks.
type Ambiguous struct {
	name  string
	found []named
}

// Error implements error.
func (a *Ambiguous) Error() string {
	lines := make([]string, len(a.found))
	for i, f := range a.found {
		lines[i] = fmt.Sprintf("\n  %s %s", f.Object, printable.Text(f.Name))
	}
	return fmt.Sprintf("%q is the name of %d objects: name one by its id%s", printable.Short(a.name, longestAsked), len(a.found), strings.Join(lines, ""))
}

// longestAsked is how many characters are told of a name that was asked for.
const longestAsked = 100

// Find returns the object that has the name or id, in Entra, in Webex, or in the ledger.
// The error says what to give instead; it is ErrNobody or an Ambiguous, or a side's.
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
		return named{}, nobody("%q is nobody's userPrincipalName, mail, userName or displayName: give the name as a whole, or an id of Entra or Webex", printable.Short(name, longestAsked))
	case len(found) > 1:
		return named{}, &Ambiguous{name: name, found: found}
	}
	return found[0], nil
}

// nobody is an ErrNobody that says what to give instead.
func nobody(format string, args ...any) error { return &nobodyError{fmt.Sprintf(format, args...)} }

type nobodyError struct{ message string }

// Error implements error.
func (e *nobodyError) Error() string { return e.message }

// Is reports whether target is ErrNobody.
func (e *nobodyError) Is(target error) bool { return target == ErrNobody }

// findID finds out whose an id is: a user's or a group's, as Entra says, or if it has
// neither, as the ledger does, which knows the ids of Webex too.
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
	if o, linked, err := pl.Stored.LinkedTo(ctx, id); err != nil || linked {
		return named{Object: o}, err
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
	return named{}, nobody("neither Entra nor the ledger has a user or a group with the id %s", id)
}

// findInWebex returns whose account or group in Webex has the name or the address: that
// of a guest is another one in Entra.
func (pl *Planner) findInWebex(ctx context.Context, name string) ([]named, error) {
	accounts, err := pl.under(ctx, name)
	if err != nil {
		return nil, err
	}
	var found []named
	for _, a := range accounts {
		if a.Linked == nil || slices.ContainsFunc(found, func(f named) bool { return f.Object == *a.Linked }) {
			continue
		}
		found = append(found, named{Object: *a.Linked, Name: name})
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
