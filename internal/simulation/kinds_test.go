package simulation_test

import (
	"flag"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
)

// kind is a way in which the sides, or what is between, are not as one would
// wish.
type kind struct {
	name string
	// oneIn is in how many lives one has it: all of them together would leave
	// nothing that works.
	oneIn uint64
	// least is how often it strikes in a thousand seeds at the least. A run in
	// which it strikes less proves nothing about it, and is red.
	least int
}

// kinds are all kinds of trouble. One that is not here does not strike.
func kinds() []kind {
	return []kind{
		// Of processes, the ledger and the queue.
		{"worker killed", 1, 1000},
		{"worker frozen", 1, 1000},
		{"ledger call lost", 1, 1000},
		{"ledger answer lost", 1, 1000},
		{"queue call lost", 1, 200},
		{"queue answer lost", 1, 200},
		{"queue cannot be received from", 3, 100},
		{"queue cannot delete", 3, 100},
		{"queue cannot delay", 3, 20},
		{"clock ahead", 3, 200},

		// Of calls, whichever they are.
		{"429", 1, 500},
		{"423", 1, 100},
		{"500", 1, 200},
		{"503", 1, 200},
		{"502 after the effect", 1, 300},
		{"answer lost after the effect", 1, 300},
		{"connection lost", 1, 300},
		{"time-out", 1, 200},
		{"time-out after the effect", 1, 200},
		{"token expired", 1, 20},
		{"page of a gateway", 3, 300},
		{"page of a gateway after the effect", 3, 100},

		// Of Graph.
		{"429 inside a $batch", 1, 300},
		{"429 for half an hour", 1, 300},
		{"404 for half an hour", 1, 100},
		{"404 of a replica", 1, 20},
		{"stale read", 1, 50},
		{"assignments forbidden", 1, 100},
		{"enterprise application gone", 1, 100},
		{"attribute absent in a $batch", 4, 50},
		{"other attribute absent in a $batch", 4, 50},
		{"attribute absent in a delta page", 4, 30},
		{"agent user", 4, 200},
		{"unknown principal", 4, 50},
		{"unknown item in a delta page", 4, 20},
		{"numeric header", 4, 100},
		{"filter ignored by Graph", 2, 10},
		{"endless pages", 4, 10},
		{"repeating pages", 4, 10},
		{"dead link", 4, 10},
		{"small pages", 3, 200},

		// Of what Graph tells.
		{"notification doubled", 1, 500},
		{"notification refused", 1, 300},
		{"notification lost", 1, 50},
		{"silence", 1, 50},
		{"subscriptions dropped", 1, 50},
		{"delta tokens lost", 1, 20},
		{"document lost", 1, 50},
		{"ghost subscription", 2, 5},
		{"duplicate subscription", 2, 5},
		{"subscription list with nulls", 2, 100},

		// Of Webex.
		{"404 to a read of Webex", 4, 10},
		{"404 to a write to Webex", 4, 30},
		{"404 inside a Bulk", 4, 10},
		{"404 for some minutes", 4, 10},
		{"answer that contradicts", 4, 30},
		{"409 that is not about a name", 4, 30},
		{"search that answers too much", 4, 20},
		{"attribute absent in a list of Webex", 4, 20},
		{"effect that comes late", 4, 20},
		{"search lags", 4, 100},
		{"address kept", 4, 20},
		{"values normalized", 4, 100},
		{"renamed on deactivation", 4, 100},
		{"room among the accounts", 4, 100},
		{"reopened by hand", 4, 10},
		{"shut out by hand", 4, 10},
		{"title changed by hand", 4, 10},

		// Of all of a side.
		{"outage", 4, 20},
		{"502 while recovering", 4, 50},
		{"paused by an operator", 4, 20},
	}
}

// only are the kinds that strike, to find out which one a seed fails of.
var only = flag.String("only", "", "the kinds that strike, separated by commas; all if empty")

// seasonOf are the kinds that a seed has.
func seasonOf(seed uint64) map[string]bool {
	season := map[string]bool{}
	for _, k := range kinds() {
		h := fnv.New64a()
		_, _ = h.Write([]byte(k.name)) // which never fails
		has := newRandomness(seed^h.Sum64()).IntN(int(k.oneIn)) == 0
		wanted := slices.Contains(strings.Split(*only, ","), k.name)
		season[k.name] = has && (wanted || *only == "")
	}
	return season
}

// tally counts how often each kind struck in a run.
type tally struct {
	mu     sync.Mutex
	counts map[string]int
}

func (t *tally) add(counts map[string]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, n := range counts {
		t.counts[name] += n
	}
}

// String says how often each kind struck.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []string
	for _, name := range slices.Sorted(maps.Keys(t.counts)) {
		list = append(list, fmt.Sprintf("%s %d", name, t.counts[name]))
	}
	return strings.Join(list, ", ")
}

// enough fails the test if a kind struck less in so many seeds than makes them
// worth something.
func (t *tally) enough(test testing.TB, seeds uint64) {
	test.Helper()
	t.mu.Lock()
	defer t.mu.Unlock()
	const thousand, few = 1000, 100 // seeds: of less than a few nothing is to be expected
	if seeds < few {
		return
	}
	for _, k := range kinds() {
		if least := k.least * int(seeds) / thousand; t.counts[k.name] < least && *only == "" {
			test.Errorf("%q struck %d times, less than %d", k.name, t.counts[k.name], least)
		}
	}
}

func TestEveryKindOfTroubleHasANameOfItsOwn(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, k := range kinds() {
		if names[k.name] || k.oneIn == 0 || k.least == 0 {
			t.Errorf("%+v", k)
		}
		names[k.name] = true
	}
}
