package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/sandboxtest"
	"entrawebex/internal/sandbox/simhttp"
)

// webhook is an endpoint that proves itself and keeps what it is sent.
type webhook struct {
	mu         sync.Mutex
	status     int // what deliveries are answered with
	deliveries [][]map[string]any
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Has("validationToken") {
		echo(w, r)
		return
	}
	var delivery struct {
		Value []map[string]any `json:"value"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	if err := decoder.Decode(&delivery); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deliveries = append(h.deliveries, delivery.Value)
	w.WriteHeader(h.status)
}

func (h *webhook) answer(status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.status = status
}

func (h *webhook) received() [][]map[string]any {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.deliveries)
}

func (h *webhook) changeTypes() []string {
	var types []string
	for _, n := range slices.Concat(h.received()...) {
		types = append(types, fmt.Sprint(n["changeType"]))
	}
	return types
}

// echo answers a validation as an endpoint should.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(w, r.URL.Query().Get("validationToken"))
})

func subscribed(t *testing.T, changeType, resource string) (*Tenant, *webhook, *sandboxtest.Clock) {
	t.Helper()
	c, hook := newClock(), &webhook{status: http.StatusAccepted}
	tenant := newTenant(t, Config{Now: c.Now, Transport: simhttp.Network{"hook.example": hook}})
	subscribe(t, tenant, changeType, resource)
	return tenant, hook, c
}

func subscribe(t *testing.T, tenant *Tenant, changeType, resource string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{
		"changeType": changeType, "resource": resource, "clientState": "secret",
		"notificationUrl": "https://hook.example/notifications", "expirationDateTime": tenant.now().Add(24 * time.Hour),
	})
	must(t, err)
	if status, answer := call(t, tenant, http.MethodPost, "/v1.0/subscriptions", string(body)); status != http.StatusCreated {
		t.Fatalf("subscribe: %d %v", status, answer)
	}
}

func deliver(t *testing.T, tenant *Tenant, want int) {
	t.Helper()
	if n, err := tenant.Deliver(t.Context()); n != want || err != nil {
		t.Fatalf("Deliver() = %d, %v, want %d", n, err, want)
	}
}

func TestANotificationHasTheCapturedShape(t *testing.T) {
	t.Parallel()
	tenant, hook, _ := subscribed(t, "updated,deleted", "/users")
	create(t, tenant, User{"id": wellKnownID, "userPrincipalName": "wanda@" + domain, "displayName": "Wanda"})
	deliver(t, tenant, 1)
	want := [][]map[string]any{{{
		"changeType": "updated", "clientState": "secret", "resource": "Users/" + wellKnownID,
		"resourceData": map[string]any{
			"@odata.type": "#Microsoft.Graph.User", "@odata.id": "Users/" + wellKnownID, "id": wellKnownID,
			"organizationId": tenantID, "eventTime": "2026-03-02T09:41:07.3062901Z",
			"sequenceNumber": json.Number("639080412673062901"),
		},
		"subscriptionExpirationDateTime": "2026-03-03T09:41:07.3062901+00:00",
		"subscriptionId":                 tenant.subscriptions[0].id, "tenantId": tenantID,
	}}}
	if diff := cmp.Diff(want, hook.received()); diff != "" {
		t.Errorf("notification differs (-want +got):\n%s", diff)
	}
}

func TestNotificationsOfAGroupHaveTheCapturedShapes(t *testing.T) {
	t.Parallel()
	tenant, hook, _ := subscribed(t, "updated,deleted", "/groups")
	create(t, tenant, User{"id": wellKnownID, "userPrincipalName": "wanda@" + domain, "displayName": "Wanda"})
	createGroup(t, tenant, Group{"id": salesID, "displayName": "Sales"})
	must(t, tenant.AddMembers(salesID, wellKnownID))
	must(t, tenant.RemoveMembers(salesID, wellKnownID))
	deliver(t, tenant, 3)
	notification := func(data map[string]any) map[string]any {
		data["@odata.type"], data["@odata.id"] = "#Microsoft.Graph.Group", "Groups/"+salesID
		data["id"], data["organizationId"] = salesID, tenantID
		return map[string]any{
			"changeType": "updated", "clientState": "secret", "resource": "Groups/" + salesID, "resourceData": data,
			"subscriptionExpirationDateTime": "2026-03-03T09:41:07.3062901+00:00",
			"subscriptionId":                 tenant.subscriptions[0].id, "tenantId": tenantID,
		}
	}
	want := [][]map[string]any{{
		notification(map[string]any{"eventTime": "2026-03-02T09:41:07.3062901Z", "sequenceNumber": json.Number("639080412673062902")}),
		notification(map[string]any{"members@delta": []any{map[string]any{"id": wellKnownID}}}),
		notification(map[string]any{"members@delta": []any{map[string]any{"id": wellKnownID, "@removed": "deleted"}}}),
	}}
	if diff := cmp.Diff(want, hook.received()); diff != "" {
		t.Errorf("notifications differ (-want +got):\n%s", diff)
	}
}

// told returns what the notifications are of, in a few words each: the type
// and id, and the members with a sign.
func (h *webhook) told(names map[string]string) []string {
	var told []string
	for _, n := range slices.Concat(h.received()...) {
		data := n["resourceData"].(map[string]any)
		words := []string{n["changeType"].(string), names[data["id"].(string)]}
		members, _ := data["members@delta"].([]any)
		for _, m := range members {
			member := m.(map[string]any)
			sign := "+"
			if member["@removed"] == "deleted" {
				sign = "-"
			}
			words = append(words, sign+names[member["id"].(string)])
		}
		told = append(told, strings.Join(words, " "))
	}
	return told
}

func TestASoftDeletionIsAlsoOneOfTheMembershipAndARestorationIsNot(t *testing.T) {
	t.Parallel()
	tenant, hook, _ := subscribed(t, "updated,deleted", "users")
	user := create(t, tenant, person1())
	var groups []string
	for _, name := range []string{"deleted", "outer", "inner"} {
		groups = append(groups, createGroup(t, tenant, Group{"displayName": name}))
	}
	must(t, tenant.AddMembers(groups[0], user, groups[2]))
	must(t, tenant.AddMembers(groups[1], user, groups[2]))
	must(t, tenant.AddMembers(groups[2], user))
	must(t, tenant.DeleteGroup(groups[0]))
	subscribe(t, tenant, "updated,deleted", "groups")
	must(t, tenant.Delete(user))
	must(t, tenant.Restore(user))
	must(t, tenant.DeleteGroup(groups[2]))
	must(t, tenant.Delete(user))
	must(t, tenant.Purge(user))
	must(t, tenant.RestoreGroup(groups[2]))
	must(t, tenant.DeleteGroup(groups[2]))
	must(t, tenant.PurgeGroup(groups[2]))
	if _, err := tenant.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"updated user",                                               // created
		"updated user", "updated outer -user", "updated inner -user", // deleted
		"updated user",                          // restored
		"updated inner", "updated outer -inner", // deleted
		"updated user", "updated outer -user", // deleted
		"deleted user",
		"updated inner",                         // restored
		"updated inner", "updated outer -inner", // deleted
		"deleted inner",
	}
	names := map[string]string{user: "user", groups[0]: "deleted", groups[1]: "outer", groups[2]: "inner"}
	if diff := cmp.Diff(want, hook.told(names)); diff != "" {
		t.Errorf("notifications differ (-want +got):\n%s", diff)
	}
}

func TestOneCallForMembersIsOneNotificationUpToAThousand(t *testing.T) {
	t.Parallel()
	tenant, hook, _ := subscribed(t, "updated", "groups/"+salesID)
	createGroup(t, tenant, Group{"id": salesID, "displayName": "Sales"})
	other := createGroup(t, tenant, Group{"displayName": "Other"})
	users := crowd(t, tenant, 2500)
	must(t, tenant.AddMembers(salesID, users...))
	must(t, tenant.RemoveMembers(salesID, users[:1000]...))
	must(t, tenant.AddMembers(salesID))
	must(t, tenant.AddMembers(other, users...)) // nobody subscribed to it
	deliver(t, tenant, 5)
	var sizes []int
	for _, n := range slices.Concat(hook.received()...) {
		members, _ := n["resourceData"].(map[string]any)["members@delta"].([]any)
		sizes = append(sizes, len(members))
	}
	if diff := cmp.Diff([]int{0, 1000, 1000, 500, 1000}, sizes); diff != "" {
		t.Errorf("sizes differ (-want +got):\n%s", diff)
	}
}

func TestEveryChangeIsUpdatedAndOnlyThePurgeIsDeleted(t *testing.T) {
	t.Parallel()
	tenant, hook, _ := subscribed(t, "updated,deleted", "users")
	id := create(t, tenant, person1())
	must(t, tenant.Update(id, func(User) {}))
	must(t, tenant.Delete(id))
	must(t, tenant.Restore(id))
	must(t, tenant.Delete(id))
	must(t, tenant.Purge(id))
	deliver(t, tenant, 6)
	want := []string{"updated", "updated", "updated", "updated", "updated", "deleted"}
	if diff := cmp.Diff(want, hook.changeTypes()); diff != "" {
		t.Errorf("change types differ (-want +got):\n%s", diff)
	}
}

func TestOnlyMatchingSubscriptionsAreNotified(t *testing.T) {
	t.Parallel()
	tenant, hook, _ := subscribed(t, "deleted", "/users")
	id := create(t, tenant, person1())
	subscribe(t, tenant, "updated", "/users/"+id)
	create(t, tenant, User{"userPrincipalName": "bo@" + domain, "displayName": "Bo"})
	must(t, tenant.Delete(id))
	must(t, tenant.Purge(id))
	deliver(t, tenant, 2)
	if diff := cmp.Diff([]string{"updated", "deleted"}, hook.changeTypes()); diff != "" {
		t.Errorf("change types differ (-want +got):\n%s", diff)
	}
}

func TestDeliveriesHoldUpToTwentyNotifications(t *testing.T) {
	t.Parallel()
	tenant, hook, _ := subscribed(t, "updated", "users")
	id := create(t, tenant, person1())
	for range 44 {
		must(t, tenant.Update(id, func(User) {}))
	}
	deliver(t, tenant, 45)
	var sizes []int
	for _, delivery := range hook.received() {
		sizes = append(sizes, len(delivery))
	}
	if diff := cmp.Diff([]int{20, 20, 5}, sizes); diff != "" {
		t.Errorf("sizes differ (-want +got):\n%s", diff)
	}
}

func TestARefusedDeliveryIsMadeAgainLaterAndLaterForFourHours(t *testing.T) {
	t.Parallel()
	tenant, hook, c := subscribed(t, "updated", "users")
	hook.answer(http.StatusServiceUnavailable)
	create(t, tenant, person1())
	start := c.At
	var tries []time.Duration
	for ; tenant.Undelivered() > 0; c.At = c.At.Add(10 * time.Second) {
		if n, err := tenant.Deliver(t.Context()); n != 0 || err != nil && len(hook.received()) == 0 {
			t.Fatalf("Deliver() = %d, %v", n, err)
		}
		if len(hook.received()) > len(tries) {
			tries = append(tries, c.At.Sub(start))
		}
	}
	if diff := cmp.Diff([]time.Duration{0, 10 * time.Second, 30 * time.Second, 70 * time.Second}, tries[:4]); diff != "" {
		t.Errorf("first tries differ (-want +got):\n%s", diff)
	}
	if last := tries[len(tries)-1]; last > deliveryLifetime || last < deliveryLifetime-lastRetry {
		t.Errorf("last try after %v, want the last that is before 4 h", last)
	}
}

func TestARefusedDeliveryArrivesOnceTheEndpointIsBack(t *testing.T) {
	t.Parallel()
	tenant, hook, c := subscribed(t, "updated", "users")
	hook.answer(http.StatusServiceUnavailable)
	create(t, tenant, person1())
	if n, err := tenant.Deliver(t.Context()); n != 0 || err == nil {
		t.Fatalf("Deliver() = %d, %v, want an error", n, err)
	}
	hook.answer(http.StatusAccepted)
	deliver(t, tenant, 0)
	c.At = c.At.Add(firstRetry)
	deliver(t, tenant, 1)
	if n := tenant.Undelivered(); n != 0 {
		t.Errorf("Undelivered() = %d, want 0", n)
	}
}

func TestNothingIsDeliveredToASubscriptionThatHasEnded(t *testing.T) {
	t.Parallel()
	tenant, hook, c := subscribed(t, "updated", "users")
	create(t, tenant, person1())
	c.At = c.At.Add(24 * time.Hour)
	deliver(t, tenant, 0)
	if len(hook.received()) != 0 || tenant.Undelivered() != 0 {
		t.Errorf("received %v, %d left", hook.received(), tenant.Undelivered())
	}
}

func TestRunDeliversWhatArisesAndRetriesWhatFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hook := &webhook{status: http.StatusServiceUnavailable}
		tenant := newTenant(t, Config{Now: time.Now, Transport: simhttp.Network{"hook.example": hook}})
		subscribe(t, tenant, "updated", "users")
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			tenant.Run(ctx)
		}()
		create(t, tenant, person1())
		synctest.Wait()
		if len(hook.received()) != 1 {
			t.Errorf("tried %d times at once, want 1", len(hook.received()))
		}
		hook.answer(http.StatusAccepted)
		time.Sleep(firstRetry + time.Second) // virtual
		synctest.Wait()
		if len(hook.received()) != 2 || tenant.Undelivered() != 0 {
			t.Errorf("tried %d times, %d left, want 2 and none", len(hook.received()), tenant.Undelivered())
		}
		cancel()
		<-done
	})
}
