package app

import (
	"context"
	"errors"
	"strings"
	"time"

	"entrawebex/internal/condition"
	"entrawebex/internal/document"
	"entrawebex/internal/notification"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	"entrawebex/internal/renew"
)

// lateBy is how much later than its interval a job may be: the schedule of a function,
// its start and one that was throttled.
const lateBy = 4 * time.Minute

// Renew looks once after what runs out by itself, having been told so much of the
// subscriptions, and notes how that went. The token comes first, since a refresh must not
// run out of time; the replay of dead letters takes all that the others leave.
func (a *App) Renew(ctx context.Context, told ...renew.Lifecycle) error {
	failed := []error{a.Token.Run(ctx), a.Recovery.Settle(ctx)}
	if a.Subscriptions != nil {
		failed = append(failed, a.Subscriptions.Run(ctx, told...), a.reach(ctx, condition.ReachingWebhook, a.reachWebhook))
	}
	if a.Secret != nil {
		failed = append(failed, a.Secret.Run(ctx))
	}
	failed = append(failed, a.reach(ctx, condition.ReachingWebex, a.reachWebex), a.remind(ctx), a.states(ctx), a.Recovery.CatchUp(ctx))
	err := errors.Join(failed...)
	return errors.Join(err, a.done(ctx, condition.Renewing, a.Settings.RenewInterval+lateBy, err))
}

// failingLong is how long a comparison of everything fails before it is told each minute:
// one that meets trouble which passes needs nobody.
const failingLong = 10 * time.Minute

// remind says once a minute of what needs a person that it still does: an alarm that is
// told of the moment alone is over a minute later.
func (a *App) remind(ctx context.Context) error {
	now := time.Now()
	latched, err := (&provision.Guard{Documents: a.documents()}).Latched(ctx)
	if err == nil && !latched.IsZero() {
		a.log.WarnContext(ctx, "guard still latched", "since", latched)
	}
	failing, unread := a.Sweeps.Requests.Failing(ctx)
	if !failing.Since.IsZero() && now.Sub(failing.Since) >= failingLong {
		a.log.WarnContext(ctx, "comparison still fails", "since", failing.Since, "reason", failing.Error)
	}
	token, unknown := renew.ReadToken(ctx, a.documents())
	if w := token.Warning(now); w.Why != "" {
		a.log.WarnContext(ctx, "webex token still expires", "at", w.Ends)
	}
	secret, untold := renew.ReadSecret(ctx, a.documents())
	if w := secret.Warning(now); w.Why != "" {
		a.log.WarnContext(ctx, "entra client secret still expires", "at", w.Ends)
	}
	return errors.Join(err, unread, unknown, untold, a.remindOfHolds(ctx, now))
}

// remindOfHolds is remind for what waits for an operator's word.
func (a *App) remindOfHolds(ctx context.Context, now time.Time) error {
	waiting, err := holds(a.Stores.Ledger).Undecided(ctx, now)
	blocked, removals := 0, 0
	for _, r := range waiting {
		switch {
		case r.Hold.Security:
			blocked++
		case r.Hold.Operation == provision.Removing:
			removals++
		}
	}
	if blocked > 0 {
		a.log.WarnContext(ctx, "security block still held", "objects", blocked)
	}
	if removals > 0 {
		a.log.WarnContext(ctx, "removals still held", "objects", removals)
	}
	if len(waiting) > 0 {
		a.log.WarnContext(ctx, "holds still undecided", "objects", len(waiting))
	}
	return err
}

// Look looks once for what no notification told, and notes how that went.
func (a *App) Look(ctx context.Context) error {
	err := a.Reconcile.Run(ctx)
	return errors.Join(err, a.done(ctx, condition.Looking, a.Settings.ReconcileInterval+reconcile.Longest+lateBy, err))
}

// reachEvery is at each which renewal it is tried whether what is needed now and then can
// be reached.
const reachEvery = 5

// reach tries it if that was not done lately, or failed, and notes how that went. What
// fails is told by status, and is no failure of who tries.
func (a *App) reach(ctx context.Context, name string, try func(ctx context.Context) error) error {
	last, err := condition.ReadJob(ctx, a.documents(), name)
	every := reachEvery * a.Settings.RenewInterval
	if err != nil || last.Failing.Since.IsZero() && time.Since(last.Last) < every {
		return err
	}
	return a.done(ctx, name, every+lateBy, try(ctx))
}

// reachWebex asks Webex for something harmless. While it is paused that is the pause's.
func (a *App) reachWebex(ctx context.Context) error { return a.Recovery.Switch.Check(ctx, pause.Webex) }

func (a *App) reachWebhook(ctx context.Context) error {
	return notification.Handshake(ctx, strings.TrimRight(a.Subscriptions.WebhookURL, "/")+"/notifications")
}

// done notes that a job came to an end.
func (a *App) done(ctx context.Context, name string, within time.Duration, err error) error {
	return condition.Done(context.WithoutCancel(ctx), a.documents(), name, within, err, time.Now())
}

func (a *App) documents() document.Store { return a.Stores.Ledger }
