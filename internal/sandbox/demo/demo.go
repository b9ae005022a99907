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
	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/play"
	"entrawebex/internal/sandbox/story"
	"entrawebex/internal/terminal"
	"entrawebex/internal/version"
)

// Options are what a day is like, and who sees it.
type Options struct {
	sandbox.Options

	// Members is how many the largest group has; with 0 there is no such group.
	Members int
	// Stay goes on serving after the day, until the context ends.
	Stay bool
	// Console serves the console while the day is played and after it, as Stay does.
	Console bool
	// Calls lists all calls to either side at the end.
	Calls bool
	// Terminal is what is written to. Live says that somebody watches it, and that a
	// line can be written over.
	Terminal terminal.Terminal
	Live     bool
	// Command is how a person begins the command line of this program.
	Command string
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
		environ = append([]string{"RECONCILE_INTERVAL=1s"}, environ...)
	}
	if !options.Console { // which nobody could look at for long
		environ = append(slices.Clone(environ), "CONSOLE_ADDR=off")
	}
	of := options.Options
	of.Storm = of.Storm || options.Console // which a person may let blow
	s, err := sandbox.Open(ctx, of)
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
	settings.Fleeting = true
	logFile, err := os.Create(filepath.Join(data, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = logFile.Close() }() // it goes with its folder
	d := &demo{Sandbox: s, options: options, report: newReport(out, s.Tenant, options)}
	log := version.Log(slog.New(slog.NewJSONHandler(logFile, nil)))
	d.process, err = standalone.Open(ctx, settings, config.NewLatest(settings, load, time.Now, log), log, d.report.attempt)
	if err != nil {
		return err
	}
	d.process.Offer(play.New(s, options.Seed))
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
			d.report.say("", "Stopped before the day was over: what is in Webex was not compared with Entra.")
			return ErrReported
		}
		return err
	})
	return group.Wait()
}

