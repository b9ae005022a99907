package docs_test

import (
	"fmt"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"entrawebex/internal/golden"
)

// The page of measurements is made of what commands printed.
func TestThePageOfMeasurementsIsWhatCommandsPrinted(t *testing.T) {
	t.Parallel()
	m := measured{t: t, files: map[string]string{}, read: map[string]bool{}}
	files, err := filepath.Glob("measured/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		m.files[strings.TrimSuffix(filepath.Base(file), ".txt")] = contents(t, file)
	}
	page, err := template.New("page").Funcs(m.functions()).Parse(contents(t, "measured/measurements.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := page.Execute(&b, nil); err != nil {
		t.Fatal(err)
	}
	golden.Is(t, "measurements.md", filled(b.String()))
	for name := range m.files {
		if !m.read[name] {
			t.Errorf("nothing on the page is of measured/%s.txt", name)
		}
	}
}

// word is what stands on one line: a span of code, too.
var word = regexp.MustCompile("`[^`]*`\\S*|\\S+")

// filled has the lines of paragraphs as long as those of other pages; tables and headings
// stay.
func filled(page string) string {
	const width = 140
	var b strings.Builder
	for i, block := range strings.Split(strings.TrimSpace(page), "\n\n") {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if strings.HasPrefix(block, "|") || strings.HasPrefix(block, "#") {
			b.WriteString(block)
			continue
		}
		at := 0
		for _, word := range word.FindAllString(block, -1) {
			switch length := len([]rune(word)); {
			case at > 0 && at+1+length > width:
				b.WriteString("\n")
				at = length
			case at > 0:
				b.WriteString(" ")
				at += 1 + length
			default:
				at = length
			}
			b.WriteString(word)
		}
	}
	return b.String() + "\n"
}

// measured are the outputs of commands, whose first lines are the commands.
type measured struct {
	t     *testing.T
	files map[string]string
	read  map[string]bool // whose commands the page names
}

// functions are those of the page's template.
func (m measured) functions() template.FuncMap {
	writes := func(run string) float64 {
		return m.bench("sweep", run, "webex-Bulks/op") + m.bench("sweep", run, "webex-others/op")
	}
	story := func() string { return m.find("simulation", `\n +faults: (.*)`) }
	return template.FuncMap{
		"command": m.command, "bench": m.bench, "find": m.find, "least": m.least,
		"list":  func(of ...string) []string { return of },
		"count": count, "seconds": seconds,
		"tenths":       func(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) },
		"milliseconds": func(microseconds float64) string { return fmt.Sprintf("%.1f ms", microseconds/1e3) },
		// size is how a benchmark calls a size that people read as "1,000 users, 10 groups of 100".
		"size": func(s string) string {
			s, _, _ = strings.Cut(strings.ReplaceAll(s, ",", ""), " of ")
			return strings.Replace(s, " users", " users,", 1)
		},
		"writes": writes,
		"webex":  func(run string) float64 { return writes(run) + m.bench("sweep", run, "webex-GETs/op") },
		"seeds": func(before string) int {
			last, err := strconv.Atoi(m.find("simulation", `seeds 0 to (\d+): \d+`+before))
			if err != nil {
				m.t.Fatal(err)
			}
			return last + 1
		},
		"kinds": func() int { return len(strings.Split(story(), ", ")) },
		"trouble": func(kind string) string {
			return count(m.find("simulation", `[:,] `+regexp.QuoteMeta(kind)+` (\d+)(?:,|\n)`))
		},
	}
}

func (m measured) output(file string) string {
	m.t.Helper()
	text, ok := m.files[file]
	if !ok {
		m.t.Fatalf("there is no measured/%s.txt", file)
	}
	return text
}

// command is what printed a file.
func (m measured) command(file string) string {
	m.read[file] = true
	first, _, _ := strings.Cut(m.output(file), "\n")
	command, ok := strings.CutPrefix(first, "$ ")
	if !ok {
		m.t.Fatalf("measured/%s.txt begins with no command", file)
	}
	return "`" + command + "`"
}

// find is what the pattern's group matches where the pattern matches first.
func (m measured) find(file, pattern string) string {
	m.t.Helper()
	found := regexp.MustCompile("(?m)" + pattern).FindStringSubmatch(m.output(file))
	if found == nil {
		m.t.Fatalf("measured/%s.txt has nothing like %s", file, pattern)
	}
	return found[1]
}

// least is the smallest number that the pattern's group matches.
func (m measured) least(file, pattern string) string {
	found := regexp.MustCompile(pattern).FindAllStringSubmatch(m.output(file), -1)
	if len(found) == 0 {
		m.t.Fatalf("measured/%s.txt has nothing like %s", file, pattern)
	}
	return slices.MinFunc(found, func(a, b []string) int { return strings.Compare(a[1], b[1]) })[1] // all have as many digits
}

// bench is a number of a benchmark.
func (m measured) bench(file, name, unit string) float64 {
	m.t.Helper()
	line := regexp.QuoteMeta("Benchmark"+strings.ReplaceAll(name, " ", "_")) + `(?:-\d+)?\s.*?\s([\d.]+) ` + regexp.QuoteMeta(unit) + `(?:\s|$)`
	v, err := strconv.ParseFloat(m.find(file, line), 64)
	if err != nil {
		m.t.Fatal(err)
	}
	return v
}

// seconds are nanoseconds as people say them.
func seconds(nanoseconds float64) string {
	if s := nanoseconds / 1e9; s < 2 {
		return fmt.Sprintf("%.1f s", s)
	}
	return fmt.Sprintf("%.0f s", nanoseconds/1e9)
}

// count is a whole number with commas.
func count(of any) string {
	v, err := strconv.ParseFloat(fmt.Sprint(of), 64)
	if err != nil {
		return err.Error()
	}
	digits := strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// The few numbers of the README are those of the page of measurements.
func TestTheNumbersThatDecideAreThoseThatWereMeasured(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(contents(t, "../README.md"), "## The numbers that decide\n")
	section, _, _ = strings.Cut(section, "\n## ")
	page := contents(t, "measurements.md")
	checked := 0
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+) \| ([^|]+) \| [^|]+ \|$`).FindAllStringSubmatch(section, -1) {
		for _, number := range regexp.MustCompile(`\d[\d,]*`).FindAllString(row[1]+" "+row[2], -1) {
			number = strings.TrimSuffix(number, ",")
			checked++
			if !regexp.MustCompile(`(^|[^\d,])` + number + `($|[^\d,]|,\D)`).MatchString(page) {
				t.Errorf("of %q nobody has measured %s", row[1], number)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d numbers were found", checked)
	}
}
