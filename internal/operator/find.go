package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/plan"
	"entrawebex/internal/printable"
)

// finder finds who is meant by a name or an id: Entra and Webex as they are now where
// this operator may read them, the ledger, and whoever is in the provisioning log and
// not there.
type finder struct {
	*Operator

	// planner reads both sides; nil if Why says why it cannot.
	planner *plan.Planner
	why     error
}

// finder opens one.
func (o *Operator) finder(ctx context.Context) *finder {
	planner, err := o.planner(ctx, plan.Request{All: true}, plan.Watcher{})
	if err != nil {
		o.Log.WarnContext(ctx, "names are looked up in the ledger and the provisioning log alone", "error", err)
		return &finder{Operator: o, why: err}
	}
	return &finder{Operator: o, planner: planner}
}

// find returns the one that is meant. Where that is nobody, the error is plan.ErrNobody
// or why it could not be looked for.
func (f *finder) find(ctx context.Context, name string) (change.Object, error) {
	if f.planner == nil {
		return f.whose(ctx, name)
	}
	object, err := f.planner.Find(ctx, name)
	if err == nil {
		return object, nil
	}
	if _, several := errors.AsType[*plan.Ambiguous](err); several {
		return change.Object{}, &Error{Kind: Invalid, Message: err.Error(), several: true}
	}
	kept, keptErr := f.known(ctx, name)
	switch {
	case keptErr != nil:
		return change.Object{}, errors.Join(err, keptErr)
	case len(kept) == 0:
		return change.Object{}, err
	}
	return f.only(ctx, name, kept)
}

// whose is the object that has the name or id, or had it, by what is kept.
func (o *Operator) whose(ctx context.Context, name string) (change.Object, error) {
	found, err := o.known(ctx, name)
	switch {
	case err != nil:
		return change.Object{}, err
	case len(found) == 0:
		return change.Object{}, invalid(fmt.Errorf("nothing is kept of %q: give a userPrincipalName, userName or displayName as a whole, or an id of Entra or Webex; "+
			"without a name the log of everybody is told", printable.Short(name, longestAsked)))
	}
	return o.only(ctx, name, found)
}

// patience is for how long a side is asked whose a name is of which nothing is kept.
const patience = 10 * time.Second

// keptOf is the object that has the name or id, or had it, by what is kept; or else by
// what Entra says, as of a name that is newer than what is kept, or of another mail.
func (o *Operator) keptOf(ctx context.Context, name string) (change.Object, error) {
	object, err := o.whose(ctx, name)
	if err == nil || isSeveral(err) || o.Settings == nil {
		return object, err
	}
	asking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	planner, noPlanner := o.planner(asking, plan.Request{All: true}, plan.Watcher{})
	if noPlanner != nil {
		return change.Object{}, err // a side that cannot be asked knows no more
	}
	if found, notFound := planner.Find(asking, name); notFound == nil {
		return found, nil
	}
	return change.Object{}, err
}

// former is the id of whoever had a name, where the error is that nobody has it; empty if
// that is nobody either.
func (o *Operator) former(ctx context.Context, name string, err error) string {
	if !errors.Is(err, plan.ErrNobody) {
		return ""
	}
	object, err := o.whose(ctx, name)
	if err != nil {
		return ""
	}
	return object.ID
}

// longestAsked is how many characters are told of a name that was asked for.
const longestAsked = 100

// known are the objects that have the name or id, or had it, by the ledger and the
// provisioning log.
func (o *Operator) known(ctx context.Context, name string) ([]change.Object, error) {
	if id, ok := change.ParseID(name); ok {
		if found, err := o.withID(ctx, id); err != nil || len(found) > 0 {
			return found, err
		}
	}
	return o.Kept.Named(ctx, name)
}

// withID are the objects of an id, by the ledger and by the log.
func (o *Operator) withID(ctx context.Context, id string) ([]change.Object, error) {
	for _, kind := range change.Kinds() {
		object := change.Object{Kind: kind, ID: id}
		if _, kept, err := o.Ledger.Record(ctx, object); err != nil || kept {
			return []change.Object{object}, err
		}
		for _, err := range first(o.Kept.Entries(ctx, history.Span{Object: &object})) {
			return []change.Object{object}, err
		}
	}
	object, linked, err := o.Ledger.LinkedTo(ctx, id)
	if err != nil || !linked {
		return nil, err
	}
	return []change.Object{object}, nil
}

// only is the one object of a name; where there are several, the error names them.
func (o *Operator) only(ctx context.Context, name string, found []change.Object) (change.Object, error) {
	if len(found) == 1 {
		return found[0], nil
	}
	n := namer{Operator: o, names: map[change.Object]string{}}
	lines := make([]string, len(found))
	for i, one := range found {
		called, err := n.of(ctx, one)
		if err != nil {
			return change.Object{}, err
		}
		lines[i] = strings.TrimRight(fmt.Sprintf("\n  %s %s", one, printable.Text(called)), " ")
	}
	slices.Sort(lines)
	told := fmt.Sprintf("%q is, or was, the name of %d objects: name one by its id%s", printable.Short(name, longestAsked), len(found), strings.Join(lines, ""))
	return change.Object{}, &Error{Kind: Invalid, Message: told, several: true}
}

// isSeveral reports whether the error is that a name is that of more than one.
func isSeveral(err error) bool {
	told, ok := errors.AsType[*Error](err)
	return ok && told.several
}

// identified are the terms of a filter with the Entra object ids of those whom they name
// in another way.
func (o *Operator) identified(ctx context.Context, terms []string) ([]string, error) {
	terms = slices.Clone(terms)
	var f *finder
	for i, term := range terms {
		value, ok := strings.CutPrefix(term, "object=")
		if !ok {
			continue
		}
		names := strings.Split(value, ",")
		for k, name := range names {
			name = strings.TrimSpace(name)
			if id, isID := change.ParseID(name); isID {
				linked, ok, err := o.Ledger.LinkedTo(ctx, id)
				if err != nil {
					return nil, err
				}
				if ok {
					names[k] = linked.ID
				}
				continue
			}
			if f == nil {
				f = o.finder(ctx)
			}
			object, err := f.find(ctx, name)
			if err != nil {
				return nil, invalid(fmt.Errorf("filter %q: %w", printable.Short(term, longestAsked), err))
			}
			names[k] = object.ID
		}
		terms[i] = "object=" + strings.Join(names, ",")
	}
	return terms, nil
}
