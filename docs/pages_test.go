package docs_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/sandbox/cloud"
)

var (
	// apart are pages that other tests hold, or that are made of the code.
	apart = []string{"measurements.md", "mapping.md", "settings.md"}
	// calculated are parts of a page whose numbers other tests hold, too: what decides of
	// the README, and what is made of the units of sizing.
	calculated = regexp.MustCompile(`(?s)\n## The numbers that decide\n.*?\n## |\n## What it uses on AWS\n.*`)
)

// A number of a page stands in a sentence of numbers_test.go, which says where it comes
// from: the sentence is on the page with the number from there. What stands in none is
// held by nothing.
func TestEveryNumberOfAPageIsThatOfItsSource(t *testing.T) {
	t.Parallel()
	template, err := cloud.ReadTemplate("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s := origins{t: t, folders: map[string]map[string]ast.Expr{}, template: template}
	rows := 0
	for file, text := range pages(t) {
		page := strings.TrimPrefix(file, "../")
		if slices.Contains(apart, page) {
			continue
		}
		line, numbers := prose(calculated.ReplaceAllString(text, ""))
		held := make([]bool, len(line))
		for _, row := range told[page] {
			rows++
			sentence, whole := s.sentence(page, text, row)
			said := sentence.FindAllStringSubmatchIndex(line, -1)
			if said == nil && !sentence.MatchString(strings.Join(strings.Fields(text), " ")) { // in a block of code
				t.Errorf("%s does not say what %q is:\n%s", page, row[1:], sentence)
			}
			for _, at := range said {
				if len(at) > 2 && !whole {
					at = at[2:]
				}
				for ; len(at) > 0; at = at[2:] {
					copy(held[at[0]:at[1]], slices.Repeat([]bool{true}, at[1]-at[0]))
				}
			}
		}
		for _, at := range numbers {
			if !held[at[0]] || !held[at[1]-1] {
				t.Errorf("%s: nothing holds %q in: %s", page, line[at[0]:at[1]], line[max(0, at[0]-60):min(len(line), at[1]+40)])
			}
		}
	}
	if rows < 100 {
		t.Errorf("only %d sentences were looked for", rows)
	}
}

const unit = `(?:second|minute|hour|day|week|month|year)`

var (
	// counted are the numbers of prose. One is none but of time.
	counted = regexp.MustCompile(`\b(\d+(?:[.,]\d+)*|[Tt]wo|[Tt]hree|[Ff]our|[Ff]ive|[Ss]ix|[Ss]even|[Ee]ight|[Nn]ine|[Tt]en|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety|` +
		`hundred|thousand|million|half|quarter|thirds?|fifth|tenths?|[Dd]aily|(?:an?|one) ` + unit + `)\b|\b(?:[Ee]very|[Ee]ach) (` + unit + `)\b`)
	// elsewhere are digits of code, addresses and steps, in which nothing is counted.
	elsewhere = regexp.MustCompile("`[^`]+`" + `|\]\([^)]*\)|#\d+|\bsteps? \d\b`)
)

// prose is a page in one line, without its blocks of code, and where the numbers are.
func prose(page string) (line string, numbers [][]int) {
	page = regexp.MustCompile(`(?m)^ *\d+\. `).ReplaceAllString(fence.ReplaceAllString(page, ""), "")
	line = strings.Join(strings.Fields(page), " ")
	blank := elsewhere.ReplaceAllStringFunc(line, func(s string) string { return strings.Repeat("_", len(s)) })
	for _, at := range counted.FindAllStringSubmatchIndex(blank, -1) {
		numbers = append(numbers, []int{max(at[2], at[4]), max(at[3], at[5])}) // of the one that is there
	}
	return line, numbers
}

// origins are where numbers come from.
type origins struct {
	t        *testing.T
	folders  map[string]map[string]ast.Expr // constants, by folder and name
	template cloud.Object
}

// sentence finds the sentence of a row with the numbers of its sources in it, in any way
// in which they can be written. Those are its groups; whole says that what else it counts
// is told by a source, too.
func (s origins) sentence(page, text string, row []string) (sentence *regexp.Regexp, whole bool) {
	s.t.Helper()
	pattern := regexp.QuoteMeta(row[0])
	for _, source := range row[1:] {
		if s.tells(page, text, source, row) {
			whole = true
			continue
		}
		pattern = strings.Replace(pattern, `\{\}`, "("+strings.Join(s.value(source).forms(), "|")+")", 1)
	}
	if len(row) == 1 || strings.Contains(pattern, `\{\}`) {
		s.t.Errorf("%s: it is not said where %q comes from", page, row[0])
	}
	if regexp.MustCompile(`^[\w{]`).MatchString(row[0]) {
		pattern = `\b` + pattern
	}
	if regexp.MustCompile(`[\w}]$`).MatchString(row[0]) {
		pattern += `\b`
	}
	return regexp.MustCompile(pattern), whole
}

// tells reports whether a source tells a whole sentence, and checks that it is there:
//
//	https://…                   a public page, which the page names
//	test internal/webex Test…   a test that proves it, and has its numbers
//	page webex.md …             another page that says so
//	has template.yaml …         a file in which a pattern is found
//	seen, word                  nothing: the page says that it was but seen, or nothing is measured
func (s origins) tells(page, text, source string, row []string) bool {
	s.t.Helper()
	kind, what, _ := strings.Cut(source, " ")
	where, what, _ := strings.Cut(what, " ")
	found := true
	switch {
	case strings.HasPrefix(kind, "https://"):
		found = strings.Contains(text, source)
	case kind == "test":
		found = s.proves(where, what, row[0])
	case kind == "page":
		other, _ := prose(contents(s.t, where))
		found = strings.Contains(other, what)
	case kind == "has":
		found = regexp.MustCompile("(?m)" + what).MatchString(contents(s.t, "../"+where))
	case kind == "seen", kind == "word":
	default:
		return false
	}
	if !found {
		s.t.Errorf("%s: there is no %s", page, source)
	}
	return true
}

// proves reports whether a folder has a test, in a file that has the numbers of the
// sentence: as digits, as a word, or as an HTTP status.
func (s origins) proves(folder, test, sentence string) bool {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*_test.go"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, file := range files {
		code := contents(s.t, file)
		if !strings.Contains(code, "\nfunc "+test+"(") {
			continue
		}
		_, numbers := prose(sentence)
		for _, at := range numbers {
			said := strings.ReplaceAll(strings.ToLower(sentence[at[0]:at[1]]), ",", "")
			status, _ := strconv.Atoi(said)
			name := "Status" + strings.ReplaceAll(http.StatusText(status), " ", "")
			if !regexp.MustCompile(`(?i)\b`+said+`\b|[a-z]`+said+`[A-Z]`).MatchString(code) && (name == "Status" || !strings.Contains(code, name)) {
				s.t.Errorf("%s has no %q of %q", file, said, sentence)
			}
		}
		return true
	}
	return false
}

