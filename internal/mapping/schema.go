package mapping

import (
	"strings"

	"entrawebex/internal/change"
)

// Target is an attribute of Webex's schema.
type Target struct {
	// Path is its SCIM path, as a mapping file has it.
	Path string
	// Boolean says that its values are true and false, Needed that each mapping has to
	// have it.
	Boolean, Needed bool
	// Refused says why it cannot be mapped, and what to do instead; empty if it can be.
	Refused string
}

// TargetOf finds the target attribute of a kind of object that a path names, in any
// case, which does not count in SCIM (RFC 7643 section 2.1); false if Webex has none.
func TargetOf(kind change.Kind, path string) (Target, bool) {
	targets := userTargets()
	if kind == change.Group {
		targets = groupTargets()
	}
	for _, t := range targets {
		if strings.EqualFold(t.path, path) {
			return Target{Path: t.path, Boolean: t.form == boolean, Needed: t.needed, Refused: t.refused}, true
		}
	}
	return Target{}, false
}
