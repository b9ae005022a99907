package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"go.etcd.io/bbolt"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/ledger"
	"entrawebex/internal/operator"
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

// openOperator opens the stores of a DATA_DIR until the test ends.
func openOperator(t *testing.T, settings config.Settings) *operator.Operator {
	t.Helper()
	found, err := operations.Open(t.Context(), operatorEnviron(settings), operatorLog())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := found.Close(); err != nil {
			t.Error(err)
		}
	})
	return found.Operations.(*operator.Operator)
}

const (
	first  = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	second = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
)

func TestHoldsAreListedApprovedAndRejected(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t, first, second))
	approved := operate(t, environ, "holds", "approve", strings.ToUpper(first))
	if _, errOut, exit := outcome(t, environ, "holds", "approve", "nobody"); exit != 1 || !strings.Contains(errOut, "nothing is held of nobody") {
		t.Errorf("of somebody of whom nothing is held: exit code %d, %s", exit, errOut)
	}
	out := approved + operate(t, environ, "holds")
	for _, want := range []string{"approved: disable of user " + first, "blocked, approved, on its way", second} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	operate(t, environ, "holds", "approve", "--all")
	if out := operate(t, environ, "holds"); strings.Count(out, "approved, on its way") != 2 {
		t.Errorf("held:\n%s", out)
	}
}

func TestHoldsFitATerminal(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t, first, second))
	operate(t, environ, "holds", "reject", first)
	out := operate(t, environ, "holds")
	if !strings.Contains(out, "blocked, rejected") {
		t.Error(out)
	}
	fits(t, out)
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
	environ := operatorEnviron(heldHome(t))
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"guard", "clear"}, "The guard was latched since 2026-03-02T09:00:00Z and is now off.\n"},
		{[]string{"guard"}, "The guard is not latched.\n"},
		{[]string{"holds"}, "Nothing is held.\n"},
	} {
		if got := operate(t, environ, step.args...); got != step.want {
			t.Errorf("%v: %q; want %q", step.args, got, step.want)
		}
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
