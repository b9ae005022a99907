package simulation_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The sides, by their names in a file.
const (
	graphSide = "graph"
	webexSide = "webex"
)

// question is which calls are meant. What is empty fits every call.
type question struct {
	Side   string `json:"side"`
	Method string `json:"method"`
	// Path is a regular expression for path and query, unescaped, without the
	// root of the API.
	Path string `json:"path"`
	// Writes leaves out what only reads.
	Writes bool `json:"writes"`
	// Has is what the target or the body holds, Lacks what neither does.
	Has   []string `json:"has"`
	Lacks []string `json:"lacks"`
	// Header is what headers hold, as regular expressions.
	Header map[string]string `json:"header"`
}

// wireRule is what goes wrong with some calls on the wire.
type wireRule struct {
	question

	// From and For are when, since the story began; Always is from the first
	// start on. Skip calls are left alone, and then so many Times spoiled; all if
	// zero.
	From   span `json:"from"`
	For    span `json:"for"`
	Always bool `json:"always"`
	Skip   int  `json:"skip"`
	Times  int  `json:"times"`
	// Reaches says that the call takes effect before it is answered so. Changed
	// replaces text in its body on the way.
	Reaches bool              `json:"reaches"`
	Changed map[string]string `json:"changed"`
	// Then happens in Webex by itself, once the call has taken effect.
	Then []step `json:"then"`
	// Answer replaces the answer, Edit changes it.
	Answer *spoiled   `json:"answer"`
	Edit   []jsonEdit `json:"edit"`
	// Unused says that the right system may never make the call.
	Unused bool `json:"unused"`
	// Name is for Until: a rule ends once the one of that name has struck.
	Name  string `json:"name"`
	Until string `json:"until"`

	met, struck int
}

// spoiled is an answer. The body is JSON or, as it is, a text. Without a status
// the answer is as it came, with other headers.
type spoiled struct {
	Status int             `json:"status"`
	Header map[string]any  `json:"header"`
	Body   json.RawMessage `json:"body"`
	Text   string          `json:"text"`
	// Shows is the resource of Webex that the answer shows.
	Shows string `json:"shows"`
}

// fieldCall is a call that was made, or a part of one.
type fieldCall struct {
	at                         time.Time
	side, method, target, body string
	header                     http.Header
	status                     int
	part                       bool
}

// fieldWire is the way of the system's calls to both sides.
type fieldWire struct {
	next    http.RoundTripper
	expand  func(string) string
	byHand  func(context.Context, step) error
	showing func(ctx context.Context, path string) []byte
	began   func() (time.Time, bool)
	errors  func(format string, args ...any)

	mu    sync.Mutex
	rules []*wireRule
	calls []fieldCall
	// endless says that there were too many.
	endless bool
}

const (
	// hop is how long a call is on its way.
	hop = 20 * time.Millisecond
	// tooManyCalls is how many calls no case needs: whoever makes more goes on for ever,
	// and from then on each takes an hour.
	tooManyCalls = 40_000
)

// isAskedUnderLock reports whether a call is made once, for the tenant or for the
// enterprise application, while others wait for its lock: a bubble's time does not
// go on while somebody waits for a lock.
func isAskedUnderLock(target string) bool {
	return target == "/organization" || strings.HasPrefix(target, "/organization?") || strings.HasPrefix(target, "/servicePrincipals(appId=")
}

func (w *fieldWire) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isAskedUnderLock(target(r.URL)) {
		select {
		case <-time.After(w.hop()):
		case <-r.Context().Done():
			return nil, context.Cause(r.Context())
		}
	}
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	call := fieldCall{at: time.Now(), side: graphSide, method: r.Method, target: target(r.URL), body: string(body), header: r.Header}
	if r.URL.Host == webexHost {
		call.side = webexSide
	}
	response, answer, err := w.serve(r, call)
	if err != nil {
		return nil, err
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
	return response, nil
}

// hop is how long the next call is on its way.
func (w *fieldWire) hop() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch n := len(w.calls); {
	case n < tooManyCalls:
		return hop
	case !w.endless:
		w.endless = true
		last := w.calls[n-1]
		w.errors("%d calls, the last of them %s %s", n, last.method, last.target)
	}
	return time.Hour
}