// value is a number; lasts says that it is one of nanoseconds.
type value struct {
	constant.Value
	lasts bool
}

// value returns what a source is:
//
//	internal/webex.maxBulk          a constant, also of a function
//	template Resources.Api.…        a property of the template, or seconds instead of template for one of those
//	find Makefile ^LIVES := (\d+)   what the parentheses match in a file
//	count template.yaml Type: …     how often something is in a file
//	30, 24h                         itself
//	… * … and … / …                 of two
func (s origins) value(source string) value {
	s.t.Helper()
	if two := regexp.MustCompile(`^(.+) ([*/]) (\S+(?: \S+)?)$`).FindStringSubmatch(source); two != nil {
		x, y := s.value(two[1]), s.value(two[3])
		return value{constant.BinaryOp(x.Value, map[string]token.Token{"*": token.MUL, "/": token.QUO}[two[2]], y.Value), x.lasts != y.lasts}
	}
	kind, what, named := strings.Cut(source, " ")
	file, pattern, _ := strings.Cut(what, " ")
	switch {
	case kind == "template" || kind == "seconds":
		found := cloud.At(s.template, strings.Split(what, ".")...)
		n := s.parsed(source, fmt.Sprint(found))
		if kind == "seconds" {
			n = value{constant.BinaryOp(n.Value, token.MUL, constant.MakeInt64(int64(time.Second))), true}
		}
		return n
	case kind == "find":
		found := regexp.MustCompile("(?m)" + pattern).FindStringSubmatch(contents(s.t, "../"+file))
		if found == nil {
			s.t.Fatalf("%s has no %s", file, pattern)
		}
		return s.parsed(source, found[1])
	case kind == "count":
		return value{Value: constant.MakeInt64(int64(len(regexp.MustCompile("(?m)"+pattern).FindAllString(contents(s.t, "../"+file), -1))))}
	case named:
		s.t.Fatalf("a source is none: %s", source)
	case source[0] >= '0' && source[0] <= '9':
		return s.parsed(source, source)
	}
	return s.constant(filepath.Dir(source), strings.Split(filepath.Base(source), "."))
}

