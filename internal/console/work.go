package console

import (
	"context"
	"sync"
)

// work is something that takes long and goes on while nobody waits for it, one at a time.
// It is safe for concurrent use.
type work struct {
	group sync.WaitGroup

	mu     sync.Mutex
	cancel context.CancelFunc // of what goes on; nil if nothing does
	over   bool               // nothing is begun any more
}

// begin has it done, unless one goes on already or the console ends. What ctx knows it
// knows, too, but it does not end with it. The channel is closed when it is done.
func (k *work) begin(ctx context.Context, do func(ctx context.Context)) (<-chan struct{}, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.over || k.cancel != nil {
		return nil, false
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	k.cancel = cancel
	done := make(chan struct{})
	k.group.Go(func() {
		defer close(done)
		do(ctx)
		cancel()
		k.mu.Lock()
		defer k.mu.Unlock()
		k.cancel = nil
	})
	return done, true
}

// stop cancels what goes on, if anything does.
func (k *work) stop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cancel != nil {
		k.cancel()
	}
}

// end has nothing be begun any more, and waits until nothing goes on.
func (k *work) end() {
	k.mu.Lock()
	k.over = true
	k.mu.Unlock()
	k.stop()
	k.group.Wait()
}
