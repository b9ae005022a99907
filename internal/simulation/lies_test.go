package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// lies are the answers of a seed that are not the truth, and how long they last.
type lies struct {
	// missing are the ids of accounts and groups that Webex does not find, and
	// until when.
	missing map[string]time.Time
	// endless are the lists whose pages do not end, pages how many of their pages
	// were read.
	endless map[string]endless
	pages   int
	// dead are the tokens of links that Graph takes no more, ghosts the ids of
	// subscriptions that are gone; with what it answers instead of saying so.
	dead, ghosts map[string]int
}

// endless is a list whose pages do not end: the page that comes time and again,
// until when, and whether its link is the same every time.
type endless struct {
	page    []byte
	until   time.Time
	repeats bool
}

func newLies() lies {
	return lies{
		missing: map[string]time.Time{}, endless: map[string]endless{},
		dead: map[string]int{}, ghosts: map[string]int{},
	}
}

// instead is an answer that is given without the call having reached its end; nil
// if it does.
func (w wire) instead(r *http.Request) *http.Response {
	if w.strikes("page of a gateway", 60) {
		return w.between(r)
	}
	if r.URL.Host == graphHost {
		return w.insteadOfGraph(r)
	}
	return w.insteadOfWebex(r)
}

// between is the answer of something that stands between and lets nothing through:
// the page of a gateway, or the word of a router that it has no route.
func (f *faults) between(r *http.Request) *http.Response {
	const oneIn = 11
	if f.dice.IntN(oneIn) == 0 {
		return answered(r, http.StatusNotFound, []byte(
			`{"message":"The requested resource could not be found.","errors":[{"description":"The requested resource could not be found."}],"trackingId":"ROUTER_1"}`), "")
	}
	return f.gateway(r)
}

// gateway is the page of a gateway, with any status.
func (f *faults) gateway(r *http.Request) *http.Response {
	statuses := []int{
		http.StatusOK, http.StatusFound, http.StatusTemporaryRedirect, http.StatusForbidden, http.StatusNotFound,
		http.StatusProxyAuthRequired, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusFailedDependency, http.StatusBadGateway,
	}
	page := answered(r, statuses[f.dice.IntN(len(statuses))], []byte("<!DOCTYPE html><html><head><title>Access policy</title></head><body>x</body></html>"), "")
	page.Header.Set("Content-Type", "text/html; charset=utf-8")
	if n := page.StatusCode; n == http.StatusFound || n == http.StatusTemporaryRedirect {
		page.Header.Set("Location", "https://gateway.example/login?return=x")
	}
	return page
}

// graphRefusal is an error as Graph has it.
func graphRefusal(r *http.Request, status int, code, message string) *http.Response {
	return answered(r, status, fmt.Appendf(nil, `{"error":{"code":%q,"message":%q}}`, code, message), "")
}

func (w wire) insteadOfGraph(r *http.Request) *http.Response {
	list, token := listOf(r)
	switch {
	case strings.HasPrefix(token, endlessToken):
		if page := w.nextOf(list); page != nil {
			return answered(r, http.StatusOK, page, "")
		}
		return graphRefusal(r, http.StatusGone, "syncStateNotFound", "x")
	case token != "" && strings.Contains(list, "delta"):
		if status := w.refusesFor(w.dead, token, "dead link", 25, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError); status > 0 {
			return graphRefusal(r, status, "x", "x")
		}
	case strings.Contains(r.URL.Path, "/subscriptions/"):
		return w.ghost(r)
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/subscriptions") && w.strikes("duplicate subscription", 3):
		return graphRefusal(r, http.StatusConflict, "ObjectIdentifierInUse", "Subscription Id "+nowhere+" already exists for the requested combination")
	}
	return nil
}

