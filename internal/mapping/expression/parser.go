package expression

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"entrawebex/internal/mapping/nearest"
)

// MaxLength is the length that Entra allows an expression, in characters
// ("Known issues for provisioning in Microsoft Entra ID").
const MaxLength = 10_000

// maxDepth is how many functions may stand within each other.
const maxDepth = 50

// Parse reads an expression. The error is Mistakes: every one up to the first
// that leaves in doubt how the text goes on.
func Parse(text string) (*Expression, error) {
	if n := utf8.RuneCountInString(text); n > MaxLength {
		return nil, Mistakes{mistake(text, 0, "an expression has at most %d characters, and this one has %d; make several mappings of it, or shorten it", MaxLength, n)}
	}
	p := parser{text: text, functions: definitions(), result: &Expression{text: text}}
	root, err := p.operand(0)
	if err == nil {
		if p.space(); p.at < len(p.text) {
			err = p.wrong(p.at, "%q stands behind the end of the expression%s", cut(p.text[p.at:]), p.behind())
		}
	}
	if m := (*Mistake)(nil); errors.As(err, &m) {
		p.mistakes = append(p.mistakes, m)
	}
	if len(p.mistakes) > 0 {
		slices.SortStableFunc(p.mistakes, func(a, b *Mistake) int { return a.Offset - b.Offset })
		return nil, p.mistakes
	}
	p.result.root = root
	p.result.timed = isTimed(root)
	walk(root, p.redact)
	return p.result, nil
}

type parser struct {
	text      string
	at        int // what was read, in bytes
	functions []definition
	mistakes  Mistakes
	result    *Expression
}

func (p *parser) wrong(offset int, format string, args ...any) *Mistake {
	return mistake(p.text, offset, format, args...)
}

// notef keeps a mistake behind which the text can be read on.
func (p *parser) notef(offset int, format string, args ...any) {
	p.mistakes = append(p.mistakes, p.wrong(offset, format, args...))
}

func (p *parser) space() {
	p.at += len(p.text[p.at:]) - len(strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace))
}

func (p *parser) next(prefix string) bool { return strings.HasPrefix(p.text[p.at:], prefix) }

// operand reads an attribute, a constant or a call.
func (p *parser) operand(depth int) (node, error) {
	p.space()
	switch rest := p.text[p.at:]; {
	case rest == "":
		return nil, p.wrong(p.at, `the expression ends where [attribute], "text" or Function(…) is expected`)
	case rest[0] == '[':
		return p.attribute()
	case rest[0] == '"':
		return p.quoted()
	case strings.IndexByte("0123456789-+.&", rest[0]) >= 0:
		return p.number()
	}
	name := p.word()
	if name == "" {
		return nil, p.stray()
	}
	start := p.at
	p.at += len(name)
	if p.space(); p.next("(") {
		p.at++
		return p.call(name, start, depth)
	}
	return p.bare(name, start)
}

func (p *parser) attribute() (node, error) {
	name, _, closed := strings.Cut(p.text[p.at+1:], "]")
	if !closed || strings.ContainsAny(name, "\n[") {
		return nil, p.wrong(p.at, "the attribute has no end; write [%s]", strings.TrimRight(cut(strings.Trim(name, "[")), " "))
	}
	if strings.TrimSpace(name) == "" {
		return nil, p.wrong(p.at, "the brackets name no attribute; write [displayName], for example")
	}
	p.at += len(name) + 2
	name = strings.TrimSpace(name)
	p.result.read(name)
	return attribute{name}, nil
}

// quoted reads a text, in which, as Microsoft's page has it, a backslash or a
// quotation mark is escaped by a backslash.
func (p *parser) quoted() (node, error) {
	var b strings.Builder
	for i := p.at + 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			p.at = i + 1
			return constant{b.String()}, nil
		case c != '\\':
			b.WriteByte(c)
		case i+1 < len(p.text) && (p.text[i+1] == '"' || p.text[i+1] == '\\'):
			i++
			b.WriteByte(p.text[i])
		default:
			p.notef(i, `a backslash in a text is written twice; write \\%s`, first(p.text[i+1:]))
		}
	}
	return nil, p.wrong(p.at, `the text has no end; write a " behind it`)
}