// parsed is a number of a text; one of time has a unit.
func (s origins) parsed(source, text string) value {
	s.t.Helper()
	if n, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64); err == nil {
		return value{Value: constant.MakeFloat64(n)}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatalf("%s is no number: %s", source, text)
	}
	return value{constant.MakeInt64(int64(d)), true}
}

// constant returns one of the package in a folder below the root, or the one named.
func (s origins) constant(root string, path []string) value {
	s.t.Helper()
	folder := filepath.Join(root, path[0])
	if s.folders[folder] == nil {
		s.folders[folder] = s.constants(folder)
	}
	x := s.folders[folder][path[len(path)-1]]
	if x == nil {
		s.t.Fatalf("%s has no one constant %s", folder, path[len(path)-1])
	}
	return s.evaluated(folder, x)
}

// constants are those of a package whose name is that of one alone.
func (s origins) constants(folder string) map[string]ast.Expr {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]ast.Expr{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			s.t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != len(spec.Names) {
				return true
			}
			for at, name := range spec.Names {
				if _, twice := found[name.Name]; twice {
					found[name.Name] = nil
				} else {
					found[name.Name] = spec.Values[at]
				}
			}
			return true
		})
	}
	return found
}

// evaluated is the value of a constant expression.
func (s origins) evaluated(folder string, x ast.Expr) value {
	s.t.Helper()
	switch x := x.(type) {
	case *ast.BasicLit:
		return value{Value: constant.MakeFromLiteral(x.Value, x.Kind, 0)}
	case *ast.ParenExpr:
		return s.evaluated(folder, x.X)
	case *ast.Ident:
		return s.constant(filepath.Dir(folder), []string{filepath.Base(folder), x.Name})
	case *ast.SelectorExpr:
		of := x.X.(*ast.Ident).Name
		units := map[string]time.Duration{"Millisecond": time.Millisecond, "Second": time.Second, "Minute": time.Minute, "Hour": time.Hour}
		if of == "time" {
			return value{constant.MakeInt64(int64(units[x.Sel.Name])), true}
		}
		return s.constant("internal", []string{of, x.Sel.Name})
	case *ast.BinaryExpr:
		one, other := s.evaluated(folder, x.X), s.evaluated(folder, x.Y)
		if x.Op == token.SHL {
			bits, _ := constant.Uint64Val(other.Value)
			return value{Value: constant.Shift(one.Value, token.SHL, uint(bits))}
		}
		return value{constant.BinaryOp(one.Value, x.Op, other.Value), one.lasts || other.lasts}
	}
	s.t.Fatalf("a constant of %s is no number", folder)
	return value{}
}

// forms are the ways in which a page can write a value.
func (v value) forms() []string {
	n, _ := constant.Float64Val(v.Value)
	if v.lasts {
		return spans(time.Duration(n))
	}
	forms := inWords(n)
	for unit, name := range map[float64]string{1 << 10: "KB", 1 << 20: "MB"} {
		if whole := n / unit; whole == float64(int(whole)) {
			forms = append(forms, fmt.Sprintf("%.0f %s", whole, name))
		}
	}
	return forms
}

func spans(d time.Duration) []string {
	var forms []string
	for unit, names := range map[time.Duration][]string{
		time.Second: {"second", "s"}, time.Minute: {"minute", "min"}, time.Hour: {"hour", "h"}, 24 * time.Hour: {"day", "d"}, 7 * 24 * time.Hour: {"week", "w"},
	} {
		n := float64(d) / float64(unit)
		if n*2 != float64(int(n*2)) {
			continue
		}
		if n == 1 {
			forms = append(forms, "an? "+names[0], "one "+names[0], names[0], "1 "+names[1]) // a minute, every minute
			continue
		}
		for _, number := range inWords(n) {
			forms = append(forms, number+" "+names[0]+"s", number+" "+names[1])
		}
	}
	return sorted(forms)
}

// inWords are the ways to write a number.
func inWords(n float64) []string {
	plain := strconv.FormatFloat(n, 'f', -1, 64)
	forms := []string{regexp.QuoteMeta(plain)}
	if regexp.MustCompile(`^\d{4,6}$`).MatchString(plain) {
		forms = append(forms, plain[:len(plain)-3]+","+plain[len(plain)-3:])
	}
	words := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve")
	for at, word := range words {
		if n == float64(at) {
			forms = append(forms, word, strings.ToUpper(word[:1])+word[1:])
		}
	}
	for word, is := range map[string]float64{"fifteen": 15, "twenty": 20, "a hundred": 100} {
		if n == is {
			forms = append(forms, word)
		}
	}
	return sorted(forms)
}

// sorted has the longest first, of which a regular expression takes the first.
func sorted(forms []string) []string {
	slices.SortFunc(forms, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return forms
}
