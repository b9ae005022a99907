package webex

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

const patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// Apply carries out the operations: in one Bulk as many as fit into it, where
// the server has it, and one after the other where it has not. A group may be
// created with up to 500 members, in "members" as SCIM has them; one that has
// more is a permanent fault, and is not sent.
func (c *Client) Apply(ctx context.Context, ops []provision.Operation) []provision.Answer {
	answers := make([]provision.Answer, len(ops))
	writes := make([]write, 0, len(ops))
	places := make([]int, 0, len(ops)) // of the writes' answers
	for i, op := range ops {
		w, err := newWrite(op)
		if err != nil {
			answers[i] = provision.Answer{ID: op.ID, Err: err}
			continue
		}
		writes, places = append(writes, w), append(places, i)
	}
	for len(writes) > 0 {
		n := bulkSize(writes)
		for k, answer := range c.apply(ctx, writes[:n]) {
			answers[places[k]] = answer
		}
		writes, places = writes[n:], places[n:]
	}
	return answers
}

func (c *Client) apply(ctx context.Context, writes []write) []provision.Answer {
	if len(writes) > 1 && c.now().UnixNano() >= c.bulkFrom.Load() {
		if answers, taken := c.bulk(ctx, writes); taken {
			return answers
		}
	}
	return c.applySingly(ctx, writes)
}

// applySingly carries out the writes one after the other, those of groups beside
// the others: they can have a limit of their own, and a far lower one. So none of
// the others waits for them, and they wait for their turn only as long as there is
// something else to do.
func (c *Client) applySingly(ctx context.Context, writes []write) []provision.Answer {
	answers := make([]provision.Answer, len(writes))
	apply := func(ctx context.Context, groups bool) {
		for i, w := range writes {
			if (w.of.kind == change.Group) == groups {
				answers[i] = c.applyOne(ctx, w)
			}
		}
	}
	done := make(chan struct{})
	wait := concurrently(func() { apply(throttle.Beside(ctx, done), true) })
	defer func() {
		close(done)
		wait()
	}()
	apply(ctx, false)
	return answers
}

// concurrently runs f in a goroutine of its own, and returns what waits for its
// end. However f ends, so ends who waits for it: a panic goes on where the
// caller's recover sees it, and after runtime.Goexit, by which a test ends and
// the simulation kills a process, nobody goes on with what f has not done.
func concurrently(f func()) (wait func()) {
	ended := make(chan func(), 1)
	go func() {
		end := runtime.Goexit
		defer func() {
			if p := recover(); p != nil {
				end = func() { panic(p) }
			}
			ended <- end
		}()
		f()
		end = func() {}
	}()
	return func() { (<-ended)() }
}

func (c *Client) applyOne(ctx context.Context, w write) provision.Answer {
	r, err := c.exchange(ctx, w.what, w.method, w.path, w.body())
	if err != nil {
		return provision.Answer{ID: w.id, Err: err}
	}
	return c.outcome(w, r)
}

// write is an Operation as it goes on the wire, alone or within a Bulk.
type write struct {
	what     string
	method   string
	endpoint string
	id       string // empty for a POST
	path     string
	data     json.RawMessage // nil for a DELETE
	of       resourceType
	created  map[string]any // what a POST shall create
	patch    []mapping.PatchOperation
}

// maxNewMembers is how many members a group can be created with: the size of
// members in the schema that Webex answers at /Schemas/SCIM2/Group.
const maxNewMembers = 500

// Body is what is posted to create a user or group.
func Body(kind change.Kind, resource map[string]any) map[string]any {
	body := make(map[string]any, len(resource)+2)
	maps.Copy(body, resource)
	body["schemas"] = typeOf(kind).schemas(resource)
	if kind == change.User {
		body["userType"] = "user" // required, says Cisco's OpenAPI
	}
	return body
}

// newWrite encodes an Operation. The error is a *provision.Fault.
func newWrite(op provision.Operation) (write, error) {
	t := typeOf(op.Object.Kind)
	w := write{endpoint: t.endpoint, id: op.ID, path: t.path(op.ID), of: t}
	var data map[string]any
	switch {
	case op.Resource != nil:
		w.what = fmt.Sprintf("create the Webex %s of %s", op.Object.Kind, op.Object)
		w.method, w.id, w.path, w.created = http.MethodPost, "", t.endpoint, op.Resource
		if members, _ := op.Resource["members"].([]any); len(members) > maxNewMembers {
			return write{}, &provision.Fault{
				Kind: provision.Permanent, Reason: fmt.Sprintf("%s: it has %d members, and Webex takes %d at once", w.what, len(members), maxNewMembers),
			}
		}
		data = Body(op.Object.Kind, op.Resource)
	case op.Patch != nil:
		w.what = fmt.Sprintf("change Webex %s %s of %s", op.Object.Kind, op.ID, op.Object)
		w.method, w.patch = http.MethodPatch, op.Patch
		data = map[string]any{"schemas": []string{patchSchema}, "Operations": op.Patch}
	case !op.Delete:
		return write{}, &provision.Fault{Kind: provision.Permanent, Reason: fmt.Sprintf("write Webex %s %s of %s: there is nothing to write", op.Object.Kind, op.ID, op.Object)}
	default:
		w.what = fmt.Sprintf("delete Webex %s %s of %s", op.Object.Kind, op.ID, op.Object)
		w.method = http.MethodDelete
		return w, nil
	}
	encoded, err := json.Marshal(data)
	if err != nil {
		return write{}, &provision.Fault{Kind: provision.Permanent, Reason: w.what + ": it cannot be written as JSON", Err: err}
	}
	w.data = encoded
	return w, nil
}

