package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"entrawebex/internal/mapping/nearest"
)

// reader reads YAML by its nodes, which know where they stand, and gathers what is
// wrong with them.
type reader struct {
	lines    []string
	mistakes []Mistake
}

// unreadable is the first character that the file cannot have, of which the YAML parser
// says no place; nil if there is none. The parser also takes UTF-16, and what is stored
// and shown is UTF-8.
func unreadable(data []byte) *Mistake {
	const byteOrder = '\ufeff'
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return &Mistake{1, 1, "the file is in UTF-16, as the > of Windows PowerShell writes one; save it in UTF-8"}
	}
	line, column := 1, 1
	for i := 0; i < len(data); {
		c, size := utf8.DecodeRune(data[i:])
		switch {
		case c == utf8.RuneError && size == 1:
			return &Mistake{line, column, fmt.Sprintf("the byte %X is no character of UTF-8; save the file in UTF-8", data[i])}
		case c < ' ' && !isBlank(c), 0x7f <= c && c < 0xa0 && c != 0x85, c == byteOrder && i > 0, c == 0xfffe, c == 0xffff:
			return &Mistake{line, column, fmt.Sprintf(`a character that is not seen, %U; take it away, or write "\u%04X" in a text in quotes`, c, c)}
		}
		if i += size; c == '\n' {
			line, column = line+1, 1
		} else if c != byteOrder {
			column++
		}
	}
	return nil
}

// document is the one document of the file; nil if it is not YAML.
func (r *reader) document(data []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, next yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		r.atf(1, 1, "the file is empty; write version: 1, users: and groups:")
		return nil
	} else if err != nil {
		r.syntax(err)
		return nil
	}
	if err := decoder.Decode(&next); err == nil {
		r.wrongf(&next, "a second document; write one document only")
	} else if !errors.Is(err, io.EOF) {
		r.syntax(err)
	}
	return document.Content[0]
}

// syntax notes an error of the YAML parser, which says its line in its text.
func (r *reader) syntax(err error) {
	line, said := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if m := regexp.MustCompile(`^line (\d+): (.*)$`).FindStringSubmatch(said); m != nil {
		line, _ = strconv.Atoi(m[1]) // digits
		said = m[2]
	}
	r.atf(line, 1, "this is not YAML: %s; mend it, or look at the line before", said)
}

func (r *reader) atf(line, column int, format string, args ...any) {
	r.mistakes = append(r.mistakes, Mistake{Line: line, Column: column, Text: fmt.Sprintf(format, args...)})
}

// wrongf notes what is wrong with a node.
func (r *reader) wrongf(n *yaml.Node, format string, args ...any) {
	r.atf(max(n.Line, 1), max(n.Column, 1), format, args...)
}

// fields are the values of a node by their keys, those that are known.
type fields struct {
	node   *yaml.Node
	values map[string]*yaml.Node
	// keys are where the values' names stand.
	keys map[string]*yaml.Node
	// unknown says that there are others.
	unknown bool
}

// fields reads a node that has keys. what names the node.
func (r *reader) fields(n *yaml.Node, what string, known ...string) fields {
	f := fields{node: n, values: map[string]*yaml.Node{}, keys: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		r.wrongf(n, "%s is %s; write keys with values: %s", what, kindOf(n), strings.Join(known, ", "))
		return f
	}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch {
		case !slices.Contains(known, key.Value):
			f.unknown = true
			r.wrongf(key, "unknown key %q in %s; %s", key.Value, what, instead(key.Value, known))
		case f.values[key.Value] != nil:
			r.wrongf(key, "%s is there twice in %s; leave one out", key.Value, what)
		default:
			f.values[key.Value], f.keys[key.Value] = value, key
		}
	}
	return f
}

// instead says which of the names to write.
func instead(written string, names []string) string {
	if name := nearest.Name(written, names); name != "" {
		return "write " + name
	}
	return "write one of " + strings.Join(names, ", ")
}

// list reads a node that has elements.
func (r *reader) list(n *yaml.Node, what string) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		r.wrongf(n, "%s is %s; write a list, each element behind a hyphen", what, kindOf(n))
		return nil
	}
	return n.Content
}

