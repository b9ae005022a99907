package entra

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"entrawebex/internal/change"
	"entrawebex/internal/scoping"
)

// MaxObject is how many bytes the JSON of one user or group has at most.
const MaxObject = 1 << 20

// Shown is one user or group as Graph shows it, in a file.
type Shown struct {
	Kind change.Kind
	// SoftDeleted says that it was in the recycle bin.
	SoftDeleted bool
	// Attributes are those of Graph by its names, as JSON has them.
	Attributes map[string]any
}

// Decode reads one user or group in the form in which Graph answers GET /users/{id} or
// GET /groups/{id}, in UTF-8, or in UTF-16 as PowerShell writes a file.
func Decode(r io.Reader) (Shown, error) {
	data, err := io.ReadAll(io.LimitReader(transform.NewReader(r, unicode.BOMOverride(transform.Nop)), MaxObject+1))
	if err != nil {
		return Shown{}, err
	}
	if len(data) > MaxObject {
		return Shown{}, fmt.Errorf("it has more than %d bytes: one user or group has less", MaxObject)
	}
	var attributes map[string]any
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&attributes); err != nil {
		return Shown{}, fmt.Errorf("it is no JSON object: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Shown{}, errors.New("there is more in it than one JSON object")
	}
	kind, err := kindShown(attributes)
	if err != nil {
		return Shown{}, err
	}
	maps.DeleteFunc(attributes, func(name string, _ any) bool { return strings.Contains(name, "@odata.") })
	if manager, ok := attributes[managerRelation].(map[string]any); ok { // as $expand shows it
		attributes[managerRelation] = manager["id"]
	}
	return Shown{Kind: kind, SoftDeleted: attributes["deletedDateTime"] != nil, Attributes: attributes}, nil
}

// MemberOf says of the groups whether the user is in them, as far as it is shown with
// memberOf and transitiveMemberOf: as $expand shows them, or lists of ids.
func (s Shown) MemberOf(groups []scoping.Group) map[scoping.Group]bool {
	in := map[scoping.Group]bool{}
	for _, g := range groups {
		if list, shown := s.Attributes[g.Relation()].([]any); shown {
			in[g] = slices.ContainsFunc(list, func(one any) bool {
				if group, ok := one.(map[string]any); ok {
					one = group["id"]
				}
				id, _ := one.(string)
				return strings.EqualFold(id, g.ID)
			})
		}
	}
	return in
}

// kindShown is what the attributes are those of: as Graph says, or as an attribute
// says that only the one kind has.
func kindShown(attributes map[string]any) (change.Kind, error) {
	odataType, _ := attributes["@odata.type"].(string)
	odataContext, _ := attributes["@odata.context"].(string)
	has := func(name string) bool { _, there := attributes[name]; return there }
	switch nature := natureOf(odataType); {
	case nature == aUser, nature == unsaid && strings.Contains(odataContext, "#users"):
		return change.User, nil
	case nature == aGroup, nature == unsaid && strings.Contains(odataContext, "#groups"):
		return change.Group, nil
	case nature == another:
		return "", errors.New("it is neither a user nor a group, as its @odata.type says")
	case has("userPrincipalName"), has(accountEnabled):
		return change.User, nil
	case has(securityEnabled), has("groupTypes"):
		return change.Group, nil
	default:
		return "", errors.New(`it is neither a user nor a group: write "@odata.type": "#microsoft.graph.user" into it, or group, and one object alone`)
	}
}
