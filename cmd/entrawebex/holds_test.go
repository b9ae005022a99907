package main

import (
	"bytes"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"go.etcd.io/bbolt"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
)

// heldHome is a DATA_DIR in which these disables are held, and the guard is
// latched.
func heldHome(t *testing.T, ids ...string) config.Settings {
	t.Helper()
	settings := config.Settings{DataDir: t.TempDir()}
	db, err := bbolt.Open(filepath.Join(settings.DataDir, "entrawebex.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := ledger.OpenBolt(db)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i, id := range ids {
		r, err := kept.Claim(t.Context(), change.Object{Kind: change.User, ID: id}, "w", now, now.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		after := r
		after.Claim, after.Unconcluded, after.WebexID = provision.Claim{}, 0, id
		after.Hold = &provision.Hold{Operation: provision.Disabling, Since: now.Add(time.Duration(i)), Security: true}
		if err := kept.Save(t.Context(), "w", r, after); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.PutDocument(t.Context(), "guard", []byte(`{"latchedAt":"2026-03-02T09:00:00Z"}`), 0); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return settings
}

func openDesk(t *testing.T, settings config.Settings) *homes {
	t.Helper()
	d, err := openEmbedded(t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

const (
	first  = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	second = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
)

func TestHoldsAreListedApprovedAndRejected(t *testing.T) {
	t.Parallel()
	d := openDesk(t, heldHome(t, first, second))
	var out bytes.Buffer
	if err := d.decide(t.Context(), &out, []string{strings.ToUpper(first)}, approving()); err != nil {
		t.Fatal(err)
	}
	if err := d.decide(t.Context(), &out, []string{"nobody"}, approving()); err == nil || !strings.Contains(err.Error(), "nothing is held of nobody") {
		t.Errorf("of somebody of whom nothing is held: %v", err)
	}
	if err := d.list(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"approved: disable of user " + first, "blocked, approved, on its way", second} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if err := d.decide(t.Context(), &out, nil, approving()); err != nil {
		t.Fatal(err)
	}
	held, err := d.held(t.Context())
	if err != nil || len(held) != 2 || held[0].Approval == nil || held[1].Approval == nil {
		t.Errorf("held: %+v, %v", held, err)
	}
}

func TestHoldsFitATerminal(t *testing.T) {
	t.Parallel()
	d := openDesk(t, heldHome(t, first, second))
	var out bytes.Buffer
	if err := d.decide(t.Context(), io.Discard, []string{first}, rejecting()); err != nil {
		t.Fatal(err)
	}
	if err := d.list(t.Context(), &out); err != nil || !strings.Contains(out.String(), "blocked, rejected") {
		t.Errorf("%s, %v", out.String(), err)
	}
	fits(t, out.String())
}

// fits checks that no line is wider than a terminal.
func fits(t *testing.T, out string) {
	t.Helper()
	const columns = 80
	for line := range strings.Lines(out) {
		if n := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); n > columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestAClearedGuardIsNotLatched(t *testing.T) {
	t.Parallel()
	d := openDesk(t, heldHome(t))
	since, err := d.Guard().Clear(t.Context())
	if err != nil || since.IsZero() {
		t.Fatal(since, err)
	}
	if since, err = d.Guard().Latched(t.Context()); err != nil || !since.IsZero() {
		t.Error(since, err)
	}
	var out bytes.Buffer
	if err := d.list(t.Context(), &out); err != nil || !strings.Contains(out.String(), "Nothing is held.") {
		t.Errorf("%s, %v", out.String(), err)
	}
}

func TestApprovingAllLeavesAloneWhatWasRejected(t *testing.T) {
	t.Parallel()
	settings := heldHome(t, first, second)
	operate(t, operatorEnviron(settings), "holds", "reject", first)
	answer := operate(t, operatorEnviron(settings), "holds", "approve", "--all")
	if !strings.Contains(answer, second) || strings.Contains(answer, first) || !strings.Contains(answer, "left alone: 1 hold rejected before") {
		t.Errorf("approve --all:\n%s", answer)
	}
	if held := operate(t, operatorEnviron(settings), "holds"); !strings.Contains(held, "blocked, rejected") || !strings.Contains(held, "approved, on its way") {
		t.Errorf("holds:\n%s", held)
	}
	if answer := operate(t, operatorEnviron(settings), "holds", "approve", first); !strings.Contains(answer, "approved: disable of user "+first) {
		t.Errorf("named:\n%s", answer)
	}
}
