package ledger

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"entrawebex/internal/provision"
)

// ReleaseClaims makes every claim void and returns how many there were. The
// attempts that had them still count as begun and never ended. Only who knows
// that nobody is at them may call it: a process that opened the file, before it
// claims anything, since the lock on the file ends with the process that had it
// (flock), however that ended.
func (b *Bolt) ReleaseClaims(ctx context.Context) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	var n int
	err := b.db.Update(func(tx *bbolt.Tx) error {
		claimed, err := claimedRecords(tx)
		if err != nil {
			return err
		}
		n = len(claimed)
		for _, r := range claimed {
			r.Claim = provision.Claim{}
			if err := putBoltRecord(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("release claims: %w", err)
	}
	return n, nil
}

// claimedRecords returns the records that somebody has claimed. Only what may be
// one is decoded: there are a hundred thousand records, and a handful of claims.
func claimedRecords(tx *bbolt.Tx) ([]provision.Record, error) {
	var claimed []provision.Record
	err := tx.Bucket([]byte(recordsBucket)).ForEach(func(key, data []byte) error {
		if !bytes.Contains(data, []byte(`"owner"`)) {
			return nil
		}
		o, err := linkedObject(string(key))
		if err != nil {
			return err
		}
		r, err := decodeRecord(o, data)
		if err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
		if r.Claim.Owner != "" {
			claimed = append(claimed, r)
		}
		return nil
	})
	return claimed, err
}
