package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

// Decision is what an operator has said about a hold.
type Decision string

const (
	// Undecided is what waits for a person's word.
	Undecided Decision = ""
	// Rejected stays held until the object changes in Entra.
	Rejected Decision = "rejected"
	// Approved is on its way.
	Approved Decision = "approved"
	// Expired was approved, and is no longer.
	Expired Decision = "expired"
)

// Held is an operation that is held.
type Held struct {
	Object change.Object `json:"object"`
	// Name is what it is called; empty where that is not known.
	Name      string                `json:"name,omitempty"`
	Operation provision.Destruction `json:"operation"`
	Since     time.Time             `json:"since"`
	// Members is how many of a group's would be taken out, Of how many there are.
	Members int `json:"members,omitempty"`
	Of      int `json:"of,omitempty"`
	// Blocked: Entra blocked the user, whose account is still open in Webex.
	Blocked  bool     `json:"blocked,omitempty"`
	Decision Decision `json:"decision,omitempty"`
}

// DecideRequest names the objects whose holds are decided on, by a name on either side
// or an id, or says All.
type DecideRequest struct {
	IDs []string `json:"ids,omitempty"`
	All bool     `json:"all,omitempty"`
}

// Validate returns what is wrong with the request.
func (r DecideRequest) Validate() error {
	if r.All == (len(r.IDs) > 0) {
		return invalid(errors.New("name the objects, or say --all"))
	}
	return nil
}

// Decided is what came of a decision. One that fails does not stop the others.
type Decided struct {
	Done []Held `json:"done"`
	// LeftAlone is how many were rejected before, and are not approved with All.
	LeftAlone int `json:"leftAlone,omitempty"`
	// Failed says what could not be decided on, and why.
	Failed []string `json:"failed,omitempty"`
}

// Holds returns what is held, oldest first.
func (o *Operator) Holds(ctx context.Context) ([]Held, error) {
	if err := o.bound(ctx); err != nil {
		return nil, err
	}
	records, err := o.held(ctx)
	if err != nil {
		return nil, err
	}
	return o.holds(ctx, records, o.Now())
}

// holds are what the records hold.
func (o *Operator) holds(ctx context.Context, records []provision.Record, now time.Time) ([]Held, error) {
	n := namer{Operator: o, names: map[change.Object]string{}}
	held := make([]Held, len(records))
	for i, r := range records {
		held[i] = holdOf(r, now)
		if held[i].Name == "" {
			name, err := n.of(ctx, r.Object)
			if err != nil {
				return nil, err
			}
			held[i].Name = name
		}
	}
	return held, nil
}

// Approve lets held operations happen. With All it leaves alone what was rejected:
// that is no word about what another person has decided. What was approved and still
// waits is approved again: whoever did that may have been cut short before it was
// queued. They are queued together, so that a worker takes as many at a time as it can,
// also if whoever asked is gone by then.
func (o *Operator) Approve(ctx context.Context, r DecideRequest) (Decided, error) {
	var approved []change.Change
	decided, err := o.decide(ctx, r, actApprove, func(h Held) error {
		c, err := provision.Approve(ctx, o.Ledger, h.Object, h.Operation, o.Now())
		if err == nil {
			approved = append(approved, c)
		}
		return err
	}, func(h Held) bool { return h.Decision == Rejected })
	if err != nil || len(approved) == 0 {
		return decided, err
	}
	if err := (queue.Changes{Queue: o.Changes}).Enqueue(context.WithoutCancel(ctx), approved); err != nil {
		return decided, fmt.Errorf("they are approved, and not queued: approve them once more: %w", err)
	}
	return decided, nil
}

// Reject leaves operations held until their objects change in Entra. With All it
// stops what was approved and has not happened yet, too.
func (o *Operator) Reject(ctx context.Context, r DecideRequest) (Decided, error) {
	return o.decide(ctx, r, actReject, func(h Held) error {
		return provision.Reject(ctx, o.Ledger, h.Object, h.Operation, o.Now())
	}, func(Held) bool { return false })
}

// decide decides on what the request names, with All on what is not spared.
func (o *Operator) decide(ctx context.Context, r DecideRequest, name string, decide func(Held) error, spares func(Held) bool) (Decided, error) {
	if err := r.Validate(); err != nil {
		return Decided{}, err
	}
	began := o.Now()
	if err := o.bound(ctx); err != nil {
		return Decided{}, err
	}
	records, err := o.held(ctx)
	if err != nil {
		return Decided{}, err
	}
	held, err := o.holds(ctx, records, began)
	if err != nil {
		return Decided{}, err
	}
	made := Decided{Done: []Held{}}
	var named []change.Object
	named, made.Failed = o.meant(ctx, r.IDs, records)
	for _, h := range held {
		switch {
		case !r.All && !slices.Contains(named, h.Object):
			continue
		case r.All && spares(h):
			if h.Decision == Rejected {
				made.LeftAlone++
			}
			continue
		}
		if err := decide(h); err != nil {
			made.Failed = append(made.Failed, err.Error())
			continue
		}
		made.Done = append(made.Done, h)
	}
	o.acted(ctx, decided(name, began, made.Done, records)...)
	return made, nil
}

// meant are the objects of these names and ids of which something is held, and what there
// is to say of the others.
func (o *Operator) meant(ctx context.Context, names []string, records []provision.Record) (found []change.Object, failed []string) {
	var f *finder
	for _, name := range names {
		at := slices.IndexFunc(records, func(r provision.Record) bool {
			return strings.EqualFold(r.Object.ID, name) || strings.EqualFold(r.WebexID, name)
		})
		if _, isID := change.ParseID(name); at < 0 && !isID {
			if f == nil {
				f = o.finder(ctx)
			}
			object, err := f.find(ctx, name)
			if isSeveral(err) {
				failed = append(failed, err.Error())
				continue
			}
			at = slices.IndexFunc(records, func(r provision.Record) bool { return err == nil && r.Object == object })
		}
		if at < 0 {
			failed = append(failed, fmt.Sprintf("nothing is held of %s: entrawebex holds shows what is", printable.Short(name, longestAsked)))
			continue
		}
		found = append(found, records[at].Object)
	}
	return found, failed
}

// held returns the records that have a hold, oldest first.
func (o *Operator) held(ctx context.Context) ([]provision.Record, error) {
	var held []provision.Record
	err := o.Ledger.Records(ctx, func(r provision.Record) error {
		if r.Hold != nil {
			held = append(held, r)
		}
		return nil
	})
	slices.SortFunc(held, func(a, b provision.Record) int { return a.Hold.Since.Compare(b.Hold.Since) })
	return held, err
}

func holdOf(r provision.Record, now time.Time) Held {
	h := Held{
		Object: r.Object, Name: nameOf(r), Operation: r.Hold.Operation, Since: r.Hold.Since,
		Members: r.Hold.Members, Of: r.Hold.Of, Blocked: r.Hold.Security,
	}
	switch {
	case r.Declined():
		h.Decision = Rejected
	case !r.Undecided(now):
		h.Decision = Approved
	case r.Approval != nil:
		h.Decision = Expired
	}
	return h
}
