package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/progress"
	"entrawebex/internal/replay"
)

// soon is for how long whoever orders a replay waits for its end: most are short.
const soon = 2 * time.Second

// replaying is the replay of dead letters that goes on, or went last. It is safe for
// concurrent use.
type replaying struct {
	work

	mu       sync.Mutex
	running  bool
	done, of int
	began    time.Time
	came     notice // of the last that somebody did not wait for
}

// replayed is how far a replay is, or what came of it.
type replayed struct {
	Running bool
	Far     string
	Came    notice
}

func (g *replaying) now(at time.Time) replayed {
	g.mu.Lock()
	defer g.mu.Unlock()
	state := replayed{Running: g.running, Came: g.came}
	if g.running && g.of > 0 {
		state.Far = progress.Far(g.done, g.of, at.Sub(g.began))
	}
	return state
}

func (g *replaying) tell(done, of int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.done, g.of = done, of
}

// beginReplay has dead letters put back, and returns what came of it, or that it goes on.
func (p *pages) beginReplay(ctx context.Context, form url.Values) (notice, error) {
	request, err := replayRequest(form)
	if err != nil {
		return notice{}, err
	}
	g := &p.replaying
	var came notice
	done, ok := g.begin(ctx, func(ctx context.Context) {
		g.mu.Lock()
		g.running, g.done, g.of, g.began, g.came = true, 0, 0, p.Now(), notice{}
		g.mu.Unlock()
		came = p.replay(ctx, request)
		g.mu.Lock()
		defer g.mu.Unlock()
		g.running, g.came = false, came
		p.status.forget()
		p.flow.forget()
	})
	if !ok {
		return notice{}, &operator.Error{Kind: operator.Refused, Message: "dead letters are replayed already: wait for that, or cancel it"}
	}
	patience := time.NewTimer(soon)
	defer patience.Stop()
	select {
	case <-done:
		g.mu.Lock()
		defer g.mu.Unlock()
		g.came = notice{}
		return came, nil
	case <-patience.C:
		return notice{Text: "Dead letters are put back on the queue. Below is how far that is."}, nil
	}
}

// replay puts dead letters back, and says what came of it.
func (p *pages) replay(ctx context.Context, request replay.Request) notice {
	var result replay.Result
	err := p.With(ctx, func(o operator.Operations) (err error) {
		result, err = o.Replay(ctx, request, p.replaying.tell)
		return err
	})
	n := notice{Text: operator.Counted(result.Moved, "message") + " put back on the queue.", Link: "/log?span=1h", LinkText: "See what comes of it"}
	switch {
	case err != nil && ctx.Err() != nil:
		n.Text = fmt.Sprintf("It was cancelled. %s The others are dead letters still.", n.Text)
	case err != nil:
		p.Log.WarnContext(ctx, "a replay from the console failed", "error", err)
		n.Bad, n.Lines = true, []string{err.Error()}
	case result.Task != "":
		n.Text = "SQS moves all of them, by itself."
	}
	if result.Left > 0 {
		n.Lines = append(n.Lines, fmt.Sprintf("About %d were not looked at: replay once more.", result.Left))
	}
	return n
}

func (p *pages) cancelReplay(w http.ResponseWriter, r *http.Request) {
	p.replaying.stop()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
