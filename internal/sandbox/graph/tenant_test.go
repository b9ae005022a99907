package graph

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox/simhttp"
)

func TestATenantNeedsAnIDAndADomain(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{ID: "contoso", Domain: domain}, {ID: tenantID}} {
		if _, err := New(cfg); err == nil {
			t.Errorf("New(%+v) returned no error", cfg)
		}
	}
}

func TestANameBelongsToOneLiveUser(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	ann := create(t, tenant, person1())
	bo := create(t, tenant, User{"userPrincipalName": "bo@" + domain, "displayName": "Bo"})
	toAnn := func(u User) { u["userPrincipalName"] = "ANN.LEE@" + domain }

	if err := tenant.Update(bo, toAnn); err == nil {
		t.Error("a live user's name was given to another")
	}
	if err := tenant.Update(ann, toAnn); err != nil {
		t.Errorf("a user's own name was refused in another case: %v", err)
	}
	must(t, tenant.Delete(ann))
	if err := tenant.Update(bo, toAnn); err != nil {
		t.Errorf("a deleted user's name was refused: %v", err)
	}
	if err := tenant.Restore(ann); err == nil {
		t.Error("a user was restored under a name that another has now")
	}
	must(t, tenant.Update(bo, func(u User) { u["userPrincipalName"] = "bo@" + domain }))
	if err := tenant.Restore(ann); err != nil {
		t.Errorf("restore under a free name: %v", err)
	}
}

// A line of the mapping file is all that a newly mapped attribute takes.
func TestATenantHasEachAttributeThatAMappingMayRead(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	user := create(t, tenant, person1())
	group := createGroup(t, tenant, Group{"displayName": "All", "mailEnabled": false, "mailNickname": "all", "securityEnabled": true})
	for kind, path := range map[change.Kind]string{change.User: "/v1.0/users/" + user, change.Group: "/v1.0/groups/" + group} {
		for _, a := range mapping.SourceAttributes(kind) {
			if a.Refused != "" || strings.HasPrefix(a.Graph, "extension_") ||
				slices.Contains([]string{managerRelation, mapping.AppRoleAssignments, securityAttributes}, a.Graph) {
				continue // refused, tested below, or asked for in another way
			}
			code, body := call(t, tenant, http.MethodGet, path+"?$select="+a.Graph, "")
			if _, shown := body[a.Graph]; code != http.StatusOK || !shown {
				t.Errorf("%s %s: %d %v", kind, a.Name, code, body)
			}
		}
	}
}

// A directory extension without a value is left out of an answer.
func TestAnExtendedTenantHasEveryDirectoryExtension(t *testing.T) {
	t.Parallel()
	const name = "extension_0123456789abcdef0123456789abcdef_badge"
	tenant := newTenant(t, Config{Extended: true})
	id := create(t, tenant, person1())
	for _, value := range []any{nil, "7", nil} {
		must(t, tenant.Update(id, func(u User) { u[name] = value }))
		code, body := call(t, tenant, http.MethodGet, "/v1.0/users/"+id+"?$select="+name, "")
		if got, shown := body[name]; code != http.StatusOK || shown != (value != nil) || got != value {
			t.Errorf("%v: %d %v", value, code, body)
		}
	}
	if code, _ := call(t, tenant, http.MethodGet, "/v1.0/users/"+id+"?$select=extension_badge", ""); code != http.StatusBadRequest {
		t.Errorf("what has no application is answered %d", code)
	}
	other := newTenant(t, Config{})
	if code, _ := call(t, other, http.MethodGet, "/v1.0/users/"+create(t, other, person1())+"?$select="+name, ""); code != http.StatusBadRequest {
		t.Errorf("where none was made one is answered %d", code)
	}
}

func TestTheLastNameIsThatAfterARenameAndBack(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	id := create(t, tenant, person1())
	for _, name := range []string{"ann.may@" + domain, "ann.lee@" + domain} {
		must(t, tenant.Update(id, func(u User) { u["userPrincipalName"] = name }))
	}
	for _, step := range []func(string) error{func(string) error { return nil }, tenant.Delete, tenant.Purge} {
		must(t, step(id))
		if got := tenant.LastName(id); got != "ann.lee@"+domain {
			t.Errorf("it is %q", got)
		}
	}
	if got := tenant.LastName("nobody"); got != "" {
		t.Errorf("of nobody it is %q", got)
	}
}

