package synchronization

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
)

// pair is a key of a line, and its value as YAML.
type pair struct{ key, value string }

// note is what there is to say of a line.
type note struct {
	outcome Outcome
	text    string
	// key is of the pair that it is about, without which there is nothing to say.
	key string
}

// line is a line of a mapping file: an attribute mapping, or a clause.
type line struct {
	subject string // what it is about, for its findings
	pairs   []pair
	notes   []note
	// out says that it is not written.
	out bool
	// ends are, while the file is written, the columns where the pairs end.
	ends []int
}

func (l *line) add(key, value string) { l.pairs = append(l.pairs, pair{key, value}) }

func (l *line) notef(o Outcome, format string, args ...any) {
	l.notes = append(l.notes, note{outcome: o, text: fmt.Sprintf(format, args...)})
}

// leavef takes the line out of the file.
func (l *line) leavef(o Outcome, format string, args ...any) {
	l.notef(o, format, args...)
	l.out = true
}

func (l *line) has(key string) bool {
	return slices.ContainsFunc(l.pairs, func(p pair) bool { return p.key == key })
}

func (l *line) value(key string) string {
	for _, p := range l.pairs {
		if p.key == key {
			return p.value
		}
	}
	return ""
}

// set gives a key a value, in place of another if it has one.
func (l *line) set(key, value string) {
	for i := range l.pairs {
		if l.pairs[i].key == key {
			l.pairs[i].value = value
			return
		}
	}
	l.add(key, value)
}

func (l *line) drop(keys ...string) {
	l.pairs = slices.DeleteFunc(l.pairs, func(p pair) bool { return slices.Contains(keys, p.key) })
	l.notes = slices.DeleteFunc(l.notes, func(n note) bool { return slices.Contains(keys, n.key) })
}

// says is the line without its target.
func (l *line) says() string {
	var parts []string
	for _, p := range l.pairs {
		if p.key != "target" {
			parts = append(parts, p.key+": "+p.value)
		}
	}
	return strings.Join(parts, ", ")
}

// group is a group of clauses, all of which have to hold.
type group struct {
	name    string
	clauses []*line
	notes   []note
	out     bool
}

// says are the clauses of the group.
func (g *group) says() string {
	clauses := make([]string, len(g.clauses))
	for i, c := range g.clauses {
		clauses[i] = strings.TrimSpace(c.value("attribute") + " " + c.value("operator") + " " + c.value("value"))
	}
	return strings.Join(clauses, " AND ")
}

// section is what a mapping file says of a kind of object.
type section struct {
	kind    change.Kind
	actions mapping.Actions
	// halted says that a part of the filter is lost. Then all actions are off: half a
	// filter would create or close accounts that it must not.
	halted bool
	about  []note // actions and the section as a whole
	scope  []*group
	lines  []*line
}

func (s *section) name() string { return string(s.kind) + "s" }

// by is the target by which Webex knows an object.
func (s *section) by() string {
	if s.kind == change.Group {
		return "displayName"
	}
	return "userName"
}

// live is the line that is written for a target; nil if there is none.
func (s *section) live(target string) *line {
	for _, l := range s.lines {
		if !l.out && l.value("target") == scalar(target) {
			return l
		}
	}
	return nil
}

// complete adds what each mapping needs and this one lacks, as the gallery app has it.
func (s *section) complete() {
	needed := []line{
		{subject: "userName", pairs: []pair{{"source", "userPrincipalName"}, {"matching", "1"}}},
		{subject: "externalId", pairs: []pair{{"source", "objectId"}}},
		{subject: "active", pairs: []pair{{"expression", "'Not([IsSoftDeleted])'"}}},
	}
	if s.kind == change.Group {
		needed = []line{
			{subject: "displayName", pairs: []pair{{"source", "displayName"}, {"matching", "1"}}},
			{subject: "externalId", pairs: []pair{{"source", "objectId"}}},
		}
	}
	for _, l := range needed {
		if s.live(l.subject) != nil {
			continue
		}
		l.pairs = append([]pair{{"target", l.subject}}, l.pairs...)
		l.notef(Differs, "%s need it, and Entra does not write it: added as the gallery app has it, %s", s.name(), l.says())
		s.lines = append(s.lines, &l)
	}
}

// file is a mapping file that is being made.
type file struct {
	sections []*section
	findings []Finding // about the whole
}

// settle writes the file so that it can be read: what mapping.ParseFile does not take
// is taken out of it, or altered, and noted with what it says.
func (f *file) settle() (string, error) {
	const rounds = 20 // each one takes out all that is wrong by then; three are usual
	var err error
	for range rounds {
		text, places := f.write()
		_, err = mapping.ParseFile("the mapping file", []byte(text))
		mistakes, wrong := errors.AsType[*mapping.Mistakes](err)
		if !wrong {
			return text, err
		}
		mended := map[*line]bool{}
		for _, m := range mistakes.List {
			place, known := places[m.Line]
			if !known {
				return "", fmt.Errorf("no mapping file can be made of it: %s", m.Text)
			}
			if !mended[place.line] { // the places of a line that was altered are others
				place.mend(m)
				mended[place.line] = true
			}
		}
	}
	return "", fmt.Errorf("no mapping file can be made of it: %w", err)
}

// place is what stands in a line of the file.
type place struct {
	section *section
	group   *group // of a clause
	line    *line
}

