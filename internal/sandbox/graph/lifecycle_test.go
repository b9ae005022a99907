package graph

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/simhttp"
)

// watched returns a tenant with a subscription to users whose lifecycle
// notifications go to a webhook of their own.
func watched(t *testing.T, cfg Config) (tenant *Tenant, changes, lifecycle *webhook) {
	t.Helper()
	changes, lifecycle = &webhook{status: http.StatusAccepted}, &webhook{status: http.StatusAccepted}
	cfg.Transport = simhttp.Network{"hook.example": changes, "life.example": lifecycle}
	tenant = newTenant(t, cfg)
	if status, body := subscribeOnce(t, tenant); status != http.StatusCreated {
		t.Fatalf("subscribe: %d %v", status, body)
	}
	return tenant, changes, lifecycle
}

func subscribeOnce(t *testing.T, tenant *Tenant) (int, map[string]any) {
	t.Helper()
	return call(t, tenant, http.MethodPost, "/v1.0/subscriptions", fmt.Sprintf(
		`{"changeType":"updated","resource":"users","clientState":"secret","notificationUrl":"https://hook.example/","lifecycleNotificationUrl":"https://life.example/","expirationDateTime":%q}`,
		tenant.now().Add(time.Hour).Format(time.RFC3339)))
}

func TestALifecycleNotificationSaysWhichSubscriptionItIsOf(t *testing.T) {
	t.Parallel()
	for _, event := range []string{ReauthorizationRequired, SubscriptionRemoved, Missed} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			tenant, changes, lifecycle := watched(t, Config{})
			_, list := call(t, tenant, http.MethodGet, "/v1.0/subscriptions", "")
			subscription := list["value"].([]any)[0].(map[string]any)
			must(t, tenant.Lifecycle(event))
			deliver(t, tenant, 1)
			want := []map[string]any{{
				"lifecycleEvent": event, "clientState": "secret", "subscriptionId": subscription["id"], "tenantId": tenantID,
				"subscriptionExpirationDateTime": "2026-03-02T10:41:07+00:00",
			}}
			if diff := cmp.Diff(want, slices.Concat(lifecycle.received()...)); diff != "" || len(changes.received()) > 0 {
				t.Errorf("%d changes, lifecycle (-want +got):\n%s", len(changes.received()), diff)
			}
			create(t, tenant, person1())
			left := map[bool]int{true: 0, false: 1}[event == SubscriptionRemoved]
			deliver(t, tenant, left)
		})
	}
}

func TestThereIsNoOtherLifecycleEvent(t *testing.T) {
	t.Parallel()
	tenant, _, _ := watched(t, Config{})
	if err := tenant.Lifecycle("born"); err == nil {
		t.Error("no error")
	}
	deliver(t, tenant, 0)
}

func TestSubscriptionsCanBeLostWithoutAWord(t *testing.T) {
	t.Parallel()
	tenant, _, _ := watched(t, Config{})
	tenant.DropSubscriptions()
	create(t, tenant, person1())
	deliver(t, tenant, 0)
	expectIDs(t, tenant, "/v1.0/subscriptions")
}

func TestASilentTenantNotifiesNobody(t *testing.T) {
	t.Parallel()
	tenant, changes, _ := watched(t, Config{Silent: true})
	id := create(t, tenant, person1())
	must(t, tenant.Lifecycle(Missed))
	deliver(t, tenant, 0)
	tenant.Silence(false)
	must(t, tenant.Update(id, func(u User) { u["displayName"] = "Ann" }))
	deliver(t, tenant, 1)
	tenant.Silence(true)
	must(t, tenant.Delete(id))
	deliver(t, tenant, 0)
	if len(changes.received()) != 1 {
		t.Errorf("received %v", changes.received())
	}
}

func TestAnExpiredSubscriptionDeliversNothingAndVanishes(t *testing.T) {
	t.Parallel()
	clock := newClock()
	tenant, _, _ := watched(t, Config{Now: clock.Now})
	create(t, tenant, person1())
	clock.At = clock.At.Add(time.Hour)
	deliver(t, tenant, 0)
	expectIDs(t, tenant, "/v1.0/subscriptions")
}

func TestOneSubscriptionTooManyIsRefused(t *testing.T) {
	t.Parallel()
	tenant, _, _ := watched(t, Config{MaxSubscriptions: 2})
	if status, body := subscribeOnce(t, tenant); status != http.StatusCreated {
		t.Fatalf("second: %d %v", status, body)
	}
	if status, body := subscribeOnce(t, tenant); status != http.StatusForbidden {
		t.Errorf("third: %d %v", status, body)
	}
	subscribe(t, tenant, "updated", "groups")
}

func TestSubscriptionsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	tenant, _, _ := watched(t, Config{})
	var ids []string
	for range subscriptionPage {
		_, body := subscribeOnce(t, tenant)
		ids = append(ids, fmt.Sprint(body["id"]))
	}
	_, first := call(t, tenant, http.MethodGet, "/v1.0/subscriptions", "")
	list := first["value"].([]any)
	if next, _ := first["@odata.nextLink"].(string); len(list) != subscriptionPage || next == "" {
		t.Fatalf("%d on the first page, then %q", len(list), next)
	}
	ids = append([]string{fmt.Sprint(list[0].(map[string]any)["id"])}, ids...)
	expectIDs(t, tenant, "/v1.0/subscriptions", ids...)
}
