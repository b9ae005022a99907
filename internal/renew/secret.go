package renew

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"entrawebex/internal/document"
	"entrawebex/internal/printable"
)

// Credential is what stands for the app registration at Entra.
type Credential string

// The credentials. Federation is what AWS says of the process: it does not end.
const (
	ClientSecret Credential = ""
	Certificate  Credential = "certificate"
	Federation   Credential = "federation"
)

// SecretState is what is known of Entra's client secret, or of what is in its place. It
// holds no secret.
type SecretState struct {
	// Credential is what it is known of.
	Credential Credential `json:"credential,omitempty"`
	// Ends is when it ends; zero if nobody knows.
	Ends time.Time `json:"ends,omitzero"`
	// Unknown is why that cannot be read; empty if it can, or need not be.
	Unknown string `json:"unknown,omitempty"`

	// ToldAt is when the log last said that it ends.
	ToldAt time.Time `json:"toldAt,omitzero"`
}

// Warning returns what there is to warn of: a secret in its last 30 days.
func (s SecretState) Warning(now time.Time) Warning {
	if s.Ends.IsZero() || s.Ends.Sub(now) > early {
		return Warning{}
	}
	why := "make another client secret for the app registration, and put it into ENTRA_CLIENT_SECRET, and its last day into ENTRA_SECRET_EXPIRES if that is set"
	if s.Credential == Certificate {
		why = "make another certificate, give it to the app registration (infra/register-app.sh --certificate cert.pem), and put it with its key into ENTRA_CLIENT_CERTIFICATE"
	}
	return Warning{Ends: s.Ends, Urgent: true, Why: why}
}

// SecretJob finds out when Entra's client secret ends, or the certificate in its place,
// and says so in its last 30 days.
type SecretJob struct {
	// Read returns what is in use now, and when it ends; zero if nobody knows.
	Read      func(ctx context.Context) (Credential, time.Time, error)
	Documents document.Store
	Now       func() time.Time
	Log       *slog.Logger

	asked time.Time // when it was last read
}

// askAgain is how soon it is read again of a secret that ends: another is soon in place.
const askAgain = time.Hour

// Run reads it at a start and once a day, and says in the log once a day that the secret
// ends. That Graph does not tell, for want of a permission, is no failure: status says
// it. It is not safe for concurrent use.
func (j *SecretJob) Run(ctx context.Context) error {
	kept, err := secretDocument(j.Documents).Open(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return fmt.Errorf("read when the client secret ends: %w", err)
	}
	s, now := &kept.Value, j.Now()
	every := day
	if s.Warning(now).Why != "" {
		every = askAgain
	}
	if j.asked.IsZero() || now.Sub(j.asked) >= every {
		credential, ends, err := j.Read(ctx)
		if ctx.Err() != nil {
			return fmt.Errorf("read when the client secret ends: %w", err)
		}
		j.asked = now
		*s = SecretState{Credential: credential, Ends: ends.UTC(), ToldAt: s.ToldAt}
		if err != nil {
			s.Unknown = printable.Short(err.Error(), longestUnknown)
		}
	}
	if w := s.Warning(now); w.Why != "" && now.Sub(s.ToldAt) >= day {
		s.ToldAt = now.UTC()
		j.Log.ErrorContext(ctx, "entra client secret expires", "at", w.Ends, "days", int(w.Ends.Sub(now)/day), "reason", w.Why)
	}
	if err := kept.Save(ctx); err != nil && !errors.Is(err, document.ErrChanged) {
		return fmt.Errorf("note when the client secret ends: %w", err)
	}
	return nil
}

// longestUnknown is how many characters of a reason are kept.
const longestUnknown = 300

// ReadSecret returns what is known of the client secret; nothing if that cannot be
// decoded.
func ReadSecret(ctx context.Context, documents document.Store) (SecretState, error) {
	s, err := secretDocument(documents).Read(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return SecretState{}, fmt.Errorf("read when the client secret ends: %w", err)
	}
	return s, nil
}

func secretDocument(documents document.Store) document.Document[SecretState] {
	return document.Document[SecretState]{Store: documents, Name: "entra client secret"}
}
