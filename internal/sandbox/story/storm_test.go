package story

import (
	"fmt"
	"slices"
	"testing"
)

// Each kind strikes once before any strikes again, whatever the seed.
func TestEveryKindOfTroubleHasItsTurn(t *testing.T) {
	t.Parallel()
	kinds := []string{tooMany, lockedNow, overloaded, failedBefore, failedAfter, lostAfter, tokenRefused}
	orders := map[string]bool{}
	for seed := range uint64(20) {
		storm := NewStorm(seed)
		storm.Blow(true)
		var order []string
		for range 3 {
			var struck []string
			for range kinds {
				struck = append(struck, storm.draw(1, kinds...))
				storm.draw(1, deliveryDoubled, deliveryRefused) // has turns of its own
			}
			order = append(order, struck...)
			slices.Sort(struck)
			if want := slices.Sorted(slices.Values(kinds)); !slices.Equal(struck, want) {
				t.Errorf("seed %d: %q struck", seed, struck)
			}
		}
		orders[fmt.Sprint(order)] = true
	}
	if len(orders) < 2 {
		t.Error("all seeds have the same order")
	}
}
