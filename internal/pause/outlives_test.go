package pause_test

import (
	"context"
	"testing"
	"time"

	"entrawebex/internal/document"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
)

// operators pauses Webex by a person's word, now.
func (b *bundle) operators(t *testing.T) {
	t.Helper()
	if err := b.Pause(t.Context(), pause.Webex, pause.Pause{Since: b.now, Why: "leave it", ByOperator: true}); err != nil {
		t.Fatal(err)
	}
}

func TestAProxyThatAnswersForASideMakesBothBeProbedAtOnce(t *testing.T) {
	t.Parallel()
	for name, kind := range map[string]provision.FaultKind{
		"with a redirect": provision.Transient, "and asks for a moment": provision.Throttled, "with a refusal": provision.Permanent,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.broken[pause.Webex] = &provision.Fault{Kind: provision.Transient, Reason: "302", Foreign: true}
			foreign := []provision.Attempt{{Fault: &provision.Fault{Kind: kind, Foreign: true}}}
			if err := b.Watch(t.Context(), foreign); err != nil {
				t.Fatal(err)
			}
			if state := b.state(t); len(state) != 1 || state[pause.Webex].Why != "302" {
				t.Errorf("%s", state)
			}
			if err := b.Watch(t.Context(), foreign); err != nil || b.probes != 2 {
				t.Errorf("probed again at once: %d, %v", b.probes, err)
			}
		})
	}
}

func TestWaitingForAClaimIsNoFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken[pause.Webex] = errDown
	claimed := make([]provision.Attempt, 30)
	for i := range claimed {
		claimed[i].Fault = &provision.Fault{Kind: provision.Transient, Err: provision.ErrClaimed}
	}
	if err := b.Watch(t.Context(), claimed); err != nil || b.probes > 0 {
		t.Errorf("%d probes, %v", b.probes, err)
	}
}

func TestAnOperatorsPauseOwesWhatTheAutomaticOneOwed(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*testing.T, *recovering){
		"that it replaced": func(t *testing.T, r *recovering) {
			r.watch(t, provision.Unauthorized)
			r.operators(t)
		},
		"that began beneath it": func(t *testing.T, r *recovering) {
			r.operators(t)
			r.watch(t, provision.Unauthorized)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := recovery(t)
			r.broken[pause.Webex] = errDown
			begin(t, r)
			delete(r.broken, pause.Webex)
			r.settle(t)
			if state := r.state(t); state[pause.Webex].Why != "leave it" {
				t.Fatalf("the probe ended it: %s", state)
			}
			if err := r.Resume(t.Context(), pause.Webex); err != nil {
				t.Fatal(err)
			}
			if n := r.catchUp(t, 3); n != 1 {
				t.Errorf("%d replays after it; want one", n)
			}
		})
	}
}

func TestTheDaysOfAnAutomaticPauseCountInAnOperatorsToo(t *testing.T) {
	t.Parallel()
	r := recovery(t)
	asked := 0
	r.Compare = func(context.Context, string) error {
		asked++
		return nil
	}
	r.broken[pause.Webex] = errDown
	r.watch(t, provision.Unauthorized)
	r.now = r.now.Add(2 * 24 * time.Hour)
	r.operators(t)
	r.now = r.now.Add(2 * 24 * time.Hour)
	if err := r.Resume(t.Context(), pause.Webex); err != nil {
		t.Fatal(err)
	}
	r.replays = []replayed{{400, 200, nil}, {200, 0, nil}}
	if n := r.catchUp(t, 3); n != 2 || asked != 1 {
		t.Errorf("%d replays, and a comparison asked for %d times", n, asked)
	}
}

// The token for Webex is made anew where Webex refuses it, whoever paused since.
func TestARefusalIsKnownBeneathAnOperatorsPause(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.broken[pause.Webex] = errDown
	began := b.now
	b.watch(t, provision.Unauthorized)
	b.now = b.now.Add(time.Hour)
	b.operators(t)
	if since, err := b.Refused(t.Context(), pause.Webex); err != nil || !since.Equal(began) {
		t.Errorf("since %s, %v", since, err)
	}
}

func TestWhatIsSaidWhileAProbeRunsStays(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(*testing.T, *bundle)
		want      string
	}{
		"by an operator": {func(t *testing.T, b *bundle) { b.operators(t) }, "leave it"},
		"by another's probe, and the side failed again": {func(t *testing.T, b *bundle) {
			if err := b.Resume(t.Context(), pause.Webex); err != nil {
				t.Fatal(err)
			}
			b.now = b.now.Add(time.Second)
			if err := b.Pause(t.Context(), pause.Webex, pause.Pause{Since: b.now, Why: "down again"}); err != nil {
				t.Fatal(err)
			}
		}, "down again"},
		"by an operator who ends it": {func(t *testing.T, b *bundle) {
			if err := b.Resume(t.Context(), pause.Webex); err != nil {
				t.Fatal(err)
			}
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.broken[pause.Webex] = errDown
			b.watch(t, provision.Unauthorized)
			b.Probes[pause.Webex] = func(context.Context) error {
				test.meanwhile(t, b)
				return nil
			}
			resumed, err := b.Probe(t.Context())
			if err != nil || len(resumed) > 0 {
				t.Errorf("resumed %v, %v", resumed, err)
			}
			if got := b.state(t)[pause.Webex].Why; got != test.want {
				t.Errorf("paused for %q, want %q", got, test.want)
			}
		})
	}
}

// racing lets another write come before the first of ours.
type racing struct {
	document.Store

	first func()
}

func (r *racing) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	if first := r.first; first != nil && name == "pause" {
		r.first = nil
		first()
	}
	return r.Store.PutDocument(ctx, name, data, version)
}

func TestAnEndThatMeetsANewPauseOwesWhatThatOneDoes(t *testing.T) {
	t.Parallel()
	r := recovery(t)
	kept := r.Documents
	r.operators(t)
	r.Documents = &racing{Store: kept, first: func() {
		beneath := &pause.Switch{Documents: kept, Now: r.Now}
		if err := beneath.Pause(t.Context(), pause.Webex, pause.Pause{Since: r.now, Why: "502"}); err != nil {
			t.Error(err)
		}
	}}
	if err := r.Resume(t.Context(), pause.Webex); err != nil {
		t.Fatal(err)
	}
	if state := r.state(t); len(state) > 0 {
		t.Errorf("%s", state)
	}
	if n := r.catchUp(t, 2); n != 1 {
		t.Errorf("%d replays; want one", n)
	}
}
