package terminal

import (
	"fmt"
	"io"
	"strings"
	"time"

	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
)

// Pipeline prints how changes pass.
func (t Terminal) Pipeline(out io.Writer, p operator.Pipeline) {
	const others = 3
	facts := make([]fact, 0, len(pause.Sides())+others)
	for _, side := range pause.Sides() {
		resting, paused := p.Paused[side]
		lines := []string{pauseState(resting, paused)}
		if asked, known := p.Sides[side]; known {
			lines = append(lines, fmt.Sprintf("%s answered since the process began, %d of them to come less often", operator.Counted(asked.Answered, "request"), asked.Throttled))
		}
		facts = append(facts, fact{strings.ToUpper(string(side[:1])) + string(side[1:]), lines, paused})
	}
	waiting := fmt.Sprintf("%s waiting, %d in flight", operator.Counted(p.Waiting, "change"), p.InFlight)
	if !p.Oldest.IsZero() {
		waiting += fmt.Sprintf(", the oldest queued %s ago", p.At.Sub(p.Oldest).Round(time.Second))
	}
	facts = append(facts,
		fact{"Queue", []string{waiting, operator.Counted(p.DeadLetters, "dead letter")}, p.DeadLetters > 0},
		fact{"Guard", []string{guardState(p.GuardLatchedSince)}, !p.GuardLatchedSince.IsZero()},
		fact{"Latency", latencyLines(p), false},
	)
	t.facts(out, facts)
	if len(p.Last) > 0 {
		t.say(out, "What was done last, of which entrawebex log tells more:")
		t.historyTable(out, p.Last)
	}
}

func latencyLines(p operator.Pipeline) []string {
	tell := func(l operator.Latency) string {
		if l.Count == 0 {
			return "nothing that Graph notified was written"
		}
		return fmt.Sprintf("p50 %s, p99 %s, of %s", milliseconds(l.P50), milliseconds(l.P99), operator.Counted(l.Count, "change"))
	}
	lines := []string{"last five minutes: " + tell(p.Now)}
	if p.Day != nil {
		lines = append(lines, "last day: "+tell(*p.Day))
	}
	return lines
}
