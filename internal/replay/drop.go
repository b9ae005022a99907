package replay

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/worker"
)

// Drops takes the letters of objects that have healed off the dead-letter queue,
// and of two that say the same the older one.
// SQS knows no message by its object: all are received, and those that stay are
// given back at once.
type Drops struct {
	Dead    queue.Queue
	Letters *provision.Letters
	// Look is how long a Receive waits: a second for SQS to ask all of its servers.
	// An embedded queue knows at once.
	Look time.Duration
	Log  *slog.Logger
}

// Settle drops what is to be dropped, if anything is. It is cheap if nothing is.
func (d *Drops) Settle(ctx context.Context) error {
	if err := d.Letters.Drop(ctx, d.pass); err != nil {
		return fmt.Errorf("drop letters of objects that have healed: %w", err)
	}
	return nil
}

// pass looks at every letter once. It reports whether it could tell of all, and
// none is in other hands.
func (d *Drops) pass(ctx context.Context) (all bool, err error) {
	depth, err := d.Dead.Depth(ctx)
	if err != nil {
		return false, err
	}
	held := map[string]queue.Message{}
	defer func() {
		if back := d.giveBack(ctx, held); err == nil {
			err = back
		}
	}()
	all = depth.InFlight == 0
	for empty := 0; empty < looks; {
		if end, ok := ctx.Deadline(); ok && time.Until(end) < margin {
			return false, nil
		}
		msgs, err := d.Dead.Receive(ctx, queue.MaxReceive, hold, d.Look)
		if err != nil {
			return false, err
		}
		empty++
		for _, m := range msgs {
			if _, again := held[m.ID]; !again {
				empty = 0
			}
			held[m.ID] = m
		}
		known, err := d.drop(ctx, msgs, held)
		if err != nil {
			return false, err
		}
		all = all && known
	}
	return all, nil
}

// drop deletes those of the messages that are to go, from held too. It reports
// whether it could tell of all.
func (d *Drops) drop(ctx context.Context, msgs []queue.Message, held map[string]queue.Message) (all bool, err error) {
	var gone []queue.Message
	all = true
	for i, m := range msgs {
		healed, known, err := d.healed(ctx, m)
		if err != nil {
			return false, err
		}
		all = all && known
		if doubled := slices.ContainsFunc(msgs[i+1:], func(later queue.Message) bool { return says(later, m) }); healed || doubled {
			d.Log.InfoContext(ctx, "a dead letter is dropped", "object", m.Group, "healed", healed, "reason", m.Attributes[worker.AttributeFaultReason])
			gone = append(gone, m)
		}
	}
	if len(gone) == 0 {
		return all, nil
	}
	if err := d.Dead.Delete(ctx, gone); err != nil {
		return false, err
	}
	for _, m := range gone {
		delete(held, m.ID)
	}
	return all, nil
}

// healed reports whether nothing is left for the letter to do; known is false
// while somebody works on its object. What the queue itself moved here was never
// brought to an end, and what is no Change names nobody. Graph's word that an
// object was deleted is needed for as long as its account is there.
func (d *Drops) healed(ctx context.Context, m queue.Message) (healed, known bool, err error) {
	ch, decodable := decode(m)
	if !decodable || m.Attributes[worker.AttributeFaultKind] == "" {
		return false, true, nil
	}
	r, _, err := d.Letters.Ledger.Record(ctx, ch.Object)
	if err != nil {
		return false, false, err
	}
	if r.Claim.Owner != "" && r.Claim.Until.After(d.Letters.Now()) {
		return false, false, nil
	}
	return !r.AtFault() && (!ch.Deleted || r.WebexID == ""), true, nil
}

// says reports whether the later letter says all that the other one does: the
// same fault of the same object, of which a replay looks at as much. What was
// given up was so for one passing trouble or another.
func says(later, m queue.Message) bool {
	kind := m.Attributes[worker.AttributeFaultKind]
	same := later.Group == m.Group && kind != "" && later.Attributes[worker.AttributeFaultKind] == kind
	if kind != provision.Transient.String() {
		for _, name := range []string{worker.AttributeFaultStep, worker.AttributeFaultReason} {
			same = same && later.Attributes[name] == m.Attributes[name]
		}
	}
	if !same {
		return false
	}
	one, ok := decode(m)
	two, also := decode(later)
	if !ok || !also || one.Object != two.Object {
		return false
	}
	members := two.Afresh || !slices.ContainsFunc(one.Members, func(id string) bool { return !slices.Contains(two.Members, id) })
	return members && (two.Afresh || !one.Afresh) && (two.Deleted || !one.Deleted)
}

// decode returns the Change in a message; false if there is none.
func decode(m queue.Message) (change.Change, bool) {
	ch, err := change.Decode(m.Body)
	return ch, err == nil
}

// giveBack makes the messages visible that stay.
func (d *Drops) giveBack(ctx context.Context, held map[string]queue.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), margin)
	defer cancel()
	msgs := make([]queue.Message, 0, len(held))
	for _, m := range held {
		msgs = append(msgs, m)
	}
	return d.Dead.Delay(ctx, msgs, 0)
}
