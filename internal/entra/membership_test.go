package entra

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

// standings are the memberships' standings; a fault fails the test.
func standings(t *testing.T, memberships []provision.Membership) []provision.Standing {
	t.Helper()
	list := make([]provision.Standing, len(memberships))
	for i, m := range memberships {
		if m.Err != nil {
			t.Error(m.Err)
		}
		list[i] = m.Standing
	}
	return list
}

func TestMembership(t *testing.T) {
	t.Parallel()

	t.Run("tells members from strangers and those who are no users", func(t *testing.T) {
		t.Parallel()
		g := newGraph(ids(3)...)
		g.group(id(50), id(1))
		g.group(id(51), id(2))
		reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50), id(0), id(1), id(2), id(9))})[0]
		want := []provision.Standing{provision.NotMember, provision.Member, provision.NotMember, provision.NoUser}
		if diff := cmp.Diff(want, standings(t, reading.Memberships)); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("through another group counts if that is asked for", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.group(id(50))
		g.group(id(51), id(1))
		g.nest(id(50), id(51))
		direct := about(id(50), id(1))
		transitive := direct
		transitive.Transitive = true
		readings := g.client(t, Config{}).Read(t.Context(), []provision.Query{direct, transitive})
		got := append(standings(t, readings[0].Memberships), standings(t, readings[1].Memberships)...)
		if diff := cmp.Diff([]provision.Standing{provision.NotMember, provision.Member}, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("is read with users and groups in one call, and each member once", func(t *testing.T) {
		t.Parallel()
		g := newGraph(ids(4)...)
		g.group(id(50), id(1))
		g.group(id(51), id(2))
		var sent int
		g.outer["/$batch"] = func(w http.ResponseWriter, r *http.Request) {
			body := new(strings.Builder)
			if err := r.Write(body); err != nil {
				t.Error(err)
			}
			sent = strings.Count(body.String(), `"method"`)
			http.Error(w, "", http.StatusBadGateway)
		}
		queries := append(asking(id(0), id(1)), about(id(50), id(1), id(2), id(1)), about(id(51), id(2), id(1)))
		c := g.client(t, Config{})
		c.Read(t.Context(), queries)
		if sent != 6 { // two users, two groups, two lists of groups
			t.Errorf("%d requests in the batch, want 6", sent)
		}
		delete(g.outer, "/$batch")
		g.calls = nil
		readings := c.Read(t.Context(), queries)
		for i, r := range readings {
			if r.Presence != provision.Present {
				t.Errorf("reading %d is %+v", i, r)
			}
		}
		want := [][]provision.Standing{
			{provision.Member, provision.NotMember, provision.Member}, {provision.Member, provision.NotMember},
		}
		got := [][]provision.Standing{standings(t, readings[2].Memberships), standings(t, readings[3].Memberships)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"POST /v1.0/$batch"}, g.calls); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("of 25 takes two batches", func(t *testing.T) {
		t.Parallel()
		g := newGraph(ids(25)...)
		g.group(id(50), ids(25)...)
		reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50), ids(25)...)})[0]
		want := slices.Repeat([]provision.Standing{provision.Member}, 25)
		if diff := cmp.Diff(want, standings(t, reading.Memberships)); diff != "" {
			t.Error(diff)
		}
		if len(g.calls) != 2 {
			t.Errorf("%d calls, want 2: %v", len(g.calls), g.calls)
		}
	})

	t.Run("is looked for on all pages, but no further than it takes", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1), id(2))
		g.pageSize = 2
		for n := range 5 {
			g.group(id(50+n), id(1))
		}
		c := g.client(t, Config{})
		reading := c.Read(t.Context(), []provision.Query{about(id(51), id(1))})[0]
		if got := standings(t, reading.Memberships); got[0] != provision.Member || len(g.calls) != 2 {
			t.Errorf("standing %v after %v", got, g.calls)
		}
		g.calls = nil
		g.group(id(60))
		reading = c.Read(t.Context(), []provision.Query{about(id(60), id(1))})[0]
		if got := standings(t, reading.Memberships); got[0] != provision.NotMember || len(g.calls) != 3 {
			t.Errorf("standing %v after %v", got, g.calls)
		}
	})
}

