package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"entrawebex/infra"
	"entrawebex/internal/app/operations"
	"entrawebex/internal/change"
	"entrawebex/internal/golden"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/terminal"
	"entrawebex/internal/worker"
)

// capture is what a command prints at a terminal, under the name of its golden file.
type capture struct {
	name string
	args []string
	// rows is how much of it is kept; 0 for all.
	rows int
}

// inTrouble are the commands of a night, in an order in which they may be given: nobody
// serves, the guard is latched, somebody cannot be provisioned.
func inTrouble(name func(int) string) []capture {
	return []capture{
		{name: "status-trouble", args: []string{"status"}},
		{name: "check", args: []string{"check"}},
		{name: "settings", args: []string{"settings"}, rows: 11},
		{name: "show-user", args: []string{"show", name(2)}},
		{name: "show-held", args: []string{"show", name(0)}},
		{name: "show-dead", args: []string{"show", "taken@" + sandbox.Domain}},
		{name: "show-group", args: []string{"show", "Finance"}},
		{name: "find", args: []string{"find", "fin"}},
		{name: "show-nobody", args: []string{"show", "room@" + sandbox.Domain}},
		{name: "show-unknown", args: []string{"show", "nobody@" + sandbox.Domain}},
		{name: "log", args: []string{"log", "--limit", "11"}},
		{name: "log-user", args: []string{"log", name(0)}},
		{name: "log-group", args: []string{"log", "Finance"}},
		{name: "dead-letters", args: []string{"dead-letters"}},
		{name: "replay-dry-run", args: []string{"replay", "--dry-run"}},
		{name: "holds", args: []string{"holds"}},
		{name: "guard", args: []string{"guard"}},
		{name: "plan-user", args: []string{"plan", name(0)}},
		{name: "plan-group", args: []string{"plan", "Finance"}},
		{name: "plan-all", args: []string{"plan", "--all"}},
		{name: "migrate", args: []string{"migrate", "--app", sandbox.AppID}},
		{name: "mapping-apply", args: []string{"mapping", "apply", "testdata/titles.yaml"}},
		{name: "holds-approve", args: []string{"holds", "approve", name(0)}},
		{name: "holds-reject", args: []string{"holds", "reject", name(1)}},
		{name: "holds-decided", args: []string{"holds"}},
		{name: "guard-clear", args: []string{"guard", "clear"}},
		{name: "pipeline", args: []string{"pipeline"}},
		{name: "pause", args: []string{"pause", "webex", "--why", "maintenance"}},
		{name: "status-paused", args: []string{"status"}},
		{name: "migrate-begin", args: []string{"migrate", "--yes", "--app", sandbox.AppID}},
		{name: "resume", args: []string{"resume", "webex"}},
		{name: "provision-unserved", args: []string{"provision", name(2)}},
		{name: "reconcile", args: []string{"reconcile"}},
		{name: "mapping-check", args: []string{"mapping", "check", "testdata/titles.yaml"}},
		{name: "mapping-check-wrong", args: []string{"mapping", "check", "testdata/wrong.yaml"}},
		{name: "mapping-test", args: []string{"mapping", "test", "testdata/ada.json"}},
		{name: "mapping-diff", args: []string{"mapping", "diff", "testdata/titles.yaml"}, rows: 24},
		{name: "mapping-rollback", args: []string{"mapping", "rollback"}},
		{name: "mapping-history", args: []string{"mapping", "history"}},
		{name: "mapping-import", args: []string{"mapping", "import", portalSchema}},
		{name: "mapping-export", args: []string{"mapping", "export", "testdata/titles.yaml"}, rows: 12},
		{name: "mapping-show", args: []string{"mapping", "show"}, rows: 12},
		{name: "uninstall", args: []string{"uninstall"}},
		{name: "uninstall-done", args: []string{"uninstall", "--yes"}},
	}
}

// whileServed are those whose answer is another one while a process serves.
func whileServed(user string) []capture {
	return []capture{
		{name: "status-well", args: []string{"status"}},
		{name: "provision", args: []string{"provision", user}},
	}
}

// endless commands have no capture: a day in the sandbox is captured as it is told, and
// pages are looked at in a browser.
var endless = []string{"run", "console"}

