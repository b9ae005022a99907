// Package document keeps small named documents that any number of processes
// read and write: by compare and swap, so that nobody's write is lost.
package document

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"entrawebex/internal/rawjson"
)

// Store keeps documents, as the ledger does.
type Store interface {
	// Document returns a document's bytes and its version, which is 1 or more;
	// 0 if there is none.
	Document(ctx context.Context, name string) (data []byte, version int64, err error)
	// PutDocument writes the document if version is still the stored one, 0 for
	// one that is not there, and ErrConflict if not. Its version is then one higher.
	// After another error it may be written all the same.
	PutDocument(ctx context.Context, name string, data []byte, version int64) error
}

var (
	// ErrConflict is a store's: the document is no longer at the version given.
	ErrConflict = errors.New("the document was written by another meanwhile")
	// ErrChanged says that another has written the document since it was read.
	ErrChanged = errors.New("another has written it meanwhile")
	// ErrMalformed says that a document is there and cannot be decoded.
	ErrMalformed = errors.New("it cannot be decoded")
)

// tries is how often an edit is made that meets others.
const tries = 8

// Put writes a document that was at this version when it was read. What is
// stored as it should be was written: the answer to an earlier try can have been
// lost. It returns ErrChanged where another has written something else.
func Put(ctx context.Context, s Store, name string, data []byte, version int64) error {
	failed := s.PutDocument(ctx, name, data, version)
	if failed == nil {
		return nil
	}
	stored, now, err := s.Document(ctx, name)
	switch {
	case err != nil || now == version:
		return fmt.Errorf("write document %q: %w", name, failed)
	case !bytes.Equal(stored, data):
		return fmt.Errorf("write document %q: %w", name, ErrChanged)
	default:
		return nil
	}
}

// Document is one that holds a T as JSON. The zero T is what there is before it
// was first written.
type Document[T any] struct {
	Store Store
	Name  string
}

// Copy is a document as it was read, to be written in place of what was read.
type Copy[T any] struct {
	Value T
	// Version counts the writes before; 0 if there was none.
	Version int64

	document Document[T]
	stored   []byte
	// unknown is what a later version of this program keeps in it.
	unknown map[string]json.RawMessage
}

// Open reads the document. With ErrMalformed comes a copy of the zero T, which
// takes the place of what cannot be decoded once it is saved.
func (d Document[T]) Open(ctx context.Context) (Copy[T], error) {
	data, version, err := d.Store.Document(ctx, d.Name)
	if err != nil {
		return Copy[T]{}, fmt.Errorf("read document %q: %w", d.Name, err)
	}
	c := Copy[T]{Version: version, document: d, stored: data}
	if version == 0 {
		return c, nil
	}
	if err := json.Unmarshal(data, &c.Value); err != nil {
		return Copy[T]{Version: version, document: d, stored: data}, fmt.Errorf("read document %q: %w: %w", d.Name, ErrMalformed, err)
	}
	c.unknown = rawjson.Unknown[T](data)
	return c, nil
}

// Save writes the value, if that changes the document. It returns ErrChanged
// where another has written since the copy was read or saved.
func (c *Copy[T]) Save(ctx context.Context) error {
	return c.write(ctx, func(data []byte) bool { return !bytes.Equal(data, c.stored) })
}

// write writes the value if it is wanted.
func (c *Copy[T]) write(ctx context.Context, wanted func(data []byte) bool) error {
	data, err := json.Marshal(c.Value)
	if err != nil {
		return fmt.Errorf("write document %q: %w", c.document.Name, err)
	}
	data = rawjson.Append(data, c.unknown)
	if !wanted(data) {
		return nil
	}
	if err := Put(ctx, c.document.Store, c.document.Name, data, c.Version); err != nil {
		return err
	}
	c.stored = data
	c.Version++
	return nil
}

// Read returns the value.
func (d Document[T]) Read(ctx context.Context) (T, error) {
	c, err := d.Open(ctx)
	return c.Value, err
}

// Update writes what edit makes of the value, if it reports a change; what it
// returns as its error ends the update. Where another writes meanwhile, or a write
// fails, edit is called again with what is stored then. A change that leaves the
// value as it was is written, too: whoever has read it learns that it was made.
func (d Document[T]) Update(ctx context.Context, edit func(value *T) (changed bool, err error)) error {
	var lost error
	for range tries {
		c, err := d.Open(ctx)
		if err != nil {
			return err
		}
		if changed, err := edit(&c.Value); err != nil || !changed {
			return err
		}
		if lost = c.write(ctx, func([]byte) bool { return true }); lost == nil {
			return nil
		}
	}
	return lost
}
