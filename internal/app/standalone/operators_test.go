package standalone_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/sandbox/story"
)

// reach is an operator of the process that serves a sandbox.
func reach(t *testing.T, s *runtest.Sandbox) operator.Operations {
	t.Helper()
	o, err := operations.Open(t.Context(), []string{"DATA_DIR=" + s.DataDir}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, asks := o.Operations.(*operator.Client); !asks {
		t.Fatalf("%T", o.Operations)
	}
	return o
}

func TestASocketThatACrashLeftIsReplaced(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	runtest.Crash(t, s.DataDir)
	p := s.Open()
	var served sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	served.Go(func() {
		if err := p.ServeOperators(ctx); err != nil {
			t.Error(err)
		}
	})
	o := reach(t, s)
	if state, err := o.Pause(ctx, operator.PauseRequest{Side: pause.Webex, Why: "maintenance"}); err != nil || len(state) != 1 {
		t.Errorf("%v, %v", state, err)
	}
	stop()
	served.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestAProcessThatCanHaveNoSocketRunsWithoutOne(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	s.DataDir += "/" + strings.Repeat("x", 120)
	p := s.Open()
	if p.HasSocket() {
		t.Error("it listens")
	}
	if err := errors.Join(p.ServeOperators(t.Context()), p.Close()); err != nil {
		t.Error(err)
	}
}

func TestACommandEndsWithTheRunThatCarriesItOut(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	p := s.Open()
	const many = 30
	letters := make([]queue.Entry, many)
	for i := range letters {
		letters[i] = queue.Entry{Group: story.WellKnownID, Body: []byte("{}")}
	}
	if err := p.Stores.DeadLetters.Send(t.Context(), letters); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := p.ServeOperators(ctx); err != nil {
			t.Error(err)
		}
	})
	group.Go(func() {
		_, err := reach(t, s).Replay(t.Context(), replay.Request{Rate: 1}, nil)
		if err == nil || !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("error %v", err)
		}
	})
	moved := func() bool {
		depth, err := p.Stores.DeadLetters.Depth(t.Context())
		return err == nil && depth.Visible+depth.InFlight < many
	}
	if err := sandbox.Wait(t.Context(), time.Minute, moved); err != nil {
		t.Error(err)
	}
	stop()
	group.Wait()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