// target is path and query, unescaped, without the root of the API.
func target(u *url.URL) string {
	path := strings.TrimPrefix(strings.TrimPrefix(u.Path, "/v1.0"), "/identity/scim/"+orgID+"/v2")
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		query = u.RawQuery
	}
	if query == "" {
		return path
	}
	return path + "?" + query
}

// serve answers a call, spoiled or not.
func (w *fieldWire) serve(r *http.Request, call fieldCall) (*http.Response, []byte, error) {
	rule := w.rule(call)
	if rule != nil && rule.Answer != nil && !rule.Reaches {
		response, answer := w.spoil(r, rule)
		w.note(call, response.StatusCode, nil, nil)
		return response, answer, nil
	}
	if rule != nil {
		for old, changed := range rule.Changed {
			call.body = strings.ReplaceAll(call.body, old, changed)
		}
	}
	parts := w.parts(call)
	response, answer, err := w.send(r, parts.without(call.body))
	if err != nil {
		return nil, nil, err
	}
	if parts.spoiled() {
		answer = parts.put(r.Context(), answer, w)
	}
	w.note(call, response.StatusCode, parts, answer)
	if rule == nil {
		return response, answer, nil
	}
	for _, s := range rule.Then {
		if err := w.byHand(r.Context(), s); err != nil {
			w.errors("then: %v", err)
		}
	}
	if rule.Answer != nil && rule.Answer.Status > 0 {
		response, answer = w.spoil(r, rule)
	}
	return response, editedAt(answer, rule.Edit, w.expand), nil
}

// noOperation is a Bulk of which nothing is left.
const noOperation = `{"operations":[]}`

// send lets a call reach its end.
func (w *fieldWire) send(r *http.Request, body string) (*http.Response, []byte, error) {
	if body == noOperation {
		return answered(r, http.StatusOK, nil, ""), []byte(body), nil
	}
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	response, err := w.next.RoundTrip(again)
	if err != nil {
		return nil, nil, err
	}
	answer, err := io.ReadAll(response.Body)
	return response, answer, err
}

// spoil makes the answer of a rule.
func (w *fieldWire) spoil(r *http.Request, rule *wireRule) (*http.Response, []byte) {
	body := w.body(r.Context(), rule.Answer)
	response := answered(r, rule.Answer.Status, body, "")
	if rule.Answer.Text != "" {
		response.Header.Set("Content-Type", "text/html; charset=utf-8")
	}
	for name, value := range rule.Answer.Header {
		response.Header.Set(name, w.expand(fmt.Sprint(value)))
	}
	return response, body
}

func (w *fieldWire) body(ctx context.Context, a *spoiled) []byte {
	switch {
	case a.Shows != "":
		return w.showing(ctx, w.expand(a.Shows))
	case a.Text != "":
		return []byte(w.expand(a.Text))
	default:
		return []byte(w.expand(string(a.Body)))
	}
}

// rule is the first one that strikes the call; nil if none does.
func (w *fieldWire) rule(call fieldCall) *wireRule {
	since, told := w.began()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, rule := range w.rules {
		passed := call.at.Sub(since)
		late := told && rule.For > 0 && passed > time.Duration(rule.From+rule.For) || w.over(rule)
		early := !rule.Always && (!told || passed < time.Duration(rule.From))
		if late || early || !rule.fits(call, w.expand) {
			continue
		}
		rule.met++
		if rule.met <= rule.Skip || rule.Times > 0 && rule.met > rule.Skip+rule.Times {
			continue
		}
		rule.struck++
		return rule
	}
	return nil
}

// over reports whether the rule ended with another.
func (w *fieldWire) over(rule *wireRule) bool {
	return rule.Until != "" && slices.ContainsFunc(w.rules, func(other *wireRule) bool { return other.Name == rule.Until && other.struck > 0 })
}

// fits reports whether the call is meant.
func (q *question) fits(call fieldCall, expand func(string) string) bool {
	if q.Side != call.side || q.Method != "" && q.Method != call.method || q.Writes && !call.writes() {
		return false
	}
	whole := call.target + "\n" + call.body
	for _, text := range q.Has {
		if !strings.Contains(whole, expand(text)) {
			return false
		}
	}
	for _, text := range q.Lacks {
		if strings.Contains(whole, expand(text)) {
			return false
		}
	}
	for name, text := range q.Header {
		if !regexp.MustCompile(text).MatchString(call.header.Get(name)) {
			return false
		}
	}
	return q.Path == "" || regexp.MustCompile(expand(q.Path)).MatchString(call.target)
}

