package app

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

// OpenEmbedded opens all of the system on one machine, and goes on with what a run
// that was killed had in flight. A service app's tokens are in a file in DATA_DIR.
// observe is told every attempt, and may be nil.
func OpenEmbedded(ctx context.Context, s config.Settings, latest *config.Latest, observe func(provision.Attempt), log *slog.Logger) (*App, error) {
	file, err := stores.OpenFile(&s, time.Second)
	if err != nil {
		return nil, err
	}
	tokens := config.NewTokenFile(s.DataDir, s.Webex)
	on := backend{stores: file.Stores, latest: latest, webex: latest.Webex, tokens: func() renew.Tokens { return tokens }, oneClock: true, askEvery: askEveryHere}
	if s.Webex.HasServiceApp() {
		on.webex = func(ctx context.Context) config.Webex {
			now, err := tokens.Webex(ctx)
			if err != nil {
				log.WarnContext(ctx, "the Webex token cannot be read again", "error", err)
				return s.Webex
			}
			return now
		}
	}
	a, err := open(ctx, s, on, observe, log)
	if err == nil {
		a.close = file.Close
		err = a.takeOver(ctx, file, log)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return a, nil
}

// takeOver goes on at once with what a run that was killed had in flight, its
// comparison too.
func (a *App) takeOver(ctx context.Context, file *stores.File, log *slog.Logger) error {
	claims, messages, letters, err := file.TakeOver(ctx)
	if err != nil {
		return err
	}
	comparing, err := a.Sweeps.Release(ctx)
	if err != nil {
		return err
	}
	if claims+messages+letters > 0 || comparing {
		log.WarnContext(ctx, "the last run did not come to its end: going on with what it had in flight",
			"objects", claims, "messages", messages, "letters", letters, "comparing", comparing)
	}
	return nil
}
