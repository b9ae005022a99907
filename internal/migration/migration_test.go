package migration

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/synchronization"
	"entrawebex/internal/plan"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
)

const (
	ada     = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	bob     = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f608"
	unknown = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f609"
	third   = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f610"
)

func TestEachOneHasOneOutcome(t *testing.T) {
	t.Parallel()
	planned := func(action plan.Action, edit func(*plan.Object)) plan.Object {
		o := plan.Object{Action: action, Object: change.Object{Kind: change.User, ID: ada}, Name: "ada", WebexID: "w", Reason: "why"}
		if edit != nil {
			edit(&o)
		}
		return o
	}
	adopted := func(externalID string) func(*plan.Object) {
		return func(o *plan.Object) { o.Adopted = &externalID }
	}
	none := func(o *plan.Object) { o.WebexID = "" }
	for name, test := range map[string]struct {
		planned plan.Object
		want    Outcome
		adopted Origin
	}{
		"as it is":                       {planned(plan.Unchanged, nil), Same, ""},
		"adopted as it is":               {planned(plan.Unchanged, adopted(strings.ToUpper(ada))), Same, Own},
		"adopted of nobody":              {planned(plan.Action(provision.Update), adopted("")), Change, None},
		"adopted of another system":      {planned(plan.Action(provision.Update), adopted("HR-1")), Change, Other},
		"adopted of a former tenant":     {planned(plan.Action(provision.Update), adopted(unknown)), Change, Former},
		"opened":                         {planned(plan.Action(provision.Enable), nil), Change, ""},
		"a group whose removals wait":    {planned(plan.Action(provision.Removing), func(o *plan.Object) { o.Held = true }), Change, ""},
		"created":                        {planned(plan.Action(provision.Create), none), Create, ""},
		"closed":                         {planned(plan.Action(provision.Disable), nil), Disable, ""},
		"closed once it is approved":     {planned(plan.Action(provision.Disabling), func(o *plan.Object) { o.Held = true }), Disable, ""},
		"deleted":                        {planned(plan.Action(provision.Delete), nil), Disable, ""},
		"refused":                        {planned(plan.Fail, none), Refused, ""},
		"skipped and in Webex":           {planned(plan.Skip, nil), Left, ""},
		"skipped without an account":     {planned(plan.Skip, none), Outside, ""},
		"looked at again, in Webex":      {planned(plan.Wait, nil), Left, ""},
		"looked at again, and not there": {planned(plan.Wait, none), Outside, ""},
	} {
		rows := Rows([]plan.Object{test.planned}, nil)
		if len(rows) != 1 || rows[0].Outcome != test.want || rows[0].Adopted != test.adopted || rows[0].Held != test.planned.Held || rows[0].Reason == "" {
			t.Errorf("%s: %+v; want %s, %q", name, rows, test.want, test.adopted)
		}
	}
}

