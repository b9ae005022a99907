package demo

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"entrawebex/internal/change"
	"entrawebex/internal/golden"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/compare"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/simhttp"
	"entrawebex/internal/terminal"
)

// aTenant has a person and a group that a report can name.
func aTenant(t *testing.T) (tenant *graph.Tenant, person, team string) {
	t.Helper()
	tenant, err := graph.New(graph.Config{ID: sandbox.TenantID, Domain: sandbox.Domain, AppID: sandbox.AppID, Token: sandbox.Token})
	if err != nil {
		t.Fatal(err)
	}
	person, err = tenant.Create(graph.User{"displayName": "Zoë \x1b[2JØverland", "userPrincipalName": "zoe@" + sandbox.Domain})
	if err != nil {
		t.Fatal(err)
	}
	team, err = tenant.CreateGroup(graph.Group{"displayName": "Sales"})
	if err != nil {
		t.Fatal(err)
	}
	return tenant, person, team
}

// scripted is what a report says of the same few acts, whatever the machine.
func scripted(t *testing.T, options Options) string {
	t.Helper()
	tenant, person, team := aTenant(t)
	var out bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		r := newReport(&out, tenant, options)
		attempt := func(kind change.Kind, id string, action provision.Action, after time.Duration, with func(*provision.Attempt)) {
			a := provision.Attempt{
				Object: change.Object{Kind: kind, ID: id}, Action: action, Status: provision.Success,
				Causes: []change.Change{{Source: change.Notification, EventTime: time.Now(), SeenAt: time.Now()}}, Exported: time.Now().Add(after),
			}
			if with != nil {
				with(&a)
			}
			r.attempt(a)
		}
		played := func(title string, many int, landed bool, do func()) {
			a := r.begin(&act{title: title, many: many})
			do()
			time.Sleep(time.Second)
			r.end(a, landed)
		}
		fails := func(kind provision.FaultKind, from provision.Side, again time.Duration) func(*provision.Attempt) {
			return func(a *provision.Attempt) {
				a.Status, a.Again = provision.Failure, again
				a.Fault = &provision.Fault{Kind: kind, From: from, Reason: "the reason"}
			}
		}
		r.say(opening(options)...)
		played("Somebody marries", 0, true, func() {
			attempt(change.User, person, provision.Update, 16*time.Millisecond, func(a *provision.Attempt) {
				a.Modified = []provision.Modified{{Attribute: `emails[type eq "work"].value`}, {Attribute: "userName"}, {Attribute: "userName"}}
			})
		})
		played("A title that is longer than there is room for", 0, true, func() {
			attempt(change.Group, team, provision.Create, 2460*time.Millisecond, func(a *provision.Attempt) { a.Members.Added = 2 })
		})
		played("Sales is renamed, and somebody leaves it", 0, true, func() {
			attempt(change.Group, team, provision.Update, time.Millisecond, func(a *provision.Attempt) { a.Members.Removed = 1 })
			attempt(change.Group, team, provision.Update, time.Millisecond, func(a *provision.Attempt) {
				a.Modified = []provision.Modified{{Attribute: "displayName"}}
			})
		})
		played("300 are hired at once", 300, true, func() {
			for i := range 300 {
				attempt(change.User, fmt.Sprint("hire ", i), provision.Create, time.Duration(i)*time.Second/5, nil)
			}
		})
		played("Nothing changes", 0, true, func() { attempt(change.User, person, provision.None, 0, nil) })
		played("Graph asks to wait", 0, true, func() {
			attempt(change.User, person, provision.None, 0, fails(provision.Throttled, provision.Graph, 12*time.Second))
			attempt(change.User, person, provision.Disable, 12*time.Second, nil)
		})
		played("The token is refused", 0, false, func() {
			attempt(change.User, person, provision.None, 0, fails(provision.Unauthorized, provision.Webex, 10*time.Second))
			attempt(change.Group, team, provision.None, 0, fails(provision.Transient, "", 20*time.Second))
		})
		played("A name is taken for good", 0, true, func() {
			attempt(change.User, person, provision.None, 0, fails(provision.Permanent, provision.Webex, 0))
		})
		played("Not even noticed", 0, false, func() {})
		e := ending{
			took: 80 * time.Second, users: 310, groups: 1, memberships: 2, calls: options.Calls,
			graph: simhttp.Counts{"GET /users/{id}": 30, "POST /$batch": 2, "$batch GET /users/{id}": 7}, webex: simhttp.Counts{"POST /Users": 4},
		}
		if options.Storm {
			e.struck = simhttp.Counts{"401": 2, "429 with Retry-After": 5, "notification doubled": 3}
			for range 22 {
				e.differences = append(e.differences, compare.Difference{Kind: "user", ObjectID: person, Attribute: "account", Want: "one", Got: "0 of them"})
			}
		}
		r.summary(e)
		r.say(next("entrawebex")...)
		r.stay()
		attempt(change.User, person, provision.Update, 5*time.Millisecond, func(a *provision.Attempt) { a.Modified = []provision.Modified{{Attribute: "name.familyName"}} })
		attempt(change.User, person, provision.None, 0, nil)
	})
	return out.String()
}

