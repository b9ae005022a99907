package compare

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/sandboxtest"
	"entrawebex/internal/sandbox/scim"
)

// world is a tenant and an organization that agree: a live user, a guest, a
// blocked and a soft-deleted one with inactive accounts, one deleted for good
// without an account, and a local account.
type world struct {
	tenant *graph.Tenant
	org    *scim.Organization
	clock  *sandboxtest.Clock
	rules  mapping.Rules
	// ids and accounts are the object ids and Webex ids by who it is.
	ids, accounts map[string]string
}

func newWorld(t *testing.T) world {
	t.Helper()
	c := newClock()
	w := world{newTenant(t, graph.Config{Now: c.Now, AppID: appID}), newOrg(t, scim.Config{Now: c.Now}), c, rulesOf(t, infra.Provisioning()), map[string]string{}, map[string]string{}}
	w.accounts["local"] = add(t, w.org, map[string]any{"userName": "reception@" + domain})
	for who, user := range map[string]graph.User{
		"live":    {"userPrincipalName": "ann@" + domain, "displayName": "Ann Lee", "givenName": "Ann", "surname": "Lee"},
		"guest":   {"userPrincipalName": "g_b_fabrikam.example#EXT#@" + domain, "displayName": "Guest"},
		"blocked": {"userPrincipalName": "bo@" + domain, "displayName": "Bo"},
		"deleted": {"userPrincipalName": "di@" + domain, "displayName": "Di"},
		"purged":  {"userPrincipalName": "pa@" + domain, "displayName": "Pa"},
	} {
		w.ids[who] = create(t, w.tenant, user)
	}
	w.provision(t, "live", "ann@"+domain, true)
	w.provision(t, "guest", "g_b@fabrikam.example", true)
	w.provision(t, "blocked", "bo@"+domain, false)
	w.provision(t, "deleted", "di@"+domain, false)
	must(t, w.tenant.Update(w.ids["blocked"], func(u graph.User) { u["accountEnabled"] = false }))
	must(t, w.tenant.Delete(w.ids["deleted"]))
	must(t, w.tenant.Delete(w.ids["purged"]))
	must(t, w.tenant.Purge(w.ids["purged"]))
	return w
}

func rulesOf(t *testing.T, text []byte) mapping.Rules {
	t.Helper()
	rules, err := mapping.Parse(text)
	must(t, err)
	return rules
}

// provision creates an account of a user, as a provisioning system would.
func (w world) provision(t *testing.T, who, userName string, active bool) {
	t.Helper()
	user := w.tenant.Census(false).Users[w.ids[who]].User
	status, body := call(t, w.org, http.MethodPost, users, fmt.Sprintf(
		`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userType":"user","userName":%q,"active":%t,"externalId":%q,"displayName":%q,"name":{"givenName":%q,"familyName":%q}}`,
		userName, active, w.ids[who], user.Text("displayName"), user.Text("givenName"), user.Text("surname")))
	if status != http.StatusCreated {
		t.Fatalf("provision %s: %d %v", who, status, body)
	}
	w.accounts[who] = fmt.Sprint(body["id"])
}

// patch changes an account.
func (w world) patch(t *testing.T, who, operations string) {
	t.Helper()
	if status, body := call(t, w.org, http.MethodPatch, users+"/"+w.accounts[who], patchBody(operations)); status != http.StatusOK {
		t.Fatalf("patch %s: %d %v", who, status, body)
	}
}

func (w world) remove(t *testing.T, who string) {
	t.Helper()
	if status, body := call(t, w.org, http.MethodDelete, users+"/"+w.accounts[who], ""); status != http.StatusNoContent {
		t.Fatalf("delete %s: %d %v", who, status, body)
	}
}

func replacement(path, value string) string {
	return fmt.Sprintf(`{"op":"replace","path":%q,"value":%s}`, path, value)
}

