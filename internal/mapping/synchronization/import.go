package synchronization

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/printable"
	"entrawebex/internal/scoping"
)

// Import makes a mapping file of a schema, which mapping.ParseFile takes, and says of
// each of the schema's lines what became of it. The error says why no file can be made
// of it.
func Import(s Schema) (string, []Finding, error) {
	var f file
	chosen := f.choose(s)
	if len(chosen) == 0 {
		return "", nil, errors.New("the schema maps neither users nor groups of Entra: is it that of another job, or of provisioning into Entra?")
	}
	for _, kind := range change.Kinds() {
		one, there := chosen[kind]
		if !there {
			f.sections = append(f.sections, absent(kind))
			continue
		}
		f.sections = append(f.sections, one.section(kind, s.required(one.directory, one.TargetObject)))
	}
	text, err := f.settle()
	if err != nil {
		return "", nil, err
	}
	return text, f.all(), nil
}

// candidate is an object mapping, and the directory that it goes to.
type candidate struct {
	objectMapping

	directory string
}

func (c candidate) isOn() bool { return c.Enabled == nil || *c.Enabled }

// choose returns the object mappings of users and of groups, and says of the others
// that they are left out. One that is enabled goes first.
func (f *file) choose(s Schema) map[change.Kind]candidate {
	chosen := map[change.Kind]candidate{}
	for _, r := range s.Rules {
		for _, m := range r.ObjectMappings {
			c := candidate{m, r.TargetDirectory}
			kind, known := kindOf(m.SourceObject)
			before, there := chosen[kind]
			switch {
			case isEntra(r.TargetDirectory):
				f.leave(c, "it goes into Entra, and nothing is provisioned there")
			case !known:
				f.leave(c, "nothing but users and groups is provisioned")
			case !there:
				chosen[kind] = c
			case !before.isOn() && c.isOn():
				f.leave(before, "another one is enabled")
				chosen[kind] = c
			default:
				f.leave(c, "there is another one, and one is in force at a time; compare the two")
			}
		}
	}
	return chosen
}

// leave says that an object mapping is left out.
func (f *file) leave(c candidate, why string) {
	name := cmp.Or(c.Name, c.SourceObject, "without a name")
	f.findings = append(f.findings, Finding{Outcome: Lost, Attribute: name, Text: "this object mapping is left out: " + why})
}

// kindOf is the kind of object that Entra's name of one means.
func kindOf(object string) (change.Kind, bool) {
	switch {
	case is(object, "User"):
		return change.User, true
	case is(object, "Group"):
		return change.Group, true
	default:
		return "", false
	}
}

// absent is the section of a kind of object that the schema does not map: nothing is
// done about them.
func absent(kind change.Kind) *section {
	s := &section{kind: kind}
	s.about = []note{{outcome: Differs, text: "the schema does not map " + s.name() + ": their lines are the gallery app's, and all actions are off"}}
	return s
}

// section makes one of an object mapping. required are the target attributes without
// which Entra provisions none, in lower case.
func (c candidate) section(kind change.Kind, required map[string]bool) *section {
	s := &section{kind: kind}
	s.setActions(c.FlowTypes, c.isOn())
	s.setScope(c.Scope)
	seen := map[string]bool{}
	for _, m := range c.AttributeMappings {
		s.lines = append(s.lines, s.line(m, seen, required))
	}
	return s
}

// setActions reads which actions are on: "Add, Update, Delete", or some of them.
func (s *section) setActions(flowTypes string, enabled bool) {
	if strings.TrimSpace(flowTypes) == "" {
		flowTypes = "Add,Update,Delete" // "The default is Add, Update, Delete."
	}
	for word := range strings.SplitSeq(flowTypes, ",") {
		switch {
		case is(word, "Add"):
			s.actions.Create = true
		case is(word, "Update"):
			s.actions.Update = true
		case is(word, "Delete"):
			s.actions.Delete = true
		case is(word, "None"):
		default:
			s.about = append(s.about, note{outcome: Lost, text: "flowTypes has " + strconv.Quote(strings.TrimSpace(word)) + ", which is not known here; look what it allows, and write actions"})
		}
	}
	if !enabled {
		s.actions = mapping.Actions{}
		s.about = append(s.about, note{outcome: Differs, text: "the object mapping is disabled in Entra: all actions are off, which comes to the same"})
		if s.kind == change.Group {
			s.about[len(s.about)-1].text += "; PROVISION_GROUPS=false spares reading them, too"
		}
	}
}