func TestMembershipUnanswered(t *testing.T) {
	t.Parallel()

	operation := "read membership of user " + id(1) + " in group " + id(50) + " from Entra: "
	list := func(rest string) http.HandlerFunc {
		return raw(200, "application/json", `{"value":[{"@odata.type":"#microsoft.graph.group","id":"`+id(51)+`"}]`+rest+`}`)
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		kind   provision.FaultKind
		after  time.Duration
		want   string
	}{
		"throttled":                      {refusing(429, "TooManyRequests", "17"), provision.Throttled, 17 * time.Second, "429 TooManyRequests: why"},
		"forbidden":                      {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, 0, "403 Authorization_RequestDenied: why (it needs the application permission User.Read.All, with admin consent)"},
		"another 404":                    {refusing(404, "UnknownError", ""), provision.Transient, 0, "404 UnknownError: why"},
		"no answer":                      {raw(http.StatusTeapot, "", ""), provision.Transient, 0, "it is left out of the answer"},
		"no body":                        {raw(200, "", ""), provision.Transient, 0, "the answer has no list of objects"},
		"no list":                        {raw(200, "application/json", `{}`), provision.Transient, 0, "the answer has no list of objects"},
		"a list that is null":            {raw(200, "application/json", `{"value":null}`), provision.Transient, 0, "the answer has no list of objects"},
		"text":                           {raw(200, "application/json", `"x"`), provision.Transient, 0, "the answer is not a page of objects"},
		"a null on the list":             {raw(200, "application/json", `{"value":[null]}`), provision.Transient, 0, "the answer lists a group whose id is not a GUID"},
		"a group without a GUID":         {raw(200, "application/json", `{"value":[{"@odata.type":"#microsoft.graph.group","id":"x"}]}`), provision.Transient, 0, "the answer lists a group whose id is not a GUID"},
		"a nextLink to a foreign host":   {list(`,"@odata.nextLink":"https://evil.example/v1.0/users"`), provision.Permanent, 0, "refused to send the token to another host: https://evil.example"},
		"a nextLink out of the version":  {list(`,"@odata.nextLink":"https://graph.microsoft.com/v1.0/../beta/users"`), provision.Permanent, 0, "refused to follow a link out of v1.0: /v1.0/../beta/users"},
		"a nextLink that is not a URL":   {list(`,"@odata.nextLink":"://"`), provision.Permanent, 0, "refused to follow a link out of v1.0: it is not a URL"},
		"a nextLink that has expired":    {list(`,"@odata.nextLink":"https://graph.microsoft.com/v1.0/expired"`), provision.Transient, 0, "400 Directory_ExpiredPageToken: why"},
		"a nextLink that goes in circle": {list(`,"@odata.nextLink":"https://graph.microsoft.com/v1.0/again"`), provision.Transient, 0, "after 2 pages the link leads back to one of them"},
	} {
		t.Run(name+" is a fault of that membership alone", func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1), id(2))
			g.group(id(50), id(2))
			g.inner["/users/"+id(1)+"/memberOf"] = tt.answer
			g.outer["/expired"] = refusing(400, "Directory_ExpiredPageToken", "")
			g.outer["/again"] = list(`,"@odata.nextLink":"https://graph.microsoft.com/v1.0/again"`)
			reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50), id(1), id(2))})[0]
			expectFault(t, reading.Memberships[0].Err, tt.kind, tt.after, operation+tt.want)
			if reading.Presence != provision.Present || reading.Memberships[1].Standing != provision.Member {
				t.Errorf("reading is %+v", reading)
			}
		})
	}

	t.Run("on a later page does not undo what an earlier one says", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.group(id(50))
		g.group(id(51), id(1))
		g.inner["/users/"+id(1)+"/memberOf"] = list(`,"@odata.nextLink":"https://graph.microsoft.com/v1.0/broken"`)
		g.outer["/broken"] = raw(502, "text/html", "<html>")
		readings := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50), id(1)), about(id(51), id(1))})
		expectFault(t, readings[0].Memberships[0].Err, provision.Transient, 0, operation+"502")
		if got := standings(t, readings[1].Memberships); got[0] != provision.Member {
			t.Errorf("standing %v", got)
		}
	})

	t.Run("by a batch that fails is a fault of those in it", func(t *testing.T) {
		t.Parallel()
		g := newGraph(ids(25)...)
		g.group(id(50), ids(25)...)
		var batches int
		g.outer["/$batch"] = func(w http.ResponseWriter, r *http.Request) {
			if batches++; batches == 2 {
				refuse(w, 503, "ServiceUnavailable", "why")
				return
			}
			g.route(w, r)
		}
		reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50), ids(25)...)})[0]
		standings(t, reading.Memberships[:19])
		for i, m := range reading.Memberships[19:] {
			expectFault(t, m.Err, provision.Transient, 0,
				"read membership of user "+id(19+i)+" in group "+id(50)+" from Entra: 503 ServiceUnavailable: why")
		}
	})

	t.Run("of a group that is not there makes nobody a stranger", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.deleted[id(50)] = map[string]any{"id": id(50)}
		reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50), id(1), id(9))})[0]
		expectFault(t, reading.Memberships[0].Err, provision.Transient, 0, "read members of group "+id(50)+" from Entra: the group itself is not there")
		if reading.Presence != provision.SoftDeleted || reading.Memberships[1].Standing != provision.NoUser {
			t.Errorf("reading is %+v", reading)
		}
	})

	t.Run("of a group that could not be read makes nobody a stranger", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.group(id(50))
		g.inner["/groups/"+id(50)] = refusing(500, "InternalServerError", "")
		reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50), id(1))})[0]
		for _, err := range []error{reading.Err, reading.Memberships[0].Err} {
			expectFault(t, err, provision.Transient, 0, "read group "+id(50)+" from Entra: 500 InternalServerError: why")
		}
	})
}