// text reads the value of a key, which is a text that is not empty; false if there
// is none.
func (r *reader) text(f fields, key string) (string, bool) {
	n := f.values[key]
	switch {
	case n == nil:
		return "", false
	case n.Kind == yaml.ScalarNode && n.Value != "" && n.Tag != "!!str" && n.Tag != "!!null":
		r.wrongf(n, "%s is %s; write it in quotes: %q", key, kindOf(n), n.Value)
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null":
		r.wrongf(n, "%s is %s; write a text", key, kindOf(n))
	case strings.TrimSpace(n.Value) == "":
		r.wrongf(n, "%s is empty; write a text, or leave %s out", key, key)
	default:
		return n.Value, true
	}
	return "", false
}

// boolean reads the value of a key, and what is if the key is not there.
func (r *reader) boolean(f fields, key string, otherwise bool) bool {
	n := f.values[key]
	if n == nil {
		return otherwise
	}
	var b bool
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || n.Decode(&b) != nil {
		r.wrongf(n, "%s is %s; write true or false", key, kindOf(n))
		return otherwise
	}
	return b
}

// number reads the value of a key, a whole number from 1; 0 if there is none.
func (r *reader) number(f fields, key string) int {
	n := f.values[key]
	if n == nil {
		return 0
	}
	var i int
	if n.Kind != yaml.ScalarNode || n.Tag != "!!int" || n.Decode(&i) != nil || i < 1 {
		r.wrongf(n, "%s is %s; write a whole number from 1", key, kindOf(n))
		return 0
	}
	return i
}

// choice reads the value of a key, one of the words; the first if the key is not
// there.
func (r *reader) choice(f fields, key string, words ...string) string {
	n := f.values[key]
	switch {
	case n == nil:
		return words[0]
	case n.Kind != yaml.ScalarNode || !slices.Contains(words, n.Value):
		r.wrongf(n, "%s is %s; write %s", key, kindOf(n), strings.Join(words, " or "))
		return words[0]
	default:
		return n.Value
	}
}

// scalar reads the value of a key, a text, a number, or true or false; nil if there
// is none.
func (r *reader) scalar(f fields, key string) any {
	n := f.values[key]
	if n == nil {
		return nil
	}
	var v any
	if n.Kind != yaml.ScalarNode || n.Decode(&v) != nil || v == nil || v == "" {
		r.wrongf(n, "%s is %s; write a text, a number, true or false", key, kindOf(n))
		return nil
	}
	switch v := v.(type) {
	case string, bool, int, float64:
		return v
	default: // a date, which YAML knows and JSON does not
		return n.Value
	}
}

// kindOf says what a node is.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a set of keys"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias, and these are not followed"
	case n.Tag == "!!null":
		return "empty"
	case n.Tag == "!!bool":
		return "a boolean, " + n.Value
	case n.Tag == "!!int", n.Tag == "!!float":
		return "a number, " + n.Value
	default:
		return fmt.Sprintf("%.60q", n.Value)
	}
}

// within is where the character at an offset in bytes of a text stands in the file.
// The letters of the text are counted, since blanks and breaks of lines are written
// in many ways and letters in few: one of a quoted text may be two, or an escape.
func (r *reader) within(n *yaml.Node, offset int) (line, column int) {
	letters := 0
	for _, c := range n.Value[:min(offset, len(n.Value))] {
		if !isBlank(c) {
			letters++
		}
	}
	line, column = n.Line, n.Column
	rest := []rune(r.line(line))
	rest = rest[min(column-1, len(rest)):]
	switch {
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		rest, column = rest[min(1, len(rest)):], column+1
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		rest = nil // its head
	}
	for {
		for len(rest) == 0 {
			if line >= len(r.lines) {
				return n.Line, n.Column // not found
			}
			line, column = line+1, 1
			rest = []rune(r.line(line))
		}
		width := letterWidth(rest, n.Style)
		if !isBlank(rest[0]) {
			if letters == 0 {
				return line, column
			}
			letters--
		}
		rest, column = rest[width:], column+width
	}
}

func (r *reader) line(number int) string {
	if number < 1 || number > len(r.lines) {
		return ""
	}
	return strings.TrimSuffix(r.lines[number-1], "\r")
}

// letterWidth is how many characters of the file make the next one of a text.
func letterWidth(rest []rune, style yaml.Style) int {
	switch {
	case len(rest) < 2:
		return 1
	case style&yaml.SingleQuotedStyle != 0 && rest[0] == '\'' && rest[1] == '\'':
		return 2
	case style&yaml.DoubleQuotedStyle != 0 && rest[0] == '\\':
		return 2
	default:
		return 1
	}
}

func isBlank(c rune) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
