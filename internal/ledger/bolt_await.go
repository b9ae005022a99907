package ledger

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// awaitedBucket has a key for each group that waits for an object: the
// recordKey of the object, a space, and that of the group.
const awaitedBucket = "awaited"

var _ provision.Ledger = (*Bolt)(nil)

// WebexIDs implements provision.Ledger.
func (b *Bolt) WebexIDs(ctx context.Context, objects []change.Object) ([]string, error) {
	ids := make([]string, len(objects))
	err := b.read(ctx, func(tx *bbolt.Tx) error {
		for i, o := range objects {
			r, _, err := boltRecord(tx, o)
			if err != nil {
				return err
			}
			ids[i] = r.WebexID
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read links of %d objects: %w", len(objects), err)
	}
	return ids, nil
}

// Await implements provision.Ledger.
func (b *Bolt) Await(ctx context.Context, group change.Object, objects []change.Object) error {
	err := b.write(ctx, func(tx *bbolt.Tx) error {
		for _, o := range objects {
			if err := tx.Bucket([]byte(awaitedBucket)).Put(awaitedKey(o, group), []byte{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note that %s waits for %d objects: %w", group, len(objects), err)
	}
	return nil
}

// Awaiting implements provision.Ledger.
func (b *Bolt) Awaiting(ctx context.Context, o change.Object) ([]change.Object, error) {
	var groups []change.Object
	err := b.read(ctx, func(tx *bbolt.Tx) error {
		prefix := awaitedKey(o, change.Object{})
		prefix = prefix[:bytes.IndexByte(prefix, ' ')+1]
		cursor := tx.Bucket([]byte(awaitedBucket)).Cursor()
		for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
			group, err := linkedObject(strings.TrimPrefix(string(key), string(prefix)))
			if err != nil {
				return err
			}
			groups = append(groups, group)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who waits for %s: %w", o, err)
	}
	return groups, nil
}

// Arrived implements provision.Ledger.
func (b *Bolt) Arrived(ctx context.Context, o change.Object, groups []change.Object) error {
	err := b.write(ctx, func(tx *bbolt.Tx) error {
		for _, group := range groups {
			if err := tx.Bucket([]byte(awaitedBucket)).Delete(awaitedKey(o, group)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("note that %s arrived: %w", o, err)
	}
	return nil
}

func awaitedKey(o, group change.Object) []byte {
	return []byte(recordKey(o) + " " + recordKey(group))
}
