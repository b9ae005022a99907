package app

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/history"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
)

// Neither side answers at the address of these settings: each attempt is a fault.
func TestWhatTheEngineAttemptsIsKeptAndNotWhatADryRunDoes(t *testing.T) {
	t.Parallel()
	s := settings(t)
	log := slog.New(slog.DiscardHandler)
	a, err := OpenEmbedded(t.Context(), s, config.NewLatest(s, func(context.Context) (config.Settings, error) { return s, nil }, time.Now, log), nil, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // what cannot be read is not waited for
	o := change.Object{Kind: change.User, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"}
	kept := func() (n int) {
		t.Helper()
		for e, err := range a.Stores.History.Entries(t.Context(), history.Span{Object: &o}) {
			if n++; err != nil || e.TenantID != s.Entra.TenantID || e.ChangeID != "c" {
				t.Errorf("%+v, %v", e, err)
			}
		}
		return n
	}
	changes := []change.Change{{Object: o, Source: change.Notification, SeenAt: time.Now(), CorrelationID: "c"}}
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	dry, err := OpenDryRun(t.Context(), s, rules, a.Stores.Ledger, func(provision.Attempt) {}, log)
	if err != nil {
		t.Fatal(err)
	}
	if dry.Engine.Converge(ctx, changes); kept() != 0 {
		t.Error("a dry run is kept")
	}
	if a.Worker.Converge(ctx, changes); kept() != 1 {
		t.Errorf("%d attempts are kept of one", kept())
	}
}
