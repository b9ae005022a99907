// Package ledger keeps what provisioning must remember: each object's record,
// which Webex account belongs to which object, and small named documents.
//
// It has two homes, Bolt and DynamoDB, that behave alike in all that the
// conformance suite checks. In both, what one call wrote the next one reads,
// a call that returns an error for a condition wrote nothing, and a lease's
// end is kept to the millisecond.
package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// MaxSize is the size in bytes of the largest record or document, as JSON or
// as given. It leaves room for names and keys in a DynamoDB item, which holds
// 400 KB ("Constraints in Amazon DynamoDB", AWS Developer Guide).
const MaxSize = 384 << 10

// recordKey is the key of an object's record, and its name in a link.
func recordKey(o change.Object) string { return string(o.Kind) + "#" + o.ID }

// linkedObject returns the object whose recordKey it is.
func linkedObject(key string) (change.Object, error) {
	kind, id, ok := strings.Cut(key, "#")
	if !ok || kind == "" || id == "" {
		return change.Object{}, fmt.Errorf("decode link: %q names no object", key)
	}
	return change.Object{Kind: change.Kind(kind), ID: id}, nil
}

func encodeRecord(r provision.Record) ([]byte, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	if err := checkSize(data); err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	return data, nil
}

// decodeRecord reads what is stored as the record of o. One that names
// another object is refused: the engine would act on the wrong person.
func decodeRecord(o change.Object, data []byte) (provision.Record, error) {
	if err := checkSize(data); err != nil {
		return provision.Record{}, fmt.Errorf("decode record: %w", err)
	}
	var r provision.Record
	if err := json.Unmarshal(data, &r); err != nil {
		return provision.Record{}, fmt.Errorf("decode record: %w", err)
	}
	if r.Object != o {
		return provision.Record{}, errors.New("decode record: it is that of another object")
	}
	return r, nil
}

func checkSize(data []byte) error {
	if len(data) > MaxSize {
		return fmt.Errorf("%d bytes, more than the %d the ledger keeps", len(data), MaxSize)
	}
	return nil
}
