package renew

import (
	"bytes"
	"context"
	"encoding/json"
)

// note is a document while it is worked on.
type note struct {
	documents Documents
	name      string
	stored    []byte
	version   int64
}

// read decodes the document into v, which stays as it is if there is none.
func (n *note) read(ctx context.Context, v any) error {
	var err error
	if n.stored, n.version, err = n.documents.Document(ctx, n.name); err != nil || n.version == 0 {
		return err
	}
	return json.Unmarshal(n.stored, v)
}

// write encodes v into the document, if that changes it. Of two runs that read
// the same one fails here.
func (n *note) write(ctx context.Context, v any) error {
	data, err := json.Marshal(v)
	if err != nil || bytes.Equal(data, n.stored) {
		return err
	}
	if err := n.documents.PutDocument(ctx, n.name, data, n.version); err != nil {
		return err
	}
	n.stored = data
	n.version++
	return nil
}
