package entra

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/reconcile"
	simgraph "entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/simhttp"
)

// testApp is the application (client) id of the tenant's enterprise
// application.
const testApp = "acacacac-0000-4000-8000-000000000001"

// newTenant returns a simulated tenant and a client that reads it.
func newTenant(t *testing.T, config simgraph.Config) (*simgraph.Tenant, *Client) {
	t.Helper()
	config.ID, config.Domain, config.Token, config.AppID = id(99), "contoso.example", testToken, testApp
	if config.Now == nil {
		config.Now = testNow
	}
	tenant, err := simgraph.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return tenant, newGraph().client(t, Config{
		Transport: simhttp.Network{"graph.microsoft.com": tenant},
		Select: map[change.Kind][]string{
			change.User: {"accountEnabled", "displayName"}, change.Group: {"displayName"},
		},
	})
}

// named makes a user.
func named(t *testing.T, tenant *simgraph.Tenant, name string) string {
	t.Helper()
	id, err := tenant.Create(simgraph.User{"userPrincipalName": name + "@contoso.example", "displayName": name})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// team makes a group with members.
func team(t *testing.T, tenant *simgraph.Tenant, name string, members ...string) string {
	t.Helper()
	id, err := tenant.CreateGroup(simgraph.Group{"displayName": name})
	if err != nil {
		t.Fatal(err)
	}
	if len(members) > 0 {
		must(t, tenant.AddMembers(id, members...))
	}
	return id
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// round reads a round to its end and returns its objects, how many pages it had
// and where the next one begins.
func round(t *testing.T, c *Client, kind change.Kind, link string) (objects []reconcile.Object, pages int, next string) {
	t.Helper()
	for {
		page, err := c.Delta(t.Context(), kind, link)
		must(t, err)
		objects, pages = append(objects, page.Objects...), pages+1
		if page.Next == "" {
			return objects, pages, page.Delta
		}
		link = page.Next
	}
}

func TestDelta(t *testing.T) {
	t.Parallel()

	t.Run("lists what there is, and then what has changed", func(t *testing.T) {
		t.Parallel()
		tenant, c := newTenant(t, simgraph.Config{})
		ann, bo, cy, di := named(t, tenant, "ann"), named(t, tenant, "bo"), named(t, tenant, "cy"), named(t, tenant, "di")
		first, _, link := round(t, c, change.User, "")
		want := []reconcile.Object{}
		for _, id := range []string{ann, bo, cy, di} {
			user, err := tenant.User(id)
			must(t, err)
			want = append(want, reconcile.Object{
				Object:     change.Object{Kind: change.User, ID: id},
				Attributes: map[string]any{"id": id, "accountEnabled": true, "displayName": user["displayName"]},
			})
		}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("first round (-want +got):\n%s", diff)
		}

		must(t, tenant.Update(ann, func(u simgraph.User) { u["displayName"] = "Ann" }))
		must(t, tenant.Update(bo, func(u simgraph.User) { u["jobTitle"] = "not selected" }))
		must(t, tenant.Delete(cy))
		must(t, tenant.Delete(di))
		must(t, tenant.Purge(di))
		later, _, link := round(t, c, change.User, link)
		want = []reconcile.Object{
			{
				Object:     change.Object{Kind: change.User, ID: ann},
				Attributes: map[string]any{"id": ann, "accountEnabled": true, "displayName": "Ann"},
			},
			{Object: change.Object{Kind: change.User, ID: cy}, Removed: reconcile.SoftDeleted},
			{Object: change.Object{Kind: change.User, ID: di}, Removed: reconcile.Deleted},
		}
		if diff := cmp.Diff(want, later); diff != "" {
			t.Errorf("second round (-want +got):\n%s", diff)
		}
		if last, _, _ := round(t, c, change.User, link); len(last) > 0 {
			t.Errorf("third round: %v", last)
		}
	})

	t.Run("lists the members of groups, over as many pages as it takes", func(t *testing.T) {
		t.Parallel()
		tenant, c := newTenant(t, simgraph.Config{DeltaMembers: 2})
		people := make([]string, 5)
		for i := range people {
			people[i] = named(t, tenant, fmt.Sprint("u", i))
		}
		inner := team(t, tenant, "inner")
		outer := team(t, tenant, "outer", append(slices.Clone(people), inner, tenant.AddOther("device"))...)
		objects, pages, link := round(t, c, change.Group, "")
		var got []reconcile.Member
		for _, o := range objects {
			if o.ID == outer {
				got = append(got, o.Members...)
			}
		}
		want := []reconcile.Member{}
		for _, id := range people {
			want = append(want, reconcile.Member{ID: id, Kind: change.User})
		}
		want = append(want, reconcile.Member{ID: inner, Kind: change.Group})
		if diff := cmp.Diff(want, got); diff != "" || pages != 4 {
			t.Errorf("%d pages, members (-want +got):\n%s", pages, diff)
		}

		must(t, tenant.RemoveMembers(outer, people[0]))
		later, _, _ := round(t, c, change.Group, link)
		want = []reconcile.Member{{ID: people[0], Removed: true, Kind: change.User}}
		if len(later) != 1 || later[0].ID != outer || cmp.Diff(want, later[0].Members) != "" {
			t.Errorf("later %+v", later)
		}
	})

	t.Run("asks for large pages, of what is selected", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		var asked []string
		g.outer["/groups/delta()"] = func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.RawQuery+" "+r.Header.Get("Prefer"))
			answer200(w, map[string]any{"value": []any{}, "@odata.deltaLink": g.host + "/v1.0/groups/delta()?$deltatoken=x"})
		}
		c := g.client(t, Config{})
		_, _, link := round(t, c, change.Group, "")
		round(t, c, change.Group, link)
		want := []string{
			"$select=id,securityEnabled,visibility,displayName,members odata.maxpagesize=999",
			"$deltatoken=x odata.maxpagesize=999",
		}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("begins anew once its token is void", func(t *testing.T) {
		t.Parallel()
		now := testNow()
		tenant, c := newTenant(t, simgraph.Config{Now: func() time.Time { return now }})
		_, _, link := round(t, c, change.User, "")
		tenant.LoseCursors()
		_, err := c.Delta(t.Context(), change.User, link)
		expectFault(t, err, provision.Gone, 0,
			"read changes of users from Entra: 410 syncStateNotFound: The sync state is not found. Begin a new round without a token.")
		_, _, link = round(t, c, change.User, "")
		now = now.Add(8 * 24 * time.Hour)
		_, err = c.Delta(t.Context(), change.User, link)
		if f := provision.AsFault(err); f == nil || f.Answer != provision.Gone {
			t.Errorf("after eight days: %v", err)
		}
	})
}

