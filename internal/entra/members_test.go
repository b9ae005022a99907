package entra

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

func TestMembers(t *testing.T) {
	t.Parallel()

	t.Run("are users, and others are counted", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.group(id(50), "0000000A-0000-4000-8000-00000000000B", id(2))
		g.group(id(51), id(3))
		g.nest(id(50), id(51))
		g.members[id(50)] = append(g.members[id(50)], listedAs("device", id(70)))
		c := g.client(t, Config{})
		for transitive, want := range map[bool]provision.MemberPage{
			false: {Users: []string{"0000000a-0000-4000-8000-00000000000b", id(2)}, Others: 2},
			true:  {Users: []string{"0000000a-0000-4000-8000-00000000000b", id(2), id(3)}, Others: 2},
		} {
			page, err := c.Members(t.Context(), id(50), transitive, "")
			if diff := cmp.Diff(want, page); diff != "" || err != nil {
				t.Errorf("transitive %v: error %v\n%s", transitive, err, diff)
			}
		}
		if len(g.calls) != 2 {
			t.Errorf("calls %v", g.calls)
		}
	})

	t.Run("come page by page", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.group(id(50), ids(5)...)
		g.pageSize = 2
		c := g.client(t, Config{})
		var got [][]string
		for page, first := "", true; first || page != ""; first = false {
			members, err := c.Members(t.Context(), id(50), false, page)
			if err != nil {
				t.Fatal(err)
			}
			got, page = append(got, members.Users), members.Next
		}
		if diff := cmp.Diff([][]string{ids(5)[:2], ids(5)[2:4], ids(5)[4:]}, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("may be none, once the group's visibility says so", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.group(id(50))
		page, err := g.client(t, Config{}).Members(t.Context(), id(50), false, "")
		if diff := cmp.Diff(provision.MemberPage{Users: []string{}}, page); diff != "" || err != nil {
			t.Errorf("error %v\n%s", err, diff)
		}
		want := []string{
			"GET /v1.0/groups/" + id(50) + "/members?$select=id&$top=999",
			"GET /v1.0/groups/" + id(50) + "?$select=id,visibility",
		}
		if diff := cmp.Diff(want, g.calls); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("are not none while the visibility cannot be read", func(t *testing.T) {
		t.Parallel()
		for name, tt := range map[string]struct {
			answer http.HandlerFunc
			kind   any
			want   string
		}{
			"no more":   {refusing(404, notFound, ""), provision.Gone, "404 Request_ResourceNotFound: why"},
			"forbidden": {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, "403 Authorization_RequestDenied: why (it needs the application permission Group.Read.All, with admin consent)"},
			"nothing":   {raw(204, "", ""), provision.Transient, "the answer is empty"},
			"another":   {raw(200, "application/json", `{"id":"`+id(51)+`","visibility":null}`), provision.Transient, "the answer is about another object"},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				g := newGraph()
				g.group(id(50))
				g.outer["/groups/"+id(50)] = tt.answer
				_, err := g.client(t, Config{}).Members(t.Context(), id(50), false, "")
				expectFault(t, err, tt.kind, 0, "read visibility of group "+id(50)+" from Entra: "+tt.want)
			})
		}
	})
}

