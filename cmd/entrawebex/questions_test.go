package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
)

// Whoever is called at night has a question, and one command with its answer. Those
// whether all is well are asked in TestAllIsWellIsNeverSaidInTrouble.
func TestEachQuestionHasItsAnswerInOneCommand(t *testing.T) {
	t.Parallel()
	began := time.Now().UTC().Truncate(time.Second)
	l := aDay(t)
	barred, taken := l.shutOut()
	ended := time.Now()
	name := func(u graph.User) string { return u.Text("userPrincipalName") }
	assigned := slices.Concat(l.environ, []string{"SCOPE=assigned", "ENTRA_APP_ID=" + sandbox.AppID})
	for _, question := range []struct {
		asks    string
		environ []string
		command []string
		answers []string
	}{
		{"what happened to her", l.environ, []string{"log", name(l.renamed)}, []string{
			"update success " + name(l.renamed) + " user " + l.renamed.Text("id") + " name.familyName cause: notification, in Webex ",
			"create success " + name(l.renamed),
		}},
		{"why is he not in Webex, who is blocked", l.environ, []string{"show", name(barred)}, []string{
			"In Entra " + barred.Text("id") + " inactive", "In Webex absent", "Scope skip: the user is disabled or deleted in Entra and was never provisioned",
			"Next skip is disabled or deleted in Entra and was never provisioned",
		}},
		{"why is she not in Webex, whom nobody assigned", assigned, []string{"show", name(taken)}, []string{
			"In Webex absent", "Scope skip: the user is not assigned to the application, neither itself nor through a group", "no assignment to the application " + sandbox.AppID,
		}},
		{"why is she not in Webex, whose name another has", l.environ, []string{"show", name(taken)}, []string{
			"In Webex absent", "Has the name user " + l.accountOf(name(taken)) + " inactive", "Scope in scope",
			"Open fault permanent, at matching, since ", "another Entra object",
			"a dead letter, which is not tried again: mend it, then entrawebex replay --filter object=" + taken.Text("id"),
		}},
		{"why was he disabled", l.environ, []string{"log", name(l.blocked), "--action", "disable"}, []string{
			"disable success " + name(l.blocked) + " user " + l.blocked.Text("id") + " blocked (NotEffectivelyEntitled) active: false, was true",
		}},
		{"who approved that", l.environ, []string{"log", name(l.blocked), "--action", "approve"}, []string{
			"approve success " + name(l.blocked) + " user " + l.blocked.Text("id") + " by " + whoami() + " disable",
		}},
		{"which members did the group lose, and when", l.environ, []string{"log", "Finance", "--action", "update"}, []string{
			"update success Finance group " + l.group.Text("id") + " 2 members removed: ", name(l.left[0]), name(l.left[1]),
		}},
		{"when will this retry", l.environ, []string{"show", name(l.later)}, []string{"Open fault transient, since ", "tried again at "}},
	} {
		out := operate(t, question.environ, question.command...)
		fits(t, out)
		for _, answer := range question.answers {
			if !strings.Contains(told(out), answer) {
				t.Errorf("%s: there is no %q in\n%s", question.asks, answer, out)
			}
		}
		for _, at := range regexp.MustCompile(`│ (\d{4}-\d\d-\d\d) .*\n│ (\d\d:\d\d:\d\d) `).FindAllStringSubmatch(out, -1) {
			if when, err := time.Parse(time.DateTime, at[1]+" "+at[2]); err != nil || when.Before(began) || when.After(ended) {
				t.Errorf("%s: it was at %s, %v; the day from %s to %s", question.asks, when, err, began, ended)
			}
		}
		for _, at := range regexp.MustCompile(`tried again at (\S+)`).FindAllStringSubmatch(out, -1) {
			if when, err := time.Parse(time.RFC3339, at[1]); err != nil || !when.After(began) || when.After(ended.Add(time.Minute)) {
				t.Errorf("%s: it is tried again at %s, %v", question.asks, when, err)
			}
		}
	}
}

// shutOut adds two who are not in Webex: one is blocked, and another Entra object has
// the name of the other's account there.
func (l *logged) shutOut() (barred, taken graph.User) {
	l.t.Helper()
	add := func(name string, enabled bool) graph.User {
		id, err := l.Tenant.Create(graph.User{"userPrincipalName": name + "@" + sandbox.Domain, "displayName": name, "givenName": name, "surname": "S", "accountEnabled": enabled})
		l.must(err)
		u, err := l.Tenant.User(id)
		l.must(err)
		return u
	}
	barred, taken = add("barred", false), add("taken", true)
	former := add("former", false)
	_, err := l.Org.Add(map[string]any{"userName": taken.Text("userPrincipalName"), "externalId": former.Text("id"), "userType": "user", "active": false})
	l.must(err)
	p := l.Open("GUARD_FLOOR=0", "GUARD_SHARE=0")
	for _, u := range []graph.User{barred, taken} {
		l.look(l.t.Context(), p, change.User, u.Text("id"))
	}
	l.must(p.Close())
	return barred, taken
}
