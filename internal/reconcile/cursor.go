package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
	"entrawebex/internal/document"
)

// MaxAge is how old a cursor may be: Graph keeps the delta tokens of directory
// objects for seven days
// (https://learn.microsoft.com/graph/delta-query-overview, "Token duration").
const MaxAge = 7 * 24 * time.Hour

// writes is how often a write that met another is tried on what that one
// wrote.
const writes = 5

// fresh is for how long a cursor that stays the same is not written again.
const fresh = time.Hour

// Cursors keep where the delta query of each kind goes on, one document a kind.
// The job moves them; a full read, which reads first rounds, sets them. They
// are safe for concurrent use, by any number of processes.
type Cursors struct {
	documents document.Store
	basis     Basis
	former    *Basis
	now       func() time.Time
}

// Basis is what a round rests on: the attributes that it selects by kind, which
// Graph fixes with its first request, and any text that says who is provisioned and
// how. With other rules, too, all must be read again, those in whom nothing has
// changed included.
type Basis struct {
	Select map[change.Kind][]string
	Rules  map[change.Kind]string
}

// NewCursors returns the cursors of delta queries that rest on this. They are void
// once that is something else.
func NewCursors(documents document.Store, basis Basis, now func() time.Time) *Cursors {
	return &Cursors{documents: documents, basis: basis, now: now}
}

// Succeed returns the cursors where those that rest on the former basis are gone on
// with, too: whoever is affected by the difference is looked at by other means, and
// at last the cursors are set anew.
func (c *Cursors) Succeed(former Basis) *Cursors {
	also := *c
	also.former = &former
	return &also
}

// Cursor is where a delta query goes on.
type Cursor struct {
	Kind change.Kind
	// Link is what to ask for: a page of a round, or the next round. Empty if
	// the cursor is void.
	Link string
	// At is when Graph last answered with the Link; zero if the cursor is void.
	At time.Time
	// Void says in one sentence why there is no Link, so that a first round
	// must be read. Always the same for the same cause.
	Void string
	// RefusedSince is since when Graph refuses the Link while it answers otherwise,
	// Failing since when no round comes to its end.
	RefusedSince time.Time
	Failing      condition.Failing

	hash string
	kept document.Copy[position]
}

// position is a Cursor as it is kept.
type position struct {
	Link string `json:"link"`
	// Hash is that of what the round selects, and of the rules.
	Hash string    `json:"hash"`
	At   time.Time `json:"at"`
	// Void says why there is no Link.
	Void         string            `json:"void,omitempty"`
	RefusedSince time.Time         `json:"refusedSince,omitzero"`
	Failing      condition.Failing `json:"failing,omitzero"`
}

func cursorDocument(documents document.Store, kind change.Kind) document.Document[position] {
	return document.Document[position]{Store: documents, Name: "delta " + string(kind)}
}

// Load reads the cursor of a kind. One that cannot be used is void and no
// error.
func (c *Cursors) Load(ctx context.Context, kind change.Kind) (Cursor, error) {
	kept, err := cursorDocument(c.documents, kind).Open(ctx)
	if err != nil && !errors.Is(err, document.ErrMalformed) {
		return Cursor{}, fmt.Errorf("read the cursor of %ss: %w", kind, err)
	}
	p := kept.Value
	cursor := Cursor{Kind: kind, RefusedSince: p.RefusedSince, Failing: p.Failing, hash: c.basis.hash(kind), kept: kept}
	switch {
	case kept.Version == 0:
		cursor.Void = fmt.Sprintf("there is no cursor of %ss yet", kind)
	case err != nil || !p.isWhole():
		cursor.Void = fmt.Sprintf("the cursor of %ss cannot be read", kind)
	case p.Void != "":
		cursor.Void = p.Void
	case p.Hash != cursor.hash && (c.former == nil || p.Hash != c.former.hash(kind)):
		cursor.Void = fmt.Sprintf("what is selected of %ss, or who is provisioned and how, has changed", kind)
	case c.now().Sub(p.At) > MaxAge:
		cursor.Void = fmt.Sprintf("the cursor of %ss is older than seven days", kind)
	default:
		cursor.Link, cursor.At, cursor.hash = p.Link, p.At, p.Hash
	}
	return cursor, nil
}

