package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/change"
	"entrawebex/internal/history"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/terminal"
)

// logged is a stage after a day: somebody was renamed, blocked, held and let go, another
// could not be read, and a group lost two of its members.
type logged struct {
	*staged

	environ                 []string
	renamed, blocked, later graph.User
	group                   graph.Group
	left                    []graph.User
}

func aDay(t *testing.T) *logged {
	t.Helper()
	l := &logged{staged: setup(t, 8)}
	l.environ = l.planEnviron("GUARD_FLOOR=0", "GUARD_SHARE=0")
	var live []graph.User
	for _, u := range l.Tenant.Users() {
		l.update(u.Text("id"), func(u graph.User) { u["accountEnabled"] = true })
		live = append(live, u)
	}
	l.renamed, l.blocked, l.later, l.left = live[0], live[1], live[2], live[3:5]
	id, err := l.Tenant.CreateGroup(graph.Group{"displayName": "Finance", "mailNickname": "finance", "mailEnabled": false, "securityEnabled": true})
	if err != nil {
		t.Fatal(err)
	}
	l.must(l.Tenant.AddMembers(id, l.left[0].Text("id"), l.left[1].Text("id"), l.renamed.Text("id")))
	if l.group, err = l.Tenant.Group(id); err != nil {
		t.Fatal(err)
	}
	p := l.Open("GUARD_FLOOR=0", "GUARD_SHARE=0")
	l.Everybody(p)
	l.look(t.Context(), p, change.Group, id)

	l.update(l.renamed.Text("id"), func(u graph.User) { u["surname"] = "Renamed" })
	l.look(t.Context(), p, change.User, l.renamed.Text("id"))

	l.update(l.blocked.Text("id"), func(u graph.User) { u["accountEnabled"] = false })
	l.look(t.Context(), p, change.User, l.blocked.Text("id"))

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	l.look(ended, p, change.User, l.later.Text("id"))

	l.must(l.Tenant.RemoveMembers(id, l.left[0].Text("id"), l.left[1].Text("id")))
	l.look(t.Context(), p, change.Group, id, l.left[0].Text("id"), l.left[1].Text("id"))
	l.must(p.Close())

	operate(t, l.environ, "holds", "approve", l.blocked.Text("id"))
	p = l.Open("GUARD_FLOOR=0", "GUARD_SHARE=0")
	l.look(t.Context(), p, change.User, l.blocked.Text("id"))
	l.look(t.Context(), p, change.User, l.blocked.Text("id")) // which finds nothing to do
	l.must(p.Close())
	return l
}

func (l *logged) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// look has the worker look at an object of which Graph has notified.
func (l *logged) look(ctx context.Context, p *standalone.Process, kind change.Kind, id string, members ...string) {
	c := runtest.Updated(id)
	c.Kind, c.Members, c.CorrelationID = kind, members, "correlation-"+id
	p.Worker.Converge(ctx, []change.Change{c})
}

// told is what a table says, row by row: each column on one line.
func told(out string) string {
	var all strings.Builder
	for _, row := range strings.FieldsFunc(out, func(r rune) bool { return strings.ContainsRune("┌├└", r) }) {
		columns := map[int]string{}
		for line := range strings.Lines(row) {
			for i, cell := range strings.Split(line, "│") {
				columns[i] += " " + cell
			}
		}
		for i := range len(columns) {
			all.WriteString(strings.Join(strings.Fields(columns[i]), " ") + " ")
		}
	}
	return all.String()
}

