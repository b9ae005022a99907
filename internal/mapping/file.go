package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/mapping/nearest"
)

// FileName is the name of the file that the default is in.
const FileName = "provisioning.yaml"

const (
	// MaxFile is how many bytes a file has at most: it is kept in the ledger, which on AWS
	// takes 400 KB with all that is around it.
	MaxFile = 256 << 10
	version = 1 // of the form of the file
)

// Parse reads the mappings from YAML, in the form that infra/provisioning.yaml shows
// and infra/provisioning.schema.json describes. The error is *Mistakes.
func Parse(data []byte) (Rules, error) { return ParseFile(FileName, data) }

// ParseFile is Parse for a file of that name.
func ParseFile(name string, data []byte) (Rules, error) {
	if len(data) > MaxFile {
		return Rules{}, &Mistakes{name, []Mistake{{1, 1, fmt.Sprintf("the file has %d bytes; write at most %d", len(data), MaxFile)}}}
	}
	if m := unreadable(data); m != nil {
		return Rules{}, &Mistakes{name, []Mistake{*m}}
	}
	r := &reader{lines: strings.Split(string(data), "\n")}
	rules := r.rules(data)
	if len(r.mistakes) == 0 {
		return rules, nil
	}
	slices.SortStableFunc(r.mistakes, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return Rules{}, &Mistakes{name, r.mistakes}
}

func (r *reader) rules(data []byte) Rules {
	root := r.document(data)
	if root == nil {
		return Rules{}
	}
	f := r.fields(root, "the file", "version", "users", "groups")
	if root.Kind != yaml.MappingNode {
		return Rules{}
	}
	switch n := f.values["version"]; {
	case n == nil:
		r.wrongf(root, "the file does not say the version of its form; write version: %d", version)
	case n.Value != strconv.Itoa(version):
		r.wrongf(n, "version is %s; write %d", kindOf(n), version)
	}
	return Rules{
		Users: r.mapping(f, section{
			name: "users", state: userState, by: "userName", searched: searchedOfUsers(), targets: userTargets(), origins: userOrigins(),
		}),
		Groups: r.mapping(f, section{
			name: "groups", state: groupState, by: "displayName", searched: []string{"displayName"}, targets: groupTargets(), origins: groupOrigins(),
		}),
	}
}

// The attributes of Graph that say whether an object may be in Webex.
const (
	userState  = "accountEnabled"
	groupState = "securityEnabled"
)

// section is what there is to map of one kind of object.
type section struct {
	name string
	// state is the attribute of Graph that says whether an object may be in Webex.
	state string
	// by is the target without which none is matched, searched are those that Webex
	// searches by.
	by       string
	searched []string
	targets  []target
	origins  []origin
}

// mapping reads the mapping of one kind of object.
func (r *reader) mapping(file fields, s section) Mapping {
	n := file.values[s.name]
	if n == nil {
		r.wrongf(file.node, "%s are not there; write %s: with mappings:", s.name, s.name)
		return Mapping{}
	}
	if n.Kind == yaml.SequenceNode {
		r.wrongf(n, "%s is a list; write mappings: before it", s.name)
		return Mapping{}
	}
	f := r.fields(n, s.name, "actions", "scope", "mappings")
	m := Mapping{state: s.state, actions: r.actions(f), filter: r.scope(f, s), sum: sumOf(n)}
	lines := f.values["mappings"]
	if lines == nil {
		if n.Kind == yaml.MappingNode {
			r.wrongf(n, "%s have no mappings; write mappings: with a line for each attribute", s.name)
		}
		return Mapping{}
	}
	at := map[string]*yaml.Node{}
	for _, line := range r.list(lines, "mappings") {
		if rule, ok := r.rule(line, s, at); ok {
			m.rules = append(m.rules, rule)
			m.timed = m.timed || rule.source.Timed()
		}
	}
	if lines.Kind != yaml.SequenceNode {
		return Mapping{}
	}
	describe(m.rules)
	for _, t := range s.targets {
		if t.needed && at[t.path] == nil {
			r.wrongf(lines, "%s need a line with target: %s; write %s", s.name, t.path, usual(s.name, t.path))
		}
	}
	r.matching(m.rules, s, at)
	m.matching = precedence(m.rules)
	return m
}

// describe notes which rules describe the value of an element that another one maps.
func describe(rules []rule) {
	values := map[string]string{}
	for _, l := range rules {
		if l.target.sub == "value" {
			values[l.target.element()] = l.target.text
		}
	}
	for i, l := range rules {
		if element := l.target.element(); element != "" && l.target.sub != "value" {
			rules[i].describes = values[element]
		}
	}
}

// usual is the line of the default file for a target that is needed.
func usual(section, target string) string {
	source := map[string]string{
		"usersuserName": "source: userPrincipalName, matching: 1", "usersexternalId": "source: objectId",
		"usersactive":       `expression: "Not([IsSoftDeleted])"`,
		"groupsdisplayName": "source: displayName, matching: 1", "groupsexternalId": "source: objectId",
	}
	return "- { target: " + target + ", " + source[section+target] + " }"
}

// actions reads which actions are on.
func (r *reader) actions(section fields) Actions {
	n := section.values["actions"]
	if n == nil {
		return Actions{Create: true, Update: true, Delete: true}
	}
	f := r.fields(n, "actions", "create", "update", "delete")
	return Actions{Create: r.boolean(f, "create", true), Update: r.boolean(f, "update", true), Delete: r.boolean(f, "delete", true)}
}

// rule reads a line of a mapping. at is where each target was mapped.
func (r *reader) rule(n *yaml.Node, s section, at map[string]*yaml.Node) (rule, bool) {
	before := len(r.mistakes)
	f := r.fields(n, "a mapping", "target", "source", "expression", "constant",
		"matching", "required", "default", "defaultWhen", "apply", "whenNull", "log")
	if n.Kind != yaml.MappingNode {
		return rule{}, false
	}
	t, known := r.target(f, s, at) // if not, the rest of the line is read all the same
	place := path{}
	if known {
		var err error
		if place, err = parsePath(t.path); err != nil {
			r.wrongf(n, "%v; write another target", err)
		}
		if t.form == reference {
			place = place.reference()
		}
	}
	line := rule{
		target: place, form: t.form, longest: t.longest,
		source:   r.from(f, s, t),
		matching: r.number(f, "matching"),
		required: r.boolean(f, "required", false) || t.needed,
		onCreate: r.choice(f, "apply", "always", "creation") == "creation",
		clears:   r.choice(f, "whenNull", "keep", "clear") == "clear",
		told:     r.choice(f, "log", "name", "values") == "values",
	}
	if line.otherwise = r.value(f, "default", t); line.otherwise != nil {
		line.otherwise, _ = t.form.of(line.otherwise) // which is checked
	}
	line.alwaysOtherwise = r.choice(f, "defaultWhen", "creation", "always") == "always"
	r.agree(f, t, line)
	return line, len(r.mistakes) == before
}

// target reads which attribute of the schema a line is for.
func (r *reader) target(f fields, s section, at map[string]*yaml.Node) (target, bool) {
	name, ok := r.text(f, "target")
	if !ok {
		if f.values["target"] == nil && !f.unknown {
			r.wrongf(f.node, "a mapping has no target; write target: and the attribute of Webex")
		}
		return target{}, false
	}
	n := f.values["target"]
	i := slices.IndexFunc(s.targets, func(t target) bool { return t.path == name })
	switch {
	case i < 0:
		r.wrongf(n, "unknown target attribute %q of %s; %s", name, s.name, insteadTarget(name, s.targets))
		return target{}, false
	case s.targets[i].refused != "":
		r.wrongf(n, "%s cannot be mapped: %s", name, s.targets[i].refused)
		return target{}, false
	case at[name] != nil:
		r.wrongf(n, "%s has two sources, the other is in line %d; leave one out", name, at[name].Line)
		return target{}, false
	}
	at[name] = n
	return s.targets[i], true
}

// insteadTarget says which target attribute to write.
func insteadTarget(written string, targets []target) string {
	var names []string
	for _, t := range targets {
		if t.refused == "" {
			names = append(names, t.path)
		}
	}
	if name := nearest.Name(written, names); name != "" {
		return "write " + name
	}
	return "write an attribute that Webex takes, such as " + strings.Join(names[:min(5, len(names))], ", ")
}

// from reads where the values of a line come from.
func (r *reader) from(f fields, s section, t target) *expression.Expression {
	var given []string
	for _, key := range []string{"source", "expression", "constant"} {
		if f.values[key] != nil {
			given = append(given, key)
		}
	}
	switch {
	case len(given) == 0 && f.unknown:
		return nil
	case len(given) == 0:
		r.wrongf(f.node, "a mapping has no source; write one of source, expression and constant")
		return nil
	case len(given) > 1:
		r.wrongf(f.keys[given[1]], "a mapping has %s; leave all but one out", strings.Join(given, " and "))
		return nil
	}
	switch given[0] {
	case "source":
		return r.attribute(f, s, t)
	case "expression":
		return r.expression(f, s)
	default:
		return expression.Constant(r.value(f, "constant", t))
	}
}

// attribute reads the source attribute of a direct mapping.
func (r *reader) attribute(f fields, s section, t target) *expression.Expression {
	name, ok := r.text(f, "source")
	refers := t.form == reference && name == managerSource
	if ok && !refers && r.knows(f.values["source"], 0, name, s) {
		r.direct(f.values["source"], name, s, t)
	}
	return expression.Attribute(name)
}

// expression reads an expression that Entra allows where users are provisioned to
// applications, and whether the attributes in it are known.
func (r *reader) expression(f fields, s section) *expression.Expression {
	text, ok := r.text(f, "expression")
	if !ok {
		return nil
	}
	n := f.values["expression"]
	x, err := expression.Parse(text)
	if err == nil {
		err = x.Refused()
	}
	var mistakes expression.Mistakes
	if one := (*expression.Mistake)(nil); errors.As(err, &one) {
		mistakes = expression.Mistakes{one}
	}
	if errors.As(err, &mistakes); len(mistakes) > 0 {
		for _, mistake := range mistakes {
			line, column := r.within(n, mistake.Offset)
			r.atf(line, column, "%s", mistake.Text)
		}
		return nil
	}
	if x.GivesRoles() {
		r.wrongf(n, "no attribute of Webex takes roles; write expression: 'SingleAppRoleAssignment([%s])' for the name of one", AppRoleAssignments)
	}
	for _, name := range x.Attributes() {
		if name == expression.DefaultDomain {
			continue
		}
		r.knows(n, max(strings.Index(text, "["+name+"]"), 0), name, s)
	}
	return x
}

// knows reports whether Graph has the attribute; offset is where it is named in the
// node.
func (r *reader) knows(n *yaml.Node, offset int, name string, s section) bool {
	o, known := originOf(name, s.origins)
	switch {
	case known && o.refused != "":
		line, column := r.within(n, offset)
		r.atf(line, column, "%s cannot be a source: %s", name, o.refused)
	case known && o.kind == referenceKind:
		line, column := r.within(n, offset)
		r.atf(line, column, "%s is a reference to another user; write source: %s with the target %s, or leave it out", name, name, managerTarget)
	case known && o.parts != nil && name == o.name:
		line, column := r.within(n, offset)
		r.atf(line, column, "%s is an object; write %s.%s", name, name, strings.Join(o.parts, " or "+name+"."))
	case !known:
		line, column := r.within(n, offset)
		r.atf(line, column, "unknown source attribute %q of %s; %s", name, s.name, insteadOrigin(name, s.origins))
	default:
		return true
	}
	return false
}

// direct notes a source that only an expression can read, and one with several values
// where one is wanted.
func (r *reader) direct(n *yaml.Node, name string, s section, t target) {
	switch o, _ := originOf(name, s.origins); {
	case o.composed:
		r.wrongf(n, "%s are read by expressions only; write expression: 'SingleAppRoleAssignment([%s])'", name, name)
	case o.several && t.form != texts:
		r.wrongf(n, "%s has several values; write expression: 'Item([%s], 1)'", name, name)
	}
}

// originOf is the source attribute of a name; false if there is none.
func originOf(name string, origins []origin) (origin, bool) {
	base, part, dotted := strings.Cut(name, ".")
	for _, o := range origins {
		if o.name == name || o.name == base && dotted && (o.refused != "" || slices.Contains(o.parts, part)) {
			return o, true
		}
	}
	for _, p := range patterns() {
		if p.expression.MatchString(name) {
			return origin{name: name}, true
		}
	}
	return origin{}, false
}

// insteadOrigin says which source attribute to write.
func insteadOrigin(written string, origins []origin) string {
	switch {
	case hasPrefixFold(written, "extension_"):
		return "write a directory extension as extension_ and the application's id, 32 digits without hyphens, _ and the name"
	case hasPrefixFold(written, "extensionAttribute"):
		return fmt.Sprintf("write extensionAttribute1 to extensionAttribute%d", extensionAttributes)
	case hasPrefixFold(written, "customSecurityAttributes"):
		return "write customSecurityAttributes.SET.ATTRIBUTE"
	}
	var names []string
	for _, o := range origins {
		switch {
		case o.refused != "":
		case o.parts != nil:
			for _, part := range o.parts {
				names = append(names, o.name+"."+part)
			}
		default:
			names = append(names, o.name)
		}
	}
	if name := nearest.Name(written, names); name != "" {
		return "write " + name
	}
	return "write a property that Graph has of them, such as " + strings.Join(names[1:5], ", ")
}

// value reads a value that the target takes; nil if there is none.
func (r *reader) value(f fields, key string, t target) any {
	v := r.scalar(f, key)
	if v == nil {
		return nil
	}
	n := f.values[key]
	switch b, isBoolean := truth(v); {
	case t.form == boolean && !isBoolean:
		r.wrongf(n, "%s is a boolean and %s is %s; write true or false", t.path, key, kindOf(n))
		return nil
	case t.form == boolean:
		return b
	}
	s, isText := v.(string)
	switch {
	case t.path == "":
	case !isText:
		r.wrongf(n, "%s is a text and %s is %s; write it in quotes: %q", t.path, key, kindOf(n), n.Value)
	case t.form == address && !isAddress(s):
		r.wrongf(n, "%s is an e-mail address and %s is %q; write an address", t.path, key, s)
	case t.longest > 0 && utf8.RuneCountInString(s) > t.longest:
		r.wrongf(n, "%s has %d characters; write at most %d", key, utf8.RuneCountInString(s), t.longest)
	}
	return v
}

// agree notes what does not go together in a line.
func (r *reader) agree(f fields, t target, line rule) {
	r.agreeOnNull(f, line)
	if t.form == reference {
		r.agreeOnReference(f, line)
	}
	if line.required && line.otherwise != nil && !line.alwaysOtherwise {
		r.wrongf(f.keys["default"], "%s is required later, too; write defaultWhen: always", t.path)
	}
	if line.clears && line.required {
		r.wrongf(f.keys["whenNull"], "%s is required and cannot be cleared; leave whenNull out", t.path)
	}
	if n := f.values["required"]; n != nil && t.needed && !r.boolean(f, "required", true) {
		r.wrongf(n, "%s is always required; leave required out", t.path)
	}
	if t.needed && line.onCreate {
		r.wrongf(f.values["apply"], "%s is compared at every look; leave apply out", t.path)
	}
}

// agreeOnReference notes what there cannot be of a reference, which is empty as long as
// what it refers to is not in Webex.
func (r *reader) agreeOnReference(f fields, line rule) {
	if line.source != nil && !line.readsManager() {
		r.wrongf(f.values["target"], "%s is a reference to another account; write source: %s", line.target.text, managerSource)
	}
	for _, key := range []string{"required", "default", "defaultWhen"} {
		if n := f.keys[key]; n != nil {
			r.wrongf(n, "%s is empty as long as the manager has no account; leave %s out", line.target.text, key)
		}
	}
}

// agreeOnNull notes what is said of a null that there cannot be.
func (r *reader) agreeOnNull(f fields, line rule) {
	if f.values["constant"] != nil {
		for _, key := range []string{"default", "defaultWhen", "whenNull"} {
			if f.values[key] != nil {
				r.wrongf(f.keys[key], "a constant is never null; leave %s out", key)
			}
		}
	}
	if f.values["defaultWhen"] != nil && f.values["default"] == nil {
		r.wrongf(f.keys["defaultWhen"], "there is no default; write default: too, or leave defaultWhen out")
	}
	if line.clears && line.otherwise != nil && line.alwaysOtherwise {
		r.wrongf(f.keys["whenNull"], "with a default that always applies it is never null; leave whenNull or defaultWhen out")
	}
}

// matching makes sure that what is there is found by what Webex knows it by, and by
// nothing that it does not search by.
func (r *reader) matching(rules []rule, s section, at map[string]*yaml.Node) {
	taken := map[int]string{}
	for _, l := range rules {
		name := l.target.text
		n := at[name]
		switch {
		case l.matching == 0 && name == s.by:
			r.wrongf(n, "%s are not matched by %s, by which Webex knows them; write matching: 1 in this line", s.name, s.by)
		case l.matching == 0:
		case !slices.Contains(s.searched, l.target.unpicked()):
			r.wrongf(n, "Webex does not search %s by %s; leave matching out, or match by %s", s.name, name, insteadMatching(s))
		case taken[l.matching] != "":
			r.wrongf(n, "%s and %s both have matching: %d; give each a precedence of its own", taken[l.matching], name, l.matching)
		case name != s.by && len(l.source.Attributes()) == 0:
			r.wrongf(n, "%s is made of no attribute and tells nobody from others; leave matching out", name)
		case name != s.by && l.otherwise != nil:
			r.wrongf(n, "the default of %s is the same for all %s, who would match each other; leave default or matching out", name, s.name)
		default:
			taken[l.matching] = name
		}
	}
}

// insteadMatching says by what else they can be matched.
func insteadMatching(s section) string {
	names := make([]string, 0, len(s.searched))
	for _, path := range s.searched {
		names = append(names, path[strings.LastIndexByte(path, ':')+1:])
	}
	if last := len(names) - 1; last > 0 {
		return strings.Join(names[:last], ", ") + " or " + names[last]
	}
	return s.by + " alone"
}

// precedence are the places of the rules that match, the first one first.
func precedence(rules []rule) []int {
	var places []int
	for i, l := range rules {
		if l.matching > 0 {
			places = append(places, i)
		}
	}
	slices.SortFunc(places, func(a, b int) int { return cmp.Compare(rules[a].matching, rules[b].matching) })
	return places
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
