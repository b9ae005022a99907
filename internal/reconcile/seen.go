package reconcile

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/condition"
)

// assigned is a user or a group that is assigned to the enterprise application.
type assigned struct {
	id   uuid.UUID
	kind byte // user or group
	// roles stands for the roles in which it is assigned, whatever their
	// number: others are another number. pending if it is to be queued.
	roles uint64
	// counts says that one of the roles counts for the scope. It is not kept.
	counts bool
}

const (
	user  byte = 'u'
	group byte = 'g'
)

// pending are the roles of one that is to be queued, or was and may not be on
// the queue: no list ever has them, so that every later one differs.
const pending uint64 = 0

// queuedOnce stands for roles that somebody was queued for once, and is to be again: no
// list has it but by chance. That of pending is for who is on no list.
func queuedOnce(roles uint64) uint64 { return ^roles }

func (a assigned) object() change.Object {
	kind := change.User
	if a.kind == group {
		kind = change.Group
	}
	return change.Object{Kind: kind, ID: a.id.String()}
}

func compareAssigned(a, b assigned) int {
	return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.kind, b.kind))
}

// buckets are over how many documents those who were seen are spread. As much
// as a document holds, times this, is a million; 100,000 are 40 KB in each.
const buckets = 64

// bucket is the number of the document that has it.
func (a assigned) bucket() int {
	sum := fnv.New32a()
	_, _ = sum.Write(a.id[:]) // never fails
	return int(sum.Sum32() % buckets)
}

// seat is an assignment on the list: of whom, and in which role.
type seat struct {
	id   uuid.UUID
	kind byte
	role uuid.UUID
}

func newSeat(a Assignment) (seat, error) {
	id, err := uuid.Parse(a.Principal.ID)
	if err != nil {
		return seat{}, fmt.Errorf("the id of an assigned %s is not a GUID", a.Principal.Kind)
	}
	role, err := uuid.Parse(a.Role)
	if err != nil {
		return seat{}, fmt.Errorf("the role of %s is not a GUID", a.Principal)
	}
	switch a.Principal.Kind {
	case change.User:
		return seat{id, user, role}, nil
	case change.Group:
		return seat{id, group, role}, nil
	default:
		return seat{}, fmt.Errorf("an assigned %q is neither a user nor a group", a.Principal.Kind)
	}
}

// collect returns those who have the seats, sorted, each once. Covers says which
// roles count.
func collect(seats []seat, covers func(roles []string) bool) []assigned {
	slices.SortFunc(seats, func(a, b seat) int {
		return cmp.Or(bytes.Compare(a.id[:], b.id[:]), cmp.Compare(a.kind, b.kind), bytes.Compare(a.role[:], b.role[:]))
	})
	seats = slices.Compact(seats)
	var all []assigned
	for len(seats) > 0 {
		one := func(s seat) bool { return s.id != seats[0].id || s.kind != seats[0].kind }
		n := slices.IndexFunc(seats, one)
		if n < 0 {
			n = len(seats)
		}
		all = append(all, assigned{seats[0].id, seats[0].kind, rolesOf(seats[:n]), covers(names(seats[:n]))})
		seats = seats[n:]
	}
	return all
}

func names(seats []seat) []string {
	roles := make([]string, len(seats))
	for i, s := range seats {
		roles[i] = s.role.String()
	}
	return roles
}

// rolesOf is the number that stands for the roles of these seats.
func rolesOf(seats []seat) uint64 {
	sum := fnv.New64a()
	for _, s := range seats {
		_, _ = sum.Write(s.role[:]) // never fails
	}
	return max(sum.Sum64(), pending+1)
}

// The form of a bucket: a mark, and after it all entries, sorted: 16 bytes of
// id, 1 of kind, 8 of roles.
const (
	bucketMark = "assigned 1\n"
	entrySize  = 16 + 1 + 8
)

func encodeBucket(entries []assigned) []byte {
	data := make([]byte, 0, len(bucketMark)+len(entries)*entrySize)
	data = append(data, bucketMark...)
	for _, a := range entries {
		data = append(append(data, a.id[:]...), a.kind)
		data = binary.BigEndian.AppendUint64(data, a.roles)
	}
	return data
}

// decodeBucket reads a bucket. It refuses what encodeBucket would not have
// written. Nothing at all is a bucket with nobody in it.
func decodeBucket(data []byte) ([]assigned, error) {
	if len(data) == 0 {
		return nil, nil
	}
	data, ok := bytes.CutPrefix(data, []byte(bucketMark))
	if !ok || len(data)%entrySize != 0 {
		return nil, errors.New("decode assignments seen: it has not their form")
	}
	entries := make([]assigned, 0, len(data)/entrySize)
	for text := range slices.Chunk(data, entrySize) {
		a := assigned{id: uuid.UUID(text[:16]), kind: text[16], roles: binary.BigEndian.Uint64(text[17:])}
		if a.kind != user && a.kind != group {
			return nil, errors.New("decode assignments seen: one is neither a user nor a group")
		}
		if n := len(entries); n > 0 && compareAssigned(entries[n-1], a) >= 0 {
			return nil, errors.New("decode assignments seen: they are not in order")
		}
		entries = append(entries, a)
	}
	return entries, nil
}

// hashOf is that of all who are on a list.
func hashOf(app string, all []assigned) string {
	sum := sha256.New()
	_, _ = sum.Write([]byte(app)) // never fails
	_, _ = sum.Write(encodeBucket(all))
	return hex.EncodeToString(sum.Sum(nil))
}

// manifest says what the buckets hold.
type manifest struct {
	// Hash is that of the list that is in the buckets; empty while they are
	// being written, or where some of it is still to be queued.
	Hash string `json:"hash,omitempty"`
	// First says that no list has come to its end yet.
	First bool `json:"first,omitempty"`
	// Owner is the run that writes the buckets, until when at the latest.
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Failing is since when the list cannot be read, or dealt with.
	Failing condition.Failing `json:"failing,omitzero"`
}

// isClaimed reports whether a run may be writing the buckets. A claim for longer
// than a run can last, give or take what clocks differ, is none.
func (m manifest) isClaimed(now time.Time) bool {
	return now.Before(m.Until) && m.Until.Sub(now) <= Longest+margin
}
