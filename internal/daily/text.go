package daily

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/history"
	"entrawebex/internal/printable"
)

const (
	// width is how long a line is at most, in characters (RFC 5322, section 2.1.1).
	width = 78
	// mostAttention is how many things that need a person are told, mostText how long
	// one of them, or a reason, may be.
	mostAttention = 8
	mostText      = 150
	// longestName is how much of a name is told, so that an id stands beside it.
	longestName = width - len("  still open: ") - len(" (5b6e7a8c-1d2e-4f30-9a41-000000000001)")
)

// Subject is the mail's: ASCII, of fewer than 100 characters, as SNS wants it
// (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html, Subject).
func Subject(d Day) string {
	return fmt.Sprintf("entrawebex: %s, %s failed, %s for you",
		d.least(d.done(), "change"), d.number(d.Failed), waits(len(d.Status.Attention)))
}

// Text is the mail's: lines of 78 characters at most, some tens of them.
func Text(d Day) string {
	var b text
	b.linef("What entrawebex did on %s (UTC).", d.Of.Format("Monday, 2 January 2006"))
	if d.More {
		b.linef("The day has more than %s entries in the log. Counted are its last %s.", grouped(mostEntries), grouped(mostEntries))
	}
	b.headf("Done: %s", d.least(d.done(), "change"))
	for _, action := range history.Actions() {
		if n := d.Done[action]; n > 0 {
			b.linef("  %-8s %7s", action, grouped(n))
		}
	}
	if d.Orders > 0 {
		b.linef("  %s", d.least(d.Orders, "order")+" of operators")
	}
	d.failures(&b)
	d.waiting(&b)
	next := "entrawebex status"
	if d.Failed > 0 {
		next = "entrawebex log --status failure --since " + d.Of.Format(time.RFC3339)
	}
	b.headf("Run next: %s", next)
	return b.String()
}

func (d *Day) failures(b *text) {
	b.headf("Failed: %s", d.least(d.Failed, "attempt"))
	for _, f := range d.Failures {
		b.linef("  %s %s", f.At.UTC().Format("15:04"), named(f.Name, f.ID))
		b.wrapped("        ", f.Reason)
	}
	if rest := d.Failed - len(d.Failures); rest > 0 && len(d.Failures) > 0 {
		b.linef("  and %s", d.least(rest, "other"))
	}
}

func (d *Day) waiting(b *text) {
	s := &d.Status
	b.headf("Waits for you at %s: %s", s.At.UTC().Format("15:04"), grouped(len(s.Attention)))
	for _, what := range s.Attention[:min(len(s.Attention), mostAttention)] {
		b.wrapped("  - ", what)
	}
	if rest := len(s.Attention) - mostAttention; rest > 0 {
		b.linef("  and %d more: entrawebex status", rest)
	}
	for _, f := range s.Worst {
		if !f.Urgent() {
			continue // it is tried again by itself
		}
		b.linef("  %s", named(s.Names[f.Object.ID], f.Object.ID))
		b.wrapped("        ", f.Reason)
	}
	for _, o := range s.Holds.Blocked[:min(len(s.Holds.Blocked), mostAttention)] {
		b.linef("  still open: %s", named(s.Names[o.ID], o.ID))
	}
}

// done is how many changes were made.
func (d *Day) done() int {
	total := 0
	for n := range maps.Values(d.Done) {
		total += n
	}
	return total
}

// number is one of the log's, or what it is at least.
func (d *Day) number(n int) string {
	if d.More {
		return "at least " + grouped(n)
	}
	return grouped(n)
}

func (d *Day) least(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return d.number(n) + " " + thing
}

func waits(n int) string {
	if n == 1 {
		return "1 waits"
	}
	return fmt.Sprintf("%d wait", n)
}

// grouped is a number with its thousands apart.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	var groups []string
	for len(digits) > 3 {
		groups = append(groups, digits[len(digits)-3:])
		digits = digits[:len(digits)-3]
	}
	groups = append(groups, digits)
	slices.Reverse(groups)
	return strings.Join(groups, ",")
}

// named is a name with the id beside it, or the id alone.
func named(name, id string) string {
	if name == "" || name == id {
		return id
	}
	return fmt.Sprintf("%s (%s)", cut(printable.Text(name), longestName), id)
}

// cut is the beginning of a text, of so many characters at most.
func cut(s string, longest int) string {
	if all := []rune(s); len(all) > longest {
		return string(all[:longest-1]) + "…"
	}
	return s
}

// text is written line by line.
type text struct{ lines []string }

func (t *text) String() string { return strings.Join(t.lines, "\n") + "\n" }

func (t *text) linef(format string, args ...any) {
	t.lines = append(t.lines, cut(fmt.Sprintf(format, args...), width))
}

// headf begins a part.
func (t *text) headf(format string, args ...any) {
	t.lines = append(t.lines, "")
	t.linef(format, args...)
}

// wrapped writes a text behind an indentation, on as many lines as it takes.
func (t *text) wrapped(indent, s string) {
	line := indent
	for word := range strings.FieldsSeq(cut(printable.Text(s), mostText)) {
		if len([]rune(line))+1+len([]rune(word)) > width && strings.TrimSpace(line) != "" {
			t.linef("%s", line)
			indent = strings.Repeat(" ", len(indent))
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	if strings.TrimSpace(line) != "" {
		t.linef("%s", line)
	}
}
