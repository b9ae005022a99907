package operator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
)

// HistoryRequest chooses entries of the provisioning log.
type HistoryRequest struct {
	// Name is a user's or a group's: a name on either side, also a former one, or an id
	// on either; empty for everybody.
	Name string `json:"name,omitempty"`
	// Since is the first moment, Until the first that is too late; zero for no bound.
	Since time.Time `json:"since,omitzero"`
	Until time.Time `json:"until,omitzero"`
	// Status, Action and Fault are words of the entries, of which Action may be an
	// operator's act; Correlation is a changeId. Empty for any.
	Status      string `json:"status,omitempty"`
	Action      string `json:"action,omitempty"`
	Fault       string `json:"fault,omitempty"`
	Correlation string `json:"correlation,omitempty"`
	// Limit is how many there are at most, the newest; 0 for MaxHistory.
	Limit int `json:"limit,omitempty"`
}

// MaxHistory is how many entries are told at a time.
const MaxHistory = 10_000

// History is a part of the provisioning log.
type History struct {
	// Object is whom the name is of; nil if everybody was asked for.
	Object *change.Object `json:"object,omitempty"`
	// Entries are the newest first.
	Entries []history.Entry `json:"entries"`
	// More says that there are more, which are older.
	More bool `json:"more,omitempty"`
	// Idle counts attempts of that time that found nothing to do, by the kind of
	// nothing. It is of everybody, and empty where some entries were chosen.
	Idle map[string]int `json:"idle,omitempty"`
}

// Statuses are the words for a HistoryRequest's Status.
func Statuses() []string { return words(history.Statuses()) }

// Actions are the words for its Action, the acts of operators last.
func Actions() []string { return append(words(history.Actions()), acts()...) }

func words[Word ~string](all []Word) []string {
	texts := make([]string, len(all))
	for i, word := range all {
		texts[i] = string(word)
	}
	return texts
}

// FaultKinds are the words for its Fault.
func FaultKinds() []string {
	return []string{
		provision.Throttled.String(), provision.Transient.String(), provision.Permanent.String(),
		provision.Unauthorized.String(), provision.Held.String(),
	}
}

// Validate returns what is wrong with the request.
func (r HistoryRequest) Validate() error {
	one := func(what, word string, words []string) error {
		if word == "" || slices.Contains(words, word) {
			return nil
		}
		return fmt.Errorf("%s is %q and must be one of %s", what, printable.Short(word, 40), strings.Join(words, ", "))
	}
	err := errors.Join(one("status", r.Status, Statuses()), one("action", r.Action, Actions()), one("fault", r.Fault, FaultKinds()))
	switch {
	case r.Limit < 0 || r.Limit > MaxHistory:
		err = errors.Join(err, fmt.Errorf("limit is %d and must be 1 to %d", r.Limit, MaxHistory))
	case !r.Until.IsZero() && r.Until.Before(r.Since):
		err = errors.Join(err, errors.New("since is later than until: nothing is between them"))
	}
	if err != nil {
		return invalid(err)
	}
	return nil
}

// chooses reports whether some entries are chosen, beyond the time.
func (r HistoryRequest) chooses() bool {
	return r.Name != "" || r.Status != "" || r.Action != "" || r.Fault != "" || r.Correlation != ""
}

// matches reports whether the entry is one of those chosen. Its time, status and object
// are looked for.
func (r HistoryRequest) matches(e history.Entry) bool {
	return (r.Action == "" || r.Action == string(e.Action) || r.Action == e.Act) &&
		(r.Fault == "" || r.Fault == e.Fault) && (r.Correlation == "" || r.Correlation == e.ChangeID)
}

// History tells what was done, and what was refused. It asks neither side, unless nothing
// is kept of the name.
func (o *Operator) History(ctx context.Context, r HistoryRequest) (History, error) {
	if err := r.Validate(); err != nil {
		return History{}, err
	}
	if err := o.bound(ctx); err != nil {
		return History{}, err
	}
	if r.Limit == 0 {
		r.Limit = MaxHistory
	}
	found := History{Entries: []history.Entry{}}
	if r.Name != "" {
		object, err := o.keptOf(ctx, r.Name)
		if err != nil {
			return History{}, err
		}
		found.Object = &object
	}
	span := history.Span{Object: found.Object, Since: r.Since, Until: r.Until, Status: history.Status(r.Status)}
	for e, err := range o.Kept.Entries(ctx, span) {
		switch {
		case err != nil:
			return History{}, err
		case !r.matches(e):
			continue
		case len(found.Entries) == r.Limit:
			found.More = true
		default:
			found.Entries = append(found.Entries, e)
			continue
		}
		break
	}
	err := o.name(ctx, found.Entries)
	if err != nil {
		return History{}, err
	}
	if !r.chooses() {
		found.Idle, err = o.Kept.Idle(ctx, r.Since, r.Until)
	}
	return found, err
}

// first is a sequence's first.
func first(entries iter.Seq2[history.Entry, error]) iter.Seq2[history.Entry, error] {
	return func(yield func(history.Entry, error) bool) {
		for e, err := range entries {
			yield(e, err)
			return
		}
	}
}

// maxNamed is how many are given a name: each is a reading of the ledger.
const maxNamed = 500

// namer finds out what objects are called, each once.
type namer struct {
	*Operator

	names map[change.Object]string
}

// name gives a name to those members in the entries, and those objects of entries, who
// have none.
func (o *Operator) name(ctx context.Context, entries []history.Entry) error {
	n := namer{Operator: o, names: map[change.Object]string{}}
	for i := range entries {
		e := &entries[i]
		if object, ok := e.Object(); ok && e.Name() == object.ID {
			var err error
			if e.Source.DisplayName, err = n.of(ctx, object); err != nil {
				return err
			}
		}
	}
	// The first of each are those that a table tells: a large group leaves names for them.
	const few = 10
	for _, most := range []int{few, maxNamed} {
		for i := range entries {
			m := entries[i].Members
			if m == nil {
				continue
			}
			if err := errors.Join(n.members(ctx, m.Joined, most), n.members(ctx, m.Left, most)); err != nil {
				return err
			}
		}
	}
	return nil
}

// members gives the first of them their names, up to most.
func (n *namer) members(ctx context.Context, members []history.Member, most int) error {
	for i := range members[:min(most, len(members))] {
		var err error
		if members[i].DisplayName, err = n.of(ctx, change.Object{Kind: change.User, ID: members[i].ID}); err != nil {
			return err
		}
	}
	return nil
}

// of is what the object is called, as the ledger knows it, or else its last entry;
// empty if nobody knows.
func (n *namer) of(ctx context.Context, o change.Object) (string, error) {
	name, looked := n.names[o]
	if looked || len(n.names) == maxNamed {
		return name, nil
	}
	r, _, err := n.Ledger.Record(ctx, o)
	if err != nil {
		return "", err
	}
	if name = nameOf(r); name == "" && n.Kept != nil {
		for e, err := range first(n.Kept.Entries(ctx, history.Span{Object: &o})) {
			if err != nil {
				return "", err
			}
			if last := e.Name(); last != o.ID {
				name = last
			}
		}
	}
	n.names[o] = name
	return name, nil
}