func TestCompareFindsEachKindOfDifference(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spoil func(*testing.T, world)
		want  []string // who: attribute, or account; nothing if all is well
	}{
		"nothing":              {func(*testing.T, world) {}, nil},
		"another displayName":  {func(t *testing.T, w world) { w.patch(t, "live", replacement("displayName", `"X"`)) }, []string{"live: displayName"}},
		"another givenName":    {func(t *testing.T, w world) { w.patch(t, "live", replacement("name.givenName", `"X"`)) }, []string{"live: name.givenName"}},
		"another familyName":   {func(t *testing.T, w world) { w.patch(t, "live", replacement("name.familyName", `"X"`)) }, []string{"live: name.familyName"}},
		"no familyName":        {func(t *testing.T, w world) { w.patch(t, "live", `{"op":"remove","path":"name"}`) }, []string{"live: name.givenName", "live: name.familyName"}},
		"an account disabled":  {func(t *testing.T, w world) { w.patch(t, "live", replacement("active", "false")) }, []string{"live: active"}},
		"a blocked one active": {func(t *testing.T, w world) { w.patch(t, "blocked", replacement("active", "true")) }, []string{"blocked: active"}},
		"a deleted one active": {func(t *testing.T, w world) { w.patch(t, "deleted", replacement("active", "true")) }, []string{"deleted: active"}},
		"another userName": {func(t *testing.T, w world) {
			w.patch(t, "live", replacement("userName", `"x@`+domain+`"`)+`,{"op":"remove","path":"emails"}`)
		}, []string{"live: userName", `live: emails[type eq "work"].value`}},
		"a guest's userName as it is in Entra": {func(t *testing.T, w world) {
			w.patch(t, "guest", replacement("userName", `"g_b_fabrikam.example@`+domain+`"`)+`,{"op":"remove","path":"emails"}`)
		}, []string{"guest: userName", `guest: emails[type eq "work"].value`}},
		"another work address": {func(t *testing.T, w world) {
			w.patch(t, "live", replacement("emails", `[{"type":"work","value":"x@`+domain+`"}]`))
		}, []string{`live: emails[type eq "work"].primary`, `live: emails[type eq "work"].value`}},
		"a work address that is not primary": {func(t *testing.T, w world) {
			w.patch(t, "live", replacement("emails", `[{"type":"work","value":"ann@`+domain+`"}]`))
		}, []string{`live: emails[type eq "work"].primary`}},
		"a name that cannot be mapped": {func(t *testing.T, w world) {
			must(t, w.tenant.Update(w.ids["live"], func(u graph.User) { u["userPrincipalName"] = "a..nn@" + domain }))
		}, []string{"live: mapping"}},
		"no externalId": {
			func(t *testing.T, w world) { w.patch(t, "live", `{"op":"remove","path":"externalId"}`) },
			[]string{"live: account", "-: account"},
		},
		"an externalId in capitals": {func(t *testing.T, w world) {
			w.patch(t, "live", replacement("externalId", `"`+strings.ToUpper(w.ids["live"])+`"`))
		}, []string{"live: externalId"}},
		"an account missing": {func(t *testing.T, w world) { w.remove(t, "live") }, []string{"live: account"}},
		"two accounts":       {func(t *testing.T, w world) { w.provision(t, "live", "second@"+domain, true) }, []string{"live: account", "live: userName", `live: emails[type eq "work"].value`}},
		"an account nobody asked for": {func(t *testing.T, w world) {
			w.ids["nobody"] = deadID
			w.provision(t, "nobody", "nobody@"+domain, true)
		}, []string{"-: account"}},
		"an account of one deleted for good": {
			func(t *testing.T, w world) { w.provision(t, "purged", "pa@"+domain, true) }, []string{"purged: account"},
		},
		"an account of one who never was enabled": {func(t *testing.T, w world) {
			w.ids["new"] = create(t, w.tenant, graph.User{"userPrincipalName": "new@" + domain, "displayName": "New", "accountEnabled": false})
			w.provision(t, "new", "new@"+domain, false)
		}, []string{"new: account"}},
		"a local account written": {func(t *testing.T, w world) { w.patch(t, "local", replacement("title", `"X"`)) }, []string{"-: account"}},
		"a local account adopted": {func(t *testing.T, w world) {
			w.remove(t, "live")
			w.patch(t, "local", replacement("externalId", `"`+w.ids["live"]+`"`)+","+replacement("displayName", `"Ann Lee"`)+","+
				replacement("name", `{"givenName":"Ann","familyName":"Lee"}`)+","+
				replacement("userName", `"ann@`+domain+`"`)+`,{"op":"remove","path":"emails"}`)
		}, []string{"live: account"}},
		"a local account gone":                      {func(t *testing.T, w world) { w.remove(t, "local") }, []string{"-: account"}},
		"a blocked one's account gone":              {func(t *testing.T, w world) { w.remove(t, "blocked") }, nil},
		"a blocked one's account expired":           {func(_ *testing.T, w world) { w.clock.At = w.clock.At.Add(31 * 24 * time.Hour) }, nil},
		"a null in Entra that has a value in Webex": {func(t *testing.T, w world) { w.patch(t, "guest", replacement("name", `{"familyName":"X"}`)) }, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			test.spoil(t, w)
			var got []string
			for _, d := range Differences(w.tenant, w.org, w.rules) {
				got = append(got, w.who(d)+": "+d.Attribute)
			}
			slices.Sort(got)
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("differences differ (-want +got):\n%s", diff)
			}
		})
	}
}

// What the mapping file gains is compared, though nothing here names it.
func TestCompareFindsAWrongValueOfAnAttributeThatWasAddedToTheMapping(t *testing.T) {
	t.Parallel()
	const department = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department"
	const users = "users:\n  mappings:\n"
	text := strings.Replace(string(infra.Provisioning()), users, users+
		"    - { target: title, source: jobTitle }\n    - { target: '"+department+"', source: department }\n", 1)
	rules := rulesOf(t, []byte(text))
	agreed := replacement("title", `"Clerk"`) + "," + replacement(department, `"Sales"`)
	tests := map[string]struct {
		operations string
		want       []string
	}{
		"both as in Entra":   {agreed, nil},
		"another title":      {agreed + "," + replacement("title", `"X"`), []string{"live: title"}},
		"another department": {agreed + "," + replacement(department, `"X"`), []string{"live: " + department}},
		"no department":      {replacement("title", `"Clerk"`), []string{"live: " + department}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rules = rules
			must(t, w.tenant.Update(w.ids["live"], func(u graph.User) { u["jobTitle"], u["department"] = "Clerk", "Sales" }))
			w.patch(t, "live", test.operations)
			if diff := cmp.Diff(test.want, w.differences()); diff != "" {
				t.Errorf("differences differ (-want +got):\n%s", diff)
			}
		})
	}
}

