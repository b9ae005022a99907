package sweep

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
)

// strays are the users and groups of Webex that are nobody's by the ledger, to
// be matched with those of Entra who have none. They are kept as JSON: of a
// large organization whose ledger is lost there are many.
type strays struct {
	all []stray
	// byID are their places by the externalId, byCriterion by the criteria that they
	// meet.
	byID, byCriterion map[string][]int
}

type stray struct {
	kind         change.Kind
	id, reserved string
	encoded      []byte
}

// add keeps what is mapped, and what it is matched by.
func (s *strays) add(kind change.Kind, found provision.Resource, m mapping.Mapping) {
	if s.byID == nil {
		s.byID, s.byCriterion = map[string][]int{}, map[string][]int{}
	}
	attributes := m.Excerpt(found.Attributes)
	if external, ok := found.Attributes["externalId"]; ok {
		attributes["externalId"] = external
	}
	encoded, err := json.Marshal(attributes)
	if err != nil {
		return // it came from JSON
	}
	at := len(s.all)
	s.all = append(s.all, stray{kind: kind, id: found.ID, reserved: found.Reserved, encoded: encoded})
	if external, _ := attributes["externalId"].(string); external != "" {
		key := key(kind, external)
		s.byID[key] = append(s.byID[key], at)
	}
	for _, c := range m.Meets(attributes) {
		key := key(kind, c.Key())
		s.byCriterion[key] = append(s.byCriterion[key], at)
	}
}

func key(kind change.Kind, text string) string { return string(kind) + " " + strings.ToLower(text) }

// nameOf is the userName of a user, the displayName of a group.
func nameOf(attributes map[string]any) string {
	if name, ok := attributes["userName"].(string); ok {
		return name
	}
	name, _ := attributes["displayName"].(string)
	return name
}

// matches returns those that have the object's id or meet one of its criteria, the
// former first.
func (s *strays) matches(o change.Object, criteria []mapping.Criterion) []provision.Resource {
	places := slices.Clone(s.byID[key(o.Kind, o.ID)])
	for _, c := range criteria {
		for _, at := range s.byCriterion[key(o.Kind, c.Key())] {
			if !slices.Contains(places, at) {
				places = append(places, at)
			}
		}
	}
	found := make([]provision.Resource, 0, len(places))
	for _, at := range places {
		found = append(found, s.all[at].resource())
	}
	return found
}

// has reports whether one has the object's id.
func (s *strays) has(o change.Object) bool { return len(s.byID[key(o.Kind, o.ID)]) > 0 }

// left yields those that are nobody's, by who has an account now.
func (s *strays) left(owners map[string]*known) iter.Seq2[change.Kind, provision.Resource] {
	return func(yield func(change.Kind, provision.Resource) bool) {
		for _, one := range s.all {
			if owners[one.id] == nil && !yield(one.kind, one.resource()) {
				return
			}
		}
	}
}

func (s stray) resource() provision.Resource {
	r := provision.Resource{ID: s.id, Reserved: s.reserved}
	if json.Unmarshal(s.encoded, &r.Attributes) != nil {
		r.Attributes = nil // it was encoded here
	}
	return r
}

// sorted returns the objects of a map, users first.
func sorted[V any](m map[change.Object]V) []change.Object {
	return slices.SortedFunc(maps.Keys(m), func(a, b change.Object) int {
		if a.Kind != b.Kind {
			return -strings.Compare(string(a.Kind), string(b.Kind))
		}
		return strings.Compare(a.ID, b.ID)
	})
}