func TestMembersRefused(t *testing.T) {
	t.Parallel()
	const next = "https://graph.microsoft.com/v1.0/next?$skiptoken=1"
	operation := "read members of group " + id(50) + " from Entra: "
	for name, tt := range map[string]struct {
		answer    http.HandlerFunc
		first     any // of a first page
		continued any // of a page that a nextLink leads to
		after     time.Duration
		want      string
	}{
		"of a group that is not there": {refusing(404, notFound, ""), provision.Gone, provision.Gone, 0, "404 Request_ResourceNotFound: why"},
		"by another 404":               {refusing(404, "UnknownError", ""), provision.Transient, provision.Transient, 0, "404 UnknownError: why"},
		"as a bad request":             {refusing(400, "Directory_ExpiredPageToken", ""), provision.Permanent, provision.Gone, 0, "400 Directory_ExpiredPageToken: why"},
		"as gone":                      {refusing(410, "Gone", ""), provision.Transient, provision.Gone, 0, "410 Gone: why"},
		"as forbidden": {
			refusing(403, "Authorization_RequestDenied", ""), provision.Permanent, provision.Permanent, 0,
			"403 Authorization_RequestDenied: why (it needs the application permission Member.Read.Hidden if its membership is hidden, else GroupMember.Read.All, with admin consent)",
		},
		"without a token accepted": {refusing(401, "InvalidAuthenticationToken", ""), provision.Unauthorized, provision.Unauthorized, 0, "401 InvalidAuthenticationToken: why"},
		"for a while":              {refusing(429, "TooManyRequests", "17"), provision.Throttled, provision.Throttled, 17 * time.Second, "429 TooManyRequests: why"},
		"by a gateway":             {raw(502, "text/html", "<html>"), provision.Transient, provision.Transient, 0, "502"},
		"with nothing":             {raw(204, "", ""), provision.Transient, provision.Transient, 0, "the answer is empty"},
		"with no list":             {raw(200, "application/json", `{"value":null}`), provision.Transient, provision.Transient, 0, "the answer has no list of objects"},
		"with a page of HTML":      {raw(200, "text/html", "<html>"), provision.Transient, provision.Transient, 0, "the answer is not a page of objects"},
		"with a nextLink to a foreign host": {
			raw(200, "application/json", `{"value":[],"@odata.nextLink":"https://evil.example/v1.0/next"}`), provision.Permanent, provision.Permanent, 0,
			"refused to send the token to another host: https://evil.example",
		},
	} {
		for page, kind := range map[string]any{"": tt.first, next: tt.continued} {
			t.Run("a page "+page+" refused "+name+" is "+fmt.Sprint(kind), func(t *testing.T) {
				t.Parallel()
				g := newGraph()
				g.outer["/groups/"+id(50)+"/members"], g.outer["/next"] = tt.answer, tt.answer
				got, err := g.client(t, Config{}).Members(t.Context(), id(50), false, page)
				expectFault(t, err, kind, tt.after, operation+tt.want)
				if diff := cmp.Diff(provision.MemberPage{}, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}

	for page, want := range map[string]string{
		"https://evil.example/v1.0/groups":                     "refused to send the token to another host: https://evil.example",
		"http://graph.microsoft.com/v1.0/groups":               "refused to send the token to another host: http://graph.microsoft.com",
		"https://graph.microsoft.com@evil.example/v1.0/groups": "refused to send the token to another host: https://evil.example",
		"/v1.0/groups": "refused to send the token to another host: ://",
		"https://graph.microsoft.com/beta/groups":                "refused to follow a link out of v1.0: /beta/groups",
		"https://graph.microsoft.com/v1.0/../beta/groups":        "refused to follow a link out of v1.0: /v1.0/../beta/groups",
		"https://graph.microsoft.com/v1.0/%2e%2e/beta/groups":    "refused to follow a link out of v1.0: /v1.0/../beta/groups",
		"https://graph.microsoft.com/v1.0":                       "refused to follow a link out of v1.0: /v1.0",
		"https://graph.microsoft.com/v1.0evil":                   "refused to follow a link out of v1.0: /v1.0evil",
		"https://graph.microsoft.com/v1.0/groups\x00$skiptoken=": "refused to follow a link out of v1.0: it is not a URL",
	} {
		t.Run("the page "+page+" gets no token and is Gone", func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			_, err := g.client(t, Config{}).Members(t.Context(), id(50), false, page)
			expectFault(t, err, provision.Gone, 0, operation+want)
			if len(g.calls) != 0 {
				t.Errorf("calls %v", g.calls)
			}
		})
	}
}

func TestGroupsOf(t *testing.T) {
	t.Parallel()

	t.Run("are all groups on all pages, and no directory roles", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.group(id(50))
		g.group(id(51), id(1))
		g.group(id(52), id(1))
		g.nest(id(50), id(51))
		g.pageSize = 1
		c := g.client(t, Config{})
		for _, tt := range []struct {
			object     change.Object
			transitive bool
			want       []string
		}{
			{change.Object{Kind: change.User, ID: id(1)}, false, []string{id(51), id(52)}},
			{change.Object{Kind: change.User, ID: id(1)}, true, []string{id(50), id(51), id(52)}},
			{change.Object{Kind: change.Group, ID: id(51)}, false, []string{id(50)}},
			{change.Object{Kind: change.Group, ID: id(51)}, true, []string{id(50)}},
			{change.Object{Kind: change.Group, ID: id(50)}, false, nil},
		} {
			got, err := c.GroupsOf(t.Context(), tt.object, tt.transitive)
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%s, transitive %v: error %v\n%s", tt.object, tt.transitive, err, diff)
			}
		}
	})

	user := change.Object{Kind: change.User, ID: id(1)}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		kind   any
		want   string
	}{
		"nobody":            {refusing(404, notFound, ""), provision.Gone, "404 Request_ResourceNotFound: why"},
		"one forbidden":     {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, "403 Authorization_RequestDenied: why (it needs the application permission User.Read.All, with admin consent)"},
		"one with no list":  {raw(200, "application/json", `{}`), provision.Transient, "the answer has no list of objects"},
		"one led elsewhere": {raw(200, "application/json", `{"value":[],"@odata.nextLink":"https://evil.example/v1.0/next"}`), provision.Permanent, "refused to send the token to another host: https://evil.example"},
		"one led in circle": {raw(200, "application/json", `{"value":[],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users/`+id(1)+`/memberOf"}`), provision.Transient, "after 2 pages the link leads back to one of them"},
	} {
		t.Run("of "+name+" are a fault", func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.outer["/users/"+id(1)+"/memberOf"] = tt.answer
			_, err := g.client(t, Config{}).GroupsOf(t.Context(), user, false)
			expectFault(t, err, tt.kind, 0, "read groups of "+user.String()+" from Entra: "+tt.want)
		})
	}
}