func TestTheLogAnswersWhatIsAskedAtNight(t *testing.T) {
	t.Parallel()
	l := aDay(t)
	name := func(u graph.User) string { return u.Text("userPrincipalName") }
	today := time.Now().UTC().Format(time.DateOnly)
	for _, question := range []struct {
		name string
		args []string
		want []string
	}{
		{"what happened to somebody, by the userPrincipalName", []string{strings.ToUpper(name(l.renamed))}, []string{
			"update success " + name(l.renamed), "user " + l.renamed.Text("id"), "name.familyName", "cause: notification, in Webex", "create success",
		}},
		{"and by the id", []string{l.renamed.Text("id")}, []string{"update success " + name(l.renamed)}},
		{"why somebody was disabled", []string{name(l.blocked), "--action", "disable"}, []string{
			"disable success " + name(l.blocked), "blocked (NotEffectivelyEntitled) active: false, was true",
		}},
		{"what was held before that", []string{name(l.blocked), "--status", "failure"}, []string{
			"(StagedAction)", "look at entrawebex holds, and approve or reject",
		}},
		{"who approved that", []string{name(l.blocked), "--action", "approve"}, []string{"approve success " + name(l.blocked), "by " + whoami() + " disable"}},
		{"which members a group lost, and when", []string{"Finance", "--action", "update"}, []string{
			"group " + l.group.Text("id"), "2 members removed: ", today,
		}},
		{"and who they are", []string{l.group.Text("id"), "--action", "update"}, []string{name(l.left[0]), name(l.left[1])}},
		{"when it is tried again", []string{l.later.Text("id"), "--fault", "transient"}, []string{"none failure " + name(l.later), "tried again at " + today[:4]}},
		{"what came of one change", []string{"--correlation", "correlation-" + l.later.Text("id")}, []string{"user " + l.later.Text("id")}},
		{"what happened to everybody", []string{"--limit", "2"}, []string{
			"disable success", "approve success", "There is more, which is older: raise --limit, or say --until.", "1 attempt found nothing to do: RedundantExport 1.",
		}},
		{"what happened tomorrow", []string{"--since", "2999-01-01"}, []string{"Nothing is kept of that."}},
	} {
		out := operate(t, l.environ, append([]string{"log"}, question.args...)...)
		fits(t, out)
		for _, want := range question.want {
			if !strings.Contains(told(out), want) {
				t.Errorf("%s: there is no %q in\n%s", question.name, want, out)
			}
		}
	}
}

func TestTheLogIsReadByPrograms(t *testing.T) {
	t.Parallel()
	l := aDay(t)
	var entries []history.Entry
	for line := range strings.Lines(operate(t, l.environ, "log", "--json", "--limit", "1000")) {
		var e history.Entry
		l.must(json.Unmarshal([]byte(line), &e))
		entries = append(entries, e)
	}
	rows, err := csv.NewReader(strings.NewReader(operate(t, l.environ, "log", "--csv", "--limit", "1000"))).ReadAll()
	l.must(err)
	if len(rows) != len(entries)+1 || len(entries) < 10 {
		t.Fatalf("%d rows and %d entries", len(rows), len(entries))
	}
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	for i, e := range entries {
		row := rows[i+1]
		if column(row, "id") != e.ID || column(row, "status") != string(e.Status.Status) || column(row, "name") != e.Name() || column(row, "act") != e.Act {
			t.Errorf("%v is not %+v", row, e)
		}
		if i > 0 && e.At.After(entries[i-1].At) {
			t.Errorf("entry %d is newer than the one before", i)
		}
	}
}

func TestALogThatIsFollowedTellsWhatComesAndEndsWithItsContext(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	if err := s.Open().Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := &lines{arrived: make(chan string, 100)}
	ended := make(chan int, 1)
	root := command(s.planEnviron(), terminal.Terminal{})
	go func() { ended <- carryOut(ctx, root, []string{"log", "--follow"}, out, out) }()
	for _, side := range []string{"webex", "graph"} {
		operate(t, s.planEnviron(), "pause", side, "--why", "maintenance of "+side)
		select {
		case line := <-out.arrived:
			if !strings.Contains(line, "pause success: by "+whoami()+"; "+side+": maintenance of "+side) {
				t.Errorf("told %q", line)
			}
		case <-time.After(time.Minute):
			t.Fatal("nothing is told")
		}
	}
	stop()
	if exit := <-ended; exit != 0 || len(out.arrived) > 0 {
		t.Errorf("exit code %d, and %d more lines", exit, len(out.arrived))
	}
}

func TestTheLogRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t))
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"nobody@example.com"}, `nothing is kept of "nobody@example.com"`},
		{[]string{"--since", "yesterday"}, `--since is "yesterday" and must be a time (2026-03-02T09:30), a day`},
		{[]string{"--until", "-1h"}, `--until is "-1h" and must be`},
		{[]string{"--since", "100000000d"}, `--since is "100000000d" and must be`},
		{[]string{"--status", "fine"}, `status is "fine" and must be one of success, warning`},
		{[]string{"--limit", "0"}, "must be 1 to 10000"},
		{[]string{"--csv", "--json"}, "csv json"},
	} {
		_, errOut, exit := outcome(t, environ, append([]string{"log"}, test.args...)...)
		if exit == 0 || !strings.Contains(errOut, test.want) {
			t.Errorf("%v: exit code %d, %s", test.args, exit, errOut)
		}
	}
}

// lines has each write of a log that is followed.
type lines struct{ arrived chan string }

func (l *lines) Write(p []byte) (int, error) {
	l.arrived <- strings.Join(strings.Fields(string(p)), " ")
	return len(p), nil
}
