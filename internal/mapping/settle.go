package mapping

import (
	"strings"

	"entrawebex/internal/mapping/expression"
)

// Outcome is what becomes of a target attribute.
type Outcome string

// The outcomes.
const (
	// Written: it gets what the source gives.
	Written Outcome = "written"
	// Defaulted: it gets the default, since Entra has no value.
	Defaulted Outcome = "default"
	// LeftAlone: what Webex has stays.
	LeftAlone Outcome = "left alone"
	// Cleared: what Webex has goes.
	Cleared Outcome = "cleared"
	// Faulty: the object cannot be written.
	Faulty Outcome = "fault"
)

// settled is the outcome of a rule, with its value, or why there is none.
type settled struct {
	outcome Outcome
	value   any
	why     string
	err     error // of Faulty
}

// settle decides what becomes of the target when the source gives the value or the
// error, on creation or later.
func (r *rule) settle(v any, err error, attributes map[string]any, creation bool) settled {
	_, ignored := v.(expression.Ignored)
	switch {
	case r.onCreate && !creation:
		return settled{outcome: LeftAlone, why: "apply is creation, so it is never written again"}
	case err != nil:
		return settled{outcome: Faulty, err: err}
	case ignored:
		return settled{outcome: LeftAlone, why: "the expression says that it does not flow"}
	case v != nil:
		return r.fitting(Written, v, "")
	case r.otherwise != nil && r.alwaysOtherwise:
		return r.fitting(Defaulted, r.otherwise, "Entra has no value, and defaultWhen is always")
	case r.otherwise != nil && creation:
		return r.fitting(Defaulted, r.otherwise, "Entra has no value, and defaultWhen is creation")
	case r.required:
		return settled{outcome: Faulty, err: missing(r.source.Attributes())}
	case !r.clears:
		return settled{outcome: LeftAlone, why: "Entra has no value, and whenNull is keep"}
	case creation:
		return settled{outcome: LeftAlone, why: "Entra has no value, and there is nothing to clear yet"}
	case !r.isShown(attributes):
		return settled{outcome: LeftAlone, why: "Entra does not show whether it has a value"}
	default:
		return settled{outcome: Cleared, why: "Entra has no value, and whenNull is clear"}
	}
}

// missing are the source attributes of a required target, none of which gives a value.
type missing []string

// Error implements error.
func (m missing) Error() string { return "Entra has no value for " + strings.Join(m, ", ") }

// fitting is the outcome of a value, if Webex takes it.
func (r *rule) fitting(outcome Outcome, v any, why string) settled {
	if err := r.fits(v); err != nil {
		return settled{outcome: Faulty, err: err}
	}
	return settled{outcome: outcome, value: v, why: why}
}
