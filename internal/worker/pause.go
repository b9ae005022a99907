package worker

import (
	"context"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
)

// giveBackDelay is when a message comes again that was given back because of a
// pause. With the wait for the next Receive that is within 15 seconds of the end
// of the pause.
//
// Few are received in a pause: Run receives none, and on AWS renew switches the
// event source mapping off within a minute, which is about six receives. Where it
// may not switch, a message would have spent its 1000 receives within three
// hours, waiting and not tried once. So from receive 101 on it is put on the
// queue anew, and counts from 1: a pause may last as long as it likes.
const giveBackDelay = 10 * time.Second

// rests reports whether there is a pause. One that cannot be read is none: the
// ledger is needed for all that follows, and says so there.
func (c *Worker) rests(ctx context.Context) bool {
	if c.Pause == nil {
		return false
	}
	why, err := c.Pause.Why(ctx)
	if err != nil {
		c.Log.WarnContext(ctx, "the pause cannot be read", "error", err)
	}
	return why != ""
}

// restsAfter reports whether a pause has begun by the end of the attempts. It
// matters, and is asked, only if one of them waits for what the pause waits for.
func (c *Worker) restsAfter(ctx context.Context, attempts map[change.Object]provision.Attempt) bool {
	for _, a := range attempts {
		if restsWith(a) {
			return c.rests(ctx)
		}
	}
	return false
}

// restsWith reports whether the attempt failed by a trouble that may be that of
// a whole side. Such an attempt is due when the pause ends, and not when its own
// delay does. A server that asks for a pause of its own has it.
func restsWith(a provision.Attempt) bool {
	if a.Fault == nil || a.Again == 0 {
		return false
	}
	says := a.Fault.Kind.Policy().Says
	return says == provision.Fails || says == provision.Refuses
}

// giveBack puts a batch off and returns the ids of those not done: all but what
// was put on the queue anew.
func (c *Worker) giveBack(ctx context.Context, msgs []queue.Message) []string {
	var late, worn []queue.Message
	for _, m := range msgs {
		if m.ReceiveCount > freeReceives {
			worn = append(worn, m)
		} else {
			late = append(late, m)
		}
	}
	if !c.anew(ctx, worn) {
		late = msgs
	}
	if len(late) == 0 {
		return nil
	}
	if err := c.Queue.Delay(ctx, late, giveBackDelay); err != nil {
		c.Log.WarnContext(ctx, "delay failed", "messages", len(late), "error", err)
	}
	ids := make([]string, len(late))
	for i, m := range late {
		ids[i] = m.ID
	}
	return ids
}

// anew puts copies of the messages on the queue and reports whether they are
// there. The messages themselves are done then; until they are deleted there
// are two of each, which does no harm.
func (c *Worker) anew(ctx context.Context, msgs []queue.Message) bool {
	if len(msgs) == 0 {
		return true
	}
	entries := make([]queue.Entry, len(msgs))
	for i, m := range msgs {
		entries[i] = queue.Entry{Group: m.Group, Body: m.Body, Attributes: m.Attributes}
	}
	if err := c.Queue.Send(ctx, entries); err != nil {
		c.Log.WarnContext(ctx, "messages cannot be put on the queue anew", "messages", len(msgs), "error", err)
		return false
	}
	return true
}
