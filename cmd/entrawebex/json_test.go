package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"entrawebex/internal/app/check"
	"entrawebex/internal/configuration"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/replay"
	"entrawebex/internal/terminal"
)

// Those that tell nothing of how it stands: they serve, ask for something, or are about
// the text of a mapping file.
var untold = []string{
	"", "run", "console", "reconcile", "mapping", "mapping check", "mapping show", "mapping diff", "mapping apply", "mapping rollback", "mapping export", "mapping import",
}

func TestEveryCommandThatTellsSomethingTakesJSON(t *testing.T) {
	t.Parallel()
	root := command(nil, terminal.Terminal{})
	for _, path := range below(root) {
		name := strings.Join(path, " ")
		c, _, err := root.Find(path)
		if err != nil {
			t.Fatal(err)
		}
		if has, exempt := c.Flags().Lookup("json") != nil, slices.Contains(untold, name); has == exempt {
			t.Errorf("%q takes --json: %t", name, has)
		}
	}
}

// read reads what a command prints as one line of JSON, in which nothing is that its type
// has not, and one line for each of several.
func read[T any](t *testing.T, environ []string, args string) []T {
	t.Helper()
	out, errOut, _ := outcome(t, environ, append(strings.Fields(args), "--json")...)
	var all []T
	for line := range strings.Lines(out) {
		var one T
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&one); err != nil {
			t.Errorf("%s: %v in %q", args, err, line)
		}
		all = append(all, one)
	}
	if len(all) == 0 {
		t.Fatalf("%s prints no JSON: %s", args, errOut)
	}
	return all
}

func TestAProgramReadsWhatAnOperatorDoes(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t, first, second))
	if held := read[operator.Held](t, environ, "holds"); len(held) != 2 || held[0].Object.ID == held[1].Object.ID || !held[0].Blocked {
		t.Errorf("held: %+v", held)
	}
	if latch := read[operator.Latch](t, environ, "guard"); latch[0].Since.IsZero() {
		t.Error("the guard is not latched")
	}
	if done := read[operator.Decided](t, environ, "holds reject "+first); len(done[0].Done) != 1 || done[0].Done[0].Object.ID != first {
		t.Errorf("rejected: %+v", done)
	}
	if done := read[operator.Decided](t, environ, "holds approve --all"); len(done[0].Done) != 1 || done[0].LeftAlone != 1 {
		t.Errorf("approved: %+v", done)
	}
	if latch := read[operator.Latch](t, environ, "guard clear"); latch[0].Since.IsZero() {
		t.Error("the guard was not latched")
	}
	if paused := read[pause.State](t, environ, "pause webex --why maintenance"); paused[0][pause.Webex].Why != "maintenance" {
		t.Errorf("paused: %+v", paused)
	}
	if done := read[operator.Resumed](t, environ, "resume webex"); done[0].Was == nil || len(done[0].Paused) > 0 {
		t.Errorf("resumed: %+v", done)
	}
	if result := read[replay.Result](t, environ, "replay --dry-run"); result[0].Moved != 0 {
		t.Errorf("replayed: %+v", result)
	}
	if versions := read[configuration.Version](t, environ, "mapping history"); len(versions) != 1 {
		t.Errorf("versions: %+v", versions)
	}
	s := setup(t, 4)
	tests := read[check.Told](t, s.Environ(), "check")
	if !slices.ContainsFunc(tests, func(r check.Told) bool { return r.What == "Webex organization" && r.Outcome == check.OK }) {
		t.Errorf("tests: %+v", tests)
	}
}