// unbroken are the lines that may be wider than the terminal.
var unbroken = regexp.MustCompile(strings.Join([]string{
	`^\$ `,                            // what was typed
	`^entrawebex: `,                   // an error, which is also looked for in a file
	`^  (entrawebex|az) `,             // an example, to be copied
	`^testdata/wrong\.yaml:\d+:\d+: `, // where an editor goes
	`^[-+]?(#|    [-#])`,              // a mapping file
	`^ +"[A-Za-z]+": "`,               // a schema
}, "|"))

// captured is what is read at a terminal of that width, from the command that was
// typed on.
func captured(t *testing.T, environ []string, width int, c capture) string {
	t.Helper()
	var out bytes.Buffer
	root := command(environ, terminal.Terminal{Width: width})
	root.SetArgs(c.args)
	root.SetOut(&out)
	root.SetErr(&out)
	exit := tell(&out, root.ExecuteContext(operator.As(t.Context(), "bob@host")))
	rows := strings.SplitAfter(out.String(), "\n")
	if c.rows > 0 {
		rows = append(rows[:min(c.rows, len(rows))], "(and so on)\n")
	}
	told := fmt.Sprintf("$ entrawebex %s\n%s", strings.Join(c.args, " "), strings.Join(rows, ""))
	if exit != 0 {
		told += fmt.Sprintf("exit code %d\n", exit)
	}
	return told
}

// steady puts in place of what differs from day to day what does not, and keeps the
// columns of tables.
func steady() func(string) string {
	numbered := func(numbers map[string]int, format string) func(string) string {
		return func(id string) string {
			if numbers[id] == 0 {
				numbers[id] = len(numbers) + 1
			}
			return fmt.Sprintf(format, numbers[id])
		}
	}
	const begin, end = `\b[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}\b`, `-[0-9A-Fa-f]{12}\b`
	always := func(what string) func(string) string { return func(string) string { return what } }
	each := []struct {
		is    *regexp.Regexp
		stead func(string) string
	}{
		{regexp.MustCompile(begin), numbered(map[string]int{}, "%08d-0000-4000-8000")}, // a column may break an id there
		{regexp.MustCompile(end), numbered(map[string]int{}, "-%012d")},
		{regexp.MustCompile(`ROUTER_[0-9A-F]{8}`), always("ROUTER_00000000")},
		{regexp.MustCompile(`\b20\d\d-\d\d-\d\d`), always("2026-03-02")},
		{regexp.MustCompile(`\d\d:\d\d:\d\d`), always("09:00:00")},
		{regexp.MustCompile(`T\d\d:\d\dZ`), always("T09:00Z")},
		{regexp.MustCompile(`\b\d\.\d{3}\b`), always("0.010")},
		{regexp.MustCompile(`\b(\d+ms|\d+\.\d+m?s)\b`), always("9ms")},
		{regexp.MustCompile(`\b(\d+m)?\d+s ago\b`), always("9s ago")},
		{regexp.MustCompile(`, in (\d+m)?\d+s:`), always(", in 9s:")},
		{regexp.MustCompile(regexp.QuoteMeta(whoami())), always("root@vm")},
	}
	return func(out string) string {
		var all strings.Builder
		for line := range strings.Lines(out) {
			width := len(line)
			for _, e := range each {
				line = e.is.ReplaceAllStringFunc(line, e.stead)
			}
			if cell, in := strings.CutSuffix(line, " │\n"); in {
				cell = strings.TrimRight(cell, " ")
				line = cell + strings.Repeat(" ", max(0, width-len(cell)-len(" │\n"))) + " │\n"
			}
			all.WriteString(line)
		}
		return all.String()
	}
}

// isCapture compares with the golden file, and with the width of the terminal.
func isCapture(t *testing.T, file string, width int, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if n := text.StringWidthWithoutEscSequences(strings.TrimSuffix(line, "\n")); n > width && !unbroken.MatchString(line) {
			t.Errorf("%s: %d columns of %d: %s", file, n, width, line)
		}
	}
	golden.Is(t, filepath.Join("testdata", "captures", file), got)
}