// writes reports whether a call asks for a change.
func (c fieldCall) writes() bool {
	return c.method != http.MethodGet && c.target != "/Bulk" && c.target != "/$batch"
}

// note writes down what was called.
func (w *fieldWire) note(call fieldCall, status int, parts batchParts, answer []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	call.status = status
	w.calls = append(w.calls, call)
	statuses := parts.statuses(answer)
	for _, p := range parts {
		p.call.status = statuses[p.id]
		w.calls = append(w.calls, p.call)
	}
}

// batchPart is a request in a $batch or an operation of a Bulk, and the rule that
// strikes it.
type batchPart struct {
	id   string
	call fieldCall
	rule *wireRule
}

type batchParts []batchPart

// batchBody is both a $batch and a Bulk.
type batchBody struct {
	Requests   []map[string]any `json:"requests,omitempty"`
	Schemas    any              `json:"schemas,omitempty"`
	FailOn     any              `json:"failOnErrors,omitempty"`
	Operations []map[string]any `json:"operations,omitempty"`
}

// parts takes a $batch or a Bulk apart; nil if the call is neither.
func (w *fieldWire) parts(call fieldCall) batchParts {
	var body batchBody
	if call.target != "/$batch" && call.target != "/Bulk" || json.Unmarshal([]byte(call.body), &body) != nil {
		return nil
	}
	parts := batchParts{}
	for _, one := range append(body.Requests, body.Operations...) {
		part := call
		part.part = true
		text := func(name string) string { s, _ := one[name].(string); return s }
		part.method = text("method")
		if u, err := url.Parse(text("url") + text("path")); err == nil {
			part.target = "/" + strings.TrimPrefix(target(u), "/")
		}
		data, err := json.Marshal(one["data"])
		if err != nil {
			w.errors("encode: %v", err)
		}
		part.body = string(data)
		parts = append(parts, batchPart{idOf(one), part, w.rule(part)})
	}
	return parts
}

// idOf is what a request and its answer have in common.
func idOf(one map[string]any) string {
	if one["bulkId"] != nil {
		return fmt.Sprint(one["bulkId"])
	}
	return fmt.Sprint(one["id"])
}

func (p batchParts) spoiled() bool {
	for _, one := range p {
		if one.rule != nil {
			return true
		}
	}
	return false
}

// without is the body of a Bulk without the operations that are not to reach
// Webex. What is in a $batch only reads.
func (p batchParts) without(body string) string {
	var bulk batchBody
	if !p.spoiled() || p[0].call.side != webexSide || json.Unmarshal([]byte(body), &bulk) != nil {
		return body
	}
	kept := batchBody{Schemas: bulk.Schemas, FailOn: bulk.FailOn, Operations: []map[string]any{}}
	for i, one := range bulk.Operations {
		if rule := p[i].rule; rule == nil || rule.Answer == nil || rule.Reaches {
			kept.Operations = append(kept.Operations, one)
		}
	}
	data, err := json.Marshal(kept)
	switch {
	case err != nil:
		return body
	case len(kept.Operations) == 0:
		return noOperation
	default:
		return string(data)
	}
}

// put puts the spoiled answers into that of a $batch or a Bulk.
func (p batchParts) put(ctx context.Context, answer []byte, w *fieldWire) []byte {
	var whole map[string]any
	if json.Unmarshal(answer, &whole) != nil {
		return answer
	}
	list, name := "responses", "id"
	if p[0].call.side == webexSide {
		list, name = "operations", "bulkId"
	}
	answers, _ := whole[list].([]any)
	for _, one := range p {
		if one.rule == nil {
			continue
		}
		found := part(answers, name, one.id)
		if found == nil {
			found = map[string]any{name: one.id, "method": one.call.method}
			answers = append(answers, found)
		}
		w.spoilPart(ctx, one, found)
	}
	whole[list] = answers
	data, err := json.Marshal(whole)
	if err != nil {
		return answer
	}
	return data
}

