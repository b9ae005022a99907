package pause_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/document"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
)

// recovering is a Recovery whose feed and dead letters are noted.
type recovering struct {
	*bundle
	pause.Recovery

	// fed is how the feed was switched, one call after the other.
	fed []bool
	// replays are what the replays to come will find; nothing once used up.
	replays []replayed
	calls   int
}

type replayed struct {
	moved, left int
	err         error
}

func recovery(t *testing.T) *recovering {
	t.Helper()
	r := &recovering{bundle: setup(t)}
	r.Recovery = pause.Recovery{
		Switch: r.bundle.Switch,
		Feed: func(_ context.Context, on bool) error {
			r.fed = append(r.fed, on)
			return nil
		},
		Replay: func(context.Context) (int, int, error) {
			r.calls++
			if len(r.replays) == 0 {
				return 0, 0, nil
			}
			next := r.replays[0]
			r.replays = r.replays[1:]
			return next.moved, next.left, next.err
		},
	}
	return r
}

// settle is a minute's work, up to the replay.
func (r *recovering) settle(t *testing.T) {
	t.Helper()
	r.now = r.now.Add(time.Minute)
	if err := r.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// catchUp makes so many calls, a minute apart, and returns how many replayed.
func (r *recovering) catchUp(t *testing.T, calls int) int {
	t.Helper()
	before := r.calls
	for range calls {
		r.now = r.now.Add(time.Minute)
		if err := r.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return r.calls - before
}

func wantFed(t *testing.T, r *recovering, want ...bool) {
	t.Helper()
	if diff := cmp.Diff(want, r.fed); diff != "" {
		t.Errorf("the feed (-want +got):\n%s", diff)
	}
	r.fed = nil
}

func TestTheFeedIsOffWhileASideIsPausedAndOnAgainOnceItWorks(t *testing.T) {
	t.Parallel()
	r := recovery(t)
	r.settle(t)
	wantFed(t, r, true)
	r.broken[pause.Webex] = errDown
	r.watch(t, provision.Unauthorized)
	r.settle(t)
	wantFed(t, r, false)
	delete(r.broken, pause.Webex)
	r.settle(t)
	wantFed(t, r, false, true)
	r.settle(t)
	wantFed(t, r, true)
}

func TestTheFeedFollowsAnOperatorToo(t *testing.T) {
	t.Parallel()
	r := recovery(t)
	if err := r.Pause(t.Context(), pause.Graph, pause.Pause{Since: r.now, Why: "maintenance", ByOperator: true}); err != nil {
		t.Fatal(err)
	}
	r.settle(t)
	wantFed(t, r, false)
	if err := r.Resume(t.Context(), pause.Graph); err != nil {
		t.Fatal(err)
	}
	r.settle(t)
	wantFed(t, r, true)
	if n := r.catchUp(t, 1); n != 0 {
		t.Errorf("%d replays after a pause that was no trouble", n)
	}
}

func TestNothingIsSwitchedWhereWhatIsPausedCannotBeRead(t *testing.T) {
	t.Parallel()
	r := recovery(t)
	r.Documents = broken{}
	if err := r.Settle(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("error %v; want %v", err, errDown)
	}
	wantFed(t, r)
}

// broken is a ledger out of reach.
type broken struct{ document.Store }

func (broken) Document(context.Context, string) ([]byte, int64, error) { return nil, 0, errDown }

func TestADeadTokenThatIsRenewedMakesOneReplayDue(t *testing.T) {
	t.Parallel()
	r := recovery(t)
	if n := r.catchUp(t, 3); n != 0 {
		t.Errorf("%d replays with no pause", n)
	}
	r.broken[pause.Webex] = errDown
	r.watch(t, provision.Unauthorized)
	r.settle(t)
	if n := r.catchUp(t, 3); n != 0 {
		t.Errorf("%d replays in the pause", n)
	}
	delete(r.broken, pause.Webex)
	r.settle(t)
	if n := r.catchUp(t, 3); n != 1 {
		t.Errorf("%d replays after the pause; want one", n)
	}
}

// resumed is after an automatic pause.
func resumed(t *testing.T) *recovering {
	t.Helper()
	r := recovery(t)
	r.broken[pause.Graph] = errDown
	r.watch(t, provision.Unauthorized)
	delete(r.broken, pause.Graph)
	r.settle(t)
	return r
}

func TestAReplayGoesOnUntilItCameToItsEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		replays []replayed
		want    int
	}{
		"at once":                                      {[]replayed{{5, 0, nil}}, 1},
		"after time has cut it short":                  {[]replayed{{400, 200, nil}, {200, 0, nil}}, 2},
		"after one that was killed":                    {[]replayed{{0, 10, nil}, {0, 10, nil}, {10, 0, nil}}, 3},
		"for a quarter of an hour, if something stays": {repeat(replayed{0, 3, nil}, 40), 15},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := resumed(t)
			r.replays = test.replays
			if n := r.catchUp(t, 40); n != test.want {
				t.Errorf("%d replays, want %d", n, test.want)
			}
		})
	}
}

