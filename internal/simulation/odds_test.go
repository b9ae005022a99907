package simulation_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/pause"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sweep"
)

// habits are what the sides of the seed do otherwise than most.
func (s *storm) habits() habits {
	var h habits
	h.tenant.OneSubscription = s.season["duplicate subscription"]
	if s.season["small pages"] {
		const few = 4
		h.tenant.Page, h.tenant.DeltaMembers, h.org.Page = few, few, few
	}
	if s.notes("search lags") {
		h.org.SearchLag = 3 * time.Minute
	}
	if s.season["address kept"] {
		s.kept = time.Hour << s.dice.IntN(8)
		h.org.KeepNames = s.kept
	}
	h.org.Normalize = s.season["values normalized"]
	h.org.RenameInactive = s.notes("renamed on deactivation")
	return h
}

// addRoom puts the account of a room among the others, of a name that nobody has.
func (s *storm) addRoom() {
	if !s.notes("room among the accounts") {
		return
	}
	if _, err := s.org.Add(map[string]any{"userName": "board@" + domain, "displayName": "Board room", "userType": "room"}); err != nil {
		s.t.Fatal(err)
	}
}

// isCalm reports whether nothing is to be expected but at long intervals: a side
// is out for long, or the faults ended long ago.
func (s *storm) isCalm() bool {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	now := time.Now()
	return now.Before(s.calm) || !s.on && now.Sub(s.ended) > replicaLag+2*slack
}

// sides is the pause, as a process of its own has it.
func (s *storm) sides() *pause.Switch {
	wire := s.wire()
	return pause.New(s.store(), s.directory(wire), s.target(wire), slog.New(slog.DiscardHandler))
}

