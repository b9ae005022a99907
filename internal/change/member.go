package change

import (
	"bytes"
	"encoding/json"
)

// Member is an element of members@delta: somebody who joined or left a group.
// In a change notification @removed is the string "deleted"; in a page of a
// delta query it is an object with a reason
// (https://learn.microsoft.com/graph/delta-query-groups).
type Member struct {
	// ID is as it came: ParseID tells whether it is an object id.
	ID string
	// Removed is what it says of a membership at some time, and decides
	// nothing: the same id may be both added and removed.
	Removed bool
}

// UnmarshalJSON implements json.Unmarshaler. It takes @removed in any form.
func (m *Member) UnmarshalJSON(text []byte) error {
	var element struct {
		ID      string          `json:"id"`
		Removed json.RawMessage `json:"@removed"`
	}
	if err := json.Unmarshal(text, &element); err != nil {
		return err
	}
	m.ID = element.ID
	m.Removed = len(element.Removed) > 0 && !bytes.Equal(element.Removed, []byte("null"))
	return nil
}
