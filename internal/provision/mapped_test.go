package provision_test

import (
	"strings"
	"testing"
	"time"

	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
)

// mapped has users mapped by these keys and lines beside what is needed, and groups by
// these keys.
func mapped(t *testing.T, users, line, groups string) func(*provision.Config) {
	t.Helper()
	rules, err := mapping.Parse([]byte("version: 1\nusers:\n" + users + `  mappings:
    - { target: userName, source: userPrincipalName, matching: 1 }
    - { target: externalId, source: objectId }
    - { target: active, expression: "Not([IsSoftDeleted])" }
    - { target: displayName, source: displayName }
` + line + "groups:\n" + groups + `  mappings:
    - { target: displayName, source: displayName, matching: 1 }
    - { target: externalId, source: objectId }
`))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *provision.Config) { c.Mapping = rules }
}

// Each case says which titles Webex shows after a hire, and after each title that Entra
// has then.
func TestATitleIsWhatItsLineSays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line string
		has        any
		then       []any
		want       []any
	}{
		{"a default on creation", "default: Employee", nil, []any{"Boss", nil}, []any{"Employee", "Boss", "Boss"}},
		{"a default on creation alone", "default: Employee", "Boss", []any{nil}, []any{"Boss", "Boss"}},
		{"a default always", "default: Employee, defaultWhen: always", "Boss", []any{nil, "Chief"}, []any{"Boss", "Employee", "Chief"}},
		{"applied on creation", "apply: creation", "Boss", []any{"Chief"}, []any{"Boss", "Boss"}},
		{"null keeps", "whenNull: keep", "Boss", []any{nil}, []any{"Boss", "Boss"}},
		{"null clears", "whenNull: clear", "Boss", []any{nil, nil, "Chief"}, []any{"Boss", nil, nil, "Chief"}},
		{"required, with a default always", "default: Employee, defaultWhen: always, required: true", nil, []any{"Boss"}, []any{"Employee", "Boss"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, mapped(t, "", "    - { target: title, source: jobTitle, "+test.line+" }\n", ""))
			p := w.hire(ada, "ada@example.com")
			for i, has := range append([]any{test.has}, test.then...) {
				p.more = map[string]any{"jobTitle": has}
				if a := w.converge(updated(ada))[0]; a.Fault != nil {
					t.Fatal(a.Reason)
				}
				if got := w.account(ada).Attributes["title"]; got != test.want[i] {
					t.Errorf("look %d, Entra has %v: Webex has %v, want %v", i+1, has, got, test.want[i])
				}
			}
			if calls := w.calls(func() { w.converge(updated(ada)) }); calls != "" {
				t.Errorf("one more look calls %s", calls)
			}
		})
	}
}

func TestWhatEntraDoesNotShowClearsNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, mapped(t, "", "    - { target: title, source: jobTitle, whenNull: clear }\n", ""))
	w.hire(ada, "ada@example.com").more = map[string]any{"jobTitle": "Boss"}
	w.provisioned(ada)
	w.tenant.users[ada].more = nil
	w.converge(updated(ada))
	if got := w.account(ada).Attributes["title"]; got != "Boss" {
		t.Errorf("the title is %v", got)
	}
}

// What the account had before, adopted or of ours, goes once Webex is read and Entra
// shows that it has none.
func TestANullClearsWhatWasThereBeforeTheMapping(t *testing.T) {
	t.Parallel()
	clears := mapped(t, "", "    - { target: title, source: jobTitle, whenNull: clear }\n", "")
	t.Run("of an account that is adopted", func(t *testing.T) {
		t.Parallel()
		w := setup(t, clears)
		w.hire(ada, "ada@example.com").more = map[string]any{"jobTitle": nil}
		w.org.accounts[w.org.add("ada@example.com", nil)]["title"] = "Old"
		w.provisioned(ada)
		if got, there := w.account(ada).Attributes["title"]; there && got != nil {
			t.Errorf("the title is %v", got)
		}
	})
	t.Run("of one that was provisioned before", func(t *testing.T) {
		t.Parallel()
		w := setup(t, mapped(t, "", "", ""))
		w.hire(ada, "ada@example.com").more = map[string]any{"jobTitle": nil}
		w.provisioned(ada)
		w.org.of(ada)["title"] = "Old"
		clears(&w.config)
		w.renew()
		c := updated(ada)
		c.Afresh = true
		w.converge(c)
		if got, there := w.account(ada).Attributes["title"]; there && got != nil {
			t.Errorf("the title is %v", got)
		}
	})
}