func TestHiddenMembership(t *testing.T) {
	t.Parallel()
	hidden := "read members of group " + id(50) + " from Entra: its membership is hidden, and the access token does not show" +
		" the application permission Member.Read.Hidden (grant it, with admin consent, or change the group's visibility)"
	setup := func(token string) (*graph, *Client) {
		g := newGraph(id(1), id(2))
		g.token = token
		g.group(id(50), id(1))
		g.hide(id(50))
		return g, g.client(t, Config{Credential: StaticToken(token)})
	}
	permitted := jwt(`{"roles":["Group.Read.All","Member.Read.Hidden"]}`)

	for name, token := range map[string]string{
		"without the permission":                jwt(`{"roles":["Group.Read.All"]}`),
		"with a token that tells no permission": testToken,
	} {
		t.Run(name+" is a permanent fault, not strangers", func(t *testing.T) {
			t.Parallel()
			_, c := setup(token)
			reading := c.Read(t.Context(), []provision.Query{about(id(50), id(1), id(9))})[0]
			expectFault(t, reading.Memberships[0].Err, provision.Permanent, 0, hidden)
			if reading.Err != nil || reading.Memberships[1].Standing != provision.NoUser {
				t.Errorf("reading is %+v", reading)
			}
		})
		t.Run(name+" is a permanent fault, not an empty group", func(t *testing.T) {
			t.Parallel()
			_, c := setup(token)
			_, err := c.Members(t.Context(), id(50), false, "")
			expectFault(t, err, provision.Permanent, 0, hidden)
		})
	}

	t.Run("that is shown all the same is believed", func(t *testing.T) {
		t.Parallel()
		g, c := setup(testToken)
		g.shown = true
		reading := c.Read(t.Context(), []provision.Query{about(id(50), id(1))})[0]
		if got := standings(t, reading.Memberships); got[0] != provision.Member {
			t.Errorf("standing %v", got)
		}
	})

	t.Run("with the permission is believed", func(t *testing.T) {
		t.Parallel()
		g, c := setup(permitted)
		g.shown = true
		reading := c.Read(t.Context(), []provision.Query{about(id(50), id(1), id(2))})[0]
		if diff := cmp.Diff([]provision.Standing{provision.Member, provision.NotMember}, standings(t, reading.Memberships)); diff != "" {
			t.Error(diff)
		}
		delete(g.members, id(50))
		page, err := c.Members(t.Context(), id(50), false, "")
		if diff := cmp.Diff(provision.MemberPage{Users: []string{}}, page); diff != "" || err != nil {
			t.Errorf("error %v\n%s", err, diff)
		}
	})

	t.Run("with a token that is refused is that fault", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.group(id(50))
		g.hide(id(50))
		endpoint := &tokenEndpoint{status: 401, body: `{"error":"invalid_client"}`}
		credential, err := clientSecret(Public, id(99), id(98), "secret", endpoint)
		if err != nil {
			t.Fatal(err)
		}
		c := g.client(t, Config{Credential: credential})
		expectFault(t, c.seeHidden(t.Context(), id(50)), provision.Unauthorized, 0,
			"read the permissions of the access token: 401 token refused invalid_client")
	})
}

func TestSelection(t *testing.T) {
	t.Parallel()
	t.Run("names each attribute once, and none of a kind of object that is not read", func(t *testing.T) {
		t.Parallel()
		want := map[change.Kind][]string{
			change.User:  {"id", "mail"},
			change.Group: {"id", "securityEnabled", "visibility", "displayName"},
		}
		got, _ := selection(map[change.Kind][]string{
			change.User: {"mail", "id", "mail"}, change.Group: {"visibility", "displayName"}, "device": {"id"},
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