// isWhole reports whether it says either where to go on, or why not.
func (p position) isWhole() bool { return (p.Link == "") != (p.Void == "") }

// Save sets the cursor of a kind to the end of a first round, whatever it was.
func (c *Cursors) Save(ctx context.Context, kind change.Kind, link string) error {
	if link == "" {
		return fmt.Errorf("save the cursor of %ss: there is no link", kind)
	}
	for range writes {
		kept, err := cursorDocument(c.documents, kind).Open(ctx)
		if err != nil && !errors.Is(err, document.ErrMalformed) {
			return fmt.Errorf("read the cursor of %ss: %w", kind, err)
		}
		_, ok, err := c.write(ctx, Cursor{Kind: kind, Link: link, hash: c.basis.hash(kind), kept: kept})
		if ok || err != nil {
			return err
		}
	}
	return fmt.Errorf("save the cursor of %ss: others wrote it %d times meanwhile", kind, writes)
}

// Advance moves a cursor that was loaded to where Graph's answer to its Link
// leads, and returns it as it is then. It reports false where another moved it
// first; then nothing was written.
func (c *Cursors) Advance(ctx context.Context, cursor Cursor, link string) (Cursor, bool, error) {
	if link == cursor.Link && c.now().Sub(cursor.At) < fresh && cursor.Failing == (condition.Failing{}) {
		return cursor, true, nil
	}
	cursor.Link, cursor.RefusedSince, cursor.Failing = link, time.Time{}, condition.Failing{}
	return c.write(ctx, cursor)
}

// move is Advance to a page that Graph has not answered: what fails goes on to.
func (c *Cursors) move(ctx context.Context, cursor Cursor, link string) (Cursor, bool, error) {
	cursor.Link = link
	return c.write(ctx, cursor)
}

// fail notes that a round could not go on. It reports false where another moved
// the cursor first.
func (c *Cursors) fail(ctx context.Context, cursor Cursor, err error) (bool, error) {
	cursor.Failing = cursor.Failing.With(err, c.now())
	_, ok, failed := c.put(ctx, cursor)
	return ok, failed
}

// Void ends a cursor that was loaded, and keeps why. It reports false where
// another moved it first: then it may be good again.
func (c *Cursors) Void(ctx context.Context, cursor Cursor, why string) (bool, error) {
	cursor.Link, cursor.Void, cursor.RefusedSince = "", why, time.Time{}
	_, ok, err := c.write(ctx, cursor)
	return ok, err
}

func (c *Cursors) write(ctx context.Context, cursor Cursor) (Cursor, bool, error) {
	cursor.At = c.now().UTC()
	return c.put(ctx, cursor)
}

func (c *Cursors) put(ctx context.Context, cursor Cursor) (Cursor, bool, error) {
	cursor.kept.Value = position{
		Link: cursor.Link, Hash: cursor.hash, At: cursor.At, Void: cursor.Void,
		RefusedSince: cursor.RefusedSince, Failing: cursor.Failing,
	}
	switch err := cursor.kept.Save(ctx); {
	case errors.Is(err, document.ErrChanged):
		return cursor, false, nil
	case err != nil:
		return Cursor{}, false, fmt.Errorf("write the cursor of %ss: %w", cursor.Kind, err)
	}
	return cursor, true, nil
}

// hash is that of what is selected of a kind, in any order, and of the rules.
func (b Basis) hash(kind change.Kind) string {
	names := slices.Sorted(slices.Values(b.Select[kind]))
	sum := sha256.Sum256([]byte(strings.Join(names, ",") + "\n" + b.Rules[kind]))
	return hex.EncodeToString(sum[:])
}
