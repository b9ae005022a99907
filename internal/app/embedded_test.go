package app

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/stores"
	"entrawebex/internal/config"
	"entrawebex/internal/renew"
)

// settings are as few as all of the system opens with.
func settings(t *testing.T) config.Settings {
	t.Helper()
	return config.Settings{
		Scope:   "all",
		Entra:   config.Entra{TenantID: "84bd8158-6d4d-4958-8b9f-9d6445542f95", Cloud: "public", GraphURL: "http://127.0.0.1:1", AccessToken: "t"},
		Webex:   config.Webex{OrgID: "3b2a1c00-aaaa-4bbb-8ccc-1234567890ab", SCIMURL: "http://127.0.0.1:1/v2", AccessToken: "t"},
		DataDir: t.TempDir(),
	}
}

func openEmbedded(t *testing.T, s config.Settings) (*App, error) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	load := func(context.Context) (config.Settings, error) { return s, nil }
	return OpenEmbedded(t.Context(), s, config.NewLatest(s, load, time.Now, log), nil, log)
}

// The refusal gives the file back: the one whose it is opens it next.
func TestOneMachineRefusesTheLedgerOfAnotherTenantOrOrganization(t *testing.T) {
	t.Parallel()
	ours := settings(t)
	otherTenant, otherOrg := ours, ours
	otherTenant.Entra.TenantID = "99999999-6d4d-4958-8b9f-9d6445542f95"
	otherOrg.Webex.OrgID = "99999999-aaaa-4bbb-8ccc-1234567890ab"
	for range 2 {
		a, err := openEmbedded(t, ours)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		for _, other := range []config.Settings{otherTenant, otherOrg} {
			if _, err := openEmbedded(t, other); err == nil || !strings.HasPrefix(err.Error(), "the ledger is bound to ") {
				t.Errorf("error %v", err)
			}
		}
	}
}

// A subscription is made with the secret that notifications are known by now.
func TestARotatedClientStateReachesTheSubscriptions(t *testing.T) {
	t.Parallel()
	s := settings(t)
	s.Webhook = config.Webhook{URL: "https://hooks.example.com", ClientState: "before"}
	log := slog.New(slog.DiscardHandler)
	clock := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	secret := s
	load := func(context.Context) (config.Settings, error) { return secret, nil }
	a, err := OpenEmbedded(t.Context(), s, config.NewLatest(s, load, func() time.Time { return clock }, log), nil, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, state := range []string{"before", "after", "after that"} {
		secret.Webhook.ClientState = state
		if got := a.Subscriptions.ClientState(t.Context()); got != state {
			t.Errorf("notifications are to carry %q, and the secret says %q", got, state)
		}
		clock = clock.Add(time.Minute)
	}
}

func TestTheEndThatIsToldIsThatOfTheCredentialInUse(t *testing.T) {
	t.Parallel()
	const old = "2030-01-31" // of a secret that may still be there beside what took its place
	for want, s := range map[renew.Credential]config.Entra{
		renew.ClientSecret: {ClientSecret: "s", SecretExpires: old},
		renew.Certificate:  {ClientSecret: "s", SecretExpires: old, ClientCertificate: "c"},
		renew.Federation:   {ClientSecret: "s", SecretExpires: old, ClientCertificate: "c", Federation: "aws"},
	} {
		all := config.Settings{Entra: s}
		latest := config.NewLatest(all, func(context.Context) (config.Settings, error) { return all, nil }, time.Now, slog.New(slog.DiscardHandler))
		job := secretJob(s, backend{stores: &stores.Stores{}, latest: latest}, nil, slog.New(slog.DiscardHandler))
		got, ends, err := job.Read(t.Context())
		if got != want || err != nil || ends.IsZero() == (want == renew.ClientSecret) {
			t.Errorf("%q, %s, %v; want %q", got, ends, err, want)
		}
	}
}