// recovery is what a pause and its end ask for.
func (s *storm) recovery() *pause.Recovery {
	box := courier{s.changes, s.faults}
	requests := &sweep.Requests{Documents: s.store(), Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	letters := &replay.Job{Dead: s.dead, Main: box, Log: slog.New(slog.DiscardHandler)}
	return &pause.Recovery{Switch: s.sides(), Compare: requests.Request, Replay: letters.Transient}
}

// rests has an operator pause a side now and then, and resume it.
func (s *storm) rests(ctx context.Context) {
	if s.paused {
		if s.dice.IntN(4) == 0 {
			s.resume(ctx)
		}
		return
	}
	if !s.strikes("paused by an operator", 8) {
		return
	}
	side := pause.Sides()[s.dice.IntN(len(pause.Sides()))]
	s.tellf("— an operator pauses %s", side)
	err := s.operator().Pause(ctx, side, pause.Pause{Since: time.Now(), Why: "maintenance", ByOperator: true})
	if err != nil {
		s.failf("pause %s: %v", side, err)
	}
	s.paused = true
}

// resume has an operator resume what an operator has paused.
func (s *storm) resume(ctx context.Context) {
	if !s.paused {
		return
	}
	s.paused = false
	state, err := s.operator().State(ctx)
	for _, side := range pause.Sides() {
		if state[side].ByOperator {
			s.tellf("— an operator resumes %s", side)
			err = errors.Join(err, s.operator().Resume(ctx, side))
		}
	}
	if err != nil {
		s.failf("resume: %v", err)
	}
}

// operator is the pause as an operator has it, whose calls succeed.
func (s *storm) operator() *pause.Switch {
	return pause.New(s.ledger, s.directory(s.network), s.target(s.network), slog.New(slog.DiscardHandler))
}

// recovers is how long three of ten calls fail to a side that is back.
const recovers = 15 * time.Minute

// outage lets a side be down for five minutes to forty hours, in which life goes
// on.
func (s *storm) outage() {
	if s.outages > 0 || !s.strikes("outage", 20) {
		return
	}
	s.outages++
	const shortest, longest, parts = 5 * time.Minute, 40 * time.Hour, 4
	lasts := shortest << s.dice.IntN(10) // up to 43 hours
	lasts = min(lasts+time.Duration(s.dice.IntN(int(lasts))), longest)
	host := []string{graphHost, webexHost, webexHost}[s.dice.IntN(3)]
	s.tellf("— %s is down for %s", host, lasts.Round(time.Minute))
	until := time.Now().Add(lasts)
	s.faults.mu.Lock()
	s.down[host] = until
	if lasts > time.Hour {
		s.calm = until.Add(-slack)
	}
	s.faults.mu.Unlock()
	for range parts {
		s.event()
		s.assignment()
		s.witness.happened()
		s.pass(lasts / parts)
	}
	s.pass(recovers)
}

// isDown is the answer of a side that is down, or comes back; nil if it works.
func (w wire) isDown(r *http.Request) *http.Response {
	w.mu.Lock()
	until, now := w.down[r.URL.Host], time.Now()
	w.mu.Unlock()
	switch {
	case now.Before(until):
		return answered(r, http.StatusServiceUnavailable, nil, "")
	case now.Before(until.Add(recovers)) && w.dice.IntN(10) < 3 && w.notes("502 while recovering"):
		return answered(r, http.StatusBadGateway, nil, "")
	default:
		return nil
	}
}

// rehire hires somebody under the name of one who was deleted for good.
func (s *storm) rehire() {
	if len(s.gone) == 0 || !s.strikes("address kept", 4) {
		return
	}
	name := s.gone[s.dice.IntN(len(s.gone))]
	binned, _ := s.tenant.Deleted()
	if _, err := s.tenant.User(name); err == nil || slices.ContainsFunc(binned, func(id string) bool {
		return strings.EqualFold(s.tenant.LastName(id), name)
	}) {
		return // somebody has it by now, or will
	}
	id, err := s.tenant.Create(graph.User{"userPrincipalName": name, "displayName": "Rehired"})
	if err != nil {
		s.failf("rehire: %v", err)
	}
	s.tellf("— hire %s under the name of one who is gone", id)
}

// byHand has an administrator of Webex change an account that is somebody's.
func (s *storm) byHand(ctx context.Context) {
	if !s.reconciled { // nobody would notice
		return
	}
	reopens := s.strikes("reopened by hand", 8)
	shuts, titles := s.strikes("shut out by hand", 8), s.strikes("title changed by hand", 8)
	if !reopens && !shuts && !titles {
		return
	}
	accounts := s.org.Users()
	var active, inactive []string
	for _, id := range slices.Sorted(maps.Keys(accounts)) {
		owner, _ := accounts[id]["externalId"].(string)
		// One that was made by an attempt which never learned so is sought by its
		// name, and Webex may give it another now.
		_, known, err := s.ledger.LinkedTo(ctx, id)
		switch {
		case s.tenant.LastName(owner) == "" || !known || err != nil:
		case accounts[id]["active"] == true:
			active = append(active, id)
		default:
			inactive = append(inactive, id)
		}
	}
	if reopens {
		s.edit(inactive, "active", true)
	}
	if shuts {
		s.edit(active, "active", false)
	}
	if titles {
		s.edit(active, "displayName", "By hand")
	}
}

// edit sets an attribute of one of the accounts.
func (s *storm) edit(ids []string, attribute string, value any) {
	if len(ids) == 0 {
		return
	}
	id := ids[s.dice.IntN(len(ids))]
	name := s.org.Users()[id]["userName"]
	if err := s.org.Edit(id, func(attributes map[string]any) { attributes[attribute] = value }); err != nil {
		s.tellf("— by hand: %v", err)
		return
	}
	s.edits[[2]string{id, attribute}] = fmt.Sprint(value)
	if now := s.org.Users()[id]["userName"]; now != name { // which Webex itself did, and is of the same hand
		s.edits[[2]string{id, "userName"}] = fmt.Sprint(now)
		s.edits[[2]string{id, `emails[type eq "work"].value`}] = fmt.Sprint(now)
	}
	s.tellf("— by hand: %s of account %s is %v", attribute, id, value)
}

// isByHand reports whether a difference is what somebody made by hand, and is
// left so unless drift is repaired. An account that must not be open is no matter
// of taste.
func (s *storm) isByHand(d compare.Difference) bool {
	made, ok := s.edits[[2]string{d.WebexID, d.Attribute}]
	return ok && !s.repairs && made == d.Got && (d.Attribute != "active" || d.Got == "false")
}

// unequal is what is not as it should be.
func (s *storm) unequal() []compare.Difference {
	return slices.DeleteFunc(s.differences(s.allowed()...), s.isByHand)
}

// equalBut fails the seed unless Webex is what Entra says.
func (s *storm) equalBut() {
	s.t.Helper()
	if differences := s.unequal(); len(differences) > 0 {
		s.failf("%v\nkinds: %s", differences, strings.Join(slices.Sorted(maps.Keys(s.counts)), ", "))
	}
}

// courier is the queue as a worker reaches it.
type courier struct {
	queue.Queue
	*faults
}

func (c courier) Receive(ctx context.Context, limit int, visibility, wait time.Duration) ([]queue.Message, error) {
	if c.strikes("queue cannot be received from", 30) {
		return nil, errQueue
	}
	return c.Queue.Receive(ctx, limit, visibility, wait)
}

func (c courier) Delete(ctx context.Context, msgs []queue.Message) error {
	if len(msgs) > 0 && c.strikes("queue cannot delete", 30) {
		return errQueue
	}
	return c.Queue.Delete(ctx, msgs)
}

func (c courier) Delay(ctx context.Context, msgs []queue.Message, d time.Duration) error {
	if c.strikes("queue cannot delay", 30) {
		return errQueue
	}
	return c.Queue.Delay(ctx, msgs, d)
}
