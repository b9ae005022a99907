// Package mapping computes what Webex should hold from what Entra holds: which
// attribute becomes which, by rules that are data.
//
// Values travel as a flat map from SCIM path to value, such as
// {"name.givenName": "Ada", `emails[type eq "work"].value`: "ada@example.com"}.
package mapping

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/mail"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/scoping"
)

// Rules are the attribute mappings of the kinds of objects.
type Rules struct{ Users, Groups Mapping }

// Mapping is the attribute mapping of one kind of object.
type Mapping struct {
	rules []rule
	// matching are the places of those with a precedence for matching, in that order.
	matching []int
	actions  Actions
	filter   scoping.Filter
	// state is the attribute of Graph that says whether an object may be in Webex,
	// which is read whatever the rules.
	state string
	sum   string
	// timed says that there are values made of the present time, moments when those of
	// the object that is mapped are computed.
	timed   bool
	moments Moments
}

// Actions are those that may be taken in Webex, Entra's target object actions.
type Actions struct {
	Create, Update bool
	// Delete is for disabling, too.
	Delete bool
}

type rule struct {
	target   path
	form     form
	longest  int // characters; 0 for any number
	source   *expression.Expression
	matching int // precedence; 0 for none
	required bool
	// onCreate says that the value is written on creation and never again, clears
	// that it goes from Webex when Entra has none.
	onCreate, clears bool
	// withdrawn says that it is mapped no more, so that only what was written goes.
	withdrawn bool
	// told says that the values may be kept in the provisioning log.
	told bool
	// describes is the path of the value of the element that this only describes, as
	// primary does; empty if it is not mapped.
	describes string
	// otherwise is the value where Entra has none, on creation or always.
	otherwise       any
	alwaysOtherwise bool
}

// Actions are those that may be taken.
func (m Mapping) Actions() Actions { return m.actions }

// Filter says who is in scope by their attributes.
func (m Mapping) Filter() scoping.Filter { return m.filter }

// Filters are those of the kinds of objects.
func (r Rules) Filters() scoping.Filters {
	return scoping.Filters{Users: r.Users.filter, Groups: r.Groups.filter}
}

// Of is the mapping of a kind of object.
func (r Rules) Of(kind change.Kind) Mapping {
	if kind == change.Group {
		return r.Groups
	}
	return r.Users
}

// Tells reports whether the provisioning log may keep the values of the target
// attribute: where its line says log: values, and its expression redacts nothing.
// Whether an account is active is no secret.
func (m Mapping) Tells(path string) bool {
	if path == "active" {
		return true
	}
	i := slices.IndexFunc(m.rules, func(r rule) bool { return r.target.text == path })
	return i >= 0 && m.rules[i].told && !m.rules[i].source.Redacted()
}

// Select returns the Graph attributes the mappings read, by kind of object.
func (r Rules) Select() map[change.Kind][]string {
	return map[change.Kind][]string{change.User: r.Users.Select(), change.Group: r.Groups.Select()}
}

// Select returns the Graph attributes the mapping and its filter read, sorted: what to
// name in $select.
func (m Mapping) Select() []string {
	names := append([]string{"id", m.state}, m.filter.Attributes()...)
	for _, r := range m.rules {
		for _, name := range r.source.Attributes() {
			names = append(names, graphName(name))
		}
	}
	slices.Sort(names)
	names = slices.DeleteFunc(names, func(name string) bool { return name == AppRoleAssignments })
	return slices.Compact(names)
}

// ReadsRoles reports whether the mapping reads app roles.
func (m Mapping) ReadsRoles() bool {
	return slices.ContainsFunc(m.rules, func(r rule) bool { return slices.Contains(r.source.Attributes(), AppRoleAssignments) })
}

// WithoutRoles are the rules but for those that read app roles and nothing else: the
// mapping for whoever is looked at because something else may have changed.
func (m Mapping) WithoutRoles() Mapping {
	if !m.ReadsRoles() {
		return m
	}
	roles := []string{AppRoleAssignments}
	m.rules = slices.DeleteFunc(slices.Clone(m.rules), func(r rule) bool { return slices.Equal(r.source.Attributes(), roles) })
	m.matching = precedence(m.rules)
	return m
}

