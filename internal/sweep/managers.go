package sweep

import (
	"context"
	"slices"
	"strings"

	"entrawebex/internal/change"
)

// manager is the attribute that refers to who manages a user.
const manager = "manager"

// accountOf is the account of the user of an id; nil if there is none.
func (r *run) accountOf(id any) any {
	text, _ := id.(string)
	if k := r.known[change.Object{Kind: change.User, ID: text}]; k != nil && k.webexID != "" {
		return k.webexID
	}
	return nil
}

// askForManagers leaves everybody in use to the worker, which asks who manages them, if
// Entra's list shows of nobody who does. Microsoft documents that a delta query which
// selects managers shows them, and there are reports that one did not
// (microsoft-graph-docs issue 15842): whether they have none is then not known. With
// them it is as before, if the former mapping wanted them, too.
func (r *run) askForManagers(ctx context.Context) error {
	if r.managed || r.Mapping.Users.Manager() == "" || r.Former != nil && r.Former.mapsManagers() {
		return nil
	}
	var all []*known
	for o, k := range r.known {
		if o.Kind == change.User && (k.seen || r.Former != nil) && k.webexID != "" && k.active && !k.left {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b *known) int { return strings.Compare(a.object.ID, b.object.ID) })
	for _, k := range all {
		if err := r.leave(ctx, r.lookAgain(k)); err != nil {
			return err
		}
	}
	return nil
}
