package entra

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/printable"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

func wanted(resource string) renew.Subscription {
	return renew.Subscription{
		Resource: resource, ChangeType: "updated,deleted", NotificationURL: "https://hook.example/notifications",
		LifecycleURL: "https://hook.example/lifecycle", ClientState: "shibboleth", ExpiresAt: testNow().Add(48 * time.Hour),
	}
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()

	t.Run("are created, listed over all pages, renewed and deleted", func(t *testing.T) {
		t.Parallel()
		c := newGraph().client(t, Config{})
		all := make([]renew.Subscription, 0, 2)
		for _, resource := range []string{"users", "groups"} {
			created, err := c.CreateSubscription(t.Context(), wanted(resource))
			if err != nil {
				t.Fatal(err)
			}
			want := wanted(resource)
			want.ID, want.ClientState = created.ID, ""
			if diff := cmp.Diff(want, created); diff != "" || created.ID == "" {
				t.Errorf("created (-want +got):\n%s", diff)
			}
			all = append(all, created)
		}
		renewed, err := c.RenewSubscription(t.Context(), all[0].ID, testNow().Add(72*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		all[0].ExpiresAt = testNow().Add(72 * time.Hour)
		if diff := cmp.Diff(all[0], renewed); diff != "" {
			t.Errorf("renewed (-want +got):\n%s", diff)
		}
		listed, err := c.Subscriptions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all, listed); diff != "" {
			t.Errorf("listed (-want +got):\n%s", diff)
		}
		if err := c.DeleteSubscription(t.Context(), all[0].ID); err != nil {
			t.Fatal(err)
		}
		if listed, err := c.Subscriptions(t.Context()); err != nil || len(listed) != 1 {
			t.Errorf("left %v, error %v", listed, err)
		}
	})

	t.Run("that are not there cannot be renewed and need no deletion", func(t *testing.T) {
		t.Parallel()
		c := newGraph().client(t, Config{})
		_, err := c.RenewSubscription(t.Context(), id(5), testNow())
		expectFault(t, err, provision.Gone, 0, "renew subscription "+id(5)+": 404 ResourceNotFound: The object was not found.")
		if err := c.DeleteSubscription(t.Context(), id(5)); err != nil {
			t.Errorf("deleted again: %v", err)
		}
	})

	t.Run("that are refused say why, and what to do", func(t *testing.T) {
		t.Parallel()
		for _, test := range []struct {
			resource      string
			status        int
			code, message string
			kind          provision.FaultKind
			want          string
		}{
			{
				"users", http.StatusBadRequest, "ValidationError", "Subscription validation request timed out.\r\n", provision.Permanent,
				"400 ValidationError: Subscription validation request timed out. (Graph calls WEBHOOK_URL, with /notifications and /lifecycle, before it answers: both must be reached from the internet and repeat its token within 10 s; entrawebex check tries them)",
			},
			{
				"users", http.StatusForbidden, "Forbidden", "Number of subscriptions has exceeded the limit per application.", provision.Unauthorized,
				"403 Forbidden: Number of subscriptions has exceeded the limit per application. (the quota of subscriptions is used up: 100 of an app and 1,000 of all apps in a tenant, for users and for groups each; delete those that are not needed)",
			},
			{
				"users", http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges.", provision.Unauthorized,
				"403 Authorization_RequestDenied: Insufficient privileges. (it needs the application permission User.Read.All, with admin consent)",
			},
			{
				"groups", http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges.", provision.Unauthorized,
				"403 Authorization_RequestDenied: Insufficient privileges. (it needs the application permission Group.Read.All, with admin consent)",
			},
		} {
			g := newGraph()
			g.outer["/subscriptions"] = func(w http.ResponseWriter, _ *http.Request) {
				refuse(w, test.status, test.code, test.message)
			}
			_, err := g.client(t, Config{}).CreateSubscription(t.Context(), wanted(test.resource))
			expectFault(t, err, test.kind, 0, "create subscription to "+test.resource+": "+test.want)
		}
	})

	t.Run("that may have been created are uncertain", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.outer["/subscriptions"] = raw(502, "text/html", "<html>")
		_, err := g.client(t, Config{}).CreateSubscription(t.Context(), wanted("users"))
		expectFault(t, err, provision.Transient, 0, "create subscription to users: 502")
		if !provision.AsFault(err).Uncertain {
			t.Error("the fault is certain")
		}
	})

	t.Run("on pages without end are given up", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.outer["/subscriptions"] = raw(200, "application/json", `{"value":[null],"@odata.nextLink":"https://graph.microsoft.com/v1.0/subscriptions"}`)
		_, err := g.client(t, Config{}).Subscriptions(t.Context())
		expectFault(t, err, provision.Transient, 0, "list subscriptions: after 2 pages the link leads back to one of them")
	})

	t.Run("answered with nothing are a fault", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.outer["/subscriptions"] = raw(204, "", "")
		c := g.client(t, Config{})
		_, err := c.Subscriptions(t.Context())
		expectFault(t, err, provision.Transient, 0, "list subscriptions: the answer is empty")
		_, err = c.CreateSubscription(t.Context(), wanted("users"))
		expectFault(t, err, provision.Transient, 0, "create subscription to users: the answer is empty")
	})

	t.Run("that are not listed are not none", func(t *testing.T) {
		t.Parallel()
		for _, answer := range []string{`{}`, `{"value":null}`} {
			g := newGraph()
			g.outer["/subscriptions"] = raw(200, "application/json", answer)
			_, err := g.client(t, Config{}).Subscriptions(t.Context())
			expectFault(t, err, provision.Transient, 0, "list subscriptions: the answer has no list of subscriptions")
		}
	})
}

func TestASubscriptionIsReadSingly(t *testing.T) {
	t.Parallel()
	c := newGraph().client(t, Config{})
	created, err := c.CreateSubscription(t.Context(), wanted("users"))
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.Subscription(t.Context(), created.ID)
	if diff := cmp.Diff(created, read); diff != "" || err != nil {
		t.Errorf("error %v, read (-want +got):\n%s", err, diff)
	}
	_, err = c.Subscription(t.Context(), id(5))
	expectFault(t, err, provision.Gone, 0, "read subscription "+id(5)+": 404 ResourceNotFound: The object was not found.")
}

func TestASubscriptionInTheWayOfAnotherIsNamed(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"Subscription Id c0ffee00-0000-4000-8000-000000000001 already exists for the requested combination":         "c0ffee00-0000-4000-8000-000000000001",
		"Subscription id: 'C0FFEE00-0000-4000-8000-000000000001' already exists.":                                   "c0ffee00-0000-4000-8000-000000000001",
		strings.Repeat("It goes on for long. ", 10) + "Subscription Id c0ffee00-0000-4000-8000-000000000001 exists": "c0ffee00-0000-4000-8000-000000000001",
		"A subscription already exists for the requested combination":                                               "",
		"Tenant c0ffee00-0000-4000-8000-000000000001 has one already":                                               "",
	} {
		g := newGraph()
		g.outer["/subscriptions"] = func(w http.ResponseWriter, _ *http.Request) {
			refuse(w, http.StatusConflict, "ObjectIdentifierInUse", message)
		}
		_, err := g.client(t, Config{}).CreateSubscription(t.Context(), wanted("users"))
		expectFault(t, err, provision.Exists, 0, "create subscription to users: 409 ObjectIdentifierInUse: "+printable.Short(message, 200))
		inTheWay, ok := errors.AsType[*renew.InUse](err)
		if ok != (want != "") || ok && inTheWay.ID != want {
			t.Errorf("%s: %+v, want %q", message, inTheWay, want)
		}
	}
}
