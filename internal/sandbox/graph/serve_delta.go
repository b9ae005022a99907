package graph

import (
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// routeDelta adds the delta queries, under every name they go by.
// https://learn.microsoft.com/graph/delta-query-overview
func (t *Tenant) routeDelta(handle router) {
	users := deltaSet{userCollection(), func(start int) iter.Seq2[int, object] { return in(Live, t.order, start) }}
	users.known = isTracked
	groups := deltaSet{groupCollection(), func(start int) iter.Seq2[int, object] { return in(Live, t.groupOrder, start) }}
	groups.known = func(name string) bool { return name == members || isGroupProperty(name) }
	for _, function := range []string{"/delta", "/delta()", "/microsoft.graph.delta", "/microsoft.graph.delta()"} {
		handle("GET", "/users"+function, readUsers(), t.delta(users))
		handle("GET", "/groups"+function, readMembers(), t.delta(groups))
	}
}

// The query options that carry a cursor: to the next page, and to the next
// round.
const (
	skipToken  = "$skiptoken"
	deltaToken = "$deltatoken"
)

// delta makes an endpoint that answers one page of a round.
func (t *Tenant) delta(set deltaSet) endpoint {
	return func(r *http.Request) (answer, error) {
		selects, err := t.selected(r, set.known, set.typeName, skipToken, deltaToken, "$deltaToken")
		if err != nil {
			return answer{}, err
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.journal.kept = true
		t.journal.forget(t.now().Add(-t.deltaLifetime))
		c, err := t.cursorOf(r.URL.Query(), set, selects)
		if err != nil {
			return answer{}, err
		}
		items := t.newDeltaItems(c, min(deltaPageSize(r), t.page))
		var done bool
		if c.First {
			done = items.first(set.objects(c.At))
		} else {
			done = items.later()
		}
		body := map[string]any{"@odata.context": metadata + odataContext(selects, set.set), "value": items.value}
		c.Issued, c.Done = t.now().UnixNano(), done
		if done {
			body["@odata.deltaLink"] = c.link(r, deltaToken)
		} else {
			body["@odata.nextLink"] = c.link(r, skipToken)
		}
		return answer{http.StatusOK, body}, nil
	}
}

// cursorOf returns where a request is. The tenant is locked.
func (t *Tenant) cursorOf(query url.Values, set deltaSet, selects []string) (*cursor, error) {
	token := query.Get(deltaToken) + query.Get("$deltaToken") + query.Get(skipToken)
	begins := &cursor{Set: set.set, Select: selects, Epoch: t.epoch, Until: t.journal.end()}
	switch token {
	case "":
		begins.First = true
		return begins, nil
	case "latest":
		begins.At = begins.Until
		return begins, nil
	}
	c := &cursor{}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(text, c) != nil || c.Set != set.set || c.begin() > c.Until || c.Until > t.journal.end() {
		return nil, badRequest("The delta token is not valid.")
	}
	age := t.now().Sub(time.Unix(0, c.Issued))
	if c.Epoch != t.epoch || age > t.deltaLifetime || c.begin() < t.journal.first {
		return nil, &graphError{http.StatusGone, "syncStateNotFound", "The sync state is not found. Begin a new round without a token."}
	}
	if c.Done {
		c.First, c.Done, c.Member = false, false, 0
		c.At, c.Until = c.Until, t.journal.end()
	}
	return c, nil
}

// begin is the first entry of the journal that the cursor still needs.
func (c *cursor) begin() int {
	if c.First || c.Done {
		return c.Until
	}
	return c.At
}

// link is the URL that carries the cursor on. All else that was asked for is
// in the token.
func (c *cursor) link(r *http.Request, option string) string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // a cursor has only what JSON has
	}
	return linkTo(r, url.Values{option: {base64.RawURLEncoding.EncodeToString(text)}})
}

// deltaPageSize returns how many objects a caller wants on a page. What else it
// prefers is not honoured, which a preference need not be (RFC 7240 section 2).
func deltaPageSize(r *http.Request) int {
	for _, header := range r.Header.Values("Prefer") {
		for preference := range strings.SplitSeq(header, ",") {
			name, text, _ := strings.Cut(strings.TrimSpace(preference), "=")
			if size, err := strconv.Atoi(strings.Trim(text, `"`)); err == nil && size > 0 && strings.EqualFold(name, "odata.maxpagesize") {
				return min(size, maxPage)
			}
		}
	}
	return deltaPage
}