// refusesFor is the status with which a token is refused, from now on if that
// strikes now; zero if it is not.
func (f *faults) refusesFor(refused map[string]int, token, name string, oneIn int, statuses ...int) int {
	f.mu.Lock()
	status := refused[token]
	f.mu.Unlock()
	if status > 0 || !f.strikes(name, oneIn) {
		return status
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	refused[token] = statuses[f.dice.IntN(len(statuses))]
	return refused[token]
}

// ghost refuses to renew a subscription that is gone, otherwise than by saying
// so.
func (w wire) ghost(r *http.Request) *http.Response {
	if r.Method != http.MethodPatch {
		return nil
	}
	id := path.Base(r.URL.Path)
	status := w.refusesFor(w.ghosts, id, "ghost subscription", 2, http.StatusUnauthorized, http.StatusInternalServerError)
	if status == 0 {
		return nil
	}
	w.witness.land.tenant.DropSubscription(id)
	return graphRefusal(r, status, "ExtensionError", "Operation: Update; Exception: [Status Code: NotFound; Reason: Not Found]")
}

const (
	endlessToken = "endless"
	// mostPages is how many pages of lists that do not end are read in a life at
	// the most: each run reads a few before it notices.
	mostPages = 3000
)

// listOf is the list that a request asks Graph a page of, and the token in its
// link; empty if it asks for something else.
func listOf(r *http.Request) (list, token string) {
	if r.Method != http.MethodGet {
		return "", ""
	}
	query := r.URL.Query()
	token = query.Get("$skiptoken") + query.Get("$deltatoken")
	base := path.Base(r.URL.Path)
	switch {
	case strings.Contains(base, "delta"):
		return r.URL.Path, token
	case base == "members" || base == "transitiveMembers" || base == "appRoleAssignedTo":
		return r.URL.Path, token
	default:
		return "", ""
	}
}

// nextOf is the next page of a list that does not end; nil if it does.
func (w wire) nextOf(list string) []byte {
	w.mu.Lock()
	e := w.endless[list]
	over := !w.on || time.Now().After(e.until)
	w.pages++
	n := w.pages
	w.mu.Unlock()
	if over {
		return nil
	}
	if n == mostPages {
		w.witness.land.failf("%d pages of lists that do not end were read", n)
	}
	if e.repeats {
		n = 0
	}
	return edited(e.page, func(page map[string]any) {
		delete(page, "@odata.deltaLink")
		page["@odata.nextLink"] = fmt.Sprintf("http://%s%s?$skiptoken=%s-%d", graphHost, list, endlessToken, n)
	})
}

// neverEnds lets a page of Graph's lead to another one that has nothing new, and
// so on, for a while.
func (w wire) neverEnds(list string, answer []byte) []byte {
	if list == "" {
		return answer
	}
	endlessly, repeating := w.strikes("endless pages", 60), w.strikes("repeating pages", 60)
	if !endlessly && !repeating {
		return answer
	}
	w.mu.Lock()
	w.endless[list] = endless{answer, time.Now().Add(time.Duration(w.dice.IntN(int(20 * time.Minute)))), repeating}
	w.mu.Unlock()
	return w.nextOf(list)
}

// asked is the request as it reaches its end: not always what was asked.
func (w wire) asked(r *http.Request, body []byte) (*http.Request, []byte) {
	again := r.Clone(r.Context())
	query := again.URL.Query()
	switch {
	case r.URL.Host == webexHost && query.Has("filter") && w.strikes("search that answers too much", 12):
		query.Del("filter")
		again.URL.RawQuery = query.Encode()
	case strings.HasSuffix(r.URL.Path, "/$batch") && bytes.Contains(body, []byte("filter=")) && w.strikes("filter ignored by Graph", 6):
		body = unfiltered(body)
	}
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return again, body
}

// unfiltered takes the filters out of the requests in a $batch.
func unfiltered(body []byte) []byte {
	return edited(body, func(batch map[string]any) {
		requests, _ := batch["requests"].([]any)
		for _, element := range requests {
			request, _ := element.(map[string]any)
			address, _ := request["url"].(string)
			if u, err := url.Parse(address); err == nil {
				query := u.Query()
				query.Del("$filter")
				u.RawQuery = query.Encode()
				request["url"] = u.String()
			}
		}
	})
}

// shades edits a true answer.
func (w wire) shades(r *http.Request, answer []byte) []byte {
	if r.URL.Host == graphHost {
		return w.shadesOfGraph(r, answer)
	}
	if r.Method == http.MethodGet && bytes.Contains(answer, []byte(`"Resources"`)) && w.strikes("attribute absent in a list of Webex", 15) {
		name := []string{"emails", "active"}[w.dice.IntN(2)]
		return w.without(answer, "Resources", name)
	}
	return answer
}

func (w wire) shadesOfGraph(r *http.Request, answer []byte) []byte {
	list, _ := listOf(r)
	switch {
	case strings.HasSuffix(r.URL.Path, "/$batch"):
		return w.shadesOfBatch(answer)
	case strings.HasSuffix(list, "/appRoleAssignedTo"):
		answer = w.unknownPrincipal(answer)
	case strings.Contains(list, "delta"):
		answer = w.agents(answer)
		if w.strikes("attribute absent in a delta page", 25) {
			answer = w.without(w.without(answer, "value", "accountEnabled"), "value", "securityEnabled")
		}
		if w.strikes("unknown item in a delta page", 25) {
			answer = edited(answer, func(page map[string]any) {
				items, _ := page["value"].([]any)
				page["value"] = append(items, map[string]any{"@odata.type": "#microsoft.graph.somethingNew", "id": nowhere, "displayName": "x"})
			})
		}
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/subscriptions"):
		if w.notes("subscription list with nulls") {
			return edited(answer, func(page map[string]any) {
				for _, element := range elements(page["value"]) {
					element["lifecycleNotificationUrl"] = nil
				}
			})
		}
	}
	return w.neverEnds(list, answer)
}

// without takes an attribute out of all elements of a page, or out of one.
func (f *faults) without(answer []byte, list, name string) []byte {
	return edited(answer, func(page map[string]any) {
		all := elements(page[list])
		if len(all) > 0 && f.dice.IntN(2) == 0 {
			all = all[f.dice.IntN(len(all)):][:1]
		}
		for _, element := range all {
			delete(element, name)
		}
	})
}

func elements(list any) []map[string]any {
	values, _ := list.([]any)
	var objects []map[string]any
	for _, value := range values {
		if object, ok := value.(map[string]any); ok {
			objects = append(objects, object)
		}
	}
	return objects
}

func (w wire) shadesOfBatch(answer []byte) []byte {
	if w.strikes("attribute absent in a $batch", 25) {
		answer = w.absent(answer, "accountEnabled", "securityEnabled")
	}
	if w.strikes("other attribute absent in a $batch", 25) {
		answer = w.absent(answer, "displayName", "userPrincipalName")
	}
	if w.strikes("numeric header", 10) {
		answer = editAnswers(answer, func(answers []map[string]any) {
			for _, one := range answers {
				headers, _ := one["headers"].(map[string]any)
				if headers == nil {
					headers = map[string]any{}
					one["headers"] = headers
				}
				headers["x-ms-resource-unit"] = 1
			}
		})
	}
	return w.agents(answer)
}

// absent takes attributes out of one of the objects in a $batch.
func (f *faults) absent(answer []byte, names ...string) []byte {
	return editAnswers(answer, func(answers []map[string]any) {
		body, _ := answers[f.dice.IntN(len(answers))]["body"].(map[string]any)
		for _, name := range names {
			delete(body, name)
		}
	})
}

// agents says of a quarter of all users that they are of a subtype.
func (f *faults) agents(answer []byte) []byte {
	if !f.season["agent user"] || !bytes.Contains(answer, []byte("accountEnabled")) {
		return answer
	}
	isAgent := func(object map[string]any) {
		id, _ := object["id"].(string)
		if _, user := object["accountEnabled"]; user && id != "" && strings.ContainsAny(id[:1], "0123") && f.notes("agent user") {
			object["@odata.type"] = "#microsoft.graph.agentUser"
		}
	}
	return edited(answer, func(page map[string]any) {
		for _, item := range elements(page["value"]) {
			isAgent(item)
		}
		for _, one := range elements(page["responses"]) {
			if body, ok := one["body"].(map[string]any); ok {
				isAgent(body)
			}
		}
	})
}

// unknownPrincipal adds to a page of assignments one to something that nobody
// has heard of.
func (w wire) unknownPrincipal(answer []byte) []byte {
	if !w.season["unknown principal"] {
		return answer
	}
	return edited(answer, func(page map[string]any) {
		assignments := elements(page["value"])
		if len(assignments) == 0 || !w.notes("unknown principal") {
			return
		}
		stranger := maps.Clone(assignments[0])
		stranger["id"], stranger["principalId"], stranger["principalType"] = "x", nowhere, "AgentIdentity"
		page["value"] = append(page["value"].([]any), stranger)
	})
}

func (w wire) insteadOfWebex(r *http.Request) *http.Response {
	id := webexID(r.URL.Path)
	read := r.Method == http.MethodGet
	switch {
	case id != "" && w.isMissing(id),
		id != "" && read && w.strikes("404 to a read of Webex", 25),
		id != "" && !read && w.strikes("404 to a write to Webex", 20):
		if w.strikes("404 for some minutes", 3) {
			w.mu.Lock()
			w.missing[id] = time.Now().Add(time.Duration(w.dice.IntN(int(10 * time.Minute))))
			w.mu.Unlock()
		}
		return scimRefusal(r, http.StatusNotFound, "Users "+id+" not found")
	case !read && w.strikes("409 that is not about a name", 30):
		return scimRefusal(r, http.StatusConflict, "The resource was changed by another request.")
	case r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "/Users/") && w.strikes("answer that contradicts", 6):
		return w.unmoved(r)
	default:
		return nil
	}
}