func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{"value":[{"@odata.type":"#microsoft.graph.user","id":"`+id(1)+`"},{"@odata.type":"#microsoft.graph.group","id":"x"}]}`), "")
	f.Add([]byte(`{"value":[],"@odata.nextLink":"https://graph.microsoft.com/v1.0/groups/`+id(50)+`/members?$skiptoken=1"}`), "https://graph.microsoft.com/v1.0/next")
	f.Add([]byte(`{"value":[null],"@odata.nextLink":7}`), "https://evil.example")
	f.Add([]byte(`{"value":[],"@odata.nextLink":"https://graph.microsoft.com@evil.example/v1.0/x"}`), "://")
	f.Fuzz(func(t *testing.T, body []byte, page string) {
		g := newGraph()
		g.outer["/groups/"+id(50)+"/members"] = raw(200, "application/json", string(body))
		g.outer["/next"] = raw(200, "application/json", string(body))
		c := g.client(t, Config{})
		got, err := c.Members(t.Context(), id(50), false, page)
		var f *provision.Fault
		if err != nil && (!errors.As(err, &f) || got.Users != nil || got.Others != 0 || got.Next != "") {
			t.Errorf("page %+v, error %v", got, err)
		}
		for _, user := range got.Users {
			if canonical, ok := change.ParseID(user); !ok || canonical != user {
				t.Errorf("user %q", user)
			}
		}
		if _, err := c.auth.link(got.Next); got.Next != "" && err != nil {
			t.Errorf("next page %q: %v", got.Next, err)
		}
	})
}

// BenchmarkMembers shows what a full page of members costs.
func BenchmarkMembers(b *testing.B) {
	g := newGraph()
	g.group(id(50), ids(999)...)
	c := g.client(b, Config{})
	b.ReportAllocs()
	for b.Loop() {
		if page, err := c.Members(b.Context(), id(50), false, ""); err != nil || len(page.Users) != 999 {
			b.Fatal(err)
		}
	}
}