func TestADayIsShownAsCaptured(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]Options{
		"80":       {Terminal: terminal.Terminal{Width: 80, Colour: true}},
		"160":      {Terminal: terminal.Terminal{Width: 160}},
		"piped":    {Options: sandbox.Options{Users: 60, Seed: 1}},
		"calls":    {Calls: true},
		"stormy":   {Options: sandbox.Options{Storm: true}},
		"silently": {Options: sandbox.Options{Silent: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scripted(t, options)
			golden.Is(t, filepath.Join("testdata", "day-"+name+".txt"), got)
			if options.Terminal.Width <= terminal.Columns && !options.Terminal.Colour {
				fits(t, got)
			}
		})
	}
}

// fits fails the test if a line is longer than a terminal is wide that nobody has
// widened.
func fits(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > terminal.Columns {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// Two screens of 30 lines, with what to try next.
func TestADayFitsTwoScreens(t *testing.T) {
	t.Parallel()
	const screens = 2 * 30
	for name, silent := range map[string]bool{"notified": false, "silent": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			environ := append(anyPort(), "RECONCILE_INTERVAL=100ms") // where a person has time to look
			err := Run(t.Context(), &out, environ, Options{Options: sandbox.Options{Seed: 1, Users: 60, Silent: silent}, Members: 120, Command: "go run ./cmd/entrawebex"})
			got := out.String()
			if lines := strings.Count(got, "\n"); err != nil || lines > screens {
				t.Errorf("%v, %d lines:\n%s", err, lines, got)
			}
			fits(t, got)
			for _, want := range []string{
				"✓ The initial sync of everybody ", "✓ An import makes 500 changes at once +[0-9]+ updated +p50 ", "· Nothing changes about hire 1 +nothing to write$",
				"✓ Everybody's department is mapped +[0-9]+ updated ", "✓ A scoping filter leaves them out +3 disabled", "✓ The scoping filter is taken back +3 enabled ",
				"✓ 120 people join, and are one group ", regexp.QuoteMeta(clean), " +[0-9]+ changes that came by themselves +p50 ",
				"  go run ./cmd/entrawebex run --sandbox --storm  +# ",
			} {
				if n := len(regexp.MustCompile("(?m)^"+want).FindAllString(got, -1)); n != 1 {
					t.Errorf("%d times %s in\n%s", n, want, got)
				}
			}
		})
	}
}

func TestWhatToTryNextStaysInItsColumns(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"entrawebex", "go run ./cmd/entrawebex", "/opt/entrawebex-1.0.0-linux-arm64/entrawebex"} {
		var out strings.Builder
		newReport(&out, nil, Options{}).say(next(command)...)
		fits(t, out.String())
		columns := map[int]bool{}
		for line := range strings.Lines(out.String()) {
			if column := strings.Index(line, "#"); column >= 0 {
				columns[column] = true
			}
		}
		for _, try := range []string{" run --sandbox --storm", " run --sandbox --silent", " run --sandbox --console", " check"} {
			if len(columns) != 1 || strings.Count(out.String(), "  "+command+try) != 1 {
				t.Errorf("%s:\n%s", try, &out)
			}
		}
	}
}

func TestWhoeverWatchesSeesHowFarItIs(t *testing.T) {
	t.Parallel()
	tenant, _, _ := aTenant(t)
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		r := newReport(&out, tenant, Options{Live: true})
		a := r.begin(&act{title: "Many are hired", many: 100})
		a.noticed = 25
		time.Sleep(10 * time.Second)
		r.tell(a)
		r.end(a, true)
		if want := "\r\x1b[K… Many are hired: 25 of 100, 30s left\r\x1b[K· Many are hired"; !strings.HasPrefix(out.String(), want) {
			t.Errorf("%q, want %q first", out.String(), want)
		}
		piped := newReport(&out, tenant, Options{})
		out.Reset()
		piped.tell(a)
		if out.Len() > 0 {
			t.Errorf("where nobody watches: %q", out.String())
		}
	})
}

func TestAnAttemptBelongsToTheLastActBeforeItsChange(t *testing.T) {
	t.Parallel()
	tenant, person, _ := aTenant(t)
	synctest.Test(t, func(t *testing.T) {
		r := newReport(&bytes.Buffer{}, tenant, Options{})
		first := r.begin(&act{title: "first"})
		seen := time.Now().Add(time.Millisecond)
		time.Sleep(time.Second)
		second := r.begin(&act{title: "second"})
		r.attempt(provision.Attempt{
			Object: change.Object{Kind: change.User, ID: person}, Action: provision.Update, Causes: []change.Change{{SeenAt: seen}}, Exported: time.Now(),
		})
		if first.looks != 1 || second.looks != 0 {
			t.Errorf("%d and %d", first.looks, second.looks)
		}
		r.attempt(provision.Attempt{
			Object: change.Object{Kind: change.User, ID: person}, Action: provision.Disable, Exported: time.Now(),
			Causes: []change.Change{{Source: change.Engine, SeenAt: seen}, {Source: change.Notification, SeenAt: time.Now()}},
		})
		if first.looks != 1 || second.looks != 1 {
			t.Errorf("with a look that the engine asked for before: %d and %d", first.looks, second.looks)
		}
		r.present = true // as where nothing is notified
		r.attempt(provision.Attempt{Object: change.Object{Kind: change.User, ID: person}, Causes: []change.Change{{SeenAt: seen}}})
		if first.looks != 1 || second.looks != 2 {
			t.Errorf("%d and %d", first.looks, second.looks)
		}
	})
}
