package replay

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/queue"
)

// Request is what is asked of a replay. The zero Request puts back everything.
type Request struct {
	// Filter is the terms of a Filter.
	Filter []string `json:"filter"`
	// Rate, Limit and DryRun are those of Options.
	Rate   int  `json:"rate"`
	Limit  int  `json:"limit"`
	DryRun bool `json:"dryRun"`
}

// FilterHelp is told of a Request's Filter by every command that takes one.
const FilterHelp = `
A filter is key=value; with several, all must hold:
  kind=permanent,transient   the kinds of fault
  object=ada@example.com     the users or groups, by a name on either side or an id of
                             Entra or Webex; by the id, if there is a comma in the name
  older=24h                  first seen longer ago than that
  newer=1h                   first seen not as long ago
`

// Check returns why nothing can be put back by the request.
func (r Request) Check(now time.Time) error {
	if _, err := ParseFilter(now, r.Filter); err != nil {
		return err
	}
	if r.Rate < 0 || r.Limit < 0 {
		return errors.New("rate and limit must be 0, for no bound, or more")
	}
	return nil
}

// WellWritten is Check but for the objects that a filter names: those the ledger knows.
func (r Request) WellWritten(now time.Time) error {
	r.Filter = slices.DeleteFunc(slices.Clone(r.Filter), func(term string) bool { return strings.HasPrefix(term, "object=") })
	return r.Check(now)
}

// Job carries out Requests.
type Job struct {
	Dead, Main queue.Queue
	// Redrive has all messages moved without this process, that many a
	// second, and returns the handle of the task; queue.ErrNoRedrive if it
	// cannot. Nil where there is no such service.
	Redrive func(ctx context.Context, rate int) (task string, err error)
	Log     *slog.Logger
}

// Run leaves a request for everything to Redrive and does what any other asks
// for by itself.
func (j *Job) Run(ctx context.Context, request Request) (Result, error) {
	now := time.Now()
	if err := request.Check(now); err != nil {
		return Result{}, err
	}
	filter, err := ParseFilter(now, request.Filter)
	if err != nil {
		return Result{}, err
	}
	if j.Redrive != nil && filter.All() && request.Limit == 0 && !request.DryRun {
		task, err := j.Redrive(ctx, request.Rate)
		if err == nil {
			j.Log.InfoContext(ctx, "redrive started", "task", task)
			return Result{Task: task}, nil
		}
		if !errors.Is(err, queue.ErrNoRedrive) {
			return Result{}, err
		}
		j.Log.WarnContext(ctx, "message after message instead", "error", err)
	}
	result, err := Run(ctx, j.Dead, j.Main, filter, Options{Rate: request.Rate, Limit: request.Limit, DryRun: request.DryRun})
	j.Log.InfoContext(ctx, "replayed", "dryRun", request.DryRun, "moved", result.Moved, "kept", result.Kept, "left", result.Left)
	return result, err
}

// Transient puts back what was given up for a fault that passes. It returns how
// many that were, and about how many more there are of which it cannot tell.
func (j *Job) Transient(ctx context.Context) (moved, left int, err error) {
	result, err := j.Run(ctx, Request{Filter: []string{"kind=transient"}})
	return result.Moved, result.Left, err
}
