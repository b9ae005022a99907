package plan

import (
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/internal/app"
	"entrawebex/internal/entra"
)

// silent is a Graph that never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestAPlanDoesNotWaitForACount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, err := entra.New(entra.Config{
			BaseURL: "http://127.0.0.1:1", Credential: entra.StaticToken("t"), Transport: silent{}, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		pl := &Planner{DryRun: &app.DryRun{Graph: client}}
		began := time.Now()
		if users := pl.count(t.Context()); users != 0 || time.Since(began) > 3*time.Second {
			t.Errorf("%d after %v", users, time.Since(began))
		}
	})
}
