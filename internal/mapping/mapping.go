// Package mapping computes what Webex should hold from what Entra holds: which
// attribute becomes which, by rules that are data.
//
// Values travel as a flat map from SCIM path to value, such as
// {"name.givenName": "Ada", `emails[type eq "work"].value`: "ada@example.com"}.
package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping/expression"
)

// Rules are the attribute mappings of the kinds of objects.
type Rules struct{ Users, Groups Mapping }

// Mapping is the attribute mapping of one kind of object.
type Mapping struct {
	rules    []rule
	matching path
	// state is the attribute of Graph that says whether an object may be in Webex,
	// which is read whatever the rules.
	state string
}

type rule struct {
	target   path
	source   *expression.Expression
	required bool
	email    bool
	longest  int // characters; 0 for any number
}

// file is the form the mappings are written in.
type file struct {
	Users  []line `yaml:"users"`
	Groups []line `yaml:"groups"`
}

type line struct {
	Target     string `yaml:"target"`
	Source     string `yaml:"source"`
	Expression string `yaml:"expression"`
	Constant   any    `yaml:"constant"`
	Matching   int    `yaml:"matching"`
	Required   bool   `yaml:"required"`
	Format     string `yaml:"format"`
	Longest    int    `yaml:"longest"`
}

const maxFile = 1 << 20 // bytes

// Parse reads the mappings from YAML. It says which rule is wrong and what is
// wrong with it.
func Parse(data []byte) (Rules, error) {
	if len(data) > maxFile {
		return Rules{}, fmt.Errorf("parse mapping: %d bytes, more than %d", len(data), maxFile)
	}
	var f file
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return Rules{}, fmt.Errorf("parse mapping: %w", err)
	}
	users, err := parse("users", f.Users, "userName", "accountEnabled")
	if err != nil {
		return Rules{}, fmt.Errorf("parse mapping: %w", err)
	}
	groups, err := parse("groups", f.Groups, "displayName", "securityEnabled")
	if err != nil {
		return Rules{}, fmt.Errorf("parse mapping: %w", err)
	}
	return Rules{Users: users, Groups: groups}, nil
}

func parse(section string, lines []line, matching, state string) (Mapping, error) {
	m := Mapping{state: state}
	for i, l := range lines {
		r, err := l.rule()
		if err != nil {
			return Mapping{}, fmt.Errorf("%s rule %d: %w", section, i+1, err)
		}
		if slices.ContainsFunc(m.rules, func(r rule) bool { return r.target.text == l.Target }) {
			return Mapping{}, fmt.Errorf("%s rule %d: %s is mapped twice", section, i+1, l.Target)
		}
		if l.Matching > 0 {
			m.matching = r.target
		}
		m.rules = append(m.rules, r)
	}
	if m.matching.text != matching {
		return Mapping{}, fmt.Errorf("%s need one rule with matching: 1, and its target is %s", section, matching)
	}
	return m, nil
}

func (l line) rule() (rule, error) {
	target, err := parsePath(l.Target)
	if err != nil {
		return rule{}, err
	}
	r := rule{target: target, required: l.Required, email: l.Format == "email", longest: l.Longest}
	switch {
	case l.Source != "" && l.Expression == "" && l.Constant == nil:
		r.source = expression.Attribute(l.Source)
	case l.Source == "" && l.Expression != "" && l.Constant == nil:
		if r.source, err = parseExpression(l.Expression); err != nil {
			return rule{}, fmt.Errorf("%s: %w", l.Target, err)
		}
	case l.Source == "" && l.Expression == "" && l.Constant != nil:
		r.source = expression.Constant(l.Constant)
	default:
		return rule{}, fmt.Errorf("%s: give one of source, expression and constant", l.Target)
	}
	if l.Format != "" && !r.email {
		return rule{}, fmt.Errorf("%s: unknown format %q; there is email", l.Target, l.Format)
	}
	return r, nil
}

// parseExpression reads an expression that Entra allows where users are
// provisioned to applications.
func parseExpression(text string) (*expression.Expression, error) {
	x, err := expression.Parse(text)
	if err != nil {
		return nil, err
	}
	return x, x.Refused()
}

// Matching is the SCIM path by which Webex is searched for what is there
// already.
func (m Mapping) Matching() string { return m.matching.text }

// Select returns the Graph attributes the mappings read, by kind of object.
func (r Rules) Select() map[change.Kind][]string {
	return map[change.Kind][]string{change.User: r.Users.Select(), change.Group: r.Groups.Select()}
}

