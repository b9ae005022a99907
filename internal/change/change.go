// Package change holds the Change, the one message that travels from
// whatever noticed something in Entra to the worker.
//
// A Change says that an object changed, never what it changed to: the worker
// reads the object as it is when it gets there. A Change that is late,
// doubled, reordered or replayed therefore does no harm.
package change

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Kind is the kind of directory object a Change is about.
type Kind string

// The kinds of objects.
const (
	User  Kind = "user"
	Group Kind = "group"
)

// Kinds are all kinds, users first: a group refers to users.
func Kinds() []Kind { return []Kind{User, Group} }

// Object names one directory object.
type Object struct {
	Kind Kind `json:"kind"`
	// ID is the Entra object id, a lower-case GUID. It is also the message
	// group of the object's Changes.
	ID string `json:"id"`
}

// String returns the object as people write it: "user 7f3c…".
func (o Object) String() string { return string(o.Kind) + " " + o.ID }

// ParseObject reads what String writes; false if it is something else.
func ParseObject(s string) (Object, bool) {
	kind, id, _ := strings.Cut(s, " ")
	o := Object{Kind: Kind(kind)}
	var ok bool
	o.ID, ok = ParseID(id)
	return o, ok && (o.Kind == User || o.Kind == Group)
}

// Source is what noticed the change.
type Source string

// The sources of Changes. All of them travel the same road.
const (
	// Notification is a Graph change notification.
	Notification Source = "notification"
	// Engine is the provisioning engine itself, which asks for another look:
	// it moved the object's account out of the way of another, or somebody
	// whom the object refers to has arrived.
	Engine Source = "engine"
	// Reconcile is what looks for what no notification told: a delta query, or the
	// list of assignments to the enterprise application.
	Reconcile Source = "reconcile"
	// Comparison is one of both sides as a whole.
	Comparison Source = "comparison"
	// OnDemand is an operator who asks for a look.
	OnDemand Source = "on demand"
)

// Nomination is what the list of assignments says of an object.
type Nomination string

// The nominations. Any other, and none, says nothing.
const (
	// In: it was assigned, itself or by a group, in a role that counts.
	In Nomination = "in"
	// Out: an assignment of it, or of a group that it is in, has ended.
	Out Nomination = "out"
)

// Change says that an object may no longer be in Webex what it is in Entra.
type Change struct {
	Object

	// Members are the ids of those whose membership in the group may have
	// changed, at most MaxMembers: whom to look at, never what to find. A
	// group's Change without them is about its properties.
	Members []string `json:"members,omitempty"`
	// Afresh asks to read Webex instead of trusting what was last written; of
	// a group all members are compared.
	Afresh bool `json:"afresh,omitempty"`
	// Deleted is Graph's word that this very id was deleted for good: a
	// change notification with changeType "deleted".
	Deleted bool `json:"deleted,omitempty"`
	// Nominated is what a list said of the object when it was noticed. A reading
	// that says otherwise may come of a replica that is behind: it is not the last
	// word until some minutes after SeenAt.
	Nominated Nomination `json:"nominated,omitempty"`
	// Source is what noticed it.
	Source Source `json:"source"`
	// EventTime is when it happened by Graph's clock; zero where the source
	// does not say.
	EventTime time.Time `json:"eventTime,omitzero"`
	// SeenAt is when it was noticed by ours.
	SeenAt time.Time `json:"seenAt"`
	// CorrelationID is one id for everything that comes of one cause, from
	// the notification's delivery to Webex's answer.
	CorrelationID string `json:"correlationId"`
	// Replayed says that it was a dead letter. Its message says so, not its body.
	Replayed bool `json:"-"`
}

const (
	// MaxMembers is how many members one Change names at most. Webex takes
	// as many in a PATCH.
	MaxMembers = 100
	// MaxSize is the size in bytes of the largest encoded Change.
	MaxSize = 8 << 10
)

// Encode returns the Change as it stands in a message body.
func (c Change) Encode() ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("encode change: %w", err)
	}
	return json.Marshal(c)
}

// Decode reads a message body. It refuses what Encode would not have written.
func Decode(body []byte) (Change, error) {
	if len(body) > MaxSize {
		return Change{}, fmt.Errorf("decode change: %d bytes, more than the %d a change can have", len(body), MaxSize)
	}
	var c Change
	if err := json.Unmarshal(body, &c); err != nil {
		return Change{}, fmt.Errorf("decode change: %w", err)
	}
	if err := c.validate(); err != nil {
		return Change{}, fmt.Errorf("decode change: %w", err)
	}
	return c, nil
}

func (c Change) validate() error {
	switch {
	case !slices.Contains(Kinds(), c.Kind):
		return fmt.Errorf("unknown kind of object %q", c.Kind)
	case !canonical(c.ID):
		return errors.New("the object id is not a lower-case GUID")
	case c.Kind != Group && len(c.Members) > 0:
		return errors.New("only a group has members")
	case len(c.Members) > MaxMembers:
		return fmt.Errorf("%d members, more than the %d a change names", len(c.Members), MaxMembers)
	}
	for _, id := range c.Members {
		if !canonical(id) {
			return errors.New("the id of a member is not a lower-case GUID")
		}
	}
	return nil
}

func canonical(id string) bool {
	parsed, ok := ParseID(id)
	return ok && parsed == id
}

// ParseID returns an Entra object id in its one canonical form, a lower-case
// GUID with hyphens, and whether s was one in any case.
func ParseID(s string) (string, bool) {
	const guidLength = 36 // uuid.Parse takes other forms too
	if len(s) != guidLength {
		return "", false
	}
	if isCanonical(s) {
		return s, true
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return "", false
	}
	return id.String(), true
}

// isCanonical reports whether a text of the length of a GUID is one in its canonical
// form, as Graph writes all of them.
func isCanonical(s string) bool {
	for i := range len(s) {
		switch c := s[i]; i {
		case 8, 13, 18, 23:
			if c != '-' {
				return false
			}
		default:
			if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
