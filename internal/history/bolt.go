package history

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/internal/change"
)

// The buckets: entries by their keys, which begin with the time; those keys by the
// object and by the status, without a value; the latest key of an entry by name and
// object; counts as JSON by hour and process.
const (
	entriesBucket  = "history"
	objectsBucket  = "history of objects"
	statusesBucket = "history of statuses"
	namesBucket    = "history of names"
	idleBucket     = "history of idleness"
)

// Bolt keeps the log of one machine in the ledger's file.
type Bolt struct {
	db   *bbolt.DB
	kept time.Duration
	now  func() time.Time
}

// OpenBolt returns the log in db, in which an entry is for as long as kept, and
// creates its buckets if they are missing. The caller closes db.
func OpenBolt(db *bbolt.DB, kept time.Duration, now func() time.Time) (*Bolt, error) {
	err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{entriesBucket, objectsBucket, statusesBucket, namesBucket, idleBucket} {
			if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
				return fmt.Errorf("create bucket %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open the provisioning log: %w", err)
	}
	return &Bolt{db: db, kept: kept, now: now}, nil
}

// between parts an object, a status or a name from what follows it in a key.
const between = "\x00"

// Keep implements Store. All is one transaction, which may be shared with other
// writers, and removes up to twice as many entries that have been kept for long enough.
func (b *Bolt) Keep(ctx context.Context, entries []Entry, idle []Idle) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := b.db.Batch(func(tx *bbolt.Tx) error {
		for i := range entries {
			if err := put(tx, &entries[i]); err != nil {
				return err
			}
		}
		for _, n := range idle {
			data, err := json.Marshal(n.Counts)
			if err != nil {
				return err
			}
			key := n.Hour.UTC().Format(hourForm) + between + n.Process
			if err := tx.Bucket([]byte(idleBucket)).Put([]byte(key), data); err != nil {
				return err
			}
		}
		return b.expire(tx, 2*len(entries)+1)
	})
	if err != nil {
		return fmt.Errorf("keep %d entries: %w", len(entries), err)
	}
	return nil
}

// put adds an entry.
func put(tx *bbolt.Tx, e *Entry) error {
	data, err := encode(e)
	if err != nil {
		return err
	}
	key := e.key()
	bucket := tx.Bucket([]byte(entriesBucket))
	bucket.FillPercent = 0.9 // it grows at its end
	if err := bucket.Put([]byte(key), data); err != nil {
		return err
	}
	if err := tx.Bucket([]byte(statusesBucket)).Put([]byte(string(e.Status.Status)+between+key), nil); err != nil {
		return err
	}
	o, ok := e.Object()
	if !ok {
		return nil
	}
	if err := tx.Bucket([]byte(objectsBucket)).Put([]byte(objectKey(o)+between+key), nil); err != nil {
		return err
	}
	for _, name := range e.names() {
		if err := tx.Bucket([]byte(namesBucket)).Put([]byte(name+between+objectKey(o)), []byte(key)); err != nil {
			return err
		}
	}
	return nil
}

// expire removes up to so many of the oldest entries, and one of the oldest counts,
// that have been kept for long enough.
func (b *Bolt) expire(tx *bbolt.Tx, most int) error {
	oldest := b.now().Add(-b.kept)
	var old []Entry
	cursor := tx.Bucket([]byte(entriesBucket)).Cursor()
	for k, v := cursor.First(); k != nil && len(old) < most && string(k) < stamp(oldest); k, v = cursor.Next() {
		e, err := decode(v)
		if err != nil {
			return err
		}
		old = append(old, e)
	}
	for i := range old {
		if err := remove(tx, &old[i]); err != nil {
			return err
		}
	}
	counts := tx.Bucket([]byte(idleBucket))
	if k, _ := counts.Cursor().First(); k != nil && string(k) < oldest.UTC().Format(hourForm) {
		return counts.Delete(k)
	}
	return nil
}

