package check_test

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/infra"
	"entrawebex/internal/app"
	"entrawebex/internal/app/check"
	"entrawebex/internal/config"
	"entrawebex/internal/configuration"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/runtest"
)

// results are all of a check.
func results(ctx context.Context, t *testing.T, s config.Settings) []check.Result {
	t.Helper()
	var all []check.Result
	if err := check.Run(ctx, s, slog.New(slog.DiscardHandler), func(r check.Result) { all = append(all, r) }); err != nil {
		t.Fatal(err)
	}
	return all
}

// failed are the errors among results.
func failed(of []check.Result) []string {
	var errs []string
	for _, r := range of {
		if r.Err != nil {
			errs = append(errs, r.Err.Error())
		}
	}
	return errs
}

func TestCheckTellsWhoseTheLedgerIs(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	ledger := func(tenantID string) check.Result {
		t.Helper()
		settings, err := config.Load(t.Context(), config.Planner, append(s.Environ(), "WEBHOOK_URL=", "ENTRA_TENANT_ID="+tenantID), config.Secret)
		if err != nil {
			t.Fatal(err)
		}
		var found check.Result
		for _, r := range results(t.Context(), t, settings) { // what else fails is another test's
			if r.What == "Ledger" {
				found = r
			}
		}
		return found
	}
	const other = "99999999-6d4d-4958-8b9f-9d6445542f95"
	if got := ledger(sandbox.TenantID); got.Err != nil || !strings.Contains(got.Detail, "the first start makes it") {
		t.Errorf("before the first start: %+v", got)
	}
	if err := s.Open().Close(); err != nil {
		t.Fatal(err)
	}
	if got := ledger(sandbox.TenantID); got.Err != nil || !strings.Contains(got.Detail, "of this tenant and organization") {
		t.Errorf("ours: %+v", got)
	}
	if got := ledger(other); got.Err == nil || !strings.Contains(got.Err.Error(), "the ledger is bound to") {
		t.Errorf("another's: %+v", got)
	}
}

func TestCheckTellsOfAListThatIsRefused(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	unsorted := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("check sends %s %s", r.Method, r.URL.Path)
		}
		if r.URL.Query().Has("sortBy") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.Org.ServeHTTP(w, r)
	}))
	t.Cleanup(unsorted.Close)
	p := s.Open()
	s.Run(p, func(ctx context.Context) {
		settings := p.Settings
		settings.Webhook.URL = p.Subscriptions.WebhookURL
		settings.Webex.SCIMURL = unsorted.URL + "/identity/scim/" + sandbox.OrgID + "/v2"
		failures := failed(results(ctx, t, settings))
		for _, want := range []string{"list the users of Webex: Webex answered 400", "list the groups of Webex: Webex answered 400"} {
			if len(failures) != 2 || !strings.Contains(strings.Join(failures, "\n"), want) {
				t.Errorf("%q, want two failures, one with %q", failures, want)
			}
		}
	})
}

func TestThereIsAResultForEverythingARunNeeds(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	p := s.Open()
	s.Run(p, func(ctx context.Context) {
		settings := p.Settings
		settings.Webhook.URL = p.Subscriptions.WebhookURL
		const all = 13
		if found := results(ctx, t, settings); len(found) < all || len(failed(found)) > 0 {
			t.Errorf("%+v", found)
		}
		for _, mistake := range []struct {
			make  func(*config.Settings)
			lines int
			want  string
		}{
			{func(c *config.Settings) { c.Webex.AccessToken = "old" }, 1, "renew WEBEX_ACCESS_TOKEN"},
			{func(c *config.Settings) { c.Entra.AccessToken = "old" }, 6, "401"},
			{func(c *config.Settings) { c.Webhook.URL = s.GraphURL }, 2, "without authentication"},
			{func(c *config.Settings) { c.Webhook.URL = "http://127.0.0.1:1" }, 2, "start the webhook"},
		} {
			wrong := settings
			mistake.make(&wrong)
			failures := failed(results(ctx, t, wrong))
			if len(failures) != mistake.lines || !strings.Contains(strings.Join(failures, "\n"), mistake.want) {
				t.Errorf("%q, want %d failures with %q", failures, mistake.lines, mistake.want)
			}
		}
	})
}

