package reconcile

import (
	"bytes"
	"context"
	"fmt"

	"entrawebex/internal/provision"
)

// writes is how often a write that met another is tried on what that one
// wrote.
const writes = 5

// put writes a document that was at this version when it was read. It reports
// false where another has written it since. What is stored already as it should
// be was written: the answer to a first try can be lost, and the second then
// meets the first.
func put(ctx context.Context, d provision.Documents, name string, data []byte, version int64) (bool, error) {
	failed := d.PutDocument(ctx, name, data, version)
	if failed == nil {
		return true, nil
	}
	stored, now, err := d.Document(ctx, name)
	if err != nil || now == version {
		return false, fmt.Errorf("write %q: %w", name, failed)
	}
	return bytes.Equal(stored, data), nil
}
