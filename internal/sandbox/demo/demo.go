// Package demo plays a day in a sandbox that a process serves, and shows a person what
// comes of it.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/story"
)

// Options are what a day is like, and who sees it.
type Options struct {
	sandbox.Options

	// Members is how many the largest group has; with 0 there is no such group.
	Members int
	// Stay goes on serving after the day, until the context ends.
	Stay bool
	// Terminal says that what is written is seen on one.
	Terminal bool
}

// ErrReported is returned where the report has told what is wrong: Webex is not what
// Entra says, or the day was not over.
var ErrReported = errors.New("the report says what is wrong")

// demo is a day in a sandbox that a process serves.
type demo struct {
	*sandbox.Sandbox

	options Options
	process *standalone.Process
	report  *report
}

// Run plays a day and returns nil only if Webex is what Entra says at its end. What
// environ says of a run holds, save for what the sandbox needs.
func Run(ctx context.Context, out io.Writer, environ []string, options Options) error {
	if options.Silent {
		environ = append([]string{"RECONCILE_INTERVAL=2s"}, environ...)
	}
	s, err := sandbox.Open(ctx, options.Options)
	if err != nil {
		return err
	}
	defer s.Close()
	data, err := os.MkdirTemp("", "entrawebex-sandbox-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(data) }() // the system empties that folder anyway
	load := func(ctx context.Context) (config.Settings, error) {
		return config.Load(ctx, config.OneProcess, slices.Concat(environ, s.Environ(data)), config.Secret)
	}
	settings, err := load(ctx)
	if err != nil {
		return err
	}
	logFile, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }() // it goes with its folder
	d := &demo{Sandbox: s, options: options, report: newReport(out, s.Tenant, options.Terminal)}
	log := slog.New(slog.NewJSONHandler(logFile, nil))
	d.process, err = standalone.Open(ctx, settings, config.NewLatest(settings, load, time.Now, log), log, d.report.attempt)
	if err != nil {
		return err
	}
	return errors.Join(d.play(ctx), d.process.Close())
}

// play subscribes, lets the day happen and tells what came of it.
func (d *demo) play(whole context.Context) error {
	ctx, stop := context.WithCancel(whole)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.process.Run(ctx) })
	group.Go(func() error {
		d.Tenant.Run(ctx)
		return nil
	})
	group.Go(func() error {
		defer stop()
		err := d.day(ctx)
		if err != nil && whole.Err() != nil {
			d.report.note("Stopped before the day was over: what is in Webex was not compared with Entra.")
			return ErrReported
		}
		return err
	})
	return group.Wait()
}

func (d *demo) day(ctx context.Context) error {
	d.report.opening(d)
	if d.process.Subscriptions != nil {
		subscribed := func() bool {
			return d.Tenant.Calls.Snapshot()["POST /subscriptions"] == len(d.process.Subscriptions.Resources)
		}
		if err := sandbox.Wait(ctx, time.Minute, subscribed); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	if err := d.initialSync(ctx); err != nil {
		return err
	}
	if d.Storm != nil {
		d.Storm.Blow(true)
	}
	if err := d.happen(ctx, story.Day(d.options.Seed)[1:]); err != nil { // everybody is noticed already
		return err
	}
	if err := d.administer(ctx); err != nil {
		return err
	}
	if d.options.Members > 0 {
		if err := d.happen(ctx, story.Takeover(d.options.Seed, d.options.Members)); err != nil {
			return err
		}
	}
	if d.Storm != nil {
		d.Storm.Blow(false)
		d.report.note("The storm ends.")
	}
	var allowed []compare.Allowance
	if d.process.Settings.NestedGroups {
		allowed = append(allowed, compare.Nested)
	}
	rules := d.process.Rules(ctx)
	if err := d.settle(ctx, func() int { return len(compare.Differences(d.Tenant, d.Org, rules, allowed...)) }); err != nil {
		return err
	}
	differences := compare.Differences(d.Tenant, d.Org, rules, allowed...)
	d.report.summary(d, compare.Memberships(d.Tenant, rules, allowed...), differences)
	if d.options.Stay {
		d.report.note("Serving until interrupted (Ctrl-C).")
		<-ctx.Done()
		return nil
	}
	if len(differences) > 0 {
		return ErrReported
	}
	return nil
}

// happen lets the steps happen, one after the other. Not every change has to land
// before the next step: a life does not wait either.
func (d *demo) happen(ctx context.Context, steps []story.Step) error {
	const moment = 400 * time.Millisecond
	for _, step := range steps {
		d.report.step(step.Title)
		if err := step.Apply(d.Tenant); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
		if err := sandbox.Wait(ctx, moment, d.quiet(ctx)); err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// settle waits until the day is over, and says what is left of it. The error is
// that of ctx if it ends before.
func (d *demo) settle(ctx context.Context, differ func() int) error {
	over := d.rested(d.quiet(ctx), differ, d.report.note)
	if d.Silent { // nothing on the queue does not say that nothing will be
		over = func() bool { return differ() == 0 }
	}
	// Longer than the longest pause between two attempts, which is ten minutes.
	const patience = 15 * time.Minute
	began := time.Now()
	switch err := sandbox.Wait(ctx, patience, over); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		d.report.note("the queue is not empty after " + patience.String())
	case !d.Silent && !d.quiet(ctx)():
		d.report.note("Both sides are equal. What stays queued are second looks at writes whose answer was lost, minutes after them.")
	}
	if d.Silent {
		d.report.note(fmt.Sprintf("All was found %s after the last change; Graph is asked every %s.", time.Since(began).Round(100*time.Millisecond), d.process.Settings.ReconcileInterval))
	}
	return nil
}

// rested returns whether the day is over: nothing is on its way, or both sides
// have been equal for longer than a write takes that is under way. A second look
// comes minutes after a write whose answer was lost, and changes nothing then.
// While they differ it tells now and then by how much.
func (d *demo) rested(quiet func() bool, differ func() int, tell func(string)) func() bool {
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
		if n := differ(); n > 0 || d.Tenant.Undelivered() > 0 {
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
func (d *demo) quiet(ctx context.Context) func() bool {
	return func() bool {
		depth, err := d.process.Stores.Changes.Depth(ctx)
		return err == nil && depth.Visible+depth.InFlight == 0 && d.Tenant.Undelivered() == 0
	}
}
