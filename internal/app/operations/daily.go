package operations

import (
	"context"
	"log/slog"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"entrawebex/internal/app"
	"entrawebex/internal/daily"
	"entrawebex/internal/renew"
)

// Daily returns what sends the mail of a day if it is due; nothing is done where nobody is
// to have it.
func Daily(ctx context.Context, a *app.App, log *slog.Logger) (func(ctx context.Context) error, error) {
	s := &a.Settings
	if s.DailyMail.Address == "" {
		return func(context.Context) error { return nil }, nil
	}
	c, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	o := New(a.Stores, s, nil, log) // nothing is planned
	o.Subscribed = renew.Resources(true)
	job := &daily.Job{
		Documents: a.Stores.Ledger, Kept: a.Stores.History, Status: o.Status,
		Send: daily.ToTopic(c, s.DailyMail.Topic), Hour: s.DailyMail.Hour, Now: time.Now,
	}
	return job.Run, nil
}
