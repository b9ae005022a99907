package operator

import (
	"context"
	"errors"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
)

// ShowRequest names one user or group.
type ShowRequest struct {
	// Name is a name on either side, also a former one, an address, or an id on either.
	Name string `json:"name"`
}

// Shown is all there is to know of one user or group, and in this form what show --json
// prints.
type Shown struct {
	// At is when it was looked at, Asked the name that was asked for.
	At    time.Time `json:"at"`
	Asked string    `json:"asked"`
	// Object is the one in Entra; nil if nobody there has the name. Name is what it is
	// called, or was.
	Object *change.Object `json:"object,omitempty"`
	Name   string         `json:"name,omitempty"`

	plan.Look

	// Under is what Webex has under the name, where nothing is linked to the object, or
	// there is none.
	Under []plan.Account `json:"underTheName,omitempty"`
	// Written is the last attempt that wrote something; nil if none is kept.
	Written *Written `json:"written,omitempty"`
	// Fault is the open one, Hold what waits for an operator.
	Fault *ShownFault `json:"fault,omitempty"`
	Hold  *Held       `json:"hold,omitempty"`
	// Spared says that a setting leaves the account open, and since when.
	Spared *provision.Spared `json:"spared,omitempty"`
	// Removal is when Webex removes the account, which is inactive.
	Removal time.Time `json:"webexRemovesAt,omitzero"`
	// Rests says why nothing is done for now, whatever would be.
	Rests string `json:"rests,omitempty"`
	// Attempts are the last entries of the provisioning log, the newest first.
	Attempts []history.Entry `json:"attempts"`
}

// Written is an attempt that wrote something.
type Written struct {
	At       time.Time          `json:"at"`
	Action   history.Action     `json:"action"`
	Modified []history.Property `json:"modifiedProperties,omitempty"`
	Added    int                `json:"membersAdded,omitempty"`
	Removed  int                `json:"membersRemoved,omitempty"`
}

// ShownFault is an open fault.
type ShownFault struct {
	Kind   string `json:"kind"`
	Step   string `json:"step"`
	Reason string `json:"reason"`
	// Since is when the first of the attempts failed, Last when the last one did.
	Since    time.Time `json:"since"`
	Last     time.Time `json:"last,omitzero"`
	Attempts int       `json:"attempts"`
	// RetryAt is when it is tried again by itself; zero if it is not, or that is not
	// known. DeadLetter says that it is not, before somebody replays it.
	RetryAt    time.Time `json:"retryAt,omitzero"`
	DeadLetter bool      `json:"deadLetter"`
}

const (
	// shownAttempts is how many entries of the log are shown.
	shownAttempts = 5
	// soughtAttempts is among how many the last one is looked for that wrote something.
	soughtAttempts = 500
)

// Show tells all there is to know of one user or group. A side that cannot be read is
// told as such, and the rest all the same. It writes nothing.
func (o *Operator) Show(ctx context.Context, r ShowRequest) (Shown, error) {
	if r.Name == "" {
		return Shown{}, invalid(errors.New("name one user or group"))
	}
	if err := o.bound(ctx); err != nil {
		return Shown{}, err
	}
	s := Shown{At: o.Now().UTC(), Asked: r.Name, Attempts: []history.Entry{}}
	finder := o.finder(ctx)
	object, err := finder.find(ctx, r.Name)
	switch {
	case errors.Is(err, plan.ErrNobody):
		err = s.stranger(ctx, finder, err)
		return s, err
	case err != nil:
		return Shown{}, err
	}
	s.Object = &object
	record, _, err := o.Ledger.Record(ctx, object)
	if err != nil {
		return Shown{}, err
	}
	record.Object = object
	s.look(ctx, finder, record)
	if err := s.recall(ctx, o, record); err != nil {
		return Shown{}, err
	}
	s.remember(record, o.Now())
	s.Rests, err = o.rests(ctx)
	return s, err
}

// stranger tells what Webex has under a name that is nobody's in Entra. Where that is
// nothing either, the error says so.
func (s *Shown) stranger(ctx context.Context, f *finder, nobody error) (err error) {
	s.Entra.Presence, s.Webex.Presence, s.Attributes = plan.Nowhere, plan.Nowhere, []plan.Compared{}
	s.Under, err = f.planner.Under(ctx, s.Asked)
	switch {
	case err != nil:
		return errors.Join(nobody, err)
	case len(s.Under) == 0:
		return invalid(nobody)
	}
	return nil
}

