package entra

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

func TestWhoHasANameIsFoundAmongUsersAndGroups(t *testing.T) {
	t.Parallel()
	g := newGraph()
	var filters []string
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			filters = append(filters, r.URL.Query().Get("$filter"))
			raw(http.StatusOK, "application/json", body)(w, r)
		}
	}
	g.outer["/users"] = answer(`{"value":[{"id":"` + id(1) + `","displayName":"O'Hara","userPrincipalName":"pat@example.com"}]}`)
	g.outer["/groups"] = answer(`{"value":[{"id":"` + id(50) + `","displayName":"O'Hara"}]}`)
	found, err := g.client(t, Config{}).Find(t.Context(), "O'Hara")
	if err != nil {
		t.Fatal(err)
	}
	want := []Found{
		{change.Object{Kind: change.User, ID: id(1)}, "pat@example.com"},
		{change.Object{Kind: change.Group, ID: id(50)}, "O'Hara"},
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	asked := []string{
		"userPrincipalName eq 'O''Hara' or displayName eq 'O''Hara' or mail eq 'O''Hara'", "displayName eq 'O''Hara' or mail eq 'O''Hara'",
	}
	if diff := cmp.Diff(asked, filters); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWhoHasAnAddressIsFoundByIt(t *testing.T) {
	t.Parallel()
	g := newGraph()
	g.outer["/users"] = raw(http.StatusOK, "application/json", `{"value":[
		{"id":"`+id(1)+`","displayName":"Pat","userPrincipalName":"pat@example.com","mail":"Pat.OHara@example.com"},
		{"id":"`+id(2)+`","displayName":"Sam","userPrincipalName":"sam@example.com","mail":null}]}`)
	g.outer["/groups"] = raw(http.StatusOK, "application/json", `{"value":[{"id":"`+id(50)+`","displayName":"All","mail":"all@example.com"}]}`)
	client := g.client(t, Config{})
	for address, want := range map[string]Found{
		"pat.ohara@example.com": {change.Object{Kind: change.User, ID: id(1)}, "pat@example.com"},
		"all@example.com":       {change.Object{Kind: change.Group, ID: id(50)}, "All"},
	} {
		found, err := client.Find(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]Found{want}, found); diff != "" {
			t.Errorf("%s: -want +got:\n%s", address, diff)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(`{"value":[{"id":"`+id(1)+`","displayName":null,"userPrincipalName":"a@example.com"}]}`), "a@example.com")
	f.Add([]byte(`{"value":[{"id":"x"}]}`), "' or '")
	f.Add([]byte(`{"value":null}`), "")
	f.Fuzz(func(t *testing.T, body []byte, name string) {
		g := newGraph()
		g.outer["/users"] = raw(http.StatusOK, "application/json", string(body))
		g.outer["/groups"] = raw(http.StatusOK, "application/json", string(body))
		found, err := g.client(t, Config{}).Find(t.Context(), name)
		var fault *provision.Fault
		if err != nil && (!errors.As(err, &fault) || found != nil) {
			t.Errorf("%v, %v", found, err)
		}
		for _, one := range found {
			if canonical, ok := change.ParseID(one.ID); !ok || canonical != one.ID {
				t.Errorf("id %q", one.ID)
			}
		}
	})
}