// number reads a number, whole or not, or in hexadecimal as in &HF7.
func (p *parser) number() (node, error) {
	end := strings.IndexFunc(p.text[p.at+1:], func(r rune) bool {
		return r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if end < 0 {
		end = len(p.text) - p.at - 1
	}
	start, text := p.at, p.text[p.at:p.at+1+end]
	p.at += len(text)
	const prefix = "&H"
	if len(text) > len(prefix) && strings.EqualFold(text[:len(prefix)], prefix) {
		if n, err := strconv.ParseInt(text[len(prefix):], 16, 64); err == nil {
			return constant{n}, nil
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return constant{n}, nil
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && strings.Trim(text, "+-.0123456789") == "" {
		return constant{n}, nil
	}
	if text == "&" {
		return nil, p.wrong(start, "there is no operator &; write Append(a, b) or Join(\"\", a, b)")
	}
	return nil, p.wrong(start, "%q is no number; write %q for the text", text, text)
}

// word is the name that stands next.
func (p *parser) word() string {
	rest := p.text[p.at:]
	end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if end < 0 {
		return rest
	}
	return rest[:end]
}

// bare reads a name that no arguments follow.
func (p *parser) bare(name string, start int) (node, error) {
	switch strings.ToLower(name) {
	case "vbtextcompare", "vbbinarycompare":
		return constant{name}, nil
	case "true":
		return nil, p.wrong(start, `%s is written as a text; write "True"`, name)
	case "false":
		return nil, p.wrong(start, `%s is written as a text; write "False"`, name)
	case "null":
		return nil, p.wrong(start, "there is no word for null; leave the argument out, as in Switch([a], , …)")
	default:
		return nil, p.wrong(start, `%s is no function; write [%s] for the attribute, "%s" for the text`, name, name, name)
	}
}

// stray is the mistake of a character that begins nothing.
func (p *parser) stray() *Mistake {
	switch c := first(p.text[p.at:]); c {
	case "'", "“", "”", "„", "‘", "’", "«":
		return p.wrong(p.at, `%s does not enclose a text; write "…"`, c)
	case ",", ")":
		return p.wrong(p.at, `[attribute], "text" or Function(…) is expected before the %s`, c)
	default:
		return p.wrong(p.at, `%s begins no argument; write [attribute], "text" or Function(…)`, c)
	}
}

// behind is what could be meant by what stands behind the end.
func (p *parser) behind() string {
	if symbol, _ := p.symbol(); symbol != "" {
		return "; write IIF(a " + symbol + " b, …), or CBool(a " + symbol + " b)"
	}
	if p.next("&") {
		return `; write Append(a, b) or Join("", a, b)`
	}
	return ""
}

// call reads the arguments of a function, whose opening parenthesis was read.
func (p *parser) call(name string, start, depth int) (node, error) {
	if depth >= maxDepth {
		return nil, p.wrong(start, "there are more than %d functions within each other; make several mappings of it", maxDepth)
	}
	d, known := find(p.functions, name)
	if !known {
		p.notef(start, "%s", p.unknown(name))
		d.conditions = unlimited
	}
	args, err := p.arguments(name, d, depth)
	if err != nil || !known {
		return &call{name: name, arguments: args}, err
	}
	if d.topmost && depth > 0 {
		p.notef(start, "%s stands within another function; it must be the outermost", d.name())
	}
	c := &call{name: d.name(), arguments: args}
	p.complete(c, d, start)
	return c, nil
}

// complete gives a call its function, or notes what is wrong with its arguments.
func (p *parser) complete(c *call, d definition, start int) {
	if wrong := d.fits(c.arguments); wrong != "" {
		p.notef(start, "%s", wrong)
		return
	}
	if a, belongs := d.misnumbered(c.arguments); a != nil {
		p.notef(a.offset, "argument %d of %s is %s; write one, as in %s", a.index+1, d.name(), belongs, d.signature)
		return
	}
	p.result.volatile = p.result.volatile || d.volatile
	if d.signature == DefaultDomain {
		p.result.read(DefaultDomain)
	}
	if d.refused != "" && p.result.refused == nil {
		p.result.refused = p.wrong(start, "%s", d.refused)
	}
	var err error
	if c.compute, err = d.compile(c.arguments); err != nil {
		at := start
		if m := (misplaced{}); errors.As(err, &m) {
			at = m.offset
		}
		p.notef(at, "%s: %v", c.name, err)
		return
	}
	if !c.arguments.constant() || d.signature == DefaultDomain {
		return
	}
	if _, err := c.value(&evaluation{}); err != nil { // it would fail for everybody
		p.notef(start, "%v", err)
	}
}

// arguments reads those of a call, and its closing parenthesis.
func (p *parser) arguments(name string, d definition, depth int) (arguments, error) {
	var args arguments
	if p.space(); p.next(")") {
		p.at++
		return nil, nil
	}
	for {
		p.space()
		var a *argument
		if !p.next(",") && !p.next(")") {
			var err error
			if a, err = p.argument(len(args), d, depth+1); err != nil {
				return nil, err
			}
		}
		args = append(args, a)
		p.space()
		switch {
		case p.next(","):
			p.at++
		case p.next(")"):
			p.at++
			return args, nil
		case p.at == len(p.text):
			return nil, p.wrong(p.at, "the expression ends within %s(…): expected , or )", name)
		default:
			return nil, p.wrong(p.at, "expected , or ) in %s(…) at %q%s", name, cut(p.text[p.at:]), p.behind())
		}
	}
}

// argument reads one argument, which is there.
func (p *parser) argument(index int, d definition, depth int) (*argument, error) {
	start := p.at
	n, err := p.operand(depth)
	if err != nil {
		return nil, err
	}
	if index < d.conditions {
		if n, err = p.condition(n, depth); err != nil {
			return nil, err
		}
	}
	return &argument{node: n, index: index, offset: start}, nil
}

// condition reads what a first operand is compared with, if it is.
func (p *parser) condition(left node, depth int) (node, error) {
	p.space()
	symbol, instead := p.symbol()
	if symbol == "" {
		return left, nil
	}
	if instead != "" {
		return nil, p.wrong(p.at, "there is no operator %s; write %s", symbol, instead)
	}
	p.at += len(symbol)
	right, err := p.operand(depth)
	if err != nil {
		return nil, err
	}
	if p.space(); !p.next(",") && !p.next(")") {
		if symbol, instead := p.symbol(); symbol != "" {
			if instead == "" {
				instead = "one comparison in a condition, and another IIF for the next"
			}
			return nil, p.wrong(p.at, "%s cannot stand here; write %s", symbol, instead)
		}
	}
	return comparison{left: left, right: right, holds: operator(symbol)}, nil
}

// What to write for the operators that IIF lacks.
const (
	both   = `IIF(a, IIF(b, "True", "False"), "False") for a and b`
	either = `IIF(a, "True", IIF(b, "True", "False")) for a or b`
)

// symbol is the operator that stands next, and what to write instead of one that
// Entra lacks: its IIF "currently doesn't support AND and OR logical operators".
func (p *parser) symbol() (symbol, instead string) {
	for _, o := range [...]struct{ symbol, instead string }{
		{"&&", both}, {"||", either}, {"!=", "<>"}, {"==", "="}, {"<>", ""}, {">=", ""}, {"<=", ""}, {"=", ""}, {">", ""}, {"<", ""},
	} {
		if p.next(o.symbol) {
			return o.symbol, o.instead
		}
	}
	switch word := p.word(); strings.ToLower(word) {
	case "and":
		return word, both
	case "or":
		return word, either
	default:
		return "", ""
	}
}

// unknown says of a name that is no function of the language's what to write.
func (p *parser) unknown(name string) string {
	if instead, known := elsewhere(name); known {
		return name + " is a function of Entra's cloud sync or Entra Connect, which provisioning to applications does not have" + instead
	}
	instead := nearest.Name(name, names(p.functions))
	switch strings.ToLower(name) {
	case "and":
		instead = both
	case "or":
		instead = either
	case "concat", "concatenate":
		instead = `Append(a, b) or Join("", a, b)`
	case "substring", "substr":
		instead = "Mid(source, start, length), whose start counts from 1"
	}
	if instead == "" {
		instead = "one of those that the reference of the mapping file lists"
	}
	return "unknown function " + strconv.Quote(name) + "; write " + instead
}

// redact marks a call whose values are kept out of logs: Redact, and what it
// stands in or what stands in it.
func (p *parser) redact(c *call) {
	const redact = "Redact"
	walk(c, func(inner *call) {
		if inner.name == redact {
			c.hidden = true
			p.result.redacted = true
		}
	})
	if c.name == redact {
		walk(c, func(inner *call) { inner.hidden = true })
	}
}

// constant reports whether the arguments are the same for every object.
func (a arguments) constant() bool {
	for _, one := range a {
		if one == nil {
			continue
		}
		if _, is := one.node.(constant); !is {
			return false
		}
	}
	return true
}

func first(text string) string {
	r, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(r)
}

// cut is the beginning of a text, for a message.
func cut(text string) string {
	const enough = 20
	if r := []rune(text); len(r) > enough {
		return string(r[:enough]) + "…"
	}
	return text
}