func TestDeletionManglesTheNameAndRestoringBringsItBack(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	id := create(t, tenant, person1())
	must(t, tenant.Delete(id))
	_, body := call(t, tenant, http.MethodGet, "/v1.0/directory/deletedItems/"+id+"/graph.user?$select=userPrincipalName", "")
	if want := strings.ReplaceAll(id, "-", "") + "ann.lee@" + domain; body["userPrincipalName"] != want {
		t.Errorf("in the recycle bin it is %v, want %s", body["userPrincipalName"], want)
	}
	must(t, tenant.Restore(id))
	user, err := tenant.User(id)
	must(t, err)
	if got := user.Text("userPrincipalName"); got != "ann.lee@"+domain {
		t.Errorf("restored as %s", got)
	}
	if user["deletedDateTime"] != nil {
		t.Error("restored with a deletedDateTime")
	}
}

func TestWhatIsInAnotherPlaceIsNotFound(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	gone := create(t, tenant, person1())
	must(t, tenant.Delete(gone))
	must(t, tenant.Purge(gone))
	deleted := create(t, tenant, person1())
	must(t, tenant.Delete(deleted))
	here := create(t, tenant, person1())
	for name, err := range map[string]error{
		"delete a deleted user":  tenant.Delete(deleted),
		"update a deleted user":  tenant.Update(deleted, func(User) {}),
		"restore a live user":    tenant.Restore(here),
		"purge a live user":      tenant.Purge(here),
		"purge a purged user":    tenant.Purge(gone),
		"restore a purged user":  tenant.Restore(gone),
		"delete an unknown user": tenant.Delete("x"),
	} {
		var refused *graphError
		if !errors.As(err, &refused) || refused.code != "Request_ResourceNotFound" {
			t.Errorf("%s: %v, want Request_ResourceNotFound", name, err)
		}
	}
}

func TestARefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	id := create(t, tenant, person1())
	before, err := tenant.User(id)
	must(t, err)
	for name, edit := range map[string]func(User){
		"an unknown property":  func(u User) { u["surname"], u["shoeSize"] = "X", "9" },
		"a number for a text":  func(u User) { u["surname"] = 9 },
		"a list with a number": func(u User) { u["businessPhones"] = []any{"1", 2} },
		"a null for a boolean": func(u User) { u["accountEnabled"] = nil },
		"no displayName":       func(u User) { u["displayName"] = "" },
		"no domain":            func(u User) { u["userPrincipalName"] = "ann" },
		"a space in the name":  func(u User) { u["userPrincipalName"] = "ann lee@" + domain },
		"another id":           func(u User) { u["id"] = deadID },
	} {
		if err := tenant.Update(id, edit); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	after, err := tenant.User(id)
	must(t, err)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the user changed (-before +after):\n%s", diff)
	}
}

func TestPagesHoldEveryUserOnceThoughOthersComeAndGo(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	var ids []string
	for i := range 25 {
		ids = append(ids, create(t, tenant, User{"userPrincipalName": fmt.Sprintf("u%d@%s", i, domain), "displayName": "U"}))
	}
	var seen []string
	for next := "http://graph.example/v1.0/users?$select=id&$top=10"; next != ""; {
		_, body := call(t, tenant, http.MethodGet, next, "")
		value, _ := body["value"].([]any)
		for _, item := range value {
			user, _ := item.(map[string]any)
			seen = append(seen, fmt.Sprint(user["id"]))
		}
		next, _ = body["@odata.nextLink"].(string)
		if len(seen) == 10 {
			must(t, tenant.Delete(ids[0])) // on a page that was read
		}
	}
	if diff := cmp.Diff(ids, seen); diff != "" {
		t.Errorf("ids differ (-want +got):\n%s", diff)
	}
}

func TestOnlyTheAcceptedTokenIsAnswered(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{Token: "old"})
	tenant.SetToken("right")
	for header, want := range map[string]int{
		"": http.StatusUnauthorized, "Bearer old": http.StatusUnauthorized, "Basic right": http.StatusUnauthorized,
		"Bearer right": http.StatusOK, "bearer right": http.StatusOK,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1.0/users", http.NoBody)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q answered %d, want %d", header, w.Code, want)
		}
		if want == http.StatusUnauthorized && !strings.Contains(w.Body.String(), "InvalidAuthenticationToken") {
			t.Errorf("%q answered %s", header, w.Body)
		}
	}
}

