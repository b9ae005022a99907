package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// MaxAge is how old a cursor may be: Graph keeps the delta tokens of directory
// objects for seven days
// (https://learn.microsoft.com/graph/delta-query-overview, "Token duration").
const MaxAge = 7 * 24 * time.Hour

// fresh is for how long a cursor that stays the same is not written again.
const fresh = time.Hour

// Cursors keep where the delta query of each kind goes on, one document a kind.
// The job moves them; a full read, which reads first rounds, sets them. They
// are safe for concurrent use, by any number of processes.
type Cursors struct {
	documents provision.Documents
	selects   map[change.Kind][]string
	rules     string
	now       func() time.Time
}

// NewCursors returns the cursors of delta queries that select these attributes
// by kind. Graph fixes them with a round's first request, so that a cursor is
// void once they are others. Rules is any text that says who is provisioned and
// how: with other rules, too, all must be read again, those in whom nothing has
// changed included.
func NewCursors(documents provision.Documents, selects map[change.Kind][]string, rules string, now func() time.Time) *Cursors {
	return &Cursors{documents: documents, selects: selects, rules: rules, now: now}
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
	Failing      Failing

	version int64
}

// position is a Cursor as it is kept.
type position struct {
	Link string `json:"link"`
	// Hash is that of what the round selects, and of the rules.
	Hash string    `json:"hash"`
	At   time.Time `json:"at"`
	// Void says why there is no Link.
	Void         string    `json:"void,omitempty"`
	RefusedSince time.Time `json:"refusedSince,omitzero"`
	Failing      Failing   `json:"failing,omitzero"`
}

func cursorDocument(kind change.Kind) string { return "delta " + string(kind) }

// Load reads the cursor of a kind. One that cannot be used is void and no
// error.
func (c *Cursors) Load(ctx context.Context, kind change.Kind) (Cursor, error) {
	data, version, err := c.documents.Document(ctx, cursorDocument(kind))
	if err != nil {
		return Cursor{}, fmt.Errorf("read the cursor of %ss: %w", kind, err)
	}
	p, err := decodePosition(data)
	cursor := Cursor{Kind: kind, RefusedSince: p.RefusedSince, Failing: p.Failing, version: version}
	switch {
	case version == 0:
		cursor.Void = fmt.Sprintf("there is no cursor of %ss yet", kind)
	case err != nil:
		cursor.Void = fmt.Sprintf("the cursor of %ss cannot be read", kind)
	case p.Void != "":
		cursor.Void = p.Void
	case p.Hash != c.hash(kind):
		cursor.Void = fmt.Sprintf("what is selected of %ss, or who is provisioned and how, has changed", kind)
	case c.now().Sub(p.At) > MaxAge:
		cursor.Void = fmt.Sprintf("the cursor of %ss is older than seven days", kind)
	default:
		cursor.Link, cursor.At = p.Link, p.At
	}
	return cursor, nil
}

// decodePosition reads what is kept. It is an error if that says neither where
// to go on nor why not.
func decodePosition(data []byte) (position, error) {
	var p position
	if err := json.Unmarshal(data, &p); err != nil {
		return position{}, fmt.Errorf("decode cursor: %w", err)
	}
	if (p.Link == "") == (p.Void == "") {
		return position{}, errors.New("decode cursor: neither a link nor why there is none")
	}
	return p, nil
}

// Save sets the cursor of a kind to the end of a first round, whatever it was.
func (c *Cursors) Save(ctx context.Context, kind change.Kind, link string) error {
	if link == "" {
		return fmt.Errorf("save the cursor of %ss: there is no link", kind)
	}
	for range writes {
		_, version, err := c.documents.Document(ctx, cursorDocument(kind))
		if err != nil {
			return fmt.Errorf("read the cursor of %ss: %w", kind, err)
		}
		_, ok, err := c.write(ctx, Cursor{Kind: kind, Link: link, version: version})
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
	if link == cursor.Link && c.now().Sub(cursor.At) < fresh && cursor.Failing == (Failing{}) {
		return cursor, true, nil
	}
	cursor.Link, cursor.RefusedSince, cursor.Failing = link, time.Time{}, Failing{}
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
	cursor.Failing = cursor.Failing.with(err, c.now())
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
	data, err := json.Marshal(position{
		Link: cursor.Link, Hash: c.hash(cursor.Kind), At: cursor.At, Void: cursor.Void,
		RefusedSince: cursor.RefusedSince, Failing: cursor.Failing,
	})
	if err != nil {
		return Cursor{}, false, fmt.Errorf("write the cursor of %ss: %w", cursor.Kind, err)
	}
	ok, err := put(ctx, c.documents, cursorDocument(cursor.Kind), data, cursor.version)
	if err != nil {
		return Cursor{}, false, fmt.Errorf("write the cursor of %ss: %w", cursor.Kind, err)
	}
	cursor.version++
	return cursor, ok, nil
}

// hash is that of what is selected of a kind, in any order, and of the rules.
func (c *Cursors) hash(kind change.Kind) string {
	names := slices.Sorted(slices.Values(c.selects[kind]))
	sum := sha256.Sum256([]byte(strings.Join(names, ",") + "\n" + c.rules))
	return hex.EncodeToString(sum[:])
}
