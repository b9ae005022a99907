package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"entrawebex/internal/history"
	"entrawebex/internal/provision"
	"entrawebex/internal/replay"
)

// actorKey is that of an operator's name in a context.
type actorKey struct{}

// As returns a context in which what is ordered is ordered by somebody, such as
// ada@host. The provisioning log keeps that with what was done.
func As(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, actorKey{}, who)
}

// Actor is who orders what is ordered in the context.
func Actor(ctx context.Context) string {
	if who, ok := ctx.Value(actorKey{}).(string); ok && who != "" {
		return who
	}
	return "unknown"
}

// The acts, by the commands that an operator gives.
const (
	actApprove  = "approve"
	actReject   = "reject"
	actClear    = "guard clear"
	actReplay   = replay.Act
	actPause    = "pause"
	actResume   = "resume"
	actApply    = "mapping apply"
	actRollback = "mapping rollback"
	actCompare  = "reconcile"

	actProvision = "provision"
	actUninstall = "uninstall"
)

func acts() []string {
	return []string{actApprove, actReject, actClear, actReplay, actPause, actResume, actApply, actRollback, actCompare, actProvision, actUninstall}
}

// actPatience is for how long it is tried to keep an act, whoever has gone since.
const actPatience = 10 * time.Second

// acted keeps acts of whoever the context names, which have happened.
func (o *Operator) acted(ctx context.Context, acts ...history.Act) {
	if o.Kept == nil || len(acts) == 0 {
		return
	}
	for i := range acts {
		acts[i].By = Actor(ctx)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), actPatience)
	defer cancel()
	history.NewLog(o.Kept, o.TenantID, o.Now, o.Log).Acted(ctx, acts...)
}

// act keeps one act that is about nobody alone. One that was refused is none.
func (o *Operator) act(ctx context.Context, name string, began time.Time, reason string, err error) {
	if told, ok := errors.AsType[*Error](err); ok && told.Kind != Failed {
		return
	}
	o.acted(ctx, history.Act{Name: name, Reason: reason, Began: began, Err: err})
}

// decided are the acts of a decision on what was held.
func decided(name string, began time.Time, done []Held, records []provision.Record) []history.Act {
	all := make([]history.Act, 0, len(done))
	for _, h := range done {
		a := history.Act{Name: name, Object: &h.Object, Reason: string(h.Operation), Began: began}
		if h.Members > 0 {
			a.Reason = fmt.Sprintf("%s (%d of %d)", h.Operation, h.Members, h.Of)
		}
		for _, r := range records {
			if r.Object == h.Object {
				a.Names.Webex, a.WebexID = nameOf(r), r.WebexID
			}
		}
		all = append(all, a)
	}
	return all
}

// nameOf is what the object of a record is called in Webex; empty if that is not known.
func nameOf(r provision.Record) string {
	for _, path := range []string{"userName", "displayName"} {
		if name, ok := r.LastWritten[path].(string); ok {
			return name
		}
	}
	return ""
}
