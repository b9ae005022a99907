package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// pages are what an administrator reads, by their path from this folder.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found, err := filepath.Glob("*.md")
	if err != nil || len(found) == 0 {
		t.Fatalf("%d pages, %v", len(found), err)
	}
	texts := map[string]string{}
	for _, page := range append(found, "../README.md", "../CONTRIBUTING.md", "../SECURITY.md", "../CHANGELOG.md", "../events/README.md") {
		texts[page] = contents(t, page)
	}
	return texts
}

func contents(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Clean(file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var (
	fence = regexp.MustCompile("(?ms)^```[a-z]*\n(.*?)^```")
	span  = regexp.MustCompile("`([^`\n]+)`")
)

// commands are the lines of a page's blocks of code, and its spans of code.
func commands(page string) []string {
	var lines []string
	for _, block := range fence.FindAllStringSubmatch(page, -1) {
		lines = append(lines, strings.Split(strings.ReplaceAll(block[1], "\\\n", " "), "\n")...)
	}
	for _, code := range span.FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		lines = append(lines, code[1])
	}
	return lines
}

// What the command line says of itself is a golden file, held to the code beside it.
func TestEveryCommandAndFlagOfAPageIsThere(t *testing.T) {
	t.Parallel()
	help := map[string]string{}
	for _, section := range strings.Split("\n"+contents(t, "../cmd/entrawebex/testdata/captures/help.txt"), "\n$ entrawebex")[1:] {
		called, told, _ := strings.Cut(section, "\n")
		help[strings.Join(words(called), " ")] = told
	}
	checked := 0
	for page, text := range pages(t) {
		for _, line := range commands(text) {
			line, _, _ = strings.Cut(line, " #")
			_, called, ok := strings.Cut(" "+line, " entrawebex ")
			if !ok {
				_, called, ok = strings.Cut(" "+line, "./cmd/entrawebex ")
			}
			if !ok || strings.Contains(line, "go test") || strings.Contains(line, "go build") {
				continue
			}
			checked++
			command, told := longest(help, called)
			if command == "" && words(called) != nil {
				t.Errorf("%s: there is no command %q", page, line)
			}
			for _, flag := range regexp.MustCompile(`(?:^|\s)(--[a-z-]+)`).FindAllStringSubmatch(called, -1) {
				if !regexp.MustCompile(`\s` + flag[1] + `\b`).MatchString(told) {
					t.Errorf("%s: entrawebex %s has no %s", page, command, flag[1])
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d commands were found", checked)
	}
}

// words are those before the first flag or argument.
func words(called string) []string {
	var found []string
	for word := range strings.FieldsSeq(called) {
		if !regexp.MustCompile(`^[a-z][a-z-]*$`).MatchString(word) {
			break
		}
		found = append(found, word)
	}
	return found
}

// longest is the command that a line begins with.
func longest(help map[string]string, called string) (command, told string) {
	for path := words(called); ; path = path[:len(path)-1] {
		command = strings.Join(path, " ")
		if told, ok := help[command]; ok || len(path) == 0 {
			return command, told
		}
	}
}

// A variable, parameter, output or metric of a page is somewhere in what it is of.
func TestEveryNameOfAPageIsThere(t *testing.T) {
	t.Parallel()
	sources := allSources(t)
	name := regexp.MustCompile(`^(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|(?:[A-Z][a-z0-9]+){2,})$`)
	checked := 0
	for page, text := range pages(t) {
		for _, code := range commands(text) {
			code, _, _ = strings.Cut(code, "=")
			if !name.MatchString(code) {
				continue
			}
			checked++
			if !regexp.MustCompile(`\b` + code + `\b`).MatchString(sources) {
				t.Errorf("%s names %s, which no source does", page, code)
			}
		}
	}
	template := contents(t, "../template.yaml")
	parameters, _, _ := strings.Cut(template, "\nMetadata:")
	_, outputs, _ := strings.Cut(template, "\nOutputs:")
	for page, text := range pages(t) {
		for _, part := range regexp.MustCompile("\\b(output|parameter|alarm)s? `([A-Za-z0-9-]+)`").FindAllStringSubmatch(text, -1) {
			if in := map[string]string{
				"output": outputs, "parameter": parameters, "alarm": strings.ReplaceAll(template, "AlarmName: !Sub ${AWS::StackName}-", "\n  "),
			}[part[1]]; !regexp.MustCompile(`(?m)^  ` + part[2] + `:?$`).MatchString(in) {
				t.Errorf("%s names the %s %s, which the template has not", page, part[1], part[2])
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d names were found", checked)
	}
}

// What a page quotes of the program is somewhere in what it is of, word by word: a state,
// a line of a log, what a command prints.
func TestEveryWordThatAPageQuotesIsThere(t *testing.T) {
	t.Parallel()
	printed, err := filepath.Glob("../cmd/entrawebex/testdata/captures/*-160.txt")
	if err != nil {
		t.Fatal(err)
	}
	sources := allSources(t)
	for _, file := range printed {
		sources += contents(t, file)
	}
	sources = strings.ToLower(sources)
	word := regexp.MustCompile("`([A-Za-z]+(?:[ _.][A-Za-z0-9]+|-[a-z0-9]+)*)`|\"([A-Z][a-z]+ you)\"")
	checked := 0
	for page, text := range pages(t) {
		for _, quoted := range word.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			said := quoted[1] + quoted[2]
			if regexp.MustCompile(`^(?:entrawebex|make|bash)[_ ]`).MatchString(said) || page == "mapping.md" {
				continue // other tests have them
			}
			checked++
			lower := strings.ToLower(said)
			if strings.Contains(sources, lower) || strings.Contains(sources, strings.ReplaceAll(lower, "_", " ")) || isType(said, sources) {
				continue
			}
			if strings.Contains(strings.Join(fence.FindAllString(text, -1), ""), said) {
				continue // of others, and the page's own lines have it
			}
			_, beside := os.Stat(filepath.Join(filepath.Dir(page), said))
			if _, above := os.Stat(filepath.Join("..", said)); beside != nil && above != nil {
				t.Errorf("%s quotes %q, which nothing says", page, said)
			}
		}
	}
	if checked < 500 {
		t.Errorf("only %d words were found", checked)
	}
}

// isType reports whether it is a type of a package.
func isType(name, sources string) bool {
	_, name, found := strings.Cut(name, ".")
	return found && strings.Contains(sources, "\ntype "+strings.ToLower(name)+" ")
}

// A flag of a page is one of a command, or stands with the program of others that has it.
func TestEveryFlagOfAPageIsThere(t *testing.T) {
	t.Parallel()
	ours := contents(t, "../cmd/entrawebex/testdata/captures/help.txt") + contents(t, "../infra/register-app.sh")
	checked := 0
	for page, text := range pages(t) {
		for _, quoted := range span.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			flag := regexp.MustCompile(`^--[a-z-]+`).FindString(quoted[1])
			if flag == "" {
				continue
			}
			checked++
			if !regexp.MustCompile(`[\s(]`+flag+`\b`).MatchString(ours) && !strings.Contains(strings.Join(fence.FindAllString(text, -1), ""), " "+flag+" ") {
				t.Errorf("%s: nothing takes %s", page, flag)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d flags were found", checked)
	}
}

// The tables of what a screen shows have its words, in its order.
func TestATableOfAScreenHasItsWords(t *testing.T) {
	t.Parallel()
	for page, screen := range map[string]struct{ from, to, shown, file string }{
		"migration.md": {"on one screen what would happen:", "The folder then has", "│ %s ", "../cmd/entrawebex/testdata/captures/migrate-80.txt"},
		"console.md":   {"| page | what it has |", "\n\n", `"%s"`, "../internal/console/pages.go"},
	} {
		_, table, _ := strings.Cut(contents(t, page), screen.from)
		table, _, _ = strings.Cut(table, screen.to)
		rows := firstCell.FindAllStringSubmatch(table, -1)
		if len(rows) < 7 {
			t.Errorf("%s: the table has %d rows", page, len(rows))
		}
		rest := contents(t, screen.file)
		for _, row := range rows {
			word := strings.TrimSpace(row[1])
			if word == "" {
				continue // the head
			}
			_, after, found := strings.Cut(rest, fmt.Sprintf(screen.shown, word))
			if !found {
				t.Errorf("%s: %s does not show %q here", page, screen.file, word)
				continue
			}
			rest = after
		}
	}
}

// allSources is all that a name of a page can be of.
func allSources(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(contents(t, "../template.yaml") + contents(t, "../Makefile") + contents(t, "../samconfig.toml"))
	for _, root := range []string{"../internal", "../cmd", "../functions", "../infra"} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Name() == "node_modules" {
				return fs.SkipDir
			}
			if err == nil && regexp.MustCompile(`\.(go|sh|yaml|service)$`).MatchString(path) && !strings.HasSuffix(path, "_test.go") {
				b.WriteString(contents(t, path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestEveryLinkOfAPageLeadsSomewhere(t *testing.T) {
	t.Parallel()
	for page, text := range pages(t) {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			file, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(file, "://") {
				continue
			}
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", page, link[1], err)
			} else if anchor != "" && !headings(contents(t, target))[anchor] {
				t.Errorf("%s links to %s: there is no such heading", page, link[1])
			}
		}
	}
}

// headings are the anchors that a page has, as GitHub makes them.
func headings(page string) map[string]bool {
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(fence.ReplaceAllString(page, ""), -1) {
		plain := regexp.MustCompile(`[^a-z0-9 _-]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		anchors[strings.ReplaceAll(plain, " ", "-")] = true
	}
	return anchors
}

// A number stands beside the command that prints it: the command has to run something.
func TestEveryTestAndTargetOfAPageIsThere(t *testing.T) {
	t.Parallel()
	makefile := contents(t, "../Makefile")
	checked := 0
	for page, text := range pages(t) {
		for _, line := range commands(text) {
			if target := regexp.MustCompile(`(?:^|\s)make ([a-z]+)`).FindStringSubmatch(line); target != nil {
				checked++
				if !strings.Contains(makefile, "\n"+target[1]+":") {
					t.Errorf("%s: make has no %s", page, target[1])
				}
			}
			named := regexp.MustCompile(`go test .*-(?:run|bench) '?([A-Za-z]{2,}).* \./(\S+)`).FindStringSubmatch(line)
			if named == nil {
				continue
			}
			checked++
			// A pattern is found anywhere in the name of a test.
			found := exec.Command("grep", "-rqE", "--include=*_test.go", `^func (Test|Benchmark)[A-Za-z0-9_]*`+named[1], "../"+named[2])
			if err := found.Run(); err != nil {
				t.Errorf("%s: %q runs nothing: %v", page, line, err)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d were found", checked)
	}
}
