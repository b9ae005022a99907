// Package pause stops the work on a side, Graph or Webex, whose probe fails,
// so that an outage or a dead token does not spend the attempts of everything
// on the queue, and lets it go on when the probe succeeds again. It is what
// Entra's provisioning service calls quarantine.
package pause

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"entrawebex/internal/document"
	"entrawebex/internal/provision"
)

// Side is what work depends on.
type Side string

// The sides.
const (
	Graph Side = "graph"
	Webex Side = "webex"
)

// Sides are all sides.
func Sides() []Side { return []Side{Graph, Webex} }

// Pause says why a side is paused.
type Pause struct {
	// Since is when it began.
	Since time.Time `json:"since"`
	// Why is one sentence, with the mend if there is one.
	Why string `json:"why"`
	// ByOperator says that a person paused it. Only a person resumes it then.
	ByOperator bool `json:"byOperator,omitempty"`
	// FailedSince is since when, beneath an operator's pause, the side's own
	// trouble lasts or lasted: what its end owes is owed by the operator's end too.
	// Zero if there was none, and in an automatic pause, which is one since Since.
	FailedSince time.Time `json:"failedSince,omitzero"`
}

// failed is since when the side's own trouble lasts; zero if it has none.
func (p Pause) failed() time.Time {
	if p.ByOperator {
		return p.FailedSince
	}
	return p.Since
}

// began is when the work was stopped, whoever stopped it first.
func (p Pause) began() time.Time {
	if failed := p.failed(); !failed.IsZero() && failed.Before(p.Since) {
		return failed
	}
	return p.Since
}

// is reports whether q is this very pause, and not one that began since.
func (p Pause) is(q Pause) bool {
	return p.Since.Equal(q.Since) && p.ByOperator == q.ByOperator && p.FailedSince.Equal(q.FailedSince) && p.Why == q.Why
}

// State is what is paused; nothing if it is empty.
type State map[Side]Pause

// String says in one line what is paused and why.
func (s State) String() string {
	if len(s) == 0 {
		return "nothing is paused"
	}
	var parts []string
	for _, side := range Sides() {
		if p, ok := s[side]; ok {
			parts = append(parts, fmt.Sprintf("%s is paused since %s: %s", side, p.Since.UTC().Format(time.RFC3339), p.Why))
		}
	}
	return strings.Join(parts, "; ")
}

// Switch pauses and resumes. It is safe for concurrent use, and any number of
// processes share one state.
type Switch struct {
	Documents document.Store
	// Probes ask a side for something harmless. A nil error says that it
	// works.
	Probes map[Side]func(ctx context.Context) error
	Now    func() time.Time
	Log    *slog.Logger

	mu     sync.Mutex
	row    int       // attempts that failed since one last did not
	probed time.Time // when the sides were last asked because of that
}

const (
	pauseDocument = "pause"
	// longest is the pause after which everything is compared: the queue keeps a
	// message for 14 days, and Graph repeats none for as long.
	longest = 3 * 24 * time.Hour
	// longestRow is how many attempts may fail in a row before the sides are
	// probed.
	longestRow = 10
	// probePause is the least time between two such probes of a process.
	probePause = 30 * time.Second
)

// Prober can be asked for something harmless.
type Prober interface {
	Probe(ctx context.Context) error
}

// New returns a Switch over two sides.
func New(documents document.Store, graph, webex Prober, log *slog.Logger) *Switch {
	return &Switch{
		Documents: documents, Now: time.Now, Log: log,
		Probes: map[Side]func(ctx context.Context) error{Graph: graph.Probe, Webex: webex.Probe},
	}
}

// State reads what is paused.
func (s *Switch) State(ctx context.Context) (State, error) {
	return s.paused().Read(ctx)
}

// Why returns what is paused and why, in one line; empty if nothing is.
func (s *Switch) Why(ctx context.Context) (string, error) {
	state, err := s.State(ctx)
	if len(state) == 0 {
		return "", err
	}
	return state.String(), err
}

// Refused returns since when a side has been paused because its probe fails,
// also where an operator paused it after that; zero if it has not.
func (s *Switch) Refused(ctx context.Context, side Side) (time.Time, error) {
	state, err := s.State(ctx)
	return state[side].failed(), err
}

func (s *Switch) paused() document.Document[State] {
	return document.Document[State]{Store: s.Documents, Name: pauseDocument}
}

// Pause pauses a side; one that is paused stays so for the first reason,
// unless it is a person's turn to say. Of the two it keeps what the automatic
// one owes: a person's pause outlives it.
func (s *Switch) Pause(ctx context.Context, side Side, p Pause) error {
	return s.paused().Update(ctx, func(state *State) (bool, error) {
		old, paused := (*state)[side]
		switch {
		case !paused:
		case old.ByOperator && !p.ByOperator && old.FailedSince.IsZero():
			old.FailedSince = p.Since
			p = old
		case old.ByOperator || !p.ByOperator:
			return false, nil
		default:
			p.FailedSince = old.Since
		}
		if *state == nil {
			*state = State{}
		}
		(*state)[side] = p
		return true, nil
	})
}