// spoilPart does to an answer in a batch what the rule says.
func (w *fieldWire) spoilPart(ctx context.Context, one batchPart, found map[string]any) {
	rule := one.rule
	for _, s := range rule.Then {
		if err := w.byHand(ctx, s); err != nil {
			w.errors("then: %v", err)
		}
	}
	inside := "body"
	if one.call.side == webexSide {
		inside = "response"
	}
	if a := rule.Answer; a != nil {
		found["headers"] = a.Header
		if a.Status > 0 {
			found["status"], found[inside] = a.Status, w.decoded(ctx, a)
		}
		if one.call.side == webexSide { // which writes a text
			found["status"] = strconv.Itoa(a.Status)
		}
	}
	for _, e := range rule.Edit {
		found[inside] = e.apply(found[inside], w.expand)
	}
}

// decoded is the body of an answer within a batch.
func (w *fieldWire) decoded(ctx context.Context, a *spoiled) any {
	body := w.body(ctx, a)
	var value any
	if json.Unmarshal(body, &value) != nil {
		return string(body)
	}
	return value
}

// part is the answer to one request.
func part(answers []any, name, id string) map[string]any {
	for _, a := range answers {
		if one, _ := a.(map[string]any); one != nil && fmt.Sprint(one[name]) == id {
			return one
		}
	}
	return nil
}

// statuses are those of the answers, by the ids of their requests.
func (p batchParts) statuses(answer []byte) map[string]int {
	statuses := map[string]int{}
	var whole struct{ Responses, Operations []map[string]any }
	if len(p) == 0 || json.Unmarshal(answer, &whole) != nil {
		return statuses
	}
	for _, one := range append(whole.Responses, whole.Operations...) {
		if status, err := strconv.Atoi(fmt.Sprint(one["status"])); err == nil {
			statuses[idOf(one)] = status
		}
	}
	return statuses
}

// jsonEdit changes a place in JSON: names with a slash between, * for every element
// of a list, name=value for the elements that are so.
type jsonEdit struct {
	At     string          `json:"at"`
	Drop   bool            `json:"drop"`
	Set    json.RawMessage `json:"set"`
	Append json.RawMessage `json:"append"`
	// Replace replaces text in a string.
	Replace []string `json:"replace"`
	// Lower makes a string lower-case.
	Lower bool `json:"lower"`
}

func editedAt(answer []byte, edits []jsonEdit, expand func(string) string) []byte {
	if len(edits) == 0 {
		return answer
	}
	var whole any
	if json.Unmarshal(answer, &whole) != nil {
		return answer
	}
	for _, e := range edits {
		whole = e.apply(whole, expand)
	}
	data, err := json.Marshal(whole)
	if err != nil {
		return answer
	}
	return data
}

func (e jsonEdit) apply(value any, expand func(string) string) any {
	if e.At == "" {
		return e.change(value, expand)
	}
	name, rest, _ := strings.Cut(e.At, "/")
	inner := e
	inner.At = rest
	switch v := value.(type) {
	case map[string]any:
		if e.Drop && rest == "" {
			delete(v, name)
		} else if old, ok := v[name]; ok || rest == "" && e.Set != nil {
			v[name] = inner.apply(old, expand)
		}
	case []any:
		kept := v[:0]
		for _, element := range v {
			switch {
			case !selects(name, element):
				kept = append(kept, element)
			case !e.Drop || rest != "":
				kept = append(kept, inner.apply(element, expand))
			}
		}
		return kept
	}
	return value
}

// selects reports whether an element of a list is meant.
func selects(name string, element any) bool {
	key, want, ok := strings.Cut(name, "=")
	if !ok {
		return name == "*"
	}
	object, _ := element.(map[string]any)
	return fmt.Sprint(object[key]) == want
}

func (e jsonEdit) change(value any, expand func(string) string) any {
	decode := func(data json.RawMessage) (v any) {
		if json.Unmarshal([]byte(expand(string(data))), &v) != nil {
			return nil
		}
		return v
	}
	text, _ := value.(string)
	list, _ := value.([]any)
	switch {
	case e.Set != nil:
		return decode(e.Set)
	case e.Append != nil:
		return append(list, decode(e.Append))
	case len(e.Replace) == 2:
		return strings.ReplaceAll(text, e.Replace[0], e.Replace[1])
	case e.Lower:
		return strings.ToLower(text)
	default:
		return value
	}
}

// unstruck fails the case if a rule never struck: then it showed nothing.
func (w *fieldWire) unstruck(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, rule := range w.rules {
		if rule.struck == 0 && !rule.Unused {
			t.Errorf("rule %d (%s %s) never struck", i, rule.Method, rule.Path)
		}
	}
}
