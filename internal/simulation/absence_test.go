package simulation_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/sandbox/graph"
	"entrawebex/internal/sandbox/scim"
)

// lie makes of Graph's answer to a request another one.
type lie func(r *http.Request, question, answer []byte) (int, []byte)

// inBatches lies about each answer in a $batch.
func inBatches(edit func(url string, one map[string]any)) lie {
	return func(r *http.Request, question, answer []byte) (int, []byte) {
		if !strings.HasSuffix(r.URL.Path, "/$batch") {
			return http.StatusOK, answer
		}
		asked := requestsOf(question)
		return http.StatusOK, editAnswers(answer, func(answers []map[string]any) {
			for _, one := range answers {
				edit(asked[one["id"]], one)
			}
		})
	}
}

// inBodies lies about what a $batch says of the objects in it.
func inBodies(edit func(url string, body map[string]any)) lie {
	return inBatches(func(url string, one map[string]any) {
		if body, ok := one["body"].(map[string]any); ok {
			edit(url, body)
		}
	})
}

// refusing answers each request in a $batch so.
func refusing(status int, code string) lie {
	return inBatches(func(_ string, one map[string]any) {
		one["status"], one["body"] = status, map[string]any{"error": map[string]any{"code": code, "message": "x"}}
	})
}

// inPages lies about pages of members, and of the groups somebody is in.
func inPages(edit func(page map[string]any)) lie {
	return func(r *http.Request, question, answer []byte) (int, []byte) {
		if strings.HasSuffix(r.URL.Path, "/members") {
			return http.StatusOK, edited(answer, edit)
		}
		return inBodies(func(url string, body map[string]any) {
			if strings.Contains(url, "emberOf") {
				edit(body)
			}
		})(r, question, answer)
	}
}

const nowhere = "00000000-0000-4000-8000-000000000000"

// anotherTenant answers for a namesake in another tenant, who is disabled.
func anotherTenant(r *http.Request, question, answer []byte) (int, []byte) {
	if strings.HasSuffix(r.URL.Path, "/organization") {
		return http.StatusOK, bytes.ReplaceAll(answer, []byte(tenantID), []byte(nowhere))
	}
	return inBodies(func(_ string, body map[string]any) {
		if body["accountEnabled"] != nil {
			body["accountEnabled"] = false
		}
	})(r, question, answer)
}

// A person, a team with that member, and an answer of Graph's from which it
// would be wrong to conclude that either is gone: nobody is disabled, deleted
// or taken out, however often Graph says so.
func TestNothingIsTakenAwayBecauseAnAnswerLacksIt(t *testing.T) {
	t.Parallel()
	for name, lie := range map[string]lie{
		"an empty answer": func(*http.Request, []byte, []byte) (int, []byte) { return http.StatusOK, []byte("{}") },
		"a page whose list is left out": inPages(func(page map[string]any) {
			delete(page, "value")
		}),
		"a page that breaks off before its end": inPages(func(page map[string]any) {
			page["value"], page["@odata.nextLink"] = []any{}, "http://"+graphHost+"/v1.0/nowhere"
		}),
		"a 403": func(*http.Request, []byte, []byte) (int, []byte) {
			return http.StatusForbidden, []byte(`{"error":{"code":"Authorization_RequestDenied","message":"x"}}`)
		},
		"a 403 inside a $batch":              refusing(http.StatusForbidden, "Authorization_RequestDenied"),
		"a 429 inside a $batch":              refusing(http.StatusTooManyRequests, "TooManyRequests"),
		"a 404 that is not about the object": refusing(http.StatusNotFound, "ResourceNotFound"),
		"an answer without the field that decides": inBodies(func(_ string, body map[string]any) {
			delete(body, "accountEnabled")
			delete(body, "securityEnabled")
		}),
		"an answer about another object": inBodies(func(_ string, body map[string]any) {
			if body["id"] != nil {
				body["id"] = nowhere
			}
		}),
		"another tenant": anotherTenant,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			believeNothing(t, lie, time.Hour)
		})
	}
}

// A replica that is behind says 404, in both places and more than once, of who
// is there.
func TestNobodyIsTakenAwayWhomAReplicaHasNotHeardOf(t *testing.T) {
	t.Parallel()
	believeNothing(t, refusing(http.StatusNotFound, "Request_ResourceNotFound"), 5*time.Minute)
}

// believeNothing fails the test if a lie, looked at time and again, takes
// somebody away.
func believeNothing(t *testing.T, lie lie, apart time.Duration) {
	t.Helper()
	w := newWorld(t, 1, file(t.TempDir(), 1))
	defer w.close()
	lying := false
	w.engine = w.land.engine(roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != graphHost || !lying {
			return w.network.RoundTrip(r)
		}
		return edit(w.network, r, lie)
	}), w.ledger, w)
	ada := try(w.tenant.Create(graph.User{"userPrincipalName": "ada@" + domain, "displayName": "Ada"}))(t)
	team := try(w.tenant.CreateGroup(graph.Group{"displayName": "Team"}))(t)
	if err := w.tenant.AddMembers(team, ada); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.equal()
	before := webexState(t, w.org)

	lying = true
	const looks = 10
	for range looks {
		for _, o := range []change.Object{{Kind: change.User, ID: ada}, {Kind: change.Group, ID: team}} {
			w.engine.Converge(t.Context(), []change.Change{{Object: o, Members: hints(o, ada), CorrelationID: "lie"}})
			w.engine.Converge(t.Context(), []change.Change{{Object: o, Afresh: true, CorrelationID: "lie"}})
		}
		w.now = w.now.Add(apart)
	}
	if after := webexState(t, w.org); before != after {
		t.Errorf("Webex had %s\nand has %s", before, after)
	}
}

func hints(o change.Object, member string) []string {
	if o.Kind == change.Group {
		return []string{member}
	}
	return nil
}

// edit carries a request and its answer past a liar.
func edit(next http.RoundTripper, r *http.Request, lie lie) (*http.Response, error) {
	var question []byte
	if r.Body != nil {
		var err error
		if question, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(question))
	response, err := next.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	status, answer := lie(r, question, answer)
	return answered(r, status, answer, ""), nil
}

// edited is a JSON object with something changed.
func edited(body []byte, edit func(map[string]any)) []byte {
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		return body
	}
	edit(object)
	changed, err := json.Marshal(object)
	if err != nil {
		return body
	}
	return changed
}

// webexState is what Webex has, as text.
func webexState(t *testing.T, org *scim.Organization) string {
	t.Helper()
	var state []any
	users, groups := org.Users(), org.Groups()
	for _, id := range sortedKeys(users) {
		state = append(state, id, users[id]["active"], users[id]["userName"])
	}
	for _, id := range sortedKeys(groups) {
		state = append(state, groups[id], org.Members(id))
	}
	return string(try(json.Marshal(state))(t))
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