// Select returns the Graph attributes the mapping reads, sorted: what to name
// in $select.
func (m Mapping) Select() []string {
	names := []string{"id", m.state}
	for _, r := range m.rules {
		for _, name := range r.source.Attributes() {
			if name = graphName(name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Lacks returns the attributes that decide about an object and are not among
// those given, by their Graph names: its state, which is a boolean, and what is
// required. One that is there and null is not lacking.
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
		if !r.required {
			continue
		}
		for _, name := range r.source.Attributes() {
			_, there := attributes[graphName(name)]
			lacks(graphName(name), there)
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

// Map computes the values a user or group should have in Webex. Attributes are Graph's, and
// IsSoftDeleted, which the caller computes. An attribute without a value is
// left out: clearing it in Entra clears nothing in Webex, as with Entra's own
// service. The error names the attribute at fault and never its value.
func (m Mapping) Map(attributes map[string]any) (map[string]any, error) {
	values := make(map[string]any, len(m.rules))
	get := func(name string) any { return source(attributes, name) }
	for _, r := range m.rules {
		v, err := r.value(get)
		if err != nil {
			return nil, fmt.Errorf("map %s: %w", r.target.text, err)
		}
		if v == nil || v == "" {
			if r.required {
				return nil, fmt.Errorf("map %s: Entra has no value for %s", r.target.text,
					strings.Join(r.source.Attributes(), ", "))
			}
			continue
		}
		if r.email && !isAddress(v) {
			return nil, fmt.Errorf("map %s: the value is not an e-mail address", r.target.text)
		}
		if s, ok := v.(string); ok && r.longest > 0 && utf8.RuneCountInString(s) > r.longest {
			return nil, fmt.Errorf("map %s: the value has %d characters and Webex takes %d: shorten %s in Entra",
				r.target.text, utf8.RuneCountInString(s), r.longest, strings.Join(r.source.Attributes(), ", "))
		}
		values[r.target.text] = v
	}
	return values, nil
}

// value is what the rule makes of attributes, as the target types it; nil if it
// does not flow.
func (r rule) value(get func(name string) any) (any, error) {
	v, err := r.source.Evaluate(expression.Environment{}, get)
	if _, ignored := v.(expression.Ignored); ignored || err != nil {
		return nil, err
	}
	v = r.target.typed(v)
	if _, is := v.(bool); !is && v != nil && v != "" && r.target.isBoolean() {
		return nil, errors.New("the value is neither True nor False")
	}
	return v, nil
}

// Resource returns the SCIM resource that has these values.
func (m Mapping) Resource(values map[string]any) map[string]any {
	resource := map[string]any{}
	for _, r := range m.rules {
		if v, ok := values[r.target.text]; ok {
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
			values[r.target.text] = r.target.typed(v)
		}
	}
	return values
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
func (r rule) same(a, b any) bool { return reflect.DeepEqual(r.canonical(a), r.canonical(b)) }

// canonical is the one form of all values that are the same.
func (r rule) canonical(v any) any {
	s, ok := r.target.typed(v).(string)
	if !ok {
		return r.target.typed(v)
	}
	return r.plain(s)
}

// plain is the canonical form of a string.
func (r rule) plain(s string) string {
	s = strings.TrimSpace(s)
	if r.email || r.target.ignoresCase() {
		s = strings.ToLower(s)
	}
	return s
}

// PatchOperation is one operation of a SCIM PATCH (RFC 7644 section 3.5.2).
type PatchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// Diff returns the smallest PATCH that turns have into want, and the paths it
// changes. What want does not name is left alone, and so is what means the same. An element of a multi-valued
// attribute of which have knows nothing is added as a whole: a replace would
// have no target. Picks tell elements apart that the paths do not; nil if there
// are none.
func (m Mapping) Diff(have, want map[string]any, picks Picks) (patch []PatchOperation, changed []string) {
	known, added := map[string]bool{}, map[string]map[string]any{}
	for _, r := range m.rules {
		if _, ok := have[r.target.text]; ok {
			known[r.target.element()] = true
		}
	}
	for _, r := range m.rules {
		v, ok := want[r.target.text]
		if !ok || r.same(have[r.target.text], v) {
			continue
		}
		changed = append(changed, r.target.text)
		element := r.target.element()
		if element == "" || known[element] {
			patch = append(patch, PatchOperation{Op: "replace", Path: r.target.picked(picks), Value: v})
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

func isAddress(v any) bool {
	const maxUserName = 254 // characters; Webex's schema of userName
	s, ok := v.(string)
	if !ok || len(s) > maxUserName {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// graphName is an attribute's name in Graph, given its name in Entra's
// attribute mappings.
func graphName(name string) string {
	switch name {
	case "objectId":
		return "id"
	case "IsSoftDeleted":
		return "accountEnabled"
	case "originalUserPrincipalName":
		return "userPrincipalName"
	default:
		return name
	}
}

func source(attributes map[string]any, name string) any {
	switch name {
	case "userPrincipalName":
		upn, _ := attributes[name].(string)
		return guestAddress(upn)
	case "IsSoftDeleted":
		return attributes[name]
	default:
		return attributes[graphName(name)]
	}
}

// guestAddress turns a guest's alias_domain#EXT#@tenant into alias@domain, as
// Entra's own service does ("How provisioning works: B2B (guest) users"), and
// returns every other name as it is.
func guestAddress(upn string) string {
	const mark = "#ext#@" // in any case
	end := strings.Index(strings.Map(lowerASCII, upn), mark)
	if end < 0 {
		return upn
	}
	home := upn[:end]
	at := strings.LastIndexByte(home, '_') // a domain has no underscore, an alias may
	if at < 0 {
		return upn
	}
	return home[:at] + "@" + home[at+1:]
}

// lowerASCII changes no rune's length.
func lowerASCII(r rune) rune {
	if 'A' <= r && r <= 'Z' {
		return r + ('a' - 'A')
	}
	return r
}
