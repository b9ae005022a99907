package webex

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
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
	if len(writes) > 1 && !c.noBulk.Load() {
		if answers, taken := c.bulk(ctx, writes); taken {
			return answers
		}
	}
	answers := make([]provision.Answer, len(writes))
	for i, w := range writes {
		r, err := c.exchange(ctx, w.what, w.method, w.path, w.body())
		if err != nil {
			answers[i] = provision.Answer{ID: w.id, Err: err}
			continue
		}
		answers[i] = c.outcome(w, r)
	}
	return answers
}

// write is an Operation as it goes on the wire, alone or within a Bulk.
type write struct {
	what     string
	method   string
	endpoint string
	id       string // empty for a POST
	path     string
	data     json.RawMessage // nil for a DELETE
}

// maxNewMembers is how many members a group can be created with: the size of
// members in the schema that Webex answers at /Schemas/SCIM2/Group.
const maxNewMembers = 500

// newWrite encodes an Operation. The error is a *provision.Fault.
func newWrite(op provision.Operation) (write, error) {
	t := typeOf(op.Object.Kind)
	w := write{endpoint: t.endpoint, id: op.ID, path: t.path(op.ID)}
	var data map[string]any
	switch {
	case op.Resource != nil:
		w.what = fmt.Sprintf("create the Webex %s of %s", op.Object.Kind, op.Object)
		w.method, w.id, w.path = http.MethodPost, "", t.endpoint
		if members, _ := op.Resource["members"].([]any); len(members) > maxNewMembers {
			return write{}, &provision.Fault{
				Kind: provision.Permanent, Reason: fmt.Sprintf("%s: it has %d members, and Webex takes %d at once", w.what, len(members), maxNewMembers),
			}
		}
		data = make(map[string]any, len(op.Resource)+2)
		maps.Copy(data, op.Resource)
		data["schemas"] = t.schemas(op.Resource)
		if op.Object.Kind == change.User {
			data["userType"] = "user" // required, says Cisco's OpenAPI
		}
	case op.Patch != nil:
		w.what = fmt.Sprintf("change Webex %s %s of %s", op.Object.Kind, op.ID, op.Object)
		w.method = http.MethodPatch
		data = map[string]any{"schemas": []string{patchSchema}, "Operations": op.Patch}
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
// a create with 200 that created nothing.
func (c *Client) outcome(w write, r reply) provision.Answer {
	expected := r.status == http.StatusOK || r.status == http.StatusNoContent
	if w.method == http.MethodPost {
		expected = r.status == http.StatusCreated
	}
	switch {
	case !r.ok():
		return provision.Answer{ID: w.id, Err: c.refused(w.what, r)}
	case !expected:
		return provision.Answer{ID: w.id, Err: doubt(w.what, fmt.Sprintf("Webex answered %d %s, which does not say that it is done", r.status, http.StatusText(r.status)))}
	case w.method != http.MethodPost:
		return provision.Answer{ID: w.id}
	}
	id := createdID(w, r)
	if id == "" {
		return provision.Answer{Err: doubt(w.what, "Webex's answer has no id")}
	}
	return provision.Answer{ID: id}
}

// createdID reads the id of what was created from the answer's body, or where
// that has none from the end of its Location.
func createdID(w write, r reply) string {
	var created struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(r.body, &created); err == nil && created.ID != "" {
		return created.ID
	}
	return idIn(r.header.Get("Location"), w.endpoint)
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
