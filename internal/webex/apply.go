package webex

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

const patchSchema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

// Apply carries out the operations: up to 100 of them in one Bulk, where the
// server has it, and one after the other where it has not.
func (c *Client) Apply(ctx context.Context, ops []provision.Operation) []provision.Answer {
	writes := make([]write, len(ops))
	for i, op := range ops {
		writes[i] = newWrite(op)
	}
	answers := make([]provision.Answer, 0, len(ops))
	for some := range slices.Chunk(writes, maxBulk) {
		answers = append(answers, c.apply(ctx, some)...)
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
		r, err := c.exchange(ctx, w.what, w.method, w.path, w.data)
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
	data     any // nil for a DELETE
}

func newWrite(op provision.Operation) write {
	t := typeOf(op.Object.Kind)
	switch {
	case op.Resource != nil:
		data := make(map[string]any, len(op.Resource)+2)
		maps.Copy(data, op.Resource)
		data["schemas"] = t.schemas(op.Resource)
		if op.Object.Kind == change.User {
			data["userType"] = "user" // required, says Cisco's OpenAPI
		}
		return write{
			what:   fmt.Sprintf("create the Webex %s of %s", op.Object.Kind, op.Object),
			method: http.MethodPost, endpoint: t.endpoint, path: t.endpoint, data: data,
		}
	case op.Patch != nil:
		return write{
			what:   fmt.Sprintf("change Webex %s %s of %s", op.Object.Kind, op.ID, op.Object),
			method: http.MethodPatch, endpoint: t.endpoint, id: op.ID, path: t.path(op.ID),
			data: map[string]any{"schemas": []string{patchSchema}, "Operations": op.Patch},
		}
	default:
		return write{
			what:   fmt.Sprintf("delete Webex %s %s of %s", op.Object.Kind, op.ID, op.Object),
			method: http.MethodDelete, endpoint: t.endpoint, id: op.ID, path: t.path(op.ID),
		}
	}
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
