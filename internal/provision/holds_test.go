package provision_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
)

// holds are those of the world's ledger.
func (w *world) holds() *provision.Holds {
	kept, _ := w.ledger.Ledger.(*ledger.Bolt)
	return &provision.Holds{Ledger: w.ledger, Documents: kept}
}

func (w *world) wantUndecided(want ...string) {
	w.t.Helper()
	waiting, err := w.holds().Undecided(w.t.Context(), w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, r := range waiting {
		got = append(got, r.Object.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("waiting (-want +got):\n%s", diff)
	}
}

// noteBlocked blocks them, and notes what came of that.
func (w *world) noteBlocked(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		if err := w.holds().Note(w.t.Context(), []provision.Attempt{w.block(id)}); err != nil {
			w.t.Fatal(err)
		}
	}
}

func TestWhatIsHeldIsToldUntilAPersonHasDecided(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(5)
	w.wantUndecided()
	w.noteBlocked(ids[:4]...)
	w.wantUndecided(ids[1], ids[2], ids[3])
	w.approve(user(ids[1]), provision.Disabling)
	w.reject(user(ids[2]), provision.Disabling)
	w.wantUndecided(ids[3])

	w.tenant.users[ids[3]].enabled = true
	w.converge(updated(ids[3]))
	w.wantUndecided()
	w.noteBlocked(ids[4])
	w.wantUndecided(ids[4])
	w.now = w.now.Add(time.Minute)
	w.wantUndecided(ids[4])
}

// The list is bounded. Whoever was left out of it is on it after another attempt, once
// there is room.
func TestOfManyHoldsTheFirstHundredAreKnown(t *testing.T) {
	t.Parallel()
	w := setup(t, lowFloor)
	ids := w.crowd(103)
	w.noteBlocked(ids...)
	w.wantUndecided(ids[1:101]...)
	w.reject(user(ids[7]), provision.Disabling)
	w.wantUndecided(append(ids[1:7:7], ids[8:101]...)...)
	w.noteBlocked(ids[101], ids[102])
	w.wantUndecided(append(ids[1:7:7], ids[8:102]...)...)
}