// look looks at both sides, as far as they can be read.
func (s *Shown) look(ctx context.Context, f *finder, r provision.Record) {
	if f.planner == nil {
		s.Look = plan.Unseen(r, f.why)
		return
	}
	s.Look = f.planner.Look(ctx, r)
	if s.Webex.Presence == plan.Nowhere {
		if name := s.wanted(f.planner); name != "" {
			under, err := f.planner.Under(ctx, name)
			s.Under = under
			if err != nil {
				s.Notes = append(s.Notes, err.Error())
			}
		}
	}
	next, err := f.planner.Foresee(ctx, r.Object)
	if err != nil {
		s.Notes = append(s.Notes, "what would be done next cannot be told: "+err.Error())
		return
	}
	s.Next = &next
}

// wanted is the name under which Webex would have the object.
func (s *Shown) wanted(p *plan.Planner) string {
	target := p.Engine.Mapping.Of(s.Object.Kind).Name()
	for _, a := range s.Attributes {
		if name, ok := a.Entra.(string); ok && a.Attribute == target && !p.Engine.Mapping.Of(s.Object.Kind).Redacts(target) {
			return name
		}
	}
	return s.Entra.Name
}

// recall takes over what the provisioning log has.
func (s *Shown) recall(ctx context.Context, o *Operator, r provision.Record) error {
	looked := 0
	for e, err := range o.Kept.Entries(ctx, history.Span{Object: s.Object}) {
		if err != nil {
			return err
		}
		if looked < shownAttempts {
			s.Attempts = append(s.Attempts, e)
		}
		if w, wrote := written(e); wrote && s.Written == nil {
			s.Written = &w
		}
		if looked++; looked == soughtAttempts || s.Written != nil && looked >= shownAttempts {
			break
		}
	}
	for _, name := range []string{s.Entra.Name, s.Webex.Name, nameOf(r)} {
		if s.Name == "" {
			s.Name = name
		}
	}
	if s.Name == "" && len(s.Attempts) > 0 {
		if name := s.Attempts[0].Name(); name != s.Object.ID {
			s.Name = name
		}
	}
	return o.name(ctx, s.Attempts)
}

// written is what an entry wrote; false if it wrote nothing.
func written(e history.Entry) (Written, bool) {
	w := Written{At: e.At, Action: e.Action, Modified: e.Modified}
	if e.Members != nil {
		w.Added, w.Removed = e.Members.Added, e.Members.Removed
	}
	wrote := e.Act == "" && (e.Action != history.None || w.Added+w.Removed > 0)
	return w, wrote
}

// remember takes over what the ledger has of it. An attempt that could not even take the
// record has its fault in the log alone.
func (s *Shown) remember(r provision.Record, now time.Time) {
	if f := r.OpenFault; f != nil {
		s.Fault = &ShownFault{
			Kind: f.Kind.String(), Step: string(f.Step), Reason: f.Reason, Since: f.Since, Last: f.Last, Attempts: f.Attempts, DeadLetter: f.Dead(),
		}
	}
	if last := s.lastAttempt(); last != nil && s.Fault == nil && last.Fault != "" && !last.RetryAt.IsZero() && last.At.After(r.Concluded) {
		s.Fault = &ShownFault{Kind: last.Fault, Reason: last.Reason(), Since: last.At, Last: last.At, Attempts: 1}
	}
	if last := s.lastAttempt(); last != nil && s.Fault != nil && !s.Fault.DeadLetter {
		s.Fault.RetryAt = last.RetryAt
	}
	if r.Hold != nil {
		s.Hold = new(holdOf(r, now))
	}
	s.Spared = r.Spared
	if !r.InactiveSince.IsZero() && r.WebexID != "" {
		s.Removal = r.InactiveSince.Add(inactiveLife)
	}
}

// lastAttempt is the newest entry that is no act of an operator; nil if there is none.
func (s *Shown) lastAttempt() *history.Entry {
	for i := range s.Attempts {
		if s.Attempts[i].Act == "" {
			return &s.Attempts[i]
		}
	}
	return nil
}