// mend alters the file where something is wrong with it.
func (p place) mend(m mapping.Mistake) {
	l := p.line
	key := l.at(m.Column)
	isBy := p.group == nil && l.value("target") == p.section.by()
	switch {
	case p.group != nil:
		p.section.halted = true
		p.group.out = true
		p.group.notes = append(p.group.notes, note{outcome: Lost, text: p.group.says() + ": " + m.Text})
	case slices.Contains([]string{"source", "expression", "constant"}, key):
		l.leavef(Lost, "%s: %s", l.says(), m.Text)
	case slices.Contains([]string{"matching", "required", "default", "defaultWhen", "apply"}, key):
		l.drop(key)
		if key == "default" {
			l.drop("defaultWhen")
		}
		l.notef(Differs, "%s is left out: %s", key, m.Text)
	case isBy:
		l.notef(Differs, "%s", m.Text)
		l.set("matching", p.section.precedence())
	case l.has("matching"):
		l.notef(Differs, "it does not match: %s", m.Text)
		l.drop("matching")
	default:
		l.leavef(Lost, "%s: %s", l.says(), m.Text)
	}
}

// precedence is one behind all that are there.
func (s *section) precedence() string {
	last := 0
	for _, l := range s.lines {
		if n, err := strconv.Atoi(l.value("matching")); err == nil && !l.out {
			last = max(last, n)
		}
	}
	return strconv.Itoa(last + 1)
}

// at is the key of the pair that a column is in.
func (l *line) at(column int) string {
	for i, end := range l.ends {
		if column < end {
			return l.pairs[i].key
		}
	}
	return ""
}

// head begins every file that is made of a schema.
const head = `# yaml-language-server: $schema=./provisioning.schema.json
#
# What Webex is told about users and groups, made of the synchronization schema of
# Entra's provisioning service by entrawebex mapping import. What each key means says
# the file that entrawebex mapping show 0 prints.
version: 1
`

// write writes the file, and says what stands in which of its lines.
func (f *file) write() (string, map[int]place) {
	w := writer{places: map[int]place{}}
	w.text.WriteString(head)
	w.number = strings.Count(head, "\n")
	for _, s := range f.sections {
		s.complete()
		w.section(s)
	}
	return w.text.String(), w.places
}

type writer struct {
	text   strings.Builder
	number int // of lines
	places map[int]place
}

func (w *writer) printf(format string, args ...any) {
	fmt.Fprintf(&w.text, format+"\n", args...)
	w.number++
}

func (w *writer) section(s *section) {
	w.printf("%s:", s.name())
	a := s.actions
	if s.halted {
		a = mapping.Actions{}
	}
	if a != (mapping.Actions{Create: true, Update: true, Delete: true}) {
		w.printf("  actions: { create: %t, update: %t, delete: %t }", a.Create, a.Update, a.Delete)
	}
	first := true
	for _, g := range s.scope {
		if g.out {
			continue
		}
		if first {
			w.printf("  scope:")
		}
		first = false
		w.group(s, g)
	}
	w.printf("  mappings:")
	for _, l := range s.lines {
		if !l.out {
			w.line("    - ", place{section: s, line: l})
		}
	}
}

func (w *writer) group(s *section, g *group) {
	if g.name != "" {
		w.printf("    # %s", g.name)
	}
	indent := "    - - "
	for _, c := range g.clauses {
		w.line(indent, place{section: s, group: g, line: c})
		indent = "      - "
	}
}

func (w *writer) line(indent string, p place) {
	var b strings.Builder
	b.WriteString(indent + "{ ")
	p.line.ends = p.line.ends[:0]
	for i, pair := range p.line.pairs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(pair.key + ": " + pair.value)
		p.line.ends = append(p.line.ends, utf8.RuneCountInString(b.String())+1)
	}
	w.printf("%s }", b.String())
	w.places[w.number] = p
}

// all is all that there is to say, in the file's order: a line that nothing is noted of
// is taken over.
func (f *file) all() []Finding {
	all := slices.Clone(f.findings)
	for _, s := range f.sections {
		add := func(attribute string, notes []note, says string) {
			if len(notes) == 0 {
				notes = []note{{outcome: TakenOver, text: says}}
			}
			for _, n := range notes {
				all = append(all, Finding{n.outcome, s.name(), attribute, n.text})
			}
		}
		for _, n := range s.about {
			add("actions", []note{n}, "")
		}
		if s.halted {
			add("actions", []note{{outcome: Differs, text: "all are off, since a part of the filter is missing, and without it accounts would be created " +
				"or closed that must not be: write that part in another way, and take the line with actions away"}}, "")
		}
		for _, g := range s.scope {
			add("scope", g.notes, g.says())
		}
		for _, l := range s.lines {
			add(l.subject, l.notes, l.says())
		}
	}
	return all
}

// plain are texts that YAML reads as they are, and as nothing but a text.
var plain = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.]*(?: [A-Za-z0-9_.]+)*$`)

// scalar writes a text as YAML.
func scalar(s string) string {
	switch {
	case plain.MatchString(s) && !slices.Contains(strings.Fields("true false null yes no on off y n"), strings.ToLower(s)):
		return s
	case strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0:
		return "'" + strings.ReplaceAll(s, "'", "''") + "'"
	default:
		return strconv.Quote(s)
	}
}
