package pause_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/ledger"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
)

// bundle is a Switch with sides that can be broken, and a clock.
type bundle struct {
	*pause.Switch

	broken map[pause.Side]error
	probes int
	now    time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	kept, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{broken: map[pause.Side]error{}, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	probe := func(side pause.Side) func(context.Context) error {
		return func(context.Context) error {
			b.probes++
			return b.broken[side]
		}
	}
	b.Switch = &pause.Switch{
		Documents: kept, Now: func() time.Time { return b.now }, Log: slog.New(slog.DiscardHandler),
		Probes: map[pause.Side]func(context.Context) error{pause.Graph: probe(pause.Graph), pause.Webex: probe(pause.Webex)},
	}
	return b
}

func (b *bundle) watch(t *testing.T, kinds ...provision.FaultKind) pause.State {
	t.Helper()
	attempts := make([]provision.Attempt, len(kinds))
	for i, kind := range kinds {
		if kind != 0 {
			attempts[i].Fault = &provision.Fault{Kind: kind}
		}
	}
	if err := b.Watch(t.Context(), attempts); err != nil {
		t.Fatal(err)
	}
	return b.state(t)
}

func (b *bundle) state(t *testing.T) pause.State {
	t.Helper()
	state, err := b.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return state
}

var errDown = errors.New("502")

func repeated(kind provision.FaultKind, n int) []provision.FaultKind {
	kinds := make([]provision.FaultKind, n)
	for i := range kinds {
		kinds[i] = kind
	}
	return kinds
}

func TestASideIsPausedWhenItsProbeFails(t *testing.T) {
	t.Parallel()
	for name, kinds := range map[string][]provision.FaultKind{
		"after credentials were refused": {provision.Unauthorized},
		"after a row of failures":        repeated(provision.Transient, 10),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.broken[pause.Webex] = errDown
			state := b.watch(t, kinds...)
			if _, graph := state[pause.Graph]; graph || !strings.Contains(state[pause.Webex].Why, "502") {
				t.Errorf("%s", state)
			}
		})
	}
}

func TestNothingIsProbedFor(t *testing.T) {
	t.Parallel()
	for name, kinds := range map[string][]provision.FaultKind{
		"successes":                  {0, 0},
		"a few failures":             repeated(provision.Transient, 9),
		"a row with a success in it": append(append(repeated(provision.Transient, 9), 0), provision.Transient),
		"throttling":                 repeated(provision.Throttled, 30),
		"faults of objects":          repeated(provision.Permanent, 30),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.broken[pause.Webex] = errDown
			if state := b.watch(t, kinds...); len(state) > 0 || b.probes > 0 {
				t.Errorf("%s, after %d probes", state, b.probes)
			}
		})
	}
}

func TestOneObjectsRefusalPausesNothingWhileBothProbesSucceed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if state := b.watch(t, provision.Unauthorized); len(state) > 0 || b.probes != 2 {
		t.Errorf("%s, after %d probes", state, b.probes)
	}
	if b.watch(t, provision.Unauthorized); b.probes != 2 {
		t.Errorf("probed again at once: %d", b.probes)
	}
	b.now = b.now.Add(time.Minute)
	if b.watch(t, provision.Unauthorized); b.probes != 4 {
		t.Errorf("not probed again after a minute: %d", b.probes)
	}
}

func TestAServerThatAsksForAMomentIsNotPaused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken[pause.Webex] = &provision.Fault{Kind: provision.Throttled}
	if state := b.watch(t, provision.Unauthorized); len(state) > 0 {
		t.Error(state)
	}
}

func TestOnlyAnAutomaticPauseEndsByItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken[pause.Webex] = errDown
	b.watch(t, provision.Unauthorized)
	if err := b.Pause(t.Context(), pause.Graph, pause.Pause{Since: b.now, Why: "maintenance", ByOperator: true}); err != nil {
		t.Fatal(err)
	}
	probe := func() pause.State {
		t.Helper()
		if _, err := b.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		return b.state(t)
	}
	if state := probe(); len(state) != 2 {
		t.Errorf("while Webex is down: %s", state)
	}
	delete(b.broken, pause.Webex)
	if state := probe(); len(state) != 1 || state[pause.Graph].Why != "maintenance" {
		t.Errorf("once Webex is back: %s", state)
	}
	if err := b.Resume(t.Context(), pause.Graph); err != nil {
		t.Fatal(err)
	}
	if state := b.state(t); len(state) > 0 {
		t.Error(state)
	}
}

// For as long as it lasts: an alarm hears of it each minute.
func TestAPauseIsToldEachMinuteWhoeverMadeIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var log strings.Builder
	b.Log = slog.New(slog.NewTextHandler(&log, nil))
	b.broken[pause.Webex] = errDown
	b.watch(t, provision.Unauthorized)
	if err := b.Pause(t.Context(), pause.Graph, pause.Pause{Since: b.now, Why: "maintenance", ByOperator: true}); err != nil {
		t.Fatal(err)
	}
	for minute := range 3 {
		log.Reset()
		if _, err := b.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), `msg="still paused"`); n != 2 || !strings.Contains(log.String(), "reason=maintenance") {
			t.Errorf("minute %d: %s", minute, &log)
		}
	}
}

func TestAPersonsPauseOutranksAnAutomaticOne(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken[pause.Webex] = errDown
	b.watch(t, provision.Unauthorized)
	if err := b.Pause(t.Context(), pause.Webex, pause.Pause{Since: b.now, Why: "leave it", ByOperator: true}); err != nil {
		t.Fatal(err)
	}
	delete(b.broken, pause.Webex)
	if _, err := b.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := b.state(t); state[pause.Webex].Why != "leave it" {
		t.Error(state)
	}
}

func TestASideRefusesSinceItsProbeFailedAndNotWhileAnOperatorPausesIt(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		paused *pause.Pause
		want   bool
	}{
		{"nothing is paused", nil, false},
		{"by its probe", &pause.Pause{Why: "401"}, true},
		{"by an operator", &pause.Pause{Why: "maintenance", ByOperator: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if test.paused != nil {
				test.paused.Since = b.now
				if err := b.Pause(t.Context(), pause.Webex, *test.paused); err != nil {
					t.Fatal(err)
				}
			}
			since, err := b.Refused(t.Context(), pause.Webex)
			if err != nil || since.Equal(b.now) != test.want || since.IsZero() == test.want {
				t.Errorf("since %s, %v", since, err)
			}
			if since, err := b.Refused(t.Context(), pause.Graph); err != nil || !since.IsZero() {
				t.Errorf("Graph since %s, %v", since, err)
			}
		})
	}
}
