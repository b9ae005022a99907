package ledger

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"entrawebex/internal/provision"
	"entrawebex/internal/rawjson"
)

// recordsPage is how many records Bolt reads in one transaction.
const recordsPage = 256

// Records calls each with every record, in no order to rely on. It stops at
// the first error and returns it, one of each as it is. each may write to the
// ledger; a record written meanwhile comes as it was or as it is.
func (b *Bolt) Records(ctx context.Context, each func(provision.Record) error) error {
	var from []byte
	var values rawjson.Decoder
	page := make([]provision.Record, 0, recordsPage)
	for {
		var next []byte
		var err error
		page, next, err = b.recordsFrom(ctx, from, page[:0], &values)
		if err != nil {
			return fmt.Errorf("read records: %w", err)
		}
		// Outside of the transaction: bbolt may block a write as long as one
		// that reads is open.
		for _, r := range page {
			if err := each(r); err != nil {
				return err
			}
		}
		if next == nil {
			return nil
		}
		from = next
	}
}

// recordsFrom fills an empty page with the records from a key on, and returns it
// with the key of the next page; nil after the last.
func (b *Bolt) recordsFrom(
	ctx context.Context, from []byte, page []provision.Record, values *rawjson.Decoder,
) (_ []provision.Record, next []byte, err error) {
	err = b.read(ctx, func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(recordsBucket)).Cursor()
		key, data := c.Seek(from)
		for ; key != nil && len(page) < recordsPage; key, data = c.Next() {
			o, err := linkedObject(string(key))
			if err != nil {
				return err
			}
			r, err := decodeRecordWith(values, o, data)
			if err != nil {
				return fmt.Errorf("%s: %w", o, err)
			}
			page = append(page, r)
		}
		next = bytes.Clone(key)
		return nil
	})
	return page, next, err
}
