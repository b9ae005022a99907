package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/internal/change"
	"entrawebex/internal/document"
	"entrawebex/internal/provision"
)

// The buckets: recordKey to Record as JSON, Webex id to recordKey, document
// name to version (8 bytes, big-endian) and bytes.
const (
	recordsBucket   = "records"
	linksBucket     = "links"
	documentsBucket = "documents"
)

// Bolt is the ledger of one machine, in a bbolt file. Each call is one
// transaction, on disk when the call returns.
type Bolt struct {
	db *bbolt.DB
}

// OpenBolt returns the ledger kept in db and creates its buckets if they are
// missing. Concurrent writes share a commit, and each waits up to
// db.MaxBatchDelay (bbolt's default: 10 ms) for others to join it. The caller
// closes db.
func OpenBolt(db *bbolt.DB) (*Bolt, error) {
	err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{recordsBucket, linksBucket, documentsBucket, awaitedBucket} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return &Bolt{db: db}, nil
}

// Claim implements provision.Ledger.
func (b *Bolt) Claim(
	ctx context.Context, o change.Object, owner string, now, until time.Time,
) (provision.Record, error) {
	var r provision.Record
	err := b.write(ctx, func(tx *bbolt.Tx) error {
		var err error
		if r, _, err = boltRecord(tx, o); err != nil {
			return err
		}
		taken := r.Claim.Owner != "" && r.Claim.Owner != owner
		if taken && r.Claim.Until.UnixMilli() > now.UnixMilli() {
			return provision.ErrClaimed
		}
		r.Claim = provision.Claim{Owner: owner, Until: until.UTC().Truncate(time.Millisecond)}
		r.Unconcluded++
		return putBoltRecord(tx, r)
	})
	if err != nil {
		return provision.Record{}, fmt.Errorf("claim %s: %w", o, err)
	}
	return r, nil
}

// Save implements provision.Ledger.
func (b *Bolt) Save(ctx context.Context, owner string, before, after provision.Record) error {
	err := b.write(ctx, func(tx *bbolt.Tx) error {
		if err := checkBoltClaim(tx, owner, before); err != nil {
			return err
		}
		if err := relinkBolt(tx, before, after.WebexID); err != nil {
			return err
		}
		return putBoltRecord(tx, after)
	})
	if err != nil {
		return fmt.Errorf("save %s: %w", before.Object, err)
	}
	return nil
}

// Forget implements provision.Ledger.
func (b *Bolt) Forget(ctx context.Context, owner string, r provision.Record) error {
	err := b.write(ctx, func(tx *bbolt.Tx) error {
		if err := checkBoltClaim(tx, owner, r); err != nil {
			return err
		}
		if err := relinkBolt(tx, r, ""); err != nil {
			return err
		}
		return tx.Bucket([]byte(recordsBucket)).Delete([]byte(recordKey(r.Object)))
	})
	if err != nil {
		return fmt.Errorf("forget %s: %w", r.Object, err)
	}
	return nil
}

// Record implements provision.Ledger.
func (b *Bolt) Record(ctx context.Context, o change.Object) (provision.Record, bool, error) {
	var r provision.Record
	var found bool
	err := b.read(ctx, func(tx *bbolt.Tx) error {
		var err error
		r, found, err = boltRecord(tx, o)
		return err
	})
	if err != nil {
		return provision.Record{}, false, fmt.Errorf("read record of %s: %w", o, err)
	}
	if !found {
		return provision.Record{}, false, nil
	}
	return r, true, nil
}

// LinkedTo implements provision.Ledger.
func (b *Bolt) LinkedTo(ctx context.Context, webexID string) (change.Object, bool, error) {
	var o change.Object
	var found bool
	err := b.read(ctx, func(tx *bbolt.Tx) error {
		key := tx.Bucket([]byte(linksBucket)).Get([]byte(webexID))
		if key == nil {
			return nil
		}
		var err error
		o, err = linkedObject(string(key))
		found = err == nil
		return err
	})
	if err != nil {
		return change.Object{}, false, fmt.Errorf("read link of Webex account %s: %w", webexID, err)
	}
	return o, found, nil
}

