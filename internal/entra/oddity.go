package entra

import (
	"context"
	"log/slog"
	"sync"
)

// maxOddities is how many oddities a process tells of, each once.
const maxOddities = 200

// oddity is an element of an answer that could not be read, or read only in
// part, and what of it is odd.
type oddity struct {
	// What is one sentence, without what differs from element to element.
	what string
	// About is the id, or the type, that is odd.
	about string
}

// oddities tells of each oddity once, so that one agent, or one unknown type, does
// not fill the log page after page.
type oddities struct {
	mu   sync.Mutex
	told map[oddity]bool
}

// tell warns of the oddities in the answer to an operation that were not told
// yet.
func (o *oddities) tell(ctx context.Context, log *slog.Logger, operation string, odd []oddity) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, one := range odd {
		if o.told[one] || len(o.told) >= maxOddities {
			continue
		}
		if o.told == nil {
			o.told = map[oddity]bool{}
		}
		o.told[one] = true
		log.WarnContext(ctx, "an answer of Graph is odd", "what", one.what, "about", one.about, "operation", operation)
		if len(o.told) == maxOddities {
			log.WarnContext(ctx, "no more of what is odd in Graph's answers is told until the next start")
		}
	}
}