func TestAnAccountThatIsLinkedToNobodyIsToldOnceAndWithWhoseItIs(t *testing.T) {
	t.Parallel()
	skipped := plan.Object{Action: plan.Skip, Object: change.Object{Kind: change.User, ID: ada}, Name: "ada", Reason: "is not assigned"}
	linked := plan.Object{Action: plan.Unchanged, Object: change.Object{Kind: change.User, ID: bob}, Name: "bob", WebexID: "w2"}
	eve := plan.Object{Action: plan.Skip, Object: change.Object{Kind: change.User, ID: third}, Name: "Eve@example.com", Reason: "is not assigned"}
	twice := plan.Object{Action: plan.Fail, Object: change.Object{Kind: change.User, ID: unknown[:35] + "1"}, Name: "twice", Reason: "could be either"}
	nameless := plan.Object{Action: plan.Fail, Object: change.Object{Kind: change.User, ID: unknown[:35] + "2"}, Reason: "has no surname"}
	team := plan.Object{Action: plan.Skip, Object: change.Object{Kind: change.Group, ID: third}, Name: "w6", Reason: "is not assigned"}
	local := func(webexID, externalID string) sweep.Account {
		return sweep.Account{Class: sweep.Local, Kind: change.User, WebexID: webexID, Name: webexID, ExternalID: externalID}
	}
	named := func(webexID, externalID, name string) sweep.Account {
		a := local(webexID, externalID)
		a.Name, a.Active = name, new(true)
		return a
	}
	rows := Rows([]plan.Object{skipped, linked, eve, team, twice, nameless}, []sweep.Account{
		{Class: sweep.InSync, Kind: change.User, ID: bob, WebexID: "w2"}, // which the plan has told
		named("w7", "", "ADA"), named("w8", "", "eve@example.com"), named("w9", bob, "eve@example.com"), named("w10", "HR-2", "eve@example.com"),
		local("w1", strings.ToUpper(ada)), local("w3", bob), local("w4", unknown), local("w5", "HR-1"), local("w6", ""), local("w11", ada),
		named("w12", "", "twice"), named("w13", "HR-3", "twice"), named("w14", unknown[:35]+"2", "Mono"), named("w15", "", "bob"),
	})
	got := map[string]string{}
	for _, r := range rows {
		if r.Kind == change.User {
			got[r.WebexID] = string(r.Outcome) + ": " + r.Reason
		}
	}
	want := map[string]string{
		"w1":  "left alone: is not assigned; the account that carries its id stays as it is",
		"w2":  "the same: Webex has it as it is to be",
		"w3":  "left alone: it carries the id of bob, who has another account: it is never written",
		"w4":  "left alone: it carries an id of Entra for which nobody here is provisioned: it is never written",
		"w5":  "left alone: it carries another system's id, and nobody in Entra has its name: it is never written",
		"w6":  "left alone: nobody in Entra has it: it is never written",
		"w7":  "left alone: it has the name of ada, who has another account: it is never written",
		"w8":  "left alone: is not assigned; the account of that name stays as it is",
		"w9":  "left alone: it carries the id of bob, who has another account: it is never written",
		"w10": "left alone: it has the name of Eve@example.com, who has another account: it is never written",
		"w11": "left alone: it carries the id of ada, who has another account: it is never written",
	}
	want["w12"] = "left alone: it has the name of twice in Entra, and is not taken over: the line of that name says why"
	want["w13"], want[""] = want["w12"], "cannot be taken over: could be either"
	want["w14"] = "cannot be taken over: has no surname"
	want["w15"] = "left alone: it has the name of bob, who has another account: it is never written"
	if at := slices.IndexFunc(rows, func(r Row) bool { return r.WebexID == "w14" }); at < 0 || rows[at].Name != "Mono" {
		t.Errorf("who has no name of its own is called %+v", rows)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(rows) != len(want)+1 {
		t.Errorf("%d rows (-want +got):\n%s", len(rows), diff)
	}
	r := Report{Rows: rows}
	r.Rows = append(r.Rows, Row{Outcome: Left, ID: third, WebexID: "w", Reason: plan.Drifted})
	if n, active := r.OutOfScope(); n != 2 || active != 1 {
		t.Errorf("%d of people who are not in scope, %d active", n, active)
	}
}

func TestOneOfSeveralJobsIsNotGuessed(t *testing.T) {
	t.Parallel()
	jobs := []synchronization.Job{{ID: "a"}, {ID: "b"}}
	for _, test := range []struct {
		jobs []synchronization.Job
		id   string
		want string // or a part of the error
	}{
		{nil, "", ""},
		{jobs[:1], "", "a"},
		{jobs, "B", "b"},
		{jobs, "", "has 2 provisioning jobs, a and b: name one with --job"},
		{jobs, "c", "has no provisioning job c; it has a and b"},
		{nil, "c", "has no provisioning job c; it has none"},
	} {
		job, err := Choose(test.jobs, test.id)
		got := ""
		if job != nil {
			got = job.ID
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
			t.Errorf("%d jobs, %q: %q; want %q", len(test.jobs), test.id, got, test.want)
		}
	}
}

func TestWritesMayBeginOnlyWhileTheJobIsKnownToRest(t *testing.T) {
	t.Parallel()
	job := func(state string) *synchronization.Job {
		var j synchronization.Job
		j.Schedule.State = state
		return &j
	}
	for name, test := range map[string]struct {
		gallery Gallery
		want    string
	}{
		"no job":             {Gallery{}, "has no provisioning job"},
		"a job that rests":   {Gallery{Job: job("Disabled")}, ""},
		"a job that runs":    {Gallery{Job: job("Active")}, "is active, and would go on writing"},
		"a job in any state": {Gallery{Job: job("")}, "is in a state that is not told"},
		"not known":          {Gallery{Unread: "403"}, "is not known: 403"},
		"another job runs":   {Gallery{Job: job("Disabled"), Others: []string{"second"}}, "provisioning job second of the same application is not stopped"},
	} {
		against := test.gallery.Hindrances()
		if err := Refusal(against); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v; want %q", name, err, test.want)
		}
	}
}