// What is for creation is not for an account that is there already.
func TestAnAdoptedAccountIsNotCreated(t *testing.T) {
	t.Parallel()
	for name, find := range map[string]func(w *world){
		"found by its name": func(w *world) { w.provisioned(ada) },
		"found in a listing": func(w *world) {
			w.see(w.sighted(ada, provision.Resource{ID: "theirs", Attributes: w.org.accounts["theirs"]}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, mapped(t, "",
				"    - { target: title, source: jobTitle, default: Employee }\n    - { target: nickName, source: givenName, apply: creation }\n", ""))
			w.hire(ada, "ada@example.com").more = map[string]any{"jobTitle": nil}
			w.org.accounts["theirs"] = map[string]any{"id": "theirs", "userName": "ada@example.com", "active": true}
			find(w)
			if got := w.account(ada); got.ID != "theirs" || got.Attributes["title"] != nil || got.Attributes["nickName"] != nil {
				t.Errorf("adopted %s: %v", got.ID, got.Attributes)
			}
		})
	}
}

// Each case is a user or a group that is there, in what is wanted of it an action is
// off.
func TestAnActionThatIsOffIsSkippedAndSaysSo(t *testing.T) {
	t.Parallel()
	const only = "  actions: { %: false }\n"
	for _, test := range []struct {
		name, off string
		becomes   func(p *person)
		why       string
		spared    bool
	}{
		{"a title that changed", "update", func(p *person) { p.display = "Renamed" }, "update is off in the mapping of users: displayName stays as it is", false},
		{"somebody blocked", "delete", func(p *person) { p.enabled = false }, "delete is off in the mapping of users: Entra asks to disable it", true},
		{"somebody in the recycle bin", "delete", func(p *person) { p.binned = true }, "delete is off in the mapping of users: Entra asks to disable it", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, mapped(t, strings.Replace(only, "%", test.off, 1), "", ""))
			p := w.hire(ada, "ada@example.com")
			w.provisioned(ada)
			test.becomes(p)
			var a provision.Attempt
			if calls := w.calls(func() { a = w.converge(updated(ada))[0] }); calls != "" {
				t.Errorf("calls %s", calls)
			}
			if a.Status != provision.Skipped || !strings.Contains(a.Reason, test.why) {
				t.Errorf("%s: %s", a.Status, a.Reason)
			}
			if s := w.record(user(ada)).Spared; (s != nil) != test.spared {
				t.Errorf("noted %+v", s)
			}
		})
	}
}

func TestWhereUpdateIsOffWhoLeavesIsClosedAllTheSame(t *testing.T) {
	t.Parallel()
	w := setup(t, mapped(t, "  actions: { update: false }\n", "", ""))
	p := w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	p.enabled, p.display = false, "Renamed"
	w.provisioned(ada)
	if got := w.account(ada).Attributes; got["active"] != false || got["displayName"] == "Renamed" {
		t.Errorf("the account is %v", got)
	}
	p.enabled = true
	if a := w.converge(updated(ada))[0]; a.Status != provision.Skipped || !strings.Contains(a.Reason, "active, displayName stays") {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}

func TestWhereCreateIsOffNothingIsMade(t *testing.T) {
	t.Parallel()
	const off = "  actions: { create: false }\n"
	w := setup(t, mapped(t, off, "", off))
	w.hire(ada, "ada@example.com")
	w.tenant.groups[sales] = &group{name: "Sales"}
	for _, a := range w.converge(updated(ada), changed(sales)) {
		if a.Status != provision.Skipped || !strings.Contains(a.Reason, "the action create is off in the mapping of "+string(a.Object.Kind)+"s") {
			t.Errorf("%s: %s", a.Status, a.Reason)
		}
	}
	if len(w.org.accounts)+len(w.org.groups) > 0 {
		t.Error("something was made")
	}
}

func TestWhereDeleteIsOffAGroupStays(t *testing.T) {
	t.Parallel()
	w := setup(t, mapped(t, "", "", "  actions: { update: false, delete: false }\n"))
	w.hire(ada, "ada@example.com")
	w.provisioned(ada)
	g := &group{name: "Sales", members: []string{ada}}
	w.tenant.groups[sales] = g
	w.converge(changed(sales))
	g.name = "Renamed"
	if a := w.converge(changed(sales, ada))[0]; a.Status != provision.Skipped || !strings.Contains(a.Reason, "displayName stays as it is") {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	g.name = "Sales"
	if a := w.converge(changed(sales, ada))[0]; a.Status != provision.Skipped || !strings.Contains(a.Reason, "its members stay") {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
	g.gone = true
	c := changed(sales)
	c.Deleted = true
	w.converge(c)
	w.now = w.now.Add(11 * time.Minute)
	if a := w.converge(c)[0]; !strings.Contains(a.Reason, "Entra asks to delete it") || len(w.org.groups) != 1 {
		t.Errorf("%s: %s", a.Status, a.Reason)
	}
}
