package entra

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/provision"
	simgraph "entrawebex/internal/sandbox/graph"
)

// withDomain asks for the default domain with users.
func withDomain() map[change.Kind][]string {
	return map[change.Kind][]string{change.User: {"accountEnabled", "displayName", expression.DefaultDomain}}
}

func TestTheDefaultDomainIsToldWithWhomItIsAskedFor(t *testing.T) {
	t.Parallel()
	tenant, c := newTenant(t, simgraph.Config{})
	user, group := named(t, tenant, "ada"), team(t, tenant, "sales")
	c = c.Selecting(withDomain())
	queries := append(asking(user), provision.Query{Object: change.Object{Kind: change.Group, ID: group}})
	readings := c.Read(t.Context(), queries)
	users, _, _ := round(t, c, change.User, "")
	groups, _, _ := round(t, c, change.Group, "")
	got := []any{readings[0].Attributes[expression.DefaultDomain], users[0].Attributes[expression.DefaultDomain]}
	if diff := cmp.Diff([]any{"contoso.example", "contoso.example"}, got); diff != "" {
		t.Error(diff)
	}
	for _, attributes := range []map[string]any{readings[1].Attributes, groups[0].Attributes} {
		if _, told := attributes[expression.DefaultDomain]; told {
			t.Errorf("it is told of a group, which has no mapping with it: %v", attributes)
		}
	}
}

func TestTheDefaultDomainIsReadOnceAnHourAndOnlyWhereItIsMapped(t *testing.T) {
	t.Parallel()
	const domains = "GET /v1.0/organization?$select=verifiedDomains"
	g := newGraph(id(1), id(2))
	g.outer["/organization"] = raw(200, "application/json", `{"value":[{"verifiedDomains":[{"name":"a.example","isDefault":false},{"name":"b.example","isDefault":true}]}]}`)
	c := g.client(t, Config{})
	now := testNow()
	c.now = func() time.Time { return now }
	asked := func() int {
		n := 0
		for _, call := range g.calls {
			if call == domains {
				n++
			}
		}
		return n
	}
	c.Read(t.Context(), asking(id(1)))
	if n := asked(); n != 0 {
		t.Errorf("it is asked %d times by a mapping without it", n)
	}
	for _, next := range []struct {
		after time.Duration
		asked int
	}{{0, 1}, {59 * time.Minute, 1}, {time.Minute, 2}} {
		now = now.Add(next.after)
		// A client that another mapping has reads it no more often.
		readings := c.Selecting(withDomain()).Read(t.Context(), asking(id(1), id(2)))
		if n := asked(); n != next.asked || readings[1].Attributes[expression.DefaultDomain] != "b.example" {
			t.Errorf("%v later it was asked %d times, %+v", next.after, n, readings[1])
		}
	}
	if i := slices.IndexFunc(g.calls, func(call string) bool { return strings.Contains(call, "DefaultDomain") }); i >= 0 {
		t.Error(g.calls[i])
	}
}

func TestADefaultDomainThatIsNotKnownIsAFaultOfTheReading(t *testing.T) {
	t.Parallel()
	of := func(domains string) http.HandlerFunc {
		return raw(200, "application/json", fmt.Sprintf(`{"value":[{"verifiedDomains":%s}]}`, domains))
	}
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"none is the default": {of(`[{"name":"a.example","isDefault":false}]`), "none of the verified domains is the default"},
		"none are shown":      {of(`null`), "none of the verified domains is the default"},
		"one has no name":     {of(`[{"name":"","isDefault":true}]`), "none of the verified domains is the default"},
		"one is too long":     {of(`[{"name":"` + strings.Repeat("a", 254) + `","isDefault":true}]`), "none of the verified domains is the default"},
		"it is no list":       {of(`{"name":5}`), "the verified domains cannot be read"},
		"there is no tenant":  {raw(200, "application/json", `{"value":[]}`), "the answer does not name one tenant"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1), id(2))
			g.outer["/organization"] = tt.answer
			g.outer["/users/delta()"] = raw(200, "application/json", fmt.Sprintf(
				`{"value":[{"id":%q,"accountEnabled":true}],"@odata.deltaLink":"https://graph.microsoft.com/v1.0/users/delta()?$deltatoken=1"}`, id(1)))
			c := g.client(t, Config{Select: withDomain()})
			for _, r := range c.Read(t.Context(), asking(id(1), id(2))) {
				expectFault(t, r.Err, provision.Transient, 0, "read organization: "+tt.want)
			}
			_, err := c.Delta(t.Context(), change.User, "")
			expectFault(t, err, provision.Transient, 0, "read organization: "+tt.want)
		})
	}
}
