package main

import (
	"context"

	"entrawebex/internal/change"
	"entrawebex/internal/reconcile"
)

// roll is Graph, and keeps whom it lists.
type roll struct {
	reconcile.Graph

	listed map[change.Object]entry
}

// entry is an object as it was listed.
type entry struct {
	name              string
	entitled, removed bool
}

// Delta implements reconcile.Graph.
func (r *roll) Delta(ctx context.Context, kind change.Kind, link string) (reconcile.Page, error) {
	page, err := r.Graph.Delta(ctx, kind, link)
	for _, o := range page.Objects {
		e := r.listed[o.Object]
		if name := nameOf(o.Attributes); name != "" {
			e.name = name
		}
		for _, attribute := range []string{"accountEnabled", "securityEnabled"} {
			e.entitled = e.entitled || o.Attributes[attribute] == true
		}
		e.removed = o.Removed != reconcile.NotRemoved
		r.listed[o.Object] = e
	}
	return page, err
}

// whyNot says, in the words of Entra's log, why one that is in no class is not
// provisioned.
func (e entry) whyNot(kind change.Kind, skipGroups bool) string {
	switch {
	case kind == change.Group && skipGroups:
		return "is a group, and PROVISION_GROUPS is false"
	case e.entitled:
		return "is not assigned to the application, neither itself nor through a group (NotEffectivelyEntitled)"
	case kind == change.Group:
		return "is not security-enabled: only security groups are provisioned (NotEffectivelyEntitled)"
	default:
		return "is disabled or deleted in Entra and was never provisioned (NotEffectivelyEntitled)"
	}
}