func (d *demo) day(ctx context.Context) error {
	d.report.say(opening(d.options)...)
	if url := d.process.ConsoleURL(); url != "" {
		d.report.say("", "The console, for one browser, once, within "+console.OpenFor.String()+":", "  "+url, "")
	}
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
	if d.options.Storm {
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
	if d.options.Storm {
		d.Storm.Blow(false)
		d.report.say("", "The storm ends. What failed is tried again, some of it only minutes later.")
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	return d.end(ctx)
}

// end compares both sides and says what the day came to.
func (d *demo) end(ctx context.Context) error {
	differences := d.differences(ctx)
	e := ending{
		took: time.Since(d.report.started), users: len(d.Tenant.Users()), groups: len(d.Tenant.Groups()),
		memberships: compare.Memberships(d.Tenant, d.process.Rules(ctx), d.allowed()...), differences: differences,
		graph: d.Tenant.Calls.Snapshot(), webex: d.Org.Calls.Snapshot(), calls: d.options.Calls,
	}
	if d.options.Storm {
		e.struck = d.Storm.Counts()
	}
	d.report.summary(e)
	if d.options.Stay || d.options.Console {
		d.report.stay()
		d.report.say(serving(d.options.Command, d.Sandbox, d.process)...)
		<-ctx.Done()
		return nil
	}
	if len(differences) > 0 {
		return ErrReported
	}
	d.report.say(next(d.options.Command)...)
	return nil
}

// differences are those of Webex from what Entra says, by the mappings in force.
func (d *demo) differences(ctx context.Context) []compare.Difference {
	return compare.Differences(d.Tenant, d.Org, d.process.Rules(ctx), d.allowed()...)
}

func (d *demo) allowed() []compare.Allowance {
	if d.process.Settings.NestedGroups {
		return []compare.Allowance{compare.Nested}
	}
	return nil
}

// happen lets the steps happen, one after the other: the next when this one has landed.
// In a storm it does not wait for that: a life does not wait either.
func (d *demo) happen(ctx context.Context, steps []story.Step) error {
	for _, step := range steps {
		a := d.report.begin(&act{title: step.Title, many: step.Many, whole: d.Silent})
		if err := step.Apply(d.Tenant); err != nil {
			return fmt.Errorf("%s: %w", step.Title, err)
		}
		if err := d.await(ctx, a, d.landed(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// await waits for the end of an act and tells of it, if only that it is on its way. The
// error is that of ctx if it ends before.
func (d *demo) await(ctx context.Context, a *act, over func() bool) error {
	var patience time.Duration
	switch many := a.many > 0; {
	case d.options.Storm && many: // it has messages wait for minutes
		patience = 30 * time.Second
	case d.options.Storm:
		patience = 400 * time.Millisecond
	case many:
		patience = 10 * time.Minute
	default:
		patience = 20 * time.Second
	}
	// Somebody who watches sees one line after the other.
	const beat = 150 * time.Millisecond
	err := sandbox.Wait(ctx, patience, func() bool {
		d.report.tell(a)
		return over() && (!d.options.Live || time.Since(a.began) >= beat)
	})
	if err != nil && !errors.Is(err, sandbox.ErrTimeout) {
		return err
	}
	d.report.end(a, err == nil)
	return nil
}

// calm is for how long both sides are equal while something is on its way, before that is
// waited for no longer. It is more than a write takes that is under way, and than the
// engine puts off a second look behind which the next change to that object would wait. A
// second look at a write whose answer was lost comes minutes later, and changes nothing.
const calm = 3 * time.Second

// landed returns whether both sides are equal and nothing is on its way, or both have been
// equal for long enough.
func (d *demo) landed(ctx context.Context) func() bool {
	quiet := d.quiet(ctx)
	var looked, equal time.Time
	var took time.Duration
	return func() bool {
		if d.options.Storm { // in which the sides hardly ever are
			return quiet()
		}
		if d.Tenant.Undelivered() > 0 {
			equal = time.Time{}
			return false
		}
		// Of the time that the work takes, little is spent on comparing.
		still, begun := quiet(), time.Now()
		rest := 10 * took
		if still {
			rest = took
		}
		if begun.Sub(looked) < rest {
			return false
		}
		differ := len(d.differences(ctx)) > 0
		looked = time.Now()
		took = looked.Sub(begun)
		switch {
		case differ:
			equal = time.Time{}
			return false
		case equal.IsZero():
			equal = looked
		}
		return still || looked.Sub(equal) >= calm
	}
}

// settle waits until the day is over, and says what is left of it. The error is
// that of ctx if it ends before.
func (d *demo) settle(ctx context.Context) error {
	differ := func() int { return len(d.differences(ctx)) + d.Tenant.Undelivered() }
	over := rested(d.quiet(ctx), differ, func(line string) { d.report.say(line) })
	if d.Silent { // nothing on the queue does not say that nothing will be
		over = d.landed(ctx)
	}
	// Longer than the longest pause between two attempts, which is ten minutes.
	const patience = 15 * time.Minute
	switch err := sandbox.Wait(ctx, patience, over); {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		d.report.say("The queue is not empty after " + patience.String() + ".")
	case !d.Silent && !d.quiet(ctx)():
		d.report.say("Both sides are equal. What stays queued are second looks at writes whose answer was lost, minutes after them.")
	}
	return nil
}

// rested returns whether the day is over: nothing is on its way, or both sides have been
// equal for long enough. While they differ it tells now and then by how much.
func rested(quiet func() bool, differ func() int, tell func(string)) func() bool {
	const pause, silence = 100 * time.Millisecond, 15 * time.Second
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
		if n := differ(); n > 0 {
			equal = now
			if now.Sub(told) >= silence {
				told = now
				tell(fmt.Sprintf("… %s after %s", operator.Counted(n, "difference"), now.Sub(began).Round(time.Second)))
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
