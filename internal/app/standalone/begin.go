package standalone

import (
	"context"
	"errors"
	"time"

	"entrawebex/internal/app"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
)

// begin asks both sides whether they are ours before anything is done. Wrong
// credentials, another tenant and another organization are told now and not with
// the first change. A side that is down, or before which a proxy stands, is no
// reason not to begin: it is paused until its probe succeeds.
func (p *Process) begin(ctx context.Context) error {
	refreshed := p.Token.Run(ctx)
	graph := app.CheckTenant(ctx, p.Graph, p.Settings.Entra.TenantID)
	if graph == nil {
		graph = p.checkScope(ctx)
	}
	scim := app.CheckWebex(ctx, p.Webex)
	switch f := provision.AsFault(scim); {
	case refreshed == nil:
	case f != nil && f.Kind == provision.Unauthorized:
		scim = refreshed // the cause: there is no new token
	default:
		p.log.ErrorContext(ctx, "renew", "error", refreshed)
	}
	return errors.Join(p.rest(ctx, pause.Graph, graph), p.rest(ctx, pause.Webex, scim))
}

// checkScope looks for the application whose assignments are the scope.
func (p *Process) checkScope(ctx context.Context) error {
	if p.Settings.Everybody() {
		return nil
	}
	assigned, err := app.CheckAssignments(ctx, p.Graph, p.Settings.Entra.AppID)
	if err == nil {
		p.log.InfoContext(ctx, "scope", "application", p.Settings.Entra.AppID, "assigned", assigned)
	}
	return err
}

// rest pauses a side for trouble that passes, and returns any other error.
func (p *Process) rest(ctx context.Context, side pause.Side, trouble error) error {
	if trouble == nil || !passes(trouble) {
		return trouble
	}
	p.log.ErrorContext(ctx, "paused", "side", string(side), "reason", trouble.Error())
	return p.Recovery.Switch.Pause(ctx, side, pause.Pause{Since: time.Now(), Why: trouble.Error()})
}

// passes reports whether an error is trouble of a side that passes by itself.
func passes(err error) bool {
	f, ok := errors.AsType[*provision.Fault](err)
	return ok && f.Answer == "" && (f.Kind.Policy().Passes || f.Foreign)
}
