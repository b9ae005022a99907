package console_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/replay"
)

// endless are operations whose replay is never done: it is told how far it is, and
// cancelled.
type endless struct{ operator.Operations }

func (endless) Replay(ctx context.Context, _ replay.Request, progress func(done, of int)) (replay.Result, error) {
	progress(3, 700)
	<-ctx.Done()
	return replay.Result{Moved: 3}, ctx.Err()
}

func TestALongReplayIsFollowedAndCancelled(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, func(o *console.Options) {
		o.With = func(_ context.Context, do func(operator.Operations) error) error { return do(endless{p.Operations()}) }
	}).enter()
	all := func() url.Values { return url.Values{"all": {"yes"}, "sure": {"yes"}} }
	code, page := b.order("replay", all())
	for _, want := range []string{"Below is how far that is.", "3 of 700", "Cancel the replay"} {
		if code != http.StatusOK || !strings.Contains(page, want) {
			t.Fatalf("%d: no %q in\n%s", code, want, page)
		}
	}
	told := b.events(t, "/events")
	told.next("replaying", "3 of 700")
	if _, page := b.order("replay", all()); !strings.Contains(page, "dead letters are replayed already") {
		t.Errorf("a second one\n%s", page)
	}
	if code, page := b.plans("/replay/cancel", url.Values{}); code != http.StatusOK {
		t.Errorf("%d\n%s", code, page)
	}
	told.next("replaying", "It was cancelled. 3 messages put back on the queue. The others are dead letters still.")
	// The next one is cancelled by the end of the console.
	if _, page := b.order("replay", all()); !strings.Contains(page, "Below is how far that is.") || strings.Contains(page, "It was cancelled") {
		t.Error(page)
	}
}