// Lacks returns the attributes that decide about an object and are not among
// those given, by their Graph names: its state, which is a boolean, what is
// required, and what is never null for not being there, such as custom security
// attributes, which a delta query does not show of those who have some, and app roles. One that is there and null is not lacking.
func (m Mapping) Lacks(attributes map[string]any) []string {
	var lacking []string
	lacks := func(name string, there bool) {
		if !there && !slices.Contains(lacking, name) {
			lacking = append(lacking, name)
		}
	}
	_, stated := attributes[m.state].(bool)
	lacks(m.state, stated)
	for _, r := range m.rules {
		for _, name := range r.source.Attributes() {
			name = graphName(name)
			if _, there := attributes[name]; r.required || isNeverAbsent(name) {
				lacks(name, there)
			}
		}
	}
	return lacking
}

// ShowsElements reports whether the resource shows all the elements of
// multi-valued attributes that are mapped. A list or a search may leave such
// attributes out: then whether they are there is not known.
func (m Mapping) ShowsElements(resource map[string]any) bool {
	for _, r := range m.rules {
		if r.target.key != "" && len(r.target.elements(resource)) == 0 {
			return false
		}
	}
	return true
}

// Excerpt is of a SCIM resource what Values and Picks read.
func (m Mapping) Excerpt(resource map[string]any) map[string]any {
	excerpt := map[string]any{}
	for _, r := range m.rules {
		if v := member(resource, r.target.top()); v != nil {
			excerpt[r.target.top()] = v
		}
	}
	return excerpt
}

// Map computes the values that a user or group should have who is in Webex. Attributes
// are Graph's, and IsSoftDeleted, which the caller computes. An attribute without a
// value is left out: clearing it in Entra clears nothing in Webex, as with Entra's own
// service; it is nil if the mapping says that null clears, and Graph shows the null.
// The error names the attribute at fault and never its value.
func (m Mapping) Map(attributes map[string]any) (map[string]any, error) {
	return m.values(make(map[string]any, len(m.rules)), attributes, false)
}

// MapInto is Map, for many: the values are written over those of the one before,
// and into the same map.
func (m Mapping) MapInto(values, attributes map[string]any) (map[string]any, error) {
	clear(values)
	return m.values(values, attributes, false)
}

// MapNew computes the values with which a user or group is created: like Map, with
// what is applied on creation alone, and the defaults for it.
func (m Mapping) MapNew(attributes map[string]any) (map[string]any, error) {
	return m.values(make(map[string]any, len(m.rules)), attributes, true)
}

// values fills an empty map with the values.
func (m Mapping) values(values, attributes map[string]any, creation bool) (map[string]any, error) {
	get := func(name string) any { return source(attributes, name) }
	for i := range m.rules {
		r := &m.rules[i]
		if r.onCreate && !creation {
			continue
		}
		var env expression.Environment
		if m.moments != nil {
			r.clock(&env, m.moments)
		}
		v, err := r.value(env, get)
		switch f := r.settle(v, err, attributes, creation); f.outcome {
		case Written, Defaulted:
			values[r.target.text] = f.value
		case Cleared:
			values[r.target.text] = nil
		case LeftAlone:
		case Faulty:
			return nil, fmt.Errorf("map %s: %w", r.target.text, f.err)
		}
	}
	m.withoutValue(values)
	return values, nil
}

// withoutValue takes from the values what describes the value of an element that has
// none, such as primary.
func (m Mapping) withoutValue(values map[string]any) {
	for i := range m.rules {
		if r := &m.rules[i]; r.isIdle(values) {
			delete(values, r.target.text)
		}
	}
}

// isIdle reports whether the rule only describes the value of an element that has none
// among the values.
func (r *rule) isIdle(values map[string]any) bool {
	return r.describes != "" && values[r.describes] == nil
}

