package ledger_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"entrawebex/internal/provision"
)

func TestClaimsOfAProcessThatIsNoMoreAreVoidAndTheirAttemptsCount(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	db, kept := openBoltFile(t, path)
	now := time.Now()
	users := newUsers(3)
	for _, o := range users {
		if _, err := kept.Claim(t.Context(), o, "killed", now, now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	concluded := provision.Record{Object: users[2], WebexID: "w"}
	if err := kept.Save(t.Context(), "killed", provision.Record{Object: users[2]}, concluded); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	_, kept = openBoltFile(t, path) // as an operator's command does
	if _, err := kept.Claim(t.Context(), users[0], "next", now, now.Add(time.Minute)); !errors.Is(err, provision.ErrClaimed) {
		t.Errorf("opening the file took the claim: %v", err)
	}
	n, err := kept.ReleaseClaims(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, n, 2)
	for _, o := range users[:2] {
		r, err := kept.Claim(t.Context(), o, "next", now, now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		wantEqual(t, r.Unconcluded, 2) // the killed attempt and this one
	}
	r, _, err := kept.Record(t.Context(), users[2])
	if err != nil {
		t.Fatal(err)
	}
	wantEqual(t, r, concluded)
}
