package operator

import (
	"context"
	"time"

	"entrawebex/internal/history"
	"entrawebex/internal/pause"
)

// PipelineRequest asks how changes pass.
type PipelineRequest struct {
	// Day asks for the latency of the last day, too, which is more to read.
	Day bool `json:"day,omitempty"`
}

// Pipeline is how changes pass from Graph to Webex, and in this form what
// pipeline --json prints. No record is read for it: it can be asked for again and again.
type Pipeline struct {
	// At is when it was looked at.
	At time.Time `json:"at"`
	// Paused are the paused sides.
	Paused            pause.State `json:"paused"`
	GuardLatchedSince time.Time   `json:"guardLatchedSince,omitzero"`
	// Waiting and InFlight are changes, DeadLetters messages.
	Waiting     int `json:"waiting"`
	InFlight    int `json:"inFlight"`
	DeadLetters int `json:"deadLetters"`
	// Oldest is when the change was queued that has been there longest; zero if there is
	// none, and with SQS.
	Oldest time.Time `json:"oldest,omitzero"`
	// Now is the latency of the last five minutes, Day that of the last day; nil where it
	// was not asked for.
	Now Latency  `json:"now"`
	Day *Latency `json:"day,omitempty"`
	// Sides are the requests to each since the process began; empty where another process
	// makes them.
	Sides map[pause.Side]Requests `json:"sides,omitempty"`
	// Last are the newest entries of the provisioning log, the newest first.
	Last []history.Entry `json:"last"`
}

// Requests are those that a side answered, and how many of them by saying that they come
// too often.
type Requests struct {
	Answered  int `json:"answered"`
	Throttled int `json:"throttled"`
}

const (
	// just is the time of Pipeline.Now, of which justEntries are read at most.
	just        = 5 * time.Minute
	justEntries = 250
	// passedLast is how many entries of the log are told.
	passedLast = 12
)

// Pipeline reads how changes pass.
func (o *Operator) Pipeline(ctx context.Context, r PipelineRequest) (Pipeline, error) {
	if err := o.bound(ctx); err != nil {
		return Pipeline{}, err
	}
	s := Status{At: o.Now().UTC()}
	for _, read := range []func(context.Context, *Status) error{o.readRests, o.readQueues} {
		if err := read(ctx, &s); err != nil {
			return Pipeline{}, err
		}
	}
	p := Pipeline{
		At: s.At, Paused: s.Paused, GuardLatchedSince: s.GuardLatchedSince, Waiting: s.Waiting, InFlight: s.InFlight,
		DeadLetters: s.DeadLetters, Oldest: s.Oldest, Last: []history.Entry{},
	}
	if o.Requests != nil {
		p.Sides = map[pause.Side]Requests{}
		for side, t := range o.Requests() {
			p.Sides[side] = Requests{Answered: t.Answered, Throttled: t.Refused}
		}
	}
	var err error
	if p.Now, err = o.latency(ctx, s.At.Add(-just), justEntries); err != nil {
		return Pipeline{}, err
	}
	if r.Day {
		const day = 24 * time.Hour
		of, err := o.latency(ctx, s.At.Add(-day), MaxHistory)
		if err != nil {
			return Pipeline{}, err
		}
		p.Day = &of
	}
	p.Last, err = o.last(ctx)
	return p, err
}

// last are the newest entries of the log.
func (o *Operator) last(ctx context.Context) ([]history.Entry, error) {
	entries := []history.Entry{}
	if o.Kept == nil {
		return entries, nil
	}
	for e, err := range o.Kept.Entries(ctx, history.Span{}) {
		if err != nil {
			return nil, err
		}
		if entries = append(entries, e); len(entries) == passedLast {
			break
		}
	}
	return entries, o.name(ctx, entries)
}