// Whoever has no GUID for an id is left out, however like one it looks.
func TestADeltaLeavesOutWhatHasNoGUID(t *testing.T) {
	t.Parallel()
	given := id(1)
	for _, test := range []struct{ id, want string }{
		{given, given},
		{strings.ToUpper(given), given},
		{given[:35] + `\u0061`, given[:35] + "a"},
		{given[:35] + "g", ""},
		{given[:35] + `\u007a`, ""},
	} {
		body := `{"value":[{"id":"` + test.id + `","members@delta":[{"@odata.type":"#microsoft.graph.user","id":"` + test.id + `"}]},` +
			`{"id":"` + id(2) + `","members@delta":[{"@odata.type":"#microsoft.graph.user","id":"` + test.id + `"}]}],"@odata.deltaLink":"x"}`
		page, _, err := decodeDelta(change.Group, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		var got, members []string
		for _, o := range page.Objects {
			got = append(got, o.ID)
			for _, m := range o.Members {
				members = append(members, m.ID)
			}
		}
		want, in := []string{id(2)}, []string(nil)
		if test.want != "" {
			want, in = []string{test.want, id(2)}, []string{test.want, test.want}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.id, diff)
		}
		if diff := cmp.Diff(in, members); diff != "" {
			t.Errorf("members of %s (-want +got):\n%s", test.id, diff)
		}
	}
}

