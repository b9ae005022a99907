package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"entrawebex/internal/queue"
)

// Request is what is asked of a replay, and the event of its function. The
// zero Request puts back everything.
type Request struct {
	// Filter is the terms of a Filter.
	Filter []string `json:"filter"`
	// Rate, Limit and DryRun are those of Options.
	Rate   int  `json:"rate"`
	Limit  int  `json:"limit"`
	DryRun bool `json:"dryRun"`
}

// ParseRequest reads an event: {} and a scheduled event of EventBridge put
// back everything. Any other field that is not known is an error, since a
// misspelt filter would choose all.
func ParseRequest(event []byte) (Request, error) {
	var scheduled struct {
		DetailType string `json:"detail-type"`
	}
	if json.Unmarshal(event, &scheduled) == nil && scheduled.DetailType != "" {
		return Request{}, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(event))
	decoder.DisallowUnknownFields()
	var r Request
	if err := decoder.Decode(&r); err != nil {
		return Request{}, fmt.Errorf("decode the request for a replay: %w", err)
	}
	return r, nil
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

// HandleEvent is Run for the event of a Lambda function.
func (j *Job) HandleEvent(ctx context.Context, event json.RawMessage) (Result, error) {
	request, err := ParseRequest(event)
	if err != nil {
		return Result{}, err
	}
	return j.Run(ctx, request)
}

// Run leaves a request for everything to Redrive and does what any other asks
// for by itself.
func (j *Job) Run(ctx context.Context, request Request) (Result, error) {
	filter, err := ParseFilter(time.Now(), request.Filter)
	if err != nil {
		return Result{}, err
	}
	if request.Rate < 0 || request.Limit < 0 {
		return Result{}, errors.New("rate and limit must be 0, for no bound, or more")
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