// body is what is sent for the write alone; nil for nothing.
func (w write) body() any {
	if w.data == nil {
		return nil
	}
	return w.data
}

// outcome is what an answer says came of a write. A success is what RFC 7644
// says it is (sections 3.3, 3.5.2, 3.6), and nothing else: Webex has answered
// a create with 200 that created nothing, and a gateway answers a PATCH with
// the page of its log-in.
func (c *Client) outcome(w write, r reply) provision.Answer {
	switch {
	case !r.ok():
		f := c.refused(w.what, r)
		f.Attributes = w.named(said(r).details)
		return provision.Answer{ID: w.id, Err: f}
	case !w.isDone(r):
		return provision.Answer{ID: w.id, Err: r.doubt(w.what, fmt.Sprintf("Webex answered %d %s, which does not say that it is done", r.status, http.StatusText(r.status)))}
	case r.isEmpty():
		return w.unshown(r)
	}
	var shown map[string]any
	if err := r.decode(w.what, &shown); err != nil {
		return provision.Answer{ID: w.id, Err: err}
	}
	if why := w.mismatch(r, shown); why != "" {
		return provision.Answer{ID: w.id, Err: r.doubt(w.what, "Webex's answer "+why)}
	}
	return provision.Answer{ID: text(shown, "id"), Shown: withoutMembersOf(shown)}
}

// named are the attributes that the write changes and the words of a refusal name.
func (w write) named(words string) []string {
	said := strings.FieldsFunc(words, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var names []string
	for _, op := range w.patch {
		name := mapping.Attribute(op.Path)
		if slices.ContainsFunc(said, func(word string) bool { return strings.EqualFold(word, name) }) {
			names = append(names, name)
		}
	}
	return names
}

// isDone reports whether the status says that the write was carried out. Within
// a Bulk servers say 200 of a DELETE too.
func (w write) isDone(r reply) bool {
	switch w.method {
	case http.MethodPost:
		return r.status == http.StatusCreated
	case http.MethodPatch:
		return r.status == http.StatusOK || r.status == http.StatusNoContent
	default:
		return r.status == http.StatusNoContent || r.status == http.StatusOK && r.within && r.isEmpty()
	}
}

// unshown is the outcome of a write that is done by an answer without a body.
// What was created has its id in the Location then; a PATCH that was carried
// out alone is answered 204, or 200 with what came of it.
func (w write) unshown(r reply) provision.Answer {
	id := w.id
	if w.method == http.MethodPost {
		id = idIn(r.header.Get("Location"), w.endpoint)
	}
	switch {
	case id == "":
		return provision.Answer{Err: r.doubt(w.what, "Webex's answer has no id")}
	case w.method == http.MethodPatch && r.status == http.StatusOK && !r.within:
		return provision.Answer{ID: id, Err: r.doubt(w.what, "Webex's answer is empty")}
	default:
		return provision.Answer{ID: id}
	}
}

// mismatch says why what an answer shows is not what was written, in words that
// follow "Webex's answer"; empty if it may be. What Webex makes of a value is
// its affair, but for those that say whose account it is.
func (w write) mismatch(r reply, shown map[string]any) string {
	id := w.id
	if w.method == http.MethodPost {
		id = idIn(r.header.Get("Location"), w.endpoint)
	}
	if why := w.of.mismatch(id, shown); why != "" {
		return why
	}
	for _, name := range []string{"userName", "externalId"} {
		asked, given := text(w.created, name), text(shown, name)
		if asked != "" && given != "" && !strings.EqualFold(asked, given) {
			return "shows another " + name + " than what was to be created"
		}
	}
	return ""
}

// idIn returns the id at the end of the address of a resource; empty if that
// is not an address of this endpoint.
func idIn(location, endpoint string) string {
	u, err := url.Parse(location)
	if err != nil {
		return ""
	}
	at := strings.LastIndex(u.Path, endpoint+"/")
	if at < 0 {
		return ""
	}
	id := u.Path[at+len(endpoint)+1:]
	if strings.Contains(id, "/") {
		return ""
	}
	return id
}

// doubt is the fault of an answer that leaves open what the call did: Webex is
// read before it is written again.
func doubt(what, why string) *provision.Fault {
	return &provision.Fault{Kind: provision.Transient, Uncertain: true, Reason: what + ": " + why}
}
