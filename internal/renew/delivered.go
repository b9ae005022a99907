package renew

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
)

// Deliveries notes when the subscriptions last delivered something, as far as that has
// come to a worker. It is safe for concurrent use.
type Deliveries struct {
	Documents document.Store
	Log       *slog.Logger

	mu    sync.Mutex
	noted map[string]time.Time // by the resource
}

// deliveredEvery is by how much later a delivery has to be to be noted: a write costs,
// and a minute tells nobody anything.
const deliveredEvery = time.Minute

// Worked notes when those of the changes arrived that Graph notified. That this fails is
// told, and hinders nothing.
func (d *Deliveries) Worked(ctx context.Context, changes []change.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	latest := map[string]time.Time{}
	for _, c := range changes {
		resource := string(c.Kind) + "s"
		if c.Source == change.Notification && c.SeenAt.After(latest[resource]) && c.SeenAt.Sub(d.noted[resource]) >= deliveredEvery {
			latest[resource] = c.SeenAt.UTC()
		}
	}
	if len(latest) == 0 {
		return
	}
	if d.noted == nil {
		d.noted = map[string]time.Time{}
	}
	maps.Copy(d.noted, latest) // also what cannot be written: the next is soon enough
	err := deliveredDocument(d.Documents).Update(ctx, func(kept *map[string]time.Time) (bool, error) {
		if *kept == nil {
			*kept = map[string]time.Time{}
		}
		changed := false
		for resource, at := range latest {
			if at.After((*kept)[resource]) {
				(*kept)[resource], changed = at, true
			}
		}
		return changed, nil
	})
	if err != nil {
		d.Log.WarnContext(ctx, "the last delivery cannot be noted", "error", err)
	}
}

// readDelivered is when something was last delivered, by the resource. What cannot be
// decoded says nothing.
func readDelivered(ctx context.Context, documents document.Store) (map[string]time.Time, error) {
	kept, err := deliveredDocument(documents).Read(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return nil, fmt.Errorf("read when something was last delivered: %w", err)
	}
	return kept, nil
}

func deliveredDocument(documents document.Store) document.Document[map[string]time.Time] {
	return document.Document[map[string]time.Time]{Store: documents, Name: "delivered"}
}