// webexID is the id of the account or the group that a path is of.
func webexID(path string) string {
	for _, of := range []string{"/Users/", "/Groups/"} {
		if _, id, ok := strings.Cut(path, of); ok {
			id, _, _ = strings.Cut(id, "/")
			return id
		}
	}
	return ""
}

func (f *faults) isMissing(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.on && time.Now().Before(f.missing[id])
}

// scimRefusal is an error as Webex's SCIM API has it.
func scimRefusal(r *http.Request, status int, details string) *http.Response {
	return answered(r, status, fmt.Appendf(nil, scimError, status, status, details), "")
}

const scimError = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:Error","urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error"],` +
	`"status":"%d","urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error":{"trackingId":"ROUTER_1","errorCode":"200%d","details":%q}}`

// unmoved answers a PATCH with what there is, and does nothing.
func (w wire) unmoved(r *http.Request) *http.Response {
	read := r.Clone(r.Context())
	read.Method, read.Body, read.ContentLength = http.MethodGet, http.NoBody, 0
	response, err := w.next.RoundTrip(read)
	if err != nil {
		return nil
	}
	return response
}

// withheld takes one of the operations out of a Bulk, and what is to be answered
// for it; the Bulk as it is if that does not strike.
func (w wire) withheld(r *http.Request, body []byte) (sent []byte, answer func([]byte) []byte) {
	unchanged := func(answer []byte) []byte { return answer }
	if !strings.HasSuffix(r.URL.Path, "/Bulk") || !w.strikes("404 inside a Bulk", 10) {
		return body, unchanged
	}
	var refused map[string]any
	sent = edited(body, func(bulk map[string]any) {
		operations, _ := bulk["operations"].([]any)
		for i, op := range elements(operations) {
			if id := webexID(fmt.Sprint(op["path"])); id != "" && refused == nil && len(operations) > 1 {
				refused = map[string]any{
					"method": op["method"], "bulkId": op["bulkId"], "status": "404",
					"location": "https://integration.webexapis.com/identity/scim/" + orgID + "/v2" + fmt.Sprint(op["path"]),
					"response": json.RawMessage(fmt.Sprintf(scimError, http.StatusNotFound, http.StatusNotFound, "Users "+id+" not found")),
				}
				bulk["operations"] = slices.Delete(slices.Clone(operations), i, i+1)
			}
		}
	})
	if refused == nil {
		return body, unchanged
	}
	return sent, func(answer []byte) []byte {
		return edited(answer, func(bulk map[string]any) {
			operations, _ := bulk["operations"].([]any)
			bulk["operations"] = append(operations, refused)
		})
	}
}

// later sends a write that has timed out for the caller, after a while.
func (w wire) later(r *http.Request, body []byte) {
	const longest = time.Minute
	wait := w.unique(time.Duration(w.dice.IntN(int(longest))))
	late := r.Clone(context.WithoutCancel(r.Context()))
	late.Body = io.NopCloser(bytes.NewReader(body))
	go func() {
		time.Sleep(wait)
		if response, err := w.next.RoundTrip(late); err == nil {
			_ = response.Body.Close()
		}
	}()
}