func TestDeltaRefused(t *testing.T) {
	t.Parallel()
	const link = "https://graph.microsoft.com/v1.0/users/delta()?$deltatoken=1"
	for name, tt := range map[string]struct {
		answer       http.HandlerFunc
		first, later any
		after        time.Duration
		want         string
	}{
		"as gone":            {refusing(410, "Gone", ""), provision.Transient, provision.Gone, 0, "410 Gone: why"},
		"as not in sync":     {refusing(410, "SyncStateNotFound", ""), provision.Transient, provision.Gone, 0, "410 SyncStateNotFound: why"},
		"as to resync":       {refusing(409, "resyncRequired", ""), provision.Transient, provision.Gone, 0, "409 resyncRequired: why"},
		"as a bad request":   {refusing(400, "BadRequest", ""), provision.Permanent, provision.Gone, 0, "400 BadRequest: why"},
		"as forbidden":       {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, provision.Unauthorized, 0, "403 Authorization_RequestDenied: why (it needs the application permission User.Read.All, with admin consent)"},
		"for a while":        {refusing(429, "TooManyRequests", "17"), provision.Throttled, provision.Throttled, 17 * time.Second, "429 TooManyRequests: why"},
		"by a gateway":       {raw(502, "text/html", "<html>"), provision.Transient, provision.Transient, 0, "502"},
		"in a failed resync": {refusing(503, "resyncRequired", ""), provision.Transient, provision.Transient, 0, "503 resyncRequired: why"},
		"with nothing":       {raw(204, "", ""), provision.Transient, provision.Transient, 0, "the answer is empty"},
		"with HTML":          {raw(200, "text/html", "<html>"), provision.Transient, provision.Transient, 0, "the answer is not a page of objects"},
		"with no list":       {deltaOf(``), provision.Transient, provision.Transient, 0, "the answer has no list of objects"},
		"with a list that is none": {
			deltaOf(`"value":{},`), provision.Transient, provision.Transient, 0, "the answer is not a page of objects",
		},
		"without an end":   {raw(200, "application/json", `{"value":[]}`), provision.Transient, provision.Transient, 0, "the answer does not say whether the round goes on or has ended"},
		"with two ends":    {deltaOf(`"value":[],"@odata.nextLink":"` + link + `",`), provision.Transient, provision.Transient, 0, "the answer does not say whether the round goes on or has ended"},
		"with foreign end": {raw(200, "application/json", `{"value":[],"@odata.deltaLink":"https://evil.example/v1.0/users/delta()"}`), provision.Permanent, provision.Permanent, 0, "refused to send the token to another host: https://evil.example"},
	} {
		for from, kind := range map[string]any{"": tt.first, link: tt.later} {
			t.Run("a page "+from+" refused "+name+" is "+fmt.Sprint(kind), func(t *testing.T) {
				t.Parallel()
				g := newGraph()
				g.outer["/users/delta()"] = tt.answer
				got, err := g.client(t, Config{}).Delta(t.Context(), change.User, from)
				expectFault(t, err, kind, tt.after, "read changes of users from Entra: "+tt.want)
				if diff := cmp.Diff(reconcile.Page{}, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}

	t.Run("a link to elsewhere is gone and gets no token", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		_, err := g.client(t, Config{}).Delta(t.Context(), change.User, "https://evil.example/v1.0/users/delta()")
		expectFault(t, err, provision.Gone, 0, "read changes of users from Entra: refused to send the token to another host: https://evil.example")
		if len(g.calls) > 0 {
			t.Errorf("calls %v", g.calls)
		}
	})
}

// deltaOf answers with a page whose round has ended.
func deltaOf(members string) http.HandlerFunc {
	return raw(200, "application/json", `{`+members+`"@odata.deltaLink":"https://graph.microsoft.com/v1.0/users/delta()?$deltatoken=2"}`)
}

// Whatever an answer holds, a page of it names objects by their ids, says where
// it goes on, and says no more of what is gone.
func FuzzDelta(f *testing.F) {
	end := `"@odata.deltaLink":"x"}`
	for _, seed := range []string{
		`{"value":[],` + end,
		`{"value":[{"id":"` + id(1) + `","displayName":null,"members@delta":[{"id":"` + id(2) + `","@removed":{"reason":"deleted"}}]}],` + end,
		`{"value":[{"id":"` + id(1) + `","@removed":{"reason":"changed"}}],"@odata.nextLink":"y"}`,
		`{"value":[{"id":"` + id(1) + `","@removed":null,"members@delta":null}],` + end,
		`{"value":[null],` + end,
		`null`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		given := bytes.Clone(body)
		page, _, err := decodeDelta(change.Group, given)
		if err != nil {
			return
		}
		clear(given)
		if again, _, _ := decodeDelta(change.Group, body); !cmp.Equal(page, again) {
			t.Errorf("%q was read as %+v, which is part of the answer", body, page)
		}
		if !json.Valid(body) || (page.Next == "") == (page.Delta == "") {
			t.Errorf("%q was read as %+v", body, page)
		}
		for _, o := range page.Objects {
			parsed, ok := change.ParseID(o.ID)
			if !ok || parsed != o.ID || o.Kind != change.Group || o.Removed != "" && (o.Attributes != nil || o.Members != nil) {
				t.Errorf("%q holds %+v", body, o)
			}
			for name := range o.Attributes {
				if strings.Contains(name, "@") {
					t.Errorf("%q has the attribute %q", body, name)
				}
			}
			for _, m := range o.Members {
				if _, ok := change.ParseID(m.ID); !ok {
					t.Errorf("%q holds the member %+v", body, m)
				}
			}
		}
	})
}
