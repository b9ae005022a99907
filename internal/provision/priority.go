package provision

import "context"

// Priority says which of the calls to a side go first where it throttles.
// https://learn.microsoft.com/graph/throttling#throttling-and-batching
type Priority string

// The priorities. What has none is normal.
const (
	Low    Priority = "low"
	Normal Priority = "normal"
	High   Priority = "high"
)

type priorityKey struct{}

// WithPriority returns a context whose calls have the priority.
func WithPriority(ctx context.Context, p Priority) context.Context {
	return context.WithValue(ctx, priorityKey{}, p)
}

// PriorityOf returns the priority of the calls made with ctx.
func PriorityOf(ctx context.Context) Priority {
	if p, ok := ctx.Value(priorityKey{}).(Priority); ok {
		return p
	}
	return Normal
}