// isShown reports whether all that the rule reads is among the attributes: what is not
// shown is not null.
func (r *rule) isShown(attributes map[string]any) bool {
	return !slices.ContainsFunc(r.source.Attributes(), func(name string) bool {
		_, shown := attributes[graphName(name)]
		return !shown
	})
}

// fits returns why Webex does not take the value.
func (r *rule) fits(v any) error {
	if r.form == address && !isAddress(v) {
		return errors.New("the value is not an e-mail address")
	}
	if s, ok := v.(string); ok && r.longest > 0 && utf8.RuneCountInString(s) > r.longest {
		return fmt.Errorf("the value has %d characters and Webex takes %d: shorten %s in Entra",
			utf8.RuneCountInString(s), r.longest, strings.Join(r.source.Attributes(), ", "))
	}
	return nil
}

// value is what the rule makes of attributes, in the target's form; nil for null, and
// for a text that is empty.
func (r *rule) value(env expression.Environment, get func(name string) any) (any, error) {
	if r.source.Volatile() {
		env.Random = r.chance(get)
	}
	v, err := r.source.Evaluate(env, get)
	if _, ignored := v.(expression.Ignored); ignored || err != nil {
		return v, err
	}
	return r.form.of(v)
}

// chance is where random values come from. It is the same for an object as long as
// the expression and all that it reads are: such a value is not written at every look,
// and nobody has to keep it.
func (r *rule) chance(get func(name string) any) io.Reader {
	return rand.NewChaCha8(sha256.Sum256(fmt.Appendf(nil, "%v %s %s", get("objectId"), r.target.text, r.source.Arguments(get))))
}

// Resource returns the SCIM resource that has these values.
func (m Mapping) Resource(values map[string]any) map[string]any {
	resource := map[string]any{}
	for _, r := range m.rules {
		if v := values[r.target.text]; v != nil {
			r.target.set(resource, v)
		}
	}
	return resource
}

// Values returns what a SCIM resource has at the mapped paths. Of several
// elements that a path picks it is the primary one, else the first.
func (m Mapping) Values(resource map[string]any) map[string]any {
	values := make(map[string]any, len(m.rules))
	for _, r := range m.rules {
		if v, ok := r.target.get(resource); ok {
			values[r.target.text] = r.typed(v)
		}
	}
	return values
}

// Value returns what Values has for a target; nil for nothing.
func (m Mapping) Value(resource map[string]any, target string) any {
	for _, r := range m.rules {
		if r.target.text != target {
			continue
		}
		if v, ok := r.target.get(resource); ok {
			return r.typed(v)
		}
	}
	return nil
}

// Picks are, by the elements of multi-valued attributes of which a resource has
// more than the mapped one, the filters that pick that one.
type Picks map[string]string

// Picks returns what Diff needs in order to change the elements that Values
// read, and no other; nil if there is no doubt about any.
func (m Mapping) Picks(resource map[string]any) Picks {
	var picks Picks
	for _, r := range m.rules {
		if pick := r.target.pick(resource); pick != "" {
			if picks == nil {
				picks = Picks{}
			}
			picks[r.target.element()] = pick
		}
	}
	return picks
}

// Same reports whether two values of the target mean the same to SCIM.
func (m Mapping) Same(target string, a, b any) bool {
	for _, r := range m.rules {
		if r.target.text == target {
			return r.same(a, b)
		}
	}
	return reflect.DeepEqual(a, b)
}

// same compares as SCIM's schema does (RFC 7643 section 8.7.1: userName and
// addresses are not caseExact), and as Webex does, which takes outer blanks off.
func (r *rule) same(a, b any) bool { return reflect.DeepEqual(r.canonical(a), r.canonical(b)) }

// typed is the value as the schema types it: booleans are also seen as texts, in
// Webex and as what Entra's expressions give.
func (r *rule) typed(v any) any {
	if r.form != boolean {
		return v
	}
	if b, ok := truth(v); ok {
		return b
	}
	return v
}