// remove removes an entry, and the names that no later one has.
func remove(tx *bbolt.Tx, e *Entry) error {
	key := e.key()
	if err := tx.Bucket([]byte(entriesBucket)).Delete([]byte(key)); err != nil {
		return err
	}
	if err := tx.Bucket([]byte(statusesBucket)).Delete([]byte(string(e.Status.Status) + between + key)); err != nil {
		return err
	}
	o, ok := e.Object()
	if !ok {
		return nil
	}
	if err := tx.Bucket([]byte(objectsBucket)).Delete([]byte(objectKey(o) + between + key)); err != nil {
		return err
	}
	names := tx.Bucket([]byte(namesBucket))
	for _, name := range e.names() {
		if at := []byte(name + between + objectKey(o)); string(names.Get(at)) == key {
			if err := names.Delete(at); err != nil {
				return err
			}
		}
	}
	return nil
}

// pageSize is how many entries are read in one transaction: one that is open for long
// keeps the file from reusing what others remove.
const pageSize = 200

// Entries implements Store.
func (b *Bolt) Entries(ctx context.Context, s Span) iter.Seq2[Entry, error] {
	s = s.within(b.now(), b.kept)
	bucket, prefix := entriesBucket, ""
	switch {
	case s.Object != nil:
		bucket, prefix = objectsBucket, objectKey(*s.Object)+between
	case s.Status != "":
		bucket, prefix = statusesBucket, string(s.Status)+between
	}
	from, to := prefix+stamp(s.Since), prefix+stamp(s.Until)
	return func(yield func(Entry, error) bool) {
		for to != "" {
			var page []Entry
			err := ctx.Err()
			if err == nil {
				page, to, err = b.page(bucket, prefix, from, to)
			}
			if err != nil {
				yield(Entry{}, fmt.Errorf("read the log: %w", err))
				return
			}
			for _, e := range page {
				if s.Status != "" && e.Status.Status != s.Status {
					continue
				}
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// page reads the last entries of which the keys in the bucket are before to, and from
// on, and returns where the next page ends; empty for none.
func (b *Bolt) page(bucket, prefix, from, to string) (page []Entry, next string, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		entries := tx.Bucket([]byte(entriesBucket))
		for k, v := range before(tx.Bucket([]byte(bucket)), to) {
			if string(k) < from {
				break
			}
			if len(page) == pageSize {
				next = string(k) + between // so that this one is before it
				break
			}
			if bucket != entriesBucket {
				v = entries.Get(k[len(prefix):])
			}
			e, err := decode(v)
			if err != nil {
				return err
			}
			page = append(page, e)
		}
		return nil
	})
	return page, next, err
}

// before are the keys of a bucket that are before the one given, the last first.
func before(bucket *bbolt.Bucket, key string) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		cursor := bucket.Cursor()
		k, v := cursor.Seek([]byte(key))
		if k == nil {
			k, v = cursor.Last()
		}
		for ; k != nil; k, v = cursor.Prev() {
			if string(k) < key && !yield(k, v) {
				return
			}
		}
	}
}

// Named implements Store.
func (b *Bolt) Named(ctx context.Context, name string) ([]change.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var found []change.Object
	oldest := stamp(b.now().Add(-b.kept))
	err := b.db.View(func(tx *bbolt.Tx) error {
		prefix := []byte(fold(name) + between)
		cursor := tx.Bucket([]byte(namesBucket)).Cursor()
		for k, at := cursor.Seek(prefix); bytes.HasPrefix(k, prefix); k, at = cursor.Next() {
			o, err := objectOf(string(k[len(prefix):]))
			if err != nil {
				return err
			}
			if string(at) >= oldest {
				found = append(found, o)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for a name in the log: %w", err)
	}
	return found, nil
}

// Idle implements Store.
func (b *Bolt) Idle(ctx context.Context, since, until time.Time) (map[string]int, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := Span{Since: since, Until: until}.within(b.now(), b.kept)
	sum := map[string]int{}
	err := b.db.View(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket([]byte(idleBucket)).Cursor()
		for k, v := cursor.Seek([]byte(s.Since.Format(hourForm))); k != nil; k, v = cursor.Next() {
			text, _, _ := strings.Cut(string(k), between)
			hour, err := time.Parse(hourForm, text)
			if err != nil {
				return err
			}
			var counts map[string]int
			if err := json.Unmarshal(v, &counts); err != nil {
				return err
			}
			if !hour.Before(s.Until) {
				return nil
			}
			add(sum, counts, hour, s)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read counts of the log: %w", err)
	}
	return sum, nil
}