func TestWhoIsTakenOutOfGroupsIsCounted(t *testing.T) {
	t.Parallel()
	group := func(removed int) plan.Object {
		return plan.Object{Action: plan.Action(provision.Update), Object: change.Object{Kind: change.Group, ID: ada}, WebexID: "g", Members: &plan.Members{Added: 1, Removed: removed}}
	}
	r := Report{Rows: Rows([]plan.Object{group(2), group(3), {Action: plan.Unchanged, Object: change.Object{Kind: change.User, ID: bob}}}, nil)}
	if n := r.TakenOut(); n != 5 {
		t.Errorf("%d are taken out, want 5", n)
	}
}

func TestTheStateOfAJobIsInWords(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{"Active": "active", "NotRun": "started, and has not run yet", "Quarantine": "in quarantine (EncounteredQuarantineException)", "Odd": "odd"} {
		var job synchronization.Job
		job.Schedule.State, job.Status.Code = "Active", code
		if code == "Quarantine" {
			job.Status.Quarantine = &synchronization.Quarantine{Reason: "EncounteredQuarantineException"}
		}
		if got := (Gallery{Job: &job}).State(); got != want {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
	}
	if got := (Gallery{}).State(); got != "unknown" {
		t.Errorf("none is %q", got)
	}
}

// What a shell and systemd read is a name and a value on a line; the template has each
// parameter.
func TestTheSettingsAreThoseOfTheTemplate(t *testing.T) {
	t.Parallel()
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	g := Gallery{AppID: ada, Job: &synchronization.Job{ID: "webex.1.2"}, Settings: synchronization.Settings{SyncAll: new(false), SkipOutOfScopeDeletions: new(true)}}
	settings := g.Proposed(rules)
	for line := range strings.Lines(Environment(g, settings)) {
		if !regexp.MustCompile(`^(#.*|[A-Z_]+=[a-z0-9-]+|)\n$`).MatchString(line) {
			t.Errorf("a line is %q", line)
		}
	}
	values := map[string]string{}
	for _, s := range settings {
		values[s.Name] = s.Value
		if !strings.Contains(string(template), "\n  "+s.Parameter+":\n") || !strings.Contains(string(template), s.Name+": !Ref "+s.Parameter+"\n") {
			t.Errorf("the template does not make %s of %s", s.Name, s.Parameter)
		}
	}
	want := map[string]string{
		"ENTRA_APP_ID": ada, "SCOPE": "assigned", "SKIP_OUT_OF_SCOPE_DELETIONS": "true", "PROVISION_GROUPS": "true",
		"DEFAULT_ACCESS": "include", "NESTED_GROUPS": "false", "START_PAUSED": "true",
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	present := map[string]string{"SCOPE": "all", "ENTRA_APP_ID": strings.ToUpper(ada)}
	if got := Differing(settings, present); len(got) != 1 || got[0] != "SCOPE is all here and was assigned in the gallery app" {
		t.Errorf("what differs: %q", got)
	}
}

// Where no job was, groups within groups or a role of its own contradict nothing.
func TestWhereNoJobWasNoSettingIsAnotherOneThanItsOwn(t *testing.T) {
	t.Parallel()
	rules, err := mapping.Parse(infra.Provisioning())
	if err != nil {
		t.Fatal(err)
	}
	present := map[string]string{"ENTRA_APP_ID": ada, "SCOPE": "all", "PROVISION_GROUPS": "false", "DEFAULT_ACCESS": "exclude", "NESTED_GROUPS": "true"}
	if got := Differing(Gallery{AppID: ada}.Proposed(rules), present); len(got) > 0 {
		t.Errorf("without a job: %q", got)
	}
	if got := Differing(Gallery{AppID: bob}.Proposed(rules), present); len(got) != 1 {
		t.Errorf("of another application: %q", got)
	}
	if got := Differing(Gallery{AppID: ada, Unread: "403"}.Proposed(rules), present); len(got) != 3 {
		t.Errorf("of one that could not be read: %q", got)
	}
}