func repeat(one replayed, n int) []replayed {
	all := make([]replayed, n)
	for i := range all {
		all[i] = one
	}
	return all
}

func TestAReplayThatFailsStaysDue(t *testing.T) {
	t.Parallel()
	r := resumed(t)
	r.replays = []replayed{{0, 0, errDown}}
	if err := r.CatchUp(t.Context()); !errors.Is(err, errDown) {
		t.Errorf("error %v; want %v", err, errDown)
	}
	if n := r.catchUp(t, 3); n != 1 {
		t.Errorf("%d replays more; want one", n)
	}
}

func TestAReplayWaitsUntilNothingIsPaused(t *testing.T) {
	t.Parallel()
	r := resumed(t)
	if err := r.Pause(t.Context(), pause.Webex, pause.Pause{Since: r.now, Why: "maintenance", ByOperator: true}); err != nil {
		t.Fatal(err)
	}
	if n := r.catchUp(t, 3); n != 0 {
		t.Errorf("%d replays while Webex is paused", n)
	}
	if err := r.Resume(t.Context(), pause.Webex); err != nil {
		t.Fatal(err)
	}
	if n := r.catchUp(t, 3); n != 1 {
		t.Errorf("%d replays after that; want one", n)
	}
}

func TestAPauseThatEndsDuringAReplayMakesAnotherDue(t *testing.T) {
	t.Parallel()
	r := resumed(t)
	inner := r.Replay
	r.Replay = func(ctx context.Context) (int, int, error) {
		r.Replay = inner
		if err := r.Pause(ctx, pause.Webex, pause.Pause{Since: r.now, Why: "502"}); err != nil {
			return 0, 0, err
		}
		if err := r.Resume(ctx, pause.Webex); err != nil {
			return 0, 0, err
		}
		return inner(ctx)
	}
	if err := r.CatchUp(t.Context()); err == nil {
		t.Error("the second pause was overlooked")
	}
	if n := r.catchUp(t, 3); n != 1 {
		t.Errorf("%d replays after that; want one", n)
	}
}

// A pause of days outlasts what is kept of changes: then all is compared.
func TestAfterAPauseOfThreeDaysEverythingIsCompared(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		lasts      time.Duration
		byOperator bool
		want       int
	}{
		{"two days", 2 * 24 * time.Hour, false, 0},
		{"three days", 3 * 24 * time.Hour, false, 1},
		{"three days, by an operator", 3 * 24 * time.Hour, true, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := recovery(t)
			asked := 0
			r.Compare = func(context.Context, string) error {
				asked++
				return nil
			}
			if err := r.Pause(t.Context(), pause.Webex, pause.Pause{Since: r.now, Why: "down", ByOperator: test.byOperator}); err != nil {
				t.Fatal(err)
			}
			r.now = r.now.Add(test.lasts)
			if err := r.Resume(t.Context(), pause.Webex); err != nil {
				t.Fatal(err)
			}
			r.catchUp(t, 2)
			if asked != test.want {
				t.Errorf("asked %d times", asked)
			}
		})
	}
}
