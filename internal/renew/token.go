package renew

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"entrawebex/internal/document"
	"entrawebex/internal/provision"
)

// Token is what Webex gives for a refresh token. It is not shown in a log.
type Token struct {
	// Access is good until ExpiresAt; Webex says 14 days.
	Access    string
	ExpiresAt time.Time
	// Refresh is what the next refresh needs, the same as before or another. It
	// is good until RefreshExpiresAt, 90 days; zero if Webex did not say.
	Refresh          string
	RefreshExpiresAt time.Time
}

// String says when the token expires, and not what it is.
func (t Token) String() string { return "a token until " + t.ExpiresAt.Format(time.RFC3339) }

// GoString is String for %#v.
func (t Token) GoString() string { return t.String() }

// LogValue implements slog.LogValuer.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }

// Tokens are where a service app's tokens are kept, and whoever works with
// Webex reads them.
type Tokens interface {
	// Load returns the tokens; access is empty before the first refresh.
	Load(ctx context.Context) (access, refresh string, err error)
	// Store replaces both, all or nothing, if the refresh token is still the
	// one that was used. An error if it is not.
	Store(ctx context.Context, used, access, refresh string) error
}

// TokenJob keeps the token for Webex alive: that of a service app is refreshed
// at half of its life, or at once when Webex refuses it, and of a fixed one it
// is told when it ends. It alone asks Webex for tokens. It is not safe for
// concurrent use; of two processes one waits for the other.
//
// Webex does not say whether a refresh ends the refresh token before it. So the
// answer must not get lost: that the store can be written is proved before Webex
// is asked, by writing what is there; the answer is stored before it is used; one
// that cannot be stored is kept in memory and stored by the next run. If the
// process is killed between the answer and the store, the refresh token before is
// tried again; should Webex refuse it, the access token before still has half of
// its life, in which this job says each day what to do.
type TokenJob struct {
	// Tokens is nil for a fixed token.
	Tokens Tokens
	// Refresh asks Webex. Its error is a *provision.Fault without a secret.
	Refresh func(ctx context.Context, refreshToken string) (Token, error)
	// Ends is when a fixed token ends; zero if nobody knows.
	Ends time.Time
	// Refused returns since when Webex refuses to work, which a new token may
	// mend; zero if it does not. Nil for a fixed token.
	Refused   func(ctx context.Context) (time.Time, error)
	Documents document.Store
	Now       func() time.Time
	Log       *slog.Logger

	// unstored is what Webex gave and could not be stored, for the refresh token
	// that was used.
	unstored *Token
	used     string
}

const (
	// storing is how often it is tried at once to store an answer.
	storing = 3
	// refreshTimeout bounds a refresh with its storing; it is not begun in less.
	refreshTimeout = 25 * time.Second
	// claimed is how long a run that has begun a refresh is left to end it: the
	// function's time and a little.
	claimed = 70 * time.Second
	// refusedPause is how long a refresh that was refused for good is not tried
	// again, unless the refresh token is another.
	refusedPause = time.Hour
	// proved is how long the proof that the store can be written holds. AWS
	// keeps old versions of a secret and asks for no more than one in ten minutes
	// (Secrets Manager API, PutSecretValue).
	proved = time.Hour
)

// Run refreshes the token if that is due, and says in the log once a day, from
// 14 days before, that access to Webex ends. Where nothing is due it reads the
// ledger and calls nobody.
func (j *TokenJob) Run(ctx context.Context) error {
	kept, err := tokenState(j.Documents).Open(ctx)
	if err != nil {
		return fmt.Errorf("read the state of the Webex token: %w", err)
	}
	s := &kept.Value
	var failed error
	if j.Tokens == nil {
		*s = TokenState{Fixed: true, AccessEnds: j.Ends, ToldAt: s.ToldAt}
	} else {
		s.Fixed = false
		failed = j.keep(ctx, &kept)
	}
	j.tell(ctx, s)
	if err := kept.Save(ctx); err != nil {
		failed = errors.Join(failed, fmt.Errorf("note the state of the Webex token: %w", err))
	}
	return failed
}

