package main

import (
	"context"
	"errors"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/notification"
	"entrawebex/internal/pause"
	"entrawebex/internal/renew"
	"entrawebex/internal/webex"
)

// bell wakes the loop of renew when Graph says something of a subscription.
type bell chan []renew.Lifecycle

// Wake implements notification.Waker.
func (b bell) Wake(_ context.Context, events []notification.Lifecycle) error {
	told := make([]renew.Lifecycle, len(events))
	for i, event := range events {
		told[i] = renew.Lifecycle(event)
	}
	select {
	case b <- told:
		return nil
	default:
		return errors.New("renew has not yet heard the last one")
	}
}

// openWebex opens the organization. Where Webex refuses the token, that of a
// service app is read again from its file, any other from its secret.
func (p *process) openWebex(latest *config.Latest) (*webex.Client, error) {
	if !p.settings.Webex.HasServiceApp() {
		return webex.OpenRotating(p.settings.Webex, latest.Webex, p.log)
	}
	return webex.OpenRotating(p.settings.Webex, p.latestWebex, p.log)
}

func (p *process) latestWebex(ctx context.Context) config.Webex {
	s, err := config.NewTokenFile(p.settings.DataDir, p.settings.Webex).Webex(ctx)
	if err != nil {
		p.log.WarnContext(ctx, "the Webex token cannot be read again", "error", err)
		return p.settings.Webex
	}
	return s
}

// tokenJob keeps the token for Webex alive: a service app's is in a file in
// DATA_DIR.
func (p *process) tokenJob() *renew.TokenJob {
	job := &renew.TokenJob{
		Ends: p.settings.Webex.TokenEnds(), Documents: p.kept, Now: time.Now, Log: p.log,
		Refused: func(ctx context.Context) (time.Time, error) { return p.recovery.Switch.Refused(ctx, pause.Webex) },
	}
	if p.settings.Webex.HasServiceApp() {
		job.Tokens = config.NewTokenFile(p.settings.DataDir, p.settings.Webex)
		job.Refresh = webex.OpenRefresh(p.latestWebex)
	}
	return job
}