// truth is the boolean that a value is, or says in a word.
func truth(v any) (is, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch {
		case strings.EqualFold(v, "true"):
			return true, true
		case strings.EqualFold(v, "false"):
			return false, true
		}
	}
	return false, false
}

// canonical is the one form of all values that are the same; an empty text is none.
func (r *rule) canonical(v any) any {
	s, ok := r.typed(v).(string)
	if !ok {
		return r.typed(v)
	}
	if s = r.plain(s); s == "" {
		return nil
	}
	return s
}

// plain is the canonical form of a string.
func (r *rule) plain(s string) string {
	s = strings.TrimSpace(s)
	if r.form == address {
		s = strings.ToLower(s)
	}
	return s
}

// PatchOperation is one operation of a SCIM PATCH (RFC 7644 section 3.5.2).
type PatchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value,omitempty"` // none to remove
}

// Diff returns the smallest PATCH that turns have into want, and the paths it
// changes. What want does not name is left alone, and so is what means the same; what
// it has as nil is removed. An element of a multi-valued
// attribute of which have knows nothing is added as a whole: a replace would
// have no target. So is one removed that loses its value. Picks tell elements apart that the paths do not; nil if there
// are none.
func (m Mapping) Diff(have, want map[string]any, picks Picks) (patch []PatchOperation, changed []string) {
	known, added := map[string]bool{}, map[string]map[string]any{}
	for _, r := range m.rules {
		if have[r.target.text] != nil {
			known[r.target.element()] = true
		}
	}
	removed := m.removed(want)
	for _, r := range m.rules {
		v, ok := want[r.target.text]
		element := r.target.element()
		if removed[element] {
			if have[r.target.text] == nil {
				continue
			}
			changed = append(changed, r.target.text)
			if known[element] {
				patch = append(patch, PatchOperation{Op: "remove", Path: r.target.whole(picks)})
				known[element] = false
			}
			continue
		}
		if !ok || r.same(have[r.target.text], v) {
			continue
		}
		changed = append(changed, r.target.text)
		if v == nil {
			patch = append(patch, PatchOperation{Op: "remove", Path: r.target.picked(picks)})
			continue
		}
		if element == "" || known[element] {
			patch = append(patch, PatchOperation{Op: "replace", Path: r.target.picked(picks), Value: r.target.patch(v)})
			continue
		}
		if at, ok := added[element]; ok {
			at[r.target.sub] = v
			continue
		}
		added[element] = map[string]any{r.target.key: r.target.keyValue, r.target.sub: v}
		patch = append(patch, PatchOperation{Op: "add", Path: r.target.container(), Value: []any{added[element]}})
	}
	return patch, changed
}

// removed are the elements that want has without what they are for: their value, or
// where they have none, all of their mapped parts.
func (m Mapping) removed(want map[string]any) map[string]bool {
	var removed map[string]bool
	for _, r := range m.rules {
		v, named := want[r.target.text]
		if element := r.target.element(); element != "" && named && v == nil && (r.target.sub == "value" || m.isBare(element, want)) {
			if removed == nil {
				removed = map[string]bool{}
			}
			removed[element] = true
		}
	}
	return removed
}

// isBare reports whether want has all the mapped parts of an element as nil.
func (m Mapping) isBare(element string, want map[string]any) bool {
	return !slices.ContainsFunc(m.rules, func(r rule) bool {
		v, named := want[r.target.text]
		return r.target.element() == element && (!named || v != nil)
	})
}

func isAddress(v any) bool {
	s, ok := v.(string)
	if !ok || len(s) > longestAddress {
		return false
	}
	if isPlain(s) {
		return true
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// isPlain reports whether a text is an address of nothing but letters, digits, dots,
// hyphens, underscores and plus signs, as nearly all are: the grammar of RFC 5322
// takes ten times as long.
func isPlain(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	return ok && areAtoms(local) && areAtoms(domain)
}

// areAtoms reports whether a text is words of these characters between dots.
func areAtoms(s string) bool {
	before := byte('.')
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '+':
		case c == '.' && before != '.':
		default:
			return false
		}
		before = c
	}
	return before != '.'
}