// Resume lets the work on a side go on, whoever paused it. After trouble of the
// side's own a replay is due, which is noted first: see Recovery.
func (s *Switch) Resume(ctx context.Context, side Side) error {
	_, err := s.resume(ctx, side, func(Pause) bool { return true })
	return err
}

// resume ends the side's pause if it is the one that is meant, and reports
// whether it did. Where another write came between, it looks again at what is
// paused then.
func (s *Switch) resume(ctx context.Context, side Side, meant func(Pause) bool) (bool, error) {
	resumed := false
	err := s.paused().Update(ctx, func(state *State) (bool, error) {
		p, paused := (*state)[side]
		resumed = paused && meant(p)
		if !resumed {
			return false, nil
		}
		compare := ""
		if rest := s.Now().Sub(p.began()); rest >= longest {
			compare = fmt.Sprintf("%s was paused for %s", side, rest.Round(time.Hour))
		}
		if !p.failed().IsZero() || compare != "" {
			if err := s.owe(ctx, compare); err != nil {
				return false, err
			}
		}
		delete(*state, side)
		return true, nil
	})
	return resumed && err == nil, err
}

// Watch looks at what came of attempts. Credentials that were refused, a proxy
// or a gateway that answered in a side's place, or a row of failures with no
// success between, make it probe both sides; one whose probe fails is paused.
func (s *Switch) Watch(ctx context.Context, attempts []provision.Attempt) error {
	if !s.suspicious(attempts) {
		return nil
	}
	var failed []error
	for _, side := range Sides() {
		if err := s.Probes[side](ctx); counts(err) {
			failed = append(failed, s.failed(ctx, side, err))
		}
	}
	return errors.Join(failed...)
}

// failed pauses a side whose probe failed.
func (s *Switch) failed(ctx context.Context, side Side, why error) error {
	s.Log.ErrorContext(ctx, "paused", "side", string(side), "reason", why.Error())
	return s.Pause(ctx, side, Pause{Since: s.Now(), Why: why.Error()})
}

// Check probes a side of which nothing was heard for a while, and returns what its probe
// did. One that refuses its credentials is paused before a change meets that; that it does
// not answer once is no proof of an outage.
func (s *Switch) Check(ctx context.Context, side Side) error {
	err := s.Probes[side](ctx)
	if f := provision.AsFault(err); f != nil && f.Kind.Policy().Says == provision.Refuses {
		return errors.Join(err, s.failed(ctx, side, err))
	}
	return err
}

// counts reports whether a probe's error is one that pauses a side. A server
// that asks for a moment works.
func counts(err error) bool {
	f := provision.AsFault(err)
	return f != nil && f.Kind.Policy().Retry != provision.AsAsked
}

// suspicious reports whether the sides are to be probed now. Waiting is no
// failure: a server that asks for a moment works, and a claim that is taken says
// nothing of the sides.
func (s *Switch) suspicious(attempts []provision.Attempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	refused := false
	for _, a := range attempts {
		switch {
		case a.Fault == nil:
			s.row = 0 // both sides answered
		case a.Fault.Foreign:
			refused = true
		case errors.Is(a.Fault, provision.ErrClaimed):
		default:
			switch a.Fault.Kind.Policy().Says {
			case provision.Answers:
				s.row = 0
			case provision.Fails:
				s.row++
			case provision.Refuses:
				refused = true
			case provision.Neutral:
			}
		}
	}
	if !refused && s.row < longestRow || s.Now().Sub(s.probed) < probePause {
		return false
	}
	s.row, s.probed = 0, s.Now()
	return true
}

// Probe resumes the sides that were paused without a person and work again,
// and returns them. An error about one keeps no other from it. What a probe found
// is true of the pause that it was made in: one that began since, and what an
// operator said while the probe ran, stays.
func (s *Switch) Probe(ctx context.Context) (resumed []Side, err error) {
	state, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	var failed []error
	still := func(side Side, why string) {
		s.Log.WarnContext(ctx, "still paused", "side", string(side), "since", state[side].Since, "reason", why)
	}
	for _, side := range slices.DeleteFunc(Sides(), func(side Side) bool {
		_, paused := state[side]
		return !paused
	}) {
		if p := state[side]; p.ByOperator {
			still(side, p.Why)
			continue
		}
		if err := s.Probes[side](ctx); counts(err) {
			still(side, err.Error())
			continue
		}
		ended, err := s.resume(ctx, side, state[side].is)
		if err != nil || !ended {
			failed = append(failed, err)
			continue
		}
		s.Log.InfoContext(ctx, "resumed", "side", string(side), "paused", s.Now().Sub(state[side].Since))
		resumed = append(resumed, side)
	}
	return resumed, errors.Join(failed...)
}
