package provision

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
)

// A dry run is the engine on ports that read what is there and write nothing:
// DryRunTarget for Webex, DryRunLedger, DryRunDocuments for the guard,
// and DryRunQueue. What is written to them stays in memory, where later reads
// of the same dry run find it. So a plan is what the engine itself decides.

// DryRunQueue keeps what would be queued. It is safe for concurrent use.
type DryRunQueue struct {
	mu     sync.Mutex
	queued []change.Change
}

// Enqueue implements Enqueuer.
func (q *DryRunQueue) Enqueue(_ context.Context, changes []change.Change) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.queued = append(q.queued, changes...)
	return nil
}

// Changes are those that would be queued, in their order.
func (q *DryRunQueue) Changes() []change.Change {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.queued)
}

// DryRunDocuments are documents of which those that are written stay in
// memory. With them a Guard counts what it would count, and latches where it
// would. They are safe for concurrent use.
type DryRunDocuments struct {
	stored document.Store

	mu      sync.Mutex
	written map[string]dryRunDocument
}

type dryRunDocument struct {
	data    []byte
	version int64
}

// NewDryRunDocuments returns documents that begin as the stored ones are.
func NewDryRunDocuments(stored document.Store) *DryRunDocuments {
	return &DryRunDocuments{stored: stored, written: map[string]dryRunDocument{}}
}

// Document implements document.Store.
func (d *DryRunDocuments) Document(ctx context.Context, name string) ([]byte, int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.document(ctx, name)
}

func (d *DryRunDocuments) document(ctx context.Context, name string) ([]byte, int64, error) {
	if w, ok := d.written[name]; ok {
		return w.data, w.version, nil
	}
	return d.stored.Document(ctx, name)
}

// PutDocument implements document.Store.
func (d *DryRunDocuments) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, present, err := d.document(ctx, name)
	if err == nil && present != version {
		err = document.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("write document %s: %w", name, err)
	}
	d.written[name] = dryRunDocument{data: slices.Clone(data), version: version + 1}
	return nil
}