// keep refreshes the token if that is due.
func (j *TokenJob) keep(ctx context.Context, kept *document.Copy[TokenState]) error {
	s := &kept.Value
	since, err := j.Refused(ctx)
	now := j.Now()
	if err != nil || s.fresh(now, since) && j.unstored == nil {
		return err
	}
	access, refresh, err := j.Tokens.Load(ctx)
	if err != nil {
		return fmt.Errorf("refresh the Webex token: %w", err)
	}
	if s.Of == hash(refresh) && now.Before(s.NextTry) {
		return errors.New(s.Failure)
	}
	deadline, ends := ctx.Deadline()
	if now.Sub(s.TriedAt) < claimed || ends && time.Until(deadline) < refreshTimeout {
		return nil
	}
	s.TriedAt = now
	if err := kept.Save(ctx); err != nil {
		return fmt.Errorf("begin to refresh the Webex token: %w", err)
	}
	// An answer must be stored, whoever no longer waits for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refreshTimeout)
	defer cancel()
	err = j.renew(ctx, s, access, refresh)
	s.TriedAt = time.Time{}
	if err != nil {
		*s = s.failed(err, hash(refresh), now)
	}
	return err
}

// renew has the token refreshed and stored.
func (j *TokenJob) renew(ctx context.Context, s *TokenState, access, refresh string) error {
	if j.unstored == nil || j.used != refresh {
		j.unstored = nil
		if now := j.Now(); now.Sub(s.ProvedAt) >= proved {
			if err := j.Tokens.Store(ctx, refresh, access, refresh); err != nil {
				return fmt.Errorf("prove that a refreshed Webex token can be stored: %w", err)
			}
			s.ProvedAt = now
		}
		t, err := j.Refresh(ctx, refresh)
		if err != nil {
			return err
		}
		j.unstored, j.used = &t, refresh
	}
	t := *j.unstored
	var err error
	for range storing {
		if err = j.Tokens.Store(ctx, refresh, t.Access, t.Refresh); err == nil {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("store the refreshed Webex token: %w", err)
	}
	j.unstored = nil
	*s = TokenState{
		RefreshedAt: j.Now().UTC(), AccessEnds: t.ExpiresAt.UTC(), RefreshEnds: t.RefreshExpiresAt.UTC(),
		Of: hash(t.Refresh), ProvedAt: s.ProvedAt, ToldAt: s.ToldAt,
	}
	j.Log.InfoContext(ctx, "webex token refreshed", "until", s.AccessEnds, "refreshUntil", s.RefreshEnds)
	return nil
}

// tell says once a day that access to Webex ends.
func (j *TokenJob) tell(ctx context.Context, s *TokenState) {
	now := j.Now()
	w := s.Warning(now)
	if w.Why == "" || now.Sub(s.ToldAt) < day {
		return
	}
	s.ToldAt = now.UTC()
	left := int(w.Ends.Sub(now) / day)
	if w.Urgent {
		j.Log.ErrorContext(ctx, "webex token expires", "at", w.Ends, "days", left, "reason", w.Why)
		return
	}
	j.Log.WarnContext(ctx, "webex token expires", "at", w.Ends, "days", left, "reason", w.Why)
}

// failed is the state after a refresh that failed; it says when the next one is
// tried.
func (s TokenState) failed(err error, of string, now time.Time) TokenState {
	f := provision.AsFault(err)
	s.Failure, s.Of, s.NextTry = err.Error(), of, now.Add(f.After).UTC()
	if !f.Kind.Policy().Passes {
		s.NextTry = now.Add(max(f.After, refusedPause)).UTC()
	}
	if s.FailingSince.IsZero() {
		s.FailingSince = now.UTC()
	}
	return s
}