func (w world) who(d Difference) string {
	for who := range maps.Keys(w.ids) {
		if w.ids[who] == d.ObjectID {
			return who
		}
	}
	return "-"
}

func TestAnInactiveAccountMayAwaitItsDeletion(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		active bool
		want   int
	}{"inactive": {false, 0}, "active": {true, 1}} {
		w := newWorld(t)
		w.provision(t, "purged", "pa@"+domain, test.active)
		if got := Differences(w.tenant, w.org, w.rules, PendingDelete); len(got) != test.want {
			t.Errorf("%s: %v, want %d differences", name, got, test.want)
		}
	}
}

func TestAnAdoptedAccountIsItsOwnersEvenAfterARenameAndADeletion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.accounts["old"] = add(t, w.org, map[string]any{"userName": "old@" + domain, "externalId": "HR-1"})
	w.ids["old"] = create(t, w.tenant, graph.User{"userPrincipalName": "old@" + domain, "displayName": "Old"})
	w.patch(t, "old", replacement("externalId", `"`+w.ids["old"]+`"`)+","+replacement("displayName", `"Old"`))
	must(t, w.tenant.Update(w.ids["old"], func(u graph.User) { u["userPrincipalName"] = "young@" + domain }))
	w.patch(t, "old", replacement("userName", `"young@`+domain+`"`)+`,{"op":"remove","path":"emails"}`)
	if got := Differences(w.tenant, w.org, w.rules); got != nil {
		t.Errorf("after the rename: %v", got)
	}
	must(t, w.tenant.Delete(w.ids["old"]))
	must(t, w.tenant.Purge(w.ids["old"]))
	w.remove(t, "old")
	if got := Differences(w.tenant, w.org, w.rules); got != nil {
		t.Errorf("after the deletion: %v", got)
	}
}

func TestADifferenceSaysWhatItIs(t *testing.T) {
	t.Parallel()
	got := Difference{Kind: "user", ObjectID: "a", Attribute: "active", Want: "true", Got: "false"}.String()
	if want := `user a, in Webex -: active is "false", want "true"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Each case is by what else than the name users are matched. The account had the name of
// nobody, and the displayName of its user.
func TestALocalAccountIsAdoptedByAMatchingAttribute(t *testing.T) {
	t.Parallel()
	for matching, want := range map[string][]string{"": {"live: account"}, ", matching: 2": nil} {
		t.Run("displayName"+matching, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.rules = rulesOf(t, []byte(strings.Replace(string(infra.Provisioning()), "source: displayName }", "source: displayName"+matching+" }", 1)))
			w.remove(t, "live")
			w.accounts["older"] = add(t, w.org, map[string]any{"userName": "lee@" + domain, "displayName": "Ann Lee"})
			w.patch(t, "older", replacement("externalId", `"`+w.ids["live"]+`"`)+","+replacement("name", `{"givenName":"Ann","familyName":"Lee"}`)+","+
				replacement("userName", `"ann@`+domain+`"`)+`,{"op":"remove","path":"emails"}`)
			var got []string
			for _, d := range Differences(w.tenant, w.org, w.rules) {
				got = append(got, w.who(d)+": "+d.Attribute)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differences differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCompareFindsAWrongManager(t *testing.T) {
	t.Parallel()
	const manages = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
	w := newWorld(t)
	w.rules = rulesOf(t, []byte(strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
		"users:\n  mappings:\n    - { target: '"+manages+"', source: manager, whenNull: clear }\n", 1)))
	is := func(what, want, got string) {
		t.Helper()
		var wanted []Difference
		if want != got {
			wanted = []Difference{{Kind: "user", ObjectID: w.ids["live"], WebexID: w.accounts["live"], Attribute: manages, Want: want, Got: got}}
		}
		if diff := cmp.Diff(wanted, Differences(w.tenant, w.org, w.rules)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	guest := w.accounts["guest"]
	is("nobody on both sides", "", "")
	must(t, w.tenant.SetManager(w.ids["live"], w.ids["guest"]))
	is("somebody in Entra alone", guest, "")
	patch := `{"op":"replace","path":"` + manages + `","value":{"value":"` + guest + `"}}`
	if status, body := call(t, w.org, http.MethodPatch, users+"/"+w.accounts["live"], patchBody(patch)); status != http.StatusOK {
		t.Fatal(body)
	}
	is("the same on both sides", guest, guest)
	must(t, w.tenant.SetManager(w.ids["live"], ""))
	is("somebody in Webex alone", "", guest)
}
