package operator

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/queue"
)

// ProvisionRequest names who is to be provisioned now.
type ProvisionRequest struct {
	// Names are each a name of a user or group on either side as a whole, or an id.
	Names []string `json:"names"`
}

// Provisioning is what was queued.
type Provisioning struct {
	// Correlation is the changeId of the entries of the provisioning log that come of it.
	Correlation string `json:"correlation"`
	// Objects are in the order of the names.
	Objects []change.Object `json:"objects"`
	// Rests says why nobody works on it for now; empty if somebody does, as far as is
	// known.
	Rests string `json:"rests,omitempty"`
}

// mostProvisioned is how many objects are provisioned on demand at a time: each is found
// on its own.
const mostProvisioned = 100

// Provision queues a look at each that trusts nothing: Webex is read, and what differs
// is put right. It goes the road of every change, and so past the guard. Where one is
// not found, nothing is queued.
func (o *Operator) Provision(ctx context.Context, r ProvisionRequest) (Provisioning, error) {
	if n := len(r.Names); n == 0 || n > mostProvisioned {
		return Provisioning{}, invalid(fmt.Errorf("name 1 to %d users or groups; entrawebex reconcile compares everything", mostProvisioned))
	}
	if err := o.bound(ctx); err != nil {
		return Provisioning{}, err
	}
	p := Provisioning{Correlation: uuid.NewString()}
	finder := o.finder(ctx)
	var unknown []error
	var changes []change.Change
	var acts []history.Act
	for _, name := range r.Names {
		object, err := finder.find(ctx, name)
		if err != nil {
			unknown = append(unknown, err)
			continue
		}
		p.Objects = append(p.Objects, object)
		changes = append(changes, change.Change{Object: object, Source: change.OnDemand, Afresh: true, SeenAt: o.Now(), CorrelationID: p.Correlation})
		acts = append(acts, history.Act{Name: actProvision, Object: &object, Began: o.Now()})
	}
	if len(unknown) > 0 {
		return Provisioning{}, invalid(errors.Join(unknown...))
	}
	var err error
	if p.Rests, err = o.rests(ctx); err != nil {
		return Provisioning{}, err
	}
	if err := (queue.Changes{Queue: o.Changes}).Enqueue(ctx, changes); err != nil {
		return Provisioning{}, err
	}
	o.acted(ctx, acts...)
	return p, nil
}

// rests says why nobody works on what is queued; empty if somebody does.
func (o *Operator) rests(ctx context.Context) (string, error) {
	if o.Served != nil && !*o.Served {
		return "no process serves this data: start entrawebex run", nil
	}
	return o.pauses().Why(ctx)
}