// trouble goes on after the day: two are held, one of whom nothing can be made is a
// dead letter, a mapping was applied.
func (l *logged) trouble() (name func(int) string) {
	l.t.Helper()
	_, taken := l.shutOut()
	_, err := l.Org.Add(map[string]any{"userName": "room@" + sandbox.Domain, "displayName": "Room 7", "userType": "user", "active": true})
	l.must(err)
	l.Tenant.SetSynchronization(galleryJob(l.t))
	users := l.enabled()[:3]
	p := l.Open("GUARD_FLOOR=0", "GUARD_SHARE=0")
	for _, u := range users[:2] {
		l.update(u.Text("id"), func(u graph.User) { u["accountEnabled"] = false })
		l.look(l.t.Context(), p, change.User, u.Text("id"))
	}
	body, err := change.Change{Object: change.Object{Kind: change.User, ID: taken.Text("id")}, Source: change.Notification, SeenAt: time.Now()}.Encode()
	l.must(err)
	l.must(p.Stores.DeadLetters.Send(l.t.Context(), []queue.Entry{{Group: taken.Text("id"), Body: body, Attributes: map[string]string{worker.AttributeFaultKind: provision.Permanent.String()}}}))
	l.must(p.Close())
	found, err := operations.Open(l.t.Context(), l.environ, operatorLog())
	l.must(err)
	_, err = found.Apply(l.t.Context(), operator.ApplyRequest{Text: string(infra.Provisioning()) + "# as in the pilot\n", By: "bob@host", Note: "the pilot's"})
	l.must(errors.Join(err, found.Close()))
	return func(i int) string { return users[i].Text("userPrincipalName") }
}

func TestEveryCommandIsReadAtATerminal(t *testing.T) {
	t.Parallel()
	for _, width := range []int{80, 160} {
		t.Run(fmt.Sprint(width), func(t *testing.T) {
			t.Parallel()
			l := aDay(t)
			name := l.trouble()
			stays := steady()
			for _, c := range inTrouble(name) {
				isCapture(t, fmt.Sprintf("%s-%d.txt", c.name, width), width, stays(captured(t, l.environ, width, c)))
			}
		})
	}
}

func TestWhatAProcessServesIsReadAtATerminal(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	s.serve(s.Open("RECONCILE_INTERVAL=1s", "RENEW_INTERVAL=1s"))
	environ := []string{"DATA_DIR=" + s.DataDir}
	well := func() bool { return strings.HasSuffix(operate(t, environ, "status"), "\nall is well\n") }
	if err := sandbox.Wait(t.Context(), time.Minute, well); err != nil {
		t.Fatal(err)
	}
	ada := s.enabled()[0].Text("userPrincipalName")
	for _, c := range whileServed(ada) {
		for _, width := range []int{80, 160} {
			if err := s.Org.Edit(s.accountOf(ada), func(a map[string]any) { a["displayName"] = "By Hand" }); err != nil {
				t.Fatal(err)
			}
			isCapture(t, fmt.Sprintf("%s-%d.txt", c.name, width), width, steady()(captured(t, environ, width, c)))
		}
	}
}

func TestEveryCommandHasACaptureAndItsHelpFits(t *testing.T) {
	t.Parallel()
	var help strings.Builder
	for _, path := range below(command(nil, terminal.Terminal{})) {
		help.WriteString(captured(t, nil, 80, capture{args: append(slices.Clone(path), "--help")}) + "\n")
		is := func(c capture) bool { return len(c.args) >= len(path) && slices.Equal(c.args[:len(path)], path) }
		all := append(inTrouble(func(int) string { return "" }), whileServed("")...)
		if name := strings.Join(path, " "); !slices.ContainsFunc(all, is) && !slices.Contains(endless, name) {
			t.Errorf("of %s there is no capture", name)
		}
	}
	isCapture(t, "help.txt", terminal.Columns, help.String())
}

// below are a command and those below it, each by the words that are typed.
func below(c *cobra.Command) [][]string {
	all := [][]string{strings.Fields(c.CommandPath())[1:]}
	for _, sub := range c.Commands() {
		all = append(all, below(sub)...)
	}
	return all
}
