package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/history"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/printable"
)

// flow is the way of changes as it is now.
type flow struct {
	operator.Pipeline

	// Stations are those that a change passes.
	Stations []station
}

// station is one that a change passes.
type station struct {
	ID, Name string
	// Value is what counts there, Unit of what it is a number, and Lines what else there is.
	Value, Unit string
	Lines       []string
	Trouble     bool
}

// beat is a reading of the counters, for what is done in a second.
type beat struct {
	at    time.Time
	sides map[pause.Side]operator.Requests
}

const (
	// beats is for how long back requests are counted for what is asked in a second.
	beats = 5 * time.Second
	// dayStands is for how long the latency of a day does: it is a lot to read.
	dayStands = time.Minute
)

// flows reads the way of changes again and again. It is not safe for concurrent use.
type flows struct {
	*pages

	before []beat
	day    operator.Latency
	read   time.Time // of the day
}

// next reads it once more.
func (f *flows) next(ctx context.Context) (flow, error) {
	now := f.Now()
	old := now.Sub(f.read) >= dayStands
	var made flow
	err := f.With(ctx, func(o operator.Operations) (err error) {
		made.Pipeline, err = o.Pipeline(ctx, operator.PipelineRequest{Day: old})
		return err
	})
	if err != nil {
		return flow{}, err
	}
	if made.Day != nil {
		f.day, f.read = *made.Day, now
	}
	made.Day = &f.day
	f.before = append(f.before, beat{made.At, made.Sides})
	for len(f.before) > 2 && made.At.Sub(f.before[1].at) >= beats {
		f.before = f.before[1:]
	}
	made.Stations = f.stations(made.Pipeline)
	return made, nil
}

func (f *flows) stations(p operator.Pipeline) []station {
	queue := station{ID: "queue", Name: "Queue", Value: strconv.Itoa(p.Waiting), Unit: "waiting"}
	if p.Waiting+p.InFlight > 0 && !p.Oldest.IsZero() {
		queue.Lines = append(queue.Lines, "oldest "+length(p.At.Sub(p.Oldest)))
	} else {
		queue.Lines = append(queue.Lines, "nobody waits")
	}
	if p.DeadLetters > 0 {
		queue.Trouble = true
		queue.Lines = append(queue.Lines, operator.Counted(p.DeadLetters, "dead letter"))
	}
	webhook := station{ID: "webhook", Name: "Webhook", Value: strconv.Itoa(p.Now.Count), Unit: "notified", Lines: []string{"in 5 min, and written"}}
	if at := p.At.Sub(p.Now.Since); at < 5*time.Minute-time.Second {
		webhook.Lines = []string{"in " + length(at) + ", and written"}
	}
	worker := station{ID: "worker", Name: "Worker", Value: strconv.Itoa(p.InFlight), Unit: "in flight"}
	if len(p.Last) > 0 {
		worker.Lines = append(worker.Lines, "last at "+p.Last[0].At.UTC().Format(time.TimeOnly))
	}
	return []station{f.side(p, pause.Graph), webhook, queue, worker, f.side(p, pause.Webex)}
}

// side is the station of a side.
func (f *flows) side(p operator.Pipeline, side pause.Side) station {
	s := station{ID: string(side), Name: sideName(side), Value: "–", Unit: "calls/s"}
	if asked, known := p.Sides[side]; known {
		first := f.before[0]
		if passed := p.At.Sub(first.at).Seconds(); passed > 0 {
			s.Value = strings.TrimSuffix(fmt.Sprintf("%.1f", float64(asked.Answered-first.sides[side].Answered)/passed), ".0")
		} else {
			s.Value = "0"
		}
		s.Lines = append(s.Lines, fmt.Sprintf("%d in all", asked.Answered))
		if asked.Throttled > 0 {
			s.Lines = append(s.Lines, fmt.Sprintf("%d throttled", asked.Throttled))
		}
	} else {
		s.Lines = append(s.Lines, "CloudWatch counts")
	}
	if _, paused := p.Paused[side]; paused {
		s.Value, s.Unit, s.Trouble = "paused", "", true
	}
	return s
}

// Resting are both sides; one that works has no pause.
func (f flow) Resting() []restingSide {
	sides := make([]restingSide, 0, len(pause.Sides()))
	for _, side := range pause.Sides() {
		sides = append(sides, restingSide{side, f.Paused[side]})
	}
	return sides
}

// row is a change that passed.
type row struct{ history.Entry }

// Passed are the newest entries.
func (f flow) Passed() []row {
	rows := make([]row, len(f.Last))
	for i, e := range f.Last {
		rows[i] = row{e}
	}
	return rows
}

// What says in a few words what was written.
func (r row) What() string {
	var names []string
	for _, m := range r.Modified {
		names = append(names, m.DisplayName)
	}
	if m := r.Members; m != nil && m.Added+m.Removed > 0 {
		names = append(names, fmt.Sprintf("%s added, %d removed", operator.Counted(m.Added, "member"), m.Removed))
	}
	if reason := r.Reason(); reason != "" {
		names = append(names, reason)
	}
	const enough = 110
	return printable.Short(strings.Join(names, ", "), enough)
}