// setScope reads the scoping filter.
func (s *section) setScope(f *filter) {
	if f == nil {
		return
	}
	if letsAllPass(f.Groups) {
		s.scope = []*group{{out: true, notes: []note{{outcome: Differs, text: "a group of the filter has no clause and lets everybody pass: no filter is written"}}}}
	} else {
		for _, g := range f.Groups {
			s.scope = append(s.scope, newGroup(g))
		}
	}
	for _, more := range []struct {
		name   string
		groups []filterGroup
	}{{"inputFilterGroups", f.InputGroups}, {"categoryFilterGroups", f.CategoryGroups}} {
		if letsAllPass(more.groups) {
			continue
		}
		for _, g := range more.groups {
			s.lose(newGroup(g), "stands in "+more.name+", a second filter; write its clauses into each group of scope")
		}
	}
	for _, g := range s.scope {
		if problem := g.problem(); problem != "" && !g.out {
			g.out, s.halted = true, true
			g.notes = []note{{outcome: Lost, text: g.says() + ": " + problem}}
		}
	}
}

// letsAllPass reports whether one of the groups has no clause, which everybody satisfies.
func letsAllPass(groups []filterGroup) bool {
	return slices.ContainsFunc(groups, func(g filterGroup) bool { return len(g.Clauses) == 0 })
}

// lose notes that a group of clauses cannot be had.
func (s *section) lose(g *group, why string) {
	g.out, s.halted = true, true
	g.notes = []note{{outcome: Lost, text: g.says() + ": " + why}}
	s.scope = append(s.scope, g)
}

const longestTitle = 80 // characters of a group's title, which is a comment

func newGroup(g filterGroup) *group {
	made := &group{name: printable.Short(g.Name, longestTitle)}
	for _, c := range g.Clauses {
		made.clauses = append(made.clauses, newClause(c))
	}
	return made
}

func newClause(c filterClause) *line {
	l := &line{}
	if c.Source != "" {
		l.add("attribute", scalar(c.Source))
	}
	operator, unary := operatorOf(c.Operator)
	l.add("operator", scalar(operator))
	if values := c.Target.Values; !unary && len(values) > 0 {
		l.add("value", scalar(values[0]))
		if len(values) > 1 {
			l.notef(Lost, "%s has several values; write a group for each", l.value("attribute"))
		}
	}
	return l
}

// problem is why the group cannot be written; empty if it can.
func (g *group) problem() string {
	for _, c := range g.clauses {
		for _, n := range c.notes {
			return n.text
		}
	}
	return ""
}

// operatorOf is an operator under the name that the portal gives it, and whether it
// takes no value. One that is not known stays as it is.
func operatorOf(name string) (operator string, unary bool) {
	form := func(s string) string { return strings.ToUpper(strings.NewReplacer(" ", "", "_", "").Replace(s)) }
	for _, known := range scoping.Operators() {
		if form(known) == form(name) {
			return known, strings.HasPrefix(known, "IS ")
		}
	}
	return name, false
}

// line makes a line of an attribute mapping. seen are the targets that have one.
func (s *section) line(m attributeMapping, seen, required map[string]bool) *line {
	l := &line{subject: m.Target}
	target, known := mapping.TargetOf(s.kind, strings.TrimSpace(m.Target))
	switch {
	case strings.TrimSpace(m.Target) == "":
		l.leavef(Lost, "an attribute mapping names no target attribute")
	case s.kind == change.Group && target.Path == "members":
		l.leavef(Differs, "who is in a group is provisioned by itself: no line is needed")
	case !known:
		l.leavef(Ignored, "Webex has no such attribute; map its value to one that Webex has, or do without")
	case target.Refused != "":
		l.leavef(Lost, "%s", target.Refused)
	case seen[target.Path]:
		l.leavef(Lost, "it is mapped a second time; the first mapping counts")
	default:
		seen[target.Path] = true
		l.add("target", scalar(target.Path))
		l.fill(m, target, target.Needed || required[strings.ToLower(target.Path)])
	}
	return l
}

// fill gives a line what an attribute mapping says of its target.
func (l *line) fill(m attributeMapping, target mapping.Target, required bool) {
	otherwise := ""
	if m.DefaultValue != nil {
		otherwise = *m.DefaultValue
	}
	key, value, problem := m.Source.of()
	switch {
	case problem != "":
		l.leavef(Lost, "%s", problem)
		return
	case key == "" && otherwise == "":
		l.leavef(TakenOver, "it has neither a source nor a default value, and nothing is written to it")
		return
	case key == "": // "None": the default is written where the target is empty
		l.add("constant", typed(otherwise, target))
		l.add("apply", "creation")
		l.notef(Differs, "it has a default value and no source, which Entra writes wherever the target is empty; here %s is written on creation alone", typed(otherwise, target))
		return
	case key == "constant":
		l.add(key, typed(value, target))
		otherwise = "" // a constant is never null
	default:
		l.add(key, scalar(value))
	}
	if m.MatchingPriority > 0 {
		l.add("matching", strconv.Itoa(m.MatchingPriority))
	}
	if required && !target.Needed {
		l.add("required", "true")
	}
	if otherwise != "" {
		l.add("default", typed(otherwise, target))
		if required {
			l.add("defaultWhen", "always")
			l.notes = append(l.notes, note{Differs, "it is required, so its default always applies; in Entra it is for creation alone", "defaultWhen"})
		}
	}
	l.flow(m)
}

