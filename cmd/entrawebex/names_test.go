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

// Whatever somebody has at hand names a person, wherever one is asked for.
func TestAPersonIsFoundByWhateverNamesThem(t *testing.T) {
	t.Parallel()
	l := aDay(t)
	u := l.renamed
	upn := u.Text("userPrincipalName")
	l.update(u.Text("id"), func(u graph.User) { u["displayName"], u["mail"] = "Ada, once Byron", "ada.byron@mail.example" })
	for what, name := range map[string]string{
		"the userPrincipalName": strings.ToUpper(upn), "the mail": "ada.byron@mail.example", "the display name": "ada, once byron",
		"the id in Entra": u.Text("id"), "the id in Webex": l.accountOf(upn),
	} {
		for _, command := range []string{"show", "log", "plan", "provision", "mapping test"} {
			out, errOut, _ := outcome(t, l.environ, append(strings.Fields(command), name, "--json")...)
			if !strings.Contains(out+errOut, u.Text("id")) && !strings.Contains(errOut, "It is queued") {
				t.Errorf("%s does not know %s, %q:\n%s%s", command, what, name, out, errOut)
			}
		}
	}
}
