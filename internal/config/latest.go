package config

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Latest reads the settings again when a credential in them is refused, since
// whoever rotates one writes it into a secret and restarts nothing. It is safe
// for concurrent use, and meant to be one in a process.
type Latest struct {
	load func(ctx context.Context) (Settings, error)
	now  func() time.Time
	log  *slog.Logger

	mu       sync.Mutex
	settings Settings
	tried    time.Time // when they were last read again, or that was tried
	read     time.Time // when they were
}

// Begin loads the settings that a part of the system begins with, as Load does
// with the secrets in AWS Secrets Manager, and tells the log what in them should be
// mended. The Latest reads the same again.
func Begin(ctx context.Context, part Part, environ []string, log *slog.Logger) (Settings, *Latest, error) {
	load := func(ctx context.Context) (Settings, error) { return Load(ctx, part, environ, Secret) }
	settings, err := load(ctx)
	if err != nil {
		return Settings{}, nil, err
	}
	for _, warning := range settings.Warnings {
		log.WarnContext(ctx, "settings", "warning", warning)
	}
	return settings, NewLatest(settings, load, time.Now, log), nil
}

const (
	// readPause is the least time between two readings: a row of refusals costs
	// one.
	readPause = time.Minute
	// readTimeout bounds one, which calls to Webex or Graph wait for. That one of
	// them is cancelled does not end it: it is for all.
	readTimeout = 5 * time.Second
	// stands is how long what was read is taken for what is there.
	stands = time.Second
)

// NewLatest returns a Latest that begins with the settings and reads them again
// with load, by the clock now.
func NewLatest(settings Settings, load func(ctx context.Context) (Settings, error), now func() time.Time, log *slog.Logger) *Latest {
	return &Latest{settings: settings, load: load, now: now, log: log}
}

// Entra returns what to reach Graph with, read again unless that was done
// within a minute. Where it cannot be read the log says so, and what was read
// before still stands.
func (l *Latest) Entra(ctx context.Context) Entra { return l.again(ctx).Entra }

// Webex is Entra for Webex.
func (l *Latest) Webex(ctx context.Context) Webex { return l.again(ctx).Webex }

// Webhook is Entra for the secrets that notifications carry. current says that they were
// read just now, so that there are no others.
func (l *Latest) Webhook(ctx context.Context) (w Webhook, current bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	began := l.now()
	w = l.locked(ctx).Webhook
	return w, began.Sub(l.read) < stands
}

func (l *Latest) again(ctx context.Context) Settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.locked(ctx)
}

func (l *Latest) locked(ctx context.Context) Settings {
	if now := l.now(); now.Sub(l.tried) >= readPause {
		l.tried = now
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		read, err := l.load(ctx)
		if err != nil {
			l.log.WarnContext(ctx, "the credentials cannot be read again", "error", err)
			return l.settings
		}
		l.log.InfoContext(ctx, "credentials read again", "entra", read.Entra != l.settings.Entra, "webex", read.Webex != l.settings.Webex,
			"webhook", read.Webhook != l.settings.Webhook)
		l.settings, l.read = read, now
	}
	return l.settings
}
