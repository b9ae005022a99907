package entra

import (
	"encoding/json"
	"errors"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/rawjson"
)

// strange is a success that does not answer what was asked: it is not of Graph's
// form, or about something else. A proxy between us and Graph answers so, and a
// Graph that is in trouble. Nothing follows from it.
type strange string

// Error implements error.
func (s strange) Error() string { return string(s) }

// errOther is an answer about another object than the one asked for.
const errOther = strange("the answer is about another object")

// collection is a page of a list as OData has it
// (https://learn.microsoft.com/graph/paging).
type collection struct {
	// Elements are not nil once a page was read. Each is read by itself, so that
	// one that cannot be read is no affair of the others.
	Elements elements `json:"value"`
	// Next is the next page's URL; empty after the last.
	Next string `json:"@odata.nextLink"`
	// Delta is where the next round of a delta query begins; empty before its last
	// page, and in all other lists.
	Delta string `json:"@odata.deltaLink"`
}

// elements are those of a list as they stand in the answer, which is read once and
// never written over.
type elements []json.RawMessage

// UnmarshalJSON implements json.Unmarshaler.
func (e *elements) UnmarshalJSON(data []byte) error {
	switch data[0] {
	case 'n':
		return nil
	case '[':
	default:
		return errors.New("not a list")
	}
	*e = elements{}
	for element := range rawjson.Elements(data) {
		*e = append(*e, element)
	}
	return nil
}

// decodeCollection reads a page of what is named. That it lists nothing must be
// said, not left out.
func decodeCollection(named string, body []byte) (collection, error) {
	var page collection
	if err := json.Unmarshal(body, &page); err != nil {
		return collection{}, strange("the answer is not a page of " + named)
	}
	if page.Elements == nil {
		return collection{}, strange("the answer has no list of " + named)
	}
	return page, nil
}

// text is a scalar in JSON as a string: a header that is a number, an id that is
// one. Of a list it is the first element, and empty where there is none.
func text(raw json.RawMessage) string {
	var list []json.RawMessage
	switch {
	case len(raw) == 0 || raw[0] == '{' || string(raw) == "null":
		return ""
	case raw[0] == '"':
		return rawjson.Text(raw)
	case raw[0] == '[':
		if json.Unmarshal(raw, &list) != nil || len(list) == 0 || list[0][0] == '[' {
			return ""
		}
		return text(list[0])
	default:
		return string(raw)
	}
}

// identity is what tells an element of a list apart, in whatever form.
type identity struct {
	Type json.RawMessage `json:"@odata.type"`
	ID   json.RawMessage `json:"id"`
}

// odataPrefix begins every @odata.type of Graph's.
const odataPrefix = "#microsoft.graph."

// An object's kind as far as its @odata.type says it.
type nature int

const (
	// unsaid: the type is left out, or not one that is known.
	unsaid nature = iota
	aUser
	aGroup
	// another: neither a user nor a group.
	another
)

// natureOf reads an @odata.type, which has no case. The types of directory objects
// are in https://learn.microsoft.com/graph/api/resources/directoryobject. An
// agentUser inherits from user, an agentIdentity from servicePrincipal
// (https://learn.microsoft.com/graph/api/resources/agentuser).
func natureOf(odataType string) nature {
	name, ok := strings.CutPrefix(strings.ToLower(odataType), odataPrefix)
	if !ok {
		return unsaid
	}
	switch name {
	case "user", "agentuser":
		return aUser
	case "group":
		return aGroup
	case "administrativeunit", "agentidentity", "agentidentityblueprint", "agentidentityblueprintprincipal", "application",
		"contract", "device", "directoryrole", "directoryroletemplate", "organization", "orgcontact", "serviceprincipal":
		return another
	default:
		return unsaid
	}
}

// of is the nature of the objects of a kind.
func of(kind change.Kind) nature {
	if kind == change.Group {
		return aGroup
	}
	return aUser
}

// maybe reports whether what says this type may be a user or a group where
// directory objects of all kinds are listed. A type that is not known is derived
// from user if it says so in its name, as agentUser does; taken for a group it
// would be one that nobody knows, and do no harm.
func maybe(kind change.Kind, odataType string) bool {
	switch natureOf(odataType) {
	case of(kind):
		return true
	case unsaid:
		return odataType == "" || kind == change.Group || strings.HasSuffix(strings.ToLower(odataType), "user")
	default:
		return false
	}
}