// flow says when the attribute flows.
// https://learn.microsoft.com/graph/api/resources/synchronization-attributemapping
func (l *line) flow(m attributeMapping) {
	switch {
	case m.FlowType == "", is(m.FlowType, "Always"):
	case is(m.FlowType, "ObjectAddOnly"):
		l.add("apply", "creation")
	case is(m.FlowType, "AttributeAddOnly"):
		l.add("apply", "creation")
		l.notef(Differs, "flowType AttributeAddOnly writes where there is no value; here it is written on creation alone")
	case is(m.FlowType, "ValueAddOnly"), is(m.FlowType, "MultiValueAddOnly"):
		l.notef(Differs, "flowType %s adds values and replaces none; here a changed value replaces the former", strings.TrimSpace(m.FlowType))
	default:
		l.notef(Differs, "flowType %q is not known here, and the value always flows; look whether apply: creation is meant", m.FlowType)
	}
	switch {
	case m.FlowBehavior == "", is(m.FlowBehavior, "FlowWhenChanged"):
	case is(m.FlowBehavior, "FlowAlways"):
		l.notef(Differs, "flowBehavior FlowAlways writes at every cycle; here a value is written when it is another, REPAIR_DRIFT=true puts back what was changed in Webex")
	default:
		l.notef(Differs, "flowBehavior %q is not known here, and a value is written when it is another", m.FlowBehavior)
	}
	if m.ExportMissing {
		l.notef(Differs, "exportMissingReferences is for references; here nothing is created for being referred to")
	}
}

// of is the key under which a mapping file has the source, and its value; an empty key
// for none. The problem is what it cannot be read for.
func (s *source) of() (key, value, problem string) {
	if s == nil || s.Expression == "" && s.Name == "" {
		return "", "", ""
	}
	inner, direct := attributeIn(s.Expression)
	switch {
	case s.Type == "" && (direct || s.Expression == ""), is(s.Type, "Attribute"): // "Default is Attribute."
		return "source", cmp.Or(strings.TrimSpace(s.Name), inner), ""
	case is(s.Type, "Constant"):
		return "constant", cmp.Or(s.Name, constantIn(s.Expression)), ""
	case s.Type != "" && !is(s.Type, "Function"):
		return "", "", "the type of its source, " + strconv.Quote(s.Type) + ", is not known here; write source, expression or constant"
	case strings.TrimSpace(s.Expression) == "":
		return "", "", "the source is the function " + s.Name + " without its expression; copy that from the portal"
	default:
		key, value = plainly(s.Expression)
		return key, value, ""
	}
}

// plainly is the key under which a mapping file has an expression, and its value: one
// without a function is an attribute or a constant.
func plainly(text string) (key, value string) {
	if name, direct := attributeIn(text); direct {
		return "source", name
	}
	if trimmed := strings.TrimSpace(text); strings.Contains(trimmed, "(") && trimmed[0] != '"' {
		return "expression", text
	}
	x, err := expression.Parse(text)
	if err != nil {
		return "expression", text // ParseFile says what is wrong
	}
	v, err := x.Evaluate(expression.Environment{}, func(string) any { return nil })
	if err != nil {
		return "expression", text
	}
	return "constant", fmt.Sprint(v)
}

// attributeIn is the attribute that an expression consists of, [mail].
func attributeIn(text string) (string, bool) {
	inner, opened := strings.CutPrefix(strings.TrimSpace(text), "[")
	inner, closed := strings.CutSuffix(inner, "]")
	return strings.TrimSpace(inner), opened && closed && !strings.ContainsAny(inner, "[]")
}

// constantIn is the text that an expression consists of, "de" with its quotation marks,
// in which a backslash escapes these and itself.
func constantIn(text string) string {
	text = strings.TrimSpace(text)
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(text[1 : len(text)-1])
}

// typed is a value as YAML: a text, or a boolean where the target wants one, which
// Entra writes True.
func typed(value string, target mapping.Target) string {
	if target.Boolean && (is(value, "true") || is(value, "false")) {
		return strings.ToLower(strings.TrimSpace(value))
	}
	return scalar(value)
}

// ImportFile is Decode and Import of a schema in a file of that name, which an error has.
func ImportFile(name string, data []byte) (text string, findings []Finding, err error) {
	schema, err := Decode(data)
	if err == nil {
		text, findings, err = Import(schema)
	}
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", name, err)
	}
	return text, findings, nil
}
