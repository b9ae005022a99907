// Package expression is the language of attribute mappings of Entra's
// provisioning service: parsed once, evaluated for each object.
// https://learn.microsoft.com/entra/identity/app-provisioning/functions-for-customizing-application-data
//
// A value is nil (null: an attribute that is absent), a string, a bool, an
// int64, a float64, or []any for several values. A date is a string, as it is
// in Entra: "DateTime isn't a native attribute type". The roles of a user are
// []any of map[string]any, as SCIM has them.
package expression

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Expression is what computes a value from the attributes of an object. It may
// be evaluated by many at a time.
type Expression struct {
	text       string
	root       node
	attributes []string
	volatile   bool
	timed      bool
	redacted   bool
	refused    *Mistake
}

// Attribute is the expression of a direct mapping: the value of one attribute.
func Attribute(name string) *Expression {
	return &Expression{text: "[" + name + "]", root: attribute{name}, attributes: []string{name}}
}

// Constant is the expression of a constant mapping: the same value for everybody.
func Constant(v any) *Expression { return &Expression{text: fmt.Sprintf("%#v", v), root: constant{v}} }

// String is the expression as it was written.
func (x *Expression) String() string { return x.text }

// Type is the type of a mapping with the expression, as Entra's portal calls it:
// direct, constant or expression.
func (x *Expression) Type() string {
	switch x.root.(type) {
	case attribute:
		return "direct"
	case constant:
		return "constant"
	default:
		return "expression"
	}
}

// GivesRoles reports whether the value is SCIM's roles, of which each is an object.
func (x *Expression) GivesRoles() bool {
	root, is := x.root.(*call)
	return is && strings.HasSuffix(root.name, "AppRoleAssignmentsComplex")
}

// Attributes are the names of the attributes that the expression reads, as they
// were written, sorted. They are not to be changed.
func (x *Expression) Attributes() []string { return x.attributes }

// Volatile reports whether another evaluation may give another value although
// no attribute has changed: it depends on the time, on chance, or on what is
// taken. Whoever maps keeps the value as long as Arguments stays the same.
func (x *Expression) Volatile() bool { return x.volatile }

// DefaultDomain is the name of the attribute that an expression with that function
// reads: what it depends on is known by Attributes alone.
const DefaultDomain = "DefaultDomain()"

// Timed reports whether the value has the present time in it, or something computed
// from it. One that is only chosen by a comparison with the present time, in the
// condition of IIF or by Switch, is not: it changes when that comes to another outcome,
// and not at each evaluation.
func (x *Expression) Timed() bool { return x.timed }

// Redacted reports whether the value is to be kept out of logs and of what is
// printed: "[Redact]" stands in its place.
func (x *Expression) Redacted() bool { return x.redacted }

// Refused returns why the expression is not allowed, by Entra where users are
// provisioned to applications, or here yet, as a *Mistake; nil if it is.
func (x *Expression) Refused() error {
	if x.refused == nil {
		return nil
	}
	return x.refused
}

// Arguments is a fingerprint of the expression and of the values of all the
// attributes that it reads, the same in every process.
func (x *Expression) Arguments(get func(name string) any) string {
	h := sha256.New()
	_, _ = io.WriteString(h, x.text)
	for _, name := range x.attributes {
		encoded, err := json.Marshal(get(name))
		if err != nil {
			encoded = nil // attributes come from JSON
		}
		_, _ = fmt.Fprintf(h, "\n%q %s", name, encoded)
	}
	const enough = 16 // bytes, against chance
	return hex.EncodeToString(h.Sum(nil)[:enough])
}

// Environment is what an evaluation depends on beside the attributes. The zero
// value is the real world, of which nothing is taken.
type Environment struct {
	// Now is the clock; nil for that of the machine.
	Now func() time.Time
	// Random is where chance comes from; nil for the generator of the machine.
	Random io.Reader
	// Taken reports whether another object of the target has the value; nil if
	// none has.
	Taken func(value string) (bool, error)
	// Trace, unless nil, is told of each function that was evaluated, the inner
	// ones first.
	Trace func(Step)
}

// MaxResult is the most that a function may give, in bytes of text. A longer
// value is an error.
const MaxResult = 64 << 10

// Ignored is the value of an attribute that does not flow: what the target has
// stays, whatever else is done about null.
type Ignored struct{}

// Evaluate computes the value for an object. The error names the function at
// fault and none of the object's values.
func (x *Expression) Evaluate(env Environment, get func(name string) any) (any, error) {
	switch root := x.root.(type) {
	case constant:
		return root.of, nil
	case attribute:
		return normal(get(root.name)), nil
	default:
		return x.root.value(&evaluation{env: env, get: get})
	}
}

// Step is the evaluation of one function.
type Step struct {
	Depth    int // functions around it
	Function string
	// Arguments are the values that were looked at, and Unused for others: left
	// out, or of no account, such as the other side of an IIF.
	Arguments []any
	Result    any
	Err       error
}

// Unused stands for an argument whose value was not looked at.
type Unused struct{}

// Redaction stands in a Step for what Redact keeps out of logs.
const Redaction = "[Redact]"

// evaluation is one evaluation under way.
type evaluation struct {
	env       Environment
	get       func(name string) any
	arguments []any // those of the function that is traced
	depth     int
}

func (e *evaluation) now() time.Time {
	if e.env.Now != nil {
		return e.env.Now().UTC()
	}
	return time.Now().UTC()
}

// read notes that the expression reads an attribute.
func (x *Expression) read(name string) {
	if at, there := slices.BinarySearch(x.attributes, name); !there {
		x.attributes = slices.Insert(x.attributes, at, name)
	}
}
