package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/story"
)

type sandboxOptions struct {
	sandbox.Options

	members int
	stay    bool
}

// stage is a sandbox on which a day is played.
type stage struct{ *sandbox.Sandbox }

// runSandbox plays a day and returns nil only if Webex is what Entra says at
// its end.
func runSandbox(ctx context.Context, out io.Writer, environ []string, options sandboxOptions) error {
	if options.Silent {
		environ = append([]string{"RECONCILE_INTERVAL=2s"}, environ...)
	}
	opened, err := sandbox.Open(ctx, options.Options)
	if err != nil {
		return err
	}
	defer opened.Close()
	s := stage{opened}
	data, err := os.MkdirTemp("", "entrawebex-sandbox-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }() // the system empties that folder anyway
	settings, err := s.settings(ctx, environ, data)
	if err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }() // it goes with its folder
	show := newScreen(out, s.Tenant)
	load := func(ctx context.Context) (config.Settings, error) { return s.settings(ctx, environ, data) }
	log := slog.New(slog.NewJSONHandler(logFile, nil))
	p, err := standalone.Open(ctx, settings, config.NewLatest(settings, load, time.Now, log), log, show.attempt)
	if err != nil {
		return err
	}
	return errors.Join(s.play(ctx, p, show, options), p.Close())
}

// settings are those of a real run, pointed at the stage. What the environment
// says about the rest holds.
func (s stage) settings(ctx context.Context, environ []string, data string) (config.Settings, error) {
	return config.Load(ctx, config.OneProcess, append(environ, s.Environ(data)...), config.Secret)
}

// play subscribes, lets the day happen and tells what came of it.
func (s stage) play(whole context.Context, p *standalone.Process, show *screen, options sandboxOptions) error {
	ctx, stop := context.WithCancel(whole)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.Run(ctx) })
	group.Go(func() error {
		s.Tenant.Run(ctx)
		return nil
	})
	group.Go(func() error {
		defer stop()
		err := s.day(ctx, p, show, options)
		if err != nil && whole.Err() != nil {
			show.note("Stopped before the day was over: what is in Webex was not compared with Entra.")
			return errReported
		}
		return err
	})
	return group.Wait()
}

func (s stage) day(ctx context.Context, p *standalone.Process, show *screen, options sandboxOptions) error {
	show.opening(s, p, options)
	if p.Subscriptions != nil {
		subscribed := func() bool { return s.Tenant.Calls.Snapshot()["POST /subscriptions"] == len(p.Subscriptions.Resources) }
		if err := sandbox.Wait(ctx, time.Minute, subscribed); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	if err := s.dawn(ctx, p, show); err != nil {
		return err
	}
	if s.Storm != nil {
		s.Storm.Blow(true)
	}
	day := story.Day(options.Seed)[1:] // everybody is noticed already
	if options.members > 0 {
		day = append(day, story.Takeover(options.Seed, options.members)...)
	}
	for _, step := range day {
		show.step(step.Title)
		if err := step.Apply(s.Tenant); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
		// Not every change has to land before the next step: a life does not
		// wait either.
		const breath = 400 * time.Millisecond
		if err := sandbox.Wait(ctx, breath, s.quiet(ctx, p)); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if s.Storm != nil {
		s.Storm.Blow(false)
		show.note("The storm ends.")
	}
	var allowed []compare.Allowance
	if p.Settings.NestedGroups {
		allowed = append(allowed, compare.Nested)
	}
	if err := s.evening(ctx, p, show, func() int { return len(compare.Differences(s.Tenant, s.Org, allowed...)) }); err != nil {
		return err
	}
	differences := compare.Differences(s.Tenant, s.Org, allowed...)
	show.summary(s, compare.Memberships(s.Tenant, allowed...), differences)
	if options.stay {
		show.note("Serving until interrupted (Ctrl-C).")
		<-ctx.Done()
		return nil
	}
	if len(differences) > 0 {
		return errReported
	}
	return nil
}

// evening waits until the day is over, and says what is left of it. The error is
// that of ctx if it ends before.
func (s stage) evening(ctx context.Context, p *standalone.Process, show *screen, differ func() int) error {
	over := s.rested(s.quiet(ctx, p), differ, show.note)
	if s.Silent { // nothing on the queue does not say that nothing will be
		over = func() bool { return differ() == 0 }
	}
	const patience = 5 * time.Minute
	began := time.Now()
	switch err := sandbox.Wait(ctx, patience, over); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		show.note("the queue is not empty after " + patience.String())
	case !s.Silent && !s.quiet(ctx, p)():
		show.note("Both sides are equal. What stays queued are second looks at writes whose answer was lost, minutes after them.")
	}
	if s.Silent {
		show.note(fmt.Sprintf("All was found %s after the last change; Graph is asked every %s.", time.Since(began).Round(100*time.Millisecond), p.Settings.ReconcileInterval))
	}
	return nil
}

// rested returns whether the day is over: nothing is on its way, or both sides
// have been equal for longer than a write takes that is under way. A second look
// comes minutes after a write whose answer was lost, and changes nothing then.
// While they differ it tells now and then by how much.
func (s stage) rested(quiet func() bool, differ func() int, tell func(string)) func() bool {
	const calm, pause, silence = 3 * time.Second, 100 * time.Millisecond, 15 * time.Second
	began := time.Now()
	equal, looked, told := began, began, began
	return func() bool {
		now := time.Now()
		switch {
		case quiet():
			return true
		case now.Sub(looked) < pause: // to compare takes a while
			return false
		}
		looked = now
		if n := differ(); n > 0 || s.Tenant.Undelivered() > 0 {
			equal = now
			if now.Sub(told) >= silence {
				told = now
				tell(fmt.Sprintf("… %s after %s: what failed is tried again, some of it only minutes later",
					operator.Counted(n, "difference"), now.Sub(began).Round(time.Second)))
			}
		}
		return now.Sub(equal) >= calm
	}
}

// quiet reports whether nothing is on its way any more.
func (s stage) quiet(ctx context.Context, p *standalone.Process) func() bool {
	return func() bool {
		depth, err := p.Stores.Changes.Depth(ctx)
		return err == nil && depth.Visible+depth.InFlight == 0 && s.Tenant.Undelivered() == 0
	}
}
