package app

import (
	"log/slog"
	"testing"
	"time"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/ledger"
	"entrawebex/internal/pause"
)

// What was restored has the pauses of its day: docs/deploy.md promises one before the first
// write.
func TestALedgerThatWasRestoredStartsPausedAndIsGoneOnWith(t *testing.T) {
	t.Parallel()
	s := &config.Settings{StartPaused: true, DataDir: t.TempDir()}
	file, err := stores.OpenFile(s, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	log := slog.New(slog.DiscardHandler)
	sides := &pause.Switch{Documents: file.Ledger, Now: time.Now, Log: log}
	for _, start := range []struct {
		table string
		want  bool
	}{{"ledger", true}, {"ledger", false}, {"ledger-restored", true}, {"ledger-restored", false}} {
		s.AWS.LedgerTable = start.table
		if err := startPaused(t.Context(), s, file.Ledger, log); err != nil {
			t.Fatal(err)
		}
		state, err := sides.State(t.Context())
		if _, paused := state[pause.Webex]; err != nil || paused != start.want {
			t.Errorf("as %s it is paused: %t, %v; want %t", start.table, paused, err, start.want)
		}
		if err := ledger.Bind(t.Context(), file.Ledger, s.Entra.TenantID, s.Webex.OrgID, start.table); err != nil {
			t.Fatal(err)
		}
		if err := sides.Resume(t.Context(), pause.Webex); err != nil {
			t.Fatal(err)
		}
	}
}
