package history

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"entrawebex/internal/change"
)

// Span chooses entries.
type Span struct {
	// Object is that of the entries; nil for all.
	Object *change.Object
	// Since is the first moment, Until the first that is too late; zero for no bound.
	Since, Until time.Time
	// Status is that of the entries; empty for any.
	Status Status
}

// Idle counts the attempts of a process that found nothing to do.
type Idle struct {
	// Hour is when it begins, Process whose count it is.
	Hour    time.Time
	Process string
	// Counts are all of the hour, by the kind of nothing.
	Counts map[string]int
}

// Store keeps the log. What one call kept the next one reads.
type Store interface {
	// Keep keeps entries, all by one call where they are few, and replaces the counts
	// of these hours and processes. After an error some may be kept; to keep an entry
	// twice is to keep it once.
	Keep(ctx context.Context, entries []Entry, idle []Idle) error
	// Entries are those of a span, the newest first, and no longer ago than is kept. It
	// ends with the first error.
	Entries(ctx context.Context, s Span) iter.Seq2[Entry, error]
	// Named are the objects that were called so, case aside, on either side, or whose
	// account or group in Webex has this id.
	Named(ctx context.Context, name string) ([]change.Object, error)
	// Idle are the attempts that found nothing to do, of the hours from since to until,
	// by the kind of nothing.
	Idle(ctx context.Context, since, until time.Time) (map[string]int, error)
}

// hourForm is an hour in a key.
const hourForm = "2006-01-02T15"

// stamp is a moment in a key: the order of texts is that of time.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000000Z") }

// key is that of an entry among those of its object or its day.
func (e *Entry) key() string { return stamp(e.At) + "#" + e.ID }

func objectKey(o change.Object) string { return string(o.Kind) + "#" + o.ID }

// objectOf is the object whose objectKey it is.
func objectOf(key string) (change.Object, error) {
	kind, id, ok := strings.Cut(key, "#")
	if !ok || kind == "" || id == "" {
		return change.Object{}, fmt.Errorf("%.80q names no object", key)
	}
	return change.Object{Kind: change.Kind(kind), ID: id}, nil
}

// within is the span as it is read at that time, of a log that is kept for so long.
func (s Span) within(now time.Time, kept time.Duration) Span {
	if oldest := now.Add(-kept); s.Since.Before(oldest) {
		s.Since = oldest
	}
	if latest := now.Add(ahead); s.Until.IsZero() || s.Until.After(latest) {
		s.Until = latest
	}
	s.Since, s.Until = s.Since.UTC(), s.Until.UTC()
	return s
}

// ahead is how far the clock may be ahead of whoever kept an entry.
const ahead = time.Hour

// maxEntry is how many bytes an entry has at most: an item of DynamoDB has 400 KB.
const maxEntry = 384 << 10

func encode(e *Entry) ([]byte, error) {
	data, err := json.Marshal(e)
	if err == nil && len(data) > maxEntry {
		err = fmt.Errorf("%d bytes, more than the %d that are kept", len(data), maxEntry)
	}
	if err != nil {
		return nil, fmt.Errorf("encode entry %s: %w", e.ID, err)
	}
	return data, nil
}

func decode(data []byte) (Entry, error) {
	var e Entry
	if len(data) > maxEntry {
		return Entry{}, errors.New("decode entry: too large")
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return Entry{}, fmt.Errorf("decode entry: %w", err)
	}
	return e, nil
}

// merged are the entries of several sequences, each with the newest first, in that
// order.
func merged(all []iter.Seq2[Entry, error]) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		type head struct {
			entry Entry
			err   error
			next  func() (Entry, error, bool)
		}
		var heads []head
		for _, one := range all {
			next, stop := iter.Pull2(one)
			defer stop()
			if e, err, ok := next(); ok {
				heads = append(heads, head{e, err, next})
			}
		}
		for len(heads) > 0 {
			newest := 0
			for i := range heads {
				if cmp.Compare(heads[i].entry.key(), heads[newest].entry.key()) > 0 || heads[i].err != nil {
					newest = i
				}
			}
			h := &heads[newest]
			if !yield(h.entry, h.err) || h.err != nil {
				return
			}
			var ok bool
			if h.entry, h.err, ok = h.next(); !ok {
				heads = append(heads[:newest], heads[newest+1:]...)
			}
		}
	}
}
