package operator

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
)

// SearchRequest asks whose name has a part.
type SearchRequest struct {
	// Part is a part of a userName or displayName, in any case.
	Part string `json:"part"`
}

// Search are those whose name has the part, by their names.
type Search struct {
	Found []Found `json:"found"`
	// More says that there are others.
	More bool `json:"more,omitempty"`
}

// Found is one of them.
type Found struct {
	Object change.Object `json:"object"`
	// Name is what it is called in Webex.
	Name    string `json:"name"`
	WebexID string `json:"webexId,omitempty"`
}

const (
	// leastPart is how many bytes a part has at least, mostFound how many are told.
	leastPart = 2
	mostFound = 50
)

// Search looks through the ledger for those whose name has a part: users and groups that
// were written to Webex. It reads every record.
func (o *Operator) Search(ctx context.Context, r SearchRequest) (Search, error) {
	part := strings.ToLower(strings.TrimSpace(r.Part))
	if len(part) < leastPart || len(part) > longestAsked {
		return Search{}, invalid(fmt.Errorf("%q is no part of a name: give %d to %d characters", printable.Short(part, longestAsked), leastPart, longestAsked))
	}
	if err := o.bound(ctx); err != nil {
		return Search{}, err
	}
	s := Search{Found: []Found{}}
	err := o.Ledger.Records(ctx, func(r provision.Record) error {
		if !hasPart(r, part) {
			return nil
		}
		s.Found = append(s.Found, Found{Object: r.Object, Name: cmp.Or(nameOf(r), r.Object.ID), WebexID: r.WebexID})
		slices.SortFunc(s.Found, func(a, b Found) int {
			return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Object.ID, b.Object.ID))
		})
		if len(s.Found) > mostFound {
			s.Found, s.More = s.Found[:mostFound], true
		}
		return nil
	})
	return s, err
}

// hasPart reports whether a name of the object has a part, which is in lower case.
func hasPart(r provision.Record, part string) bool {
	for _, path := range []string{"userName", "displayName"} {
		if name, ok := r.LastWritten[path].(string); ok && strings.Contains(strings.ToLower(name), part) {
			return true
		}
	}
	return false
}
