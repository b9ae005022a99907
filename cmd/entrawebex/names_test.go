package main

import (
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/sandbox/graph"
)

// Nobody knows people by their ids: each is told with a name, and asked for by one.
func TestWhatIsHeldAndWhatIsDeadIsToldAndTakenByName(t *testing.T) {
	t.Parallel()
	l := aDay(t)
	_, taken := l.shutOut()
	held := l.left
	p := l.Open("GUARD_FLOOR=0", "GUARD_SHARE=0")
	for _, u := range held {
		l.update(u.Text("id"), func(u graph.User) { u["accountEnabled"] = false })
		l.look(t.Context(), p, change.User, u.Text("id"))
	}
	l.must(p.Close())
	name := func(u graph.User) string { return u.Text("userPrincipalName") }
	one, other := held[0], held[1]
	list := operate(t, l.environ, "holds")
	fits(t, list)
	has(t, list, name(one), name(other), "user "+one.Text("id"))
	has(t, operate(t, l.environ, "holds", "approve", strings.ToUpper(name(one))), "approved: disable of "+name(one)+", user\n"+one.Text("id"))
	has(t, operate(t, l.environ, "holds", "reject", l.accountOf(name(other))), "rejected: disable of "+name(other))
	l.update(l.renamed.Text("id"), func(u graph.User) { u["displayName"] = "Twin" })
	l.update(l.later.Text("id"), func(u graph.User) { u["displayName"] = "Twin" })
	for named, want := range map[string]string{
		name(l.renamed): "nothing is held of " + name(l.renamed) + ": entrawebex holds shows what is", "twin": "is the name of 2 objects: name one by its id",
	} {
		if _, errOut, exit := outcome(t, l.environ, "holds", "approve", named); exit != exitFailed || !strings.Contains(errOut, want) {
			t.Errorf("%s: exit code %d, %s", named, exit, errOut)
		}
	}

	letters := operate(t, l.environ, "dead-letters", "--filter", "object="+name(one)+","+name(taken))
	fits(t, letters)
	has(t, letters, taken.Text("displayName"), "user "+taken.Text("id"))
	if out := operate(t, l.environ, "dead-letters", "--filter", "object="+l.accountOf(name(one))); out != "No dead letters.\n" {
		t.Errorf("of somebody else:\n%s", out)
	}
	if _, errOut, exit := outcome(t, l.environ, "replay", "--filter", "object=nobody@example.com"); exit != exitFailed || !strings.Contains(errOut, "is nobody's userPrincipalName") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
}
