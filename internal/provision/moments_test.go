package provision_test

import (
	"testing"
	"time"
)

func TestAValueMadeOfThePresentTimeIsWrittenOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, mapped(t, "", "    - { target: title, expression: 'Append([jobTitle], Now())' }\n", ""))
	p := w.hire(ada, "ada@example.com")
	p.more = map[string]any{"jobTitle": "Boss "}
	w.provisioned(ada)
	const first = "Boss 3/2/2026 9:00:00 AM"
	look := func(what, calls, want string) {
		t.Helper()
		w.now = w.now.Add(time.Hour)
		c := updated(ada)
		c.Afresh = what == "drift"
		if got := w.calls(func() { w.converge(c) }); got != calls {
			t.Errorf("%s: calls %s, want %s", what, got, calls)
		}
		if got := w.account(ada).Attributes["title"]; got != want {
			t.Errorf("%s: the title is %v, want %v", what, got, want)
		}
		attributes := map[string]any{
			"userPrincipalName": p.name, "displayName": p.display, "accountEnabled": true, "jobTitle": p.more["jobTitle"],
		}
		if unchanged, err := w.Unchanged(t.Context(), updated(ada).Object, attributes); err != nil || !unchanged {
			t.Errorf("%s: a look would find something: %v", what, err)
		}
	}
	look("nothing", "", first)
	w.org.of(ada)["title"] = "Queen"
	look("drift", "GET PATCH", first)
	p.more["jobTitle"] = "Chief "
	look("another argument", "PATCH", "Chief 3/2/2026 12:00:00 PM")
	look("nothing again", "", "Chief 3/2/2026 12:00:00 PM")
}

// An answer that is lost leaves in doubt what was written: the next attempt wants the
// very same.
func TestAValueMadeOfThePresentTimeIsTheSameAfterALostAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t, mapped(t, "", "    - { target: title, expression: 'Now()' }\n", ""))
	w.hire(ada, "ada@example.com")
	w.org.answer = lost()
	w.converge(updated(ada))
	w.now = w.now.Add(10 * time.Minute)
	if calls := w.calls(func() { w.converge(updated(ada)) }); calls != "SEARCH" {
		t.Errorf("it calls %s", calls)
	}
}