// Document implements document.Store.
func (b *Bolt) Document(ctx context.Context, name string) (data []byte, version int64, err error) {
	err = b.read(ctx, func(tx *bbolt.Tx) error {
		data, version, err = boltDocument(tx, name)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read document %s: %w", name, err)
	}
	return data, version, nil
}

// PutDocument implements document.Store.
func (b *Bolt) PutDocument(ctx context.Context, name string, data []byte, version int64) error {
	err := b.write(ctx, func(tx *bbolt.Tx) error {
		_, stored, err := boltDocument(tx, name)
		if err != nil {
			return err
		}
		if stored != version {
			return document.ErrConflict
		}
		if err := checkSize(data); err != nil {
			return err
		}
		value, err := binary.Append(nil, binary.BigEndian, version+1)
		if err != nil {
			return err
		}
		return tx.Bucket([]byte(documentsBucket)).Put([]byte(name), append(value, data...))
	})
	if err != nil {
		return fmt.Errorf("write document %s: %w", name, err)
	}
	return nil
}

// write runs fn in a transaction that it may share with other writers, and
// so more than once.
func (b *Bolt) write(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.db.Batch(fn)
}

func (b *Bolt) read(ctx context.Context, fn func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return b.db.View(fn)
}

// boltRecord returns the record of o, an empty one if none is stored.
func boltRecord(tx *bbolt.Tx, o change.Object) (provision.Record, bool, error) {
	data := tx.Bucket([]byte(recordsBucket)).Get([]byte(recordKey(o)))
	if data == nil {
		return provision.Record{Object: o}, false, nil
	}
	r, err := decodeRecord(o, data)
	return r, err == nil, err
}

func putBoltRecord(tx *bbolt.Tx, r provision.Record) error {
	data, err := encodeRecord(r)
	if err != nil {
		return err
	}
	return tx.Bucket([]byte(recordsBucket)).Put([]byte(recordKey(r.Object)), data)
}

// checkBoltClaim returns ErrClaimed unless owner still has the claim and the
// link is the one it knows.
func checkBoltClaim(tx *bbolt.Tx, owner string, known provision.Record) error {
	stored, _, err := boltRecord(tx, known.Object)
	if err != nil {
		return err
	}
	if owner == "" || stored.Claim.Owner != owner || stored.WebexID != known.WebexID {
		return provision.ErrClaimed
	}
	return nil
}

// relinkBolt moves the link of before to webexID; either may be empty.
func relinkBolt(tx *bbolt.Tx, before provision.Record, webexID string) error {
	if before.WebexID == webexID {
		return nil
	}
	links := tx.Bucket([]byte(linksBucket))
	key := recordKey(before.Object)
	for _, id := range []string{before.WebexID, webexID} {
		holder := links.Get([]byte(id))
		if holder != nil && string(holder) != key {
			return provision.ErrLinked
		}
	}
	if before.WebexID != "" {
		if err := links.Delete([]byte(before.WebexID)); err != nil {
			return fmt.Errorf("unlink Webex account %s: %w", before.WebexID, err)
		}
	}
	if webexID == "" {
		return nil
	}
	return links.Put([]byte(webexID), []byte(key))
}

// boltDocument returns a copy of the document: bbolt's own bytes end with
// the transaction.
func boltDocument(tx *bbolt.Tx, name string) ([]byte, int64, error) {
	value := tx.Bucket([]byte(documentsBucket)).Get([]byte(name))
	if value == nil {
		return nil, 0, nil
	}
	var version int64
	size, err := binary.Decode(value, binary.BigEndian, &version)
	if err != nil {
		return nil, 0, fmt.Errorf("decode its version: %w", err)
	}
	return append([]byte{}, value[size:]...), version, nil
}