func TestAPermissionThatIsMissingIs403(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{Permissions: []string{"User.Read.All"}})
	id := create(t, tenant, person1())
	for request, want := range map[[2]string]int{
		{http.MethodGet, "/v1.0/users/" + id}:    http.StatusOK,
		{http.MethodGet, "/v1.0/organization"}:   http.StatusForbidden,
		{http.MethodDelete, "/v1.0/users/" + id}: http.StatusForbidden,
	} {
		status, body := call(t, tenant, request[0], request[1], "")
		if status != want {
			t.Errorf("%v answered %d %v, want %d", request, status, body, want)
		}
	}
	writer := newTenant(t, Config{Permissions: []string{"User.ReadWrite.All"}, Transport: simhttp.Network{"hook.example": echo}})
	if status, message := subscribeTo(t, writer); status != http.StatusForbidden {
		t.Errorf("a permission to write subscribed: %d %s", status, message)
	}
}

func TestACompressedBodyIsRead(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	id := create(t, tenant, person1())
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	_, err := zip.Write([]byte(`{"surname":"Ono"}`))
	must(t, err)
	must(t, zip.Close())
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"gzip":     {body.String(), http.StatusNoContent},
		"not gzip": {`{"surname":"Ono"}`, http.StatusBadRequest},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "/v1.0/users/"+id, strings.NewReader(test.body))
		r.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s answered %d %s, want %d", name, w.Code, w.Body, test.status)
		}
	}
	if user, err := tenant.User(id); err != nil || user.Text("surname") != "Ono" {
		t.Errorf("the user is %v, %v", user, err)
	}
}

func TestACompressedBodyIsBoundedInflated(t *testing.T) {
	t.Parallel()
	var body bytes.Buffer
	zip := gzip.NewWriter(&body)
	_, err := zip.Write([]byte(`{"surname":"` + strings.Repeat("x", simhttp.MaxBody) + `"}`))
	must(t, err)
	must(t, zip.Close())
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPatch, "/v1.0/users/x", &body)
	r.Header.Set("Content-Encoding", "gzip")
	w := httptest.NewRecorder()
	newTenant(t, Config{}).ServeHTTP(w, r)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d, want 413", w.Code)
	}
}

func TestCallsAreCountedByKind(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	id := create(t, tenant, person1())
	call(t, tenant, http.MethodGet, "/v1.0/users/"+id, "")
	call(t, tenant, http.MethodGet, "/v1.0/nothing", "")
	call(t, tenant, http.MethodPost, "/v1.0/$batch", `{"requests":[{"id":"1","method":"GET","url":"/users/`+id+`"},{"id":"2","method":"GET","url":"/users/x"}]}`)
	want := simhttp.Counts{"GET /users/{id}": 1, "/": 1, "POST /$batch": 1, "$batch GET /users/{id}": 2}
	if diff := cmp.Diff(want, tenant.Calls.Snapshot()); diff != "" {
		t.Errorf("counts differ (-want +got):\n%s", diff)
	}
	tenant.Calls.Reset()
	if got := tenant.Calls.Snapshot(); len(got) != 0 {
		t.Errorf("after Reset there are %v", got)
	}
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add([]byte(`{"requests":[{"id":"1","method":"GET","url":"/users/x?%24select=id"}]}`))
	f.Add([]byte(`{"requests":[{"id":"1","method":"PATCH","url":"users/x","headers":{"Content-Type":"application/json"},"body":{"surname":null}}]}`))
	f.Add([]byte(`{"requests":[{"id":"1","method":"P T","url":"//h/%zz?a=%"}]}`))
	f.Add([]byte(`{"requests":[{"id":"1","method":"GET","url":"/groups/x/members?$count=true&$filter=id eq 'y'","headers":{"ConsistencyLevel":"eventual"}}]}`))
	f.Add([]byte(`{"requests":[{"id":"1","method":"POST","url":"/groups/x/members/%24ref","body":{"@odata.id":"https://h/v1.0/users/y"}}]}`))
	f.Add([]byte(`{"requests":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		requests, err := decodeBatch(body)
		if err == nil && (len(requests) == 0 || len(requests) > maxBatch) {
			t.Errorf("%d requests were accepted", len(requests))
		}
		tenant := newTenant(t, Config{})
		create(t, tenant, person1())
		status, answer := call(t, tenant, http.MethodPost, "/v1.0/$batch", string(body))
		responses, _ := answer["responses"].([]any)
		if status >= http.StatusInternalServerError {
			t.Errorf("answered %d %v", status, answer)
		}
		if status == http.StatusOK && len(responses) != len(requests) {
			t.Errorf("%d requests, %d responses", len(requests), len(responses))
		}
	})
}
