package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

// titled is the default with a title.
func titled(t *testing.T) string {
	t.Helper()
	return mine(t, "- { target: userName,", "- { target: title, source: displayName }\n    - { target: userName,")
}

// mine is a file of the default in which one text takes the place of another.
func mine(t testing.TB, of, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(infra.Provisioning()), of, text, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// stageOf is a process that serves a sandbox in which everybody is provisioned, and
// its operator.
type stageOf struct {
	*staged

	environ []string
}

func served(t *testing.T, users int) *stageOf {
	t.Helper()
	return setup(t, users).provision()
}

// provision begins that process.
func (s *staged) provision() *stageOf {
	t := s.t
	t.Helper()
	p := s.Open("RECONCILE_INTERVAL=1s")
	s.serve(p)
	compared := func() bool {
		state, err := p.Sweeps.State(t.Context())
		return err == nil && state.Last != nil
	}
	if err := sandbox.Wait(t.Context(), 5*time.Minute, compared); err != nil {
		t.Fatal(err)
	}
	s.Settle(t.Context(), p)
	return &stageOf{s, s.planEnviron()}
}

// says fails the test if the command does not print all of these.
func (s *stageOf) says(args string, wanted ...string) {
	s.t.Helper()
	out := operate(s.t, s.environ, strings.Fields(args)...)
	for _, want := range wanted {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			s.t.Errorf("%s: no %q in:\n%s", args, want, out)
		}
	}
}

// titles are how many have a title.
func (s *stageOf) titles() int {
	n := 0
	for _, account := range s.Org.Users() {
		if account["title"] != nil {
			n++
		}
	}
	return n
}

// waitFor waits until so many have a title.
func (s *stageOf) waitFor(titles int) {
	s.t.Helper()
	if err := sandbox.Wait(s.t.Context(), time.Minute, func() bool { return s.titles() == titles }); err != nil {
		s.t.Errorf("%d have a title, want %d: %v", s.titles(), titles, err)
	}
}

// block blocks one of those with an account, and waits until that is inactive.
func (s *stageOf) block(accounts map[string]map[string]any) {
	s.t.Helper()
	for id, account := range accounts {
		owner, _ := account["externalId"].(string) // which may be the id of another system
		if u, err := s.Tenant.User(owner); err != nil || !u.Enabled() || account["active"] != true {
			continue
		}
		s.update(owner, func(u graph.User) { u["accountEnabled"] = false })
		if err := sandbox.Wait(s.t.Context(), time.Minute, func() bool { return s.Org.Users()[id]["active"] == false }); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	s.t.Fatal("nobody has an account")
}

// A title is mapped and taken back, by the commands of an operator, while a process
// serves both sides: Webex is then as it was, attribute by attribute, also of somebody
// who is blocked.
func TestAMappingIsAppliedAndTakenBack(t *testing.T) {
	t.Parallel()
	s := served(t, 30)
	const everybody = 28
	s.block(s.Org.Users())
	before, file := s.shown(), titled(t)
	s.says("mapping apply "+file, "title: ", "28 to change", "And 18 more",
		"The configuration that is built in stays in force", "--yes")
	if got := operate(t, s.environ, "mapping", "show"); got != string(infra.Provisioning()) || s.titles() > 0 {
		t.Error("it is applied without --yes")
	}
	s.says("mapping apply "+file+" --yes --note phone-book", "Version 1 is in force")
	s.waitFor(everybody)
	s.says("mapping apply "+file, "nothing is to be applied")
	if got := operate(t, s.environ, "mapping", "diff"); !strings.Contains(got, "\n+    - { target: title, source: displayName }\n") || strings.Count(got, "\n+") != 2 {
		t.Error(got)
	}
	s.says("mapping rollback --yes", "Version 2 is in force")
	s.waitFor(0)
	if diff := cmp.Diff(before, s.shown()); diff != "" {
		t.Errorf("Webex is not what it was:\n%s", diff)
	}
	s.says("mapping history", "│ 2 * │", "as version 0", "phone-book", "built in", "* is in force.")
}

// shown is what Webex has of accounts and groups, by id, but for meta: there a version
// and a time of each change stay.
func (s *staged) shown() map[string]map[string]any {
	all := s.Org.Users()
	for id, group := range s.Org.Groups() {
		all[id] = group
		group["members"] = slices.Sorted(slices.Values(s.Org.Members(id)))
	}
	for _, one := range all {
		delete(one, "meta")
	}
	return all
}

func TestAPlanByAnotherConfigurationAppliesNothing(t *testing.T) {
	t.Parallel()
	s := setup(t, 4)
	file := titled(t)
	made := s.plan(s.planEnviron(), "--all", "--mapping", file)
	if made.Summary.Create == 0 || made.Objects[0].Action == "" {
		t.Errorf("%+v", made.Summary)
	}
	if _, errOut, exit := outcome(t, s.planEnviron(), "plan", "--all", "--scope", "some"); exit == 0 || !strings.Contains(errOut, `the scope is "some" and must be assigned or all`) {
		t.Errorf("%d %s", exit, errOut)
	}
}

func TestAWrongMappingIsNotApplied(t *testing.T) {
	t.Parallel()
	_, environ := running(t)
	file := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(file, []byte("version: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, exit := outcome(t, environ, "mapping", "apply", file, "--yes")
	if exit != 1 || !strings.HasPrefix(out, file+":1:") || errOut != "" {
		t.Errorf("exit %d: %s%s", exit, out, errOut)
	}
	if got := operate(t, environ, "mapping", "history"); !strings.Contains(got, "0 *") {
		t.Error(got)
	}
	if _, errOut, exit := outcome(t, environ, "mapping", "rollback"); exit != 1 || !strings.Contains(errOut, "there is nothing before it") {
		t.Errorf("exit %d: %s", exit, errOut)
	}
	if _, errOut, exit := outcome(t, environ, "mapping", "show", "some"); exit != exitUsage || !strings.Contains(errOut, `"some" is no version`) {
		t.Errorf("exit %d: %s", exit, errOut)
	}
}