// With SCOPE=all the application counts where its roles are mapped.
func TestTheApplicationWhoseRolesAreMappedIsTested(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	text := strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n",
		"users:\n  mappings:\n    - { target: title, expression: 'SingleAppRoleAssignment([appRoleAssignments])' }\n", 1)
	file := filepath.Join(t.TempDir(), "provisioning.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for app, want := range map[string]int{sandbox.AppID: 0, sandbox.TenantID: 1} {
		settings, err := s.Load("WEBHOOK_URL=", "ENTRA_APP_ID="+app, "MAPPING_FILE="+file)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var about []check.Result
		for _, r := range results(t.Context(), t, settings) {
			if r.What == "Enterprise application" {
				about = append(about, r)
			}
		}
		if len(about) != 1 || len(failed(about)) != want {
			t.Errorf("of %s: %+v", app, about)
		}
	}
}

// The token lists what it may do: what the mapping in force reads, and its filter, takes
// more of it.
func TestThePermissionsAreThoseThatTheMappingInForceNeeds(t *testing.T) {
	t.Parallel()
	const missing = " in the mapping or its filter is missing: add it to the app registration as an application permission and grant admin consent"
	for _, test := range []struct {
		name, scope, mapping string
		want                 []string
	}{
		{"the default", "", "", nil},
		{
			"custom security attributes in the filter", "  scope: [[{ attribute: customSecurityAttributes.HR.Grade, operator: IS NOT NULL }]]\n", "",
			[]string{"CustomSecAttributeAssignment.Read.All, for customSecurityAttributes" + missing},
		},
		{
			"the day of leaving", "", "    - { target: title, source: employeeLeaveDateTime }\n",
			[]string{"User-LifeCycleInfo.Read.All, for employeeLeaveDateTime" + missing},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := runtest.New(t, 4).Open()
			text := strings.Replace(string(infra.Provisioning()), "users:\n  mappings:\n", "users:\n"+test.scope+"  mappings:\n"+test.mapping, 1)
			store, err := app.Configurations(&p.Settings, p.Stores.Ledger)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Apply(t.Context(), []byte(text), 0, configuration.Version{By: "a test"}); err != nil {
				t.Fatal(err)
			}
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			settings := p.Settings
			settings.Entra.AccessToken = "e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"roles":["User.Read.All","Group.Read.All","Organization.Read.All"]}`)) + ".e30"
			var got []string
			for _, r := range results(t.Context(), t, settings) {
				if r.What == "Entra permission" && r.Err != nil {
					got = append(got, r.Err.Error())
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A group that a filter asks about is there, and who is in it can be read.
func TestTheGroupsOfAFilterAreTested(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	binned, err := s.Tenant.CreateGroup(graph.Group{"displayName": "Binned"})
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := s.Tenant.CreateGroup(graph.Group{"displayName": "Hidden", "groupTypes": []any{"Unified"}, "visibility": "HiddenMembership", "mailEnabled": true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tenant.DeleteGroup(binned); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ group, want string }{
		{s.Tenant.Groups()[0].Text("id"), ""},
		{binned, "asks about group " + binned + ", which Entra does not have"},
		{hidden, "its membership is hidden"},
	} {
		text := strings.Replace(string(infra.Provisioning()), "users:\n", "users:\n  scope: [[{ attribute: transitiveMemberOf, operator: IsMemberOf, value: "+test.group+" }]]\n", 1)
		file := filepath.Join(t.TempDir(), "provisioning.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		settings, err := s.Load("WEBHOOK_URL=", "MAPPING_FILE="+file)(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var about []check.Result
		for _, r := range results(t.Context(), t, settings) {
			if r.What == "Group of the scoping filter" {
				about = append(about, r)
			}
		}
		if len(about) != 1 || !strings.Contains(about[0].Detail, test.group) || (test.want == "") != (about[0].Err == nil) ||
			about[0].Err != nil && !strings.Contains(about[0].Err.Error(), test.want) {
			t.Errorf("%s: %+v", test.group, about)
		}
	}
}
