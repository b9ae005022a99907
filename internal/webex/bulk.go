package webex

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

// maxBulk is how many operations Webex takes in one Bulk.
// https://developer.webex.com/docs/api/v1/bulk-manage-scim-2-users-and-groups
const maxBulk = 100

const (
	// maxBulkBytes is how long a Bulk may be. Webex documents no number; this
	// is the maxPayloadSize in RFC 7643's example (section 8.5).
	maxBulkBytes = 1 << 20
	// bulkFrame and operationFrame are what stands around the operations, and
	// around the path and the data of one.
	bulkFrame, operationFrame = 128, 64
)

// bulkSize is how many of the writes, from the first on, fit into one Bulk; at
// least one.
func bulkSize(writes []write) int {
	length := bulkFrame
	for i, w := range writes[:min(len(writes), maxBulk)] {
		length += operationFrame + len(w.path) + len(w.data)
		if length > maxBulkBytes && i > 0 {
			return i
		}
	}
	return min(len(writes), maxBulk)
}

// bulkRequest is RFC 7644 section 3.7's, but for the small o: Webex reads no
// other.
type bulkRequest struct {
	Schemas      []string        `json:"schemas"`
	FailOnErrors int             `json:"failOnErrors"`
	Operations   []bulkOperation `json:"operations"`
}

type bulkOperation struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	BulkID string          `json:"bulkId"`
	Data   json.RawMessage `json:"data,omitempty"`
}

// bulk sends the writes in one POST /Bulk. Not taken means that none was
// carried out: the server has no Bulk, which is remembered for a while, or does
// not take this one. Any other failure of the whole is one of each write.
func (c *Client) bulk(ctx context.Context, writes []write) (answers []provision.Answer, taken bool) {
	request := bulkRequest{
		Schemas:      []string{"urn:ietf:params:scim:api:messages:2.0:BulkRequest"},
		FailOnErrors: maxBulk, // the highest that Webex takes
		Operations:   make([]bulkOperation, len(writes)),
	}
	for i, w := range writes {
		request.Operations[i] = bulkOperation{Method: w.method, Path: w.path, BulkID: bulkID(i), Data: w.data}
	}
	what := fmt.Sprintf("a Bulk of %d operations", len(writes))
	sent := c.now()
	r, err := c.exchange(ctx, what, http.MethodPost, "/Bulk", request)
	if err != nil {
		return failed(writes, err), true
	}
	if c.declines(r) {
		return nil, false
	}
	if !r.ok() {
		return failed(writes, c.refused(what, r)), true
	}
	given, err := decodeBulk(what, r)
	if err != nil {
		return failed(writes, err), true
	}
	c.pace(sent, given)
	answers = make([]provision.Answer, len(writes))
	for i, a := range match(writes, given) {
		answers[i] = c.bulkOutcome(writes[i], r, a)
	}
	return answers, true
}

// bulkAgain is how long a server that said that it has no Bulk is not asked
// again: it may have been a release, or a moment.
const bulkAgain = time.Hour

// declines reports whether the server itself does not take the Bulk, so that
// nothing of it was carried out. A gateway's answer leaves that open: to send
// the writes once more could create a group twice. That a method or a call is
// not there is believed without a word too.
func (c *Client) declines(r reply) bool {
	origin := said(r).origin
	switch r.status {
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		c.withoutBulk(origin == scim || origin == nobody)
		return origin != stranger
	case http.StatusNotFound:
		c.withoutBulk(origin == scim)
		return origin == scim || origin == router
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge,
		// Of a write these two would say that its name is taken or its object gone.
		http.StatusConflict, http.StatusGone:
		return origin == scim || origin == router
	default:
		return false
	}
}

// withoutBulk remembers for a while, if it is so, that the server has no Bulk.
func (c *Client) withoutBulk(isSo bool) {
	if isSo {
		c.bulkFrom.Store(c.now().Add(bulkAgain).UnixNano())
	}
}

// pacer is a Transport that keeps to the rate Webex serves, and sees no more of
// a Bulk than the 200 it is answered.
type pacer interface {
	RefusedWithin(sent time.Time, after time.Duration)
	Traffic() throttle.Traffic
}

// Traffic counts the calls that Webex answered; of a transport that is no pacer none.
func (c *Client) Traffic() throttle.Traffic {
	if c.pacer == nil {
		return throttle.Traffic{}
	}
	return c.pacer.Traffic()
}

// pace tells the pacer, if there is one, that Webex found operations of a Bulk to
// come too often. An operation's answer has no Retry-After (RFC 7644 section
// 3.7.3).
func (c *Client) pace(sent time.Time, given []bulkAnswer) {
	throttled := slices.ContainsFunc(given, func(a bulkAnswer) bool {
		return a.Status == word(strconv.Itoa(http.StatusTooManyRequests))
	})
	if throttled && c.pacer != nil {
		c.pacer.RefusedWithin(sent, 0)
	}
}

// bulkID names the i-th operation of a Bulk.
func bulkID(i int) string { return "op" + strconv.Itoa(i+1) }

// failed answers each of the writes with the failure of the whole.
func failed(writes []write, err error) []provision.Answer {
	answers := make([]provision.Answer, len(writes))
	for i, w := range writes {
		f := *provision.AsFault(err)
		f.Reason = w.what + ": " + f.Reason
		answers[i] = provision.Answer{ID: w.id, Err: &f}
	}
	return answers
}

// bulkAnswer is the answer to one operation of a Bulk.
type bulkAnswer struct {
	BulkID   word            `json:"bulkId"`
	Method   string          `json:"method"`
	Location string          `json:"location"`
	Status   word            `json:"status"` // Webex writes a string, others a number
	Response json.RawMessage `json:"response"`
}

// word is a string that may be written as a number.
type word string

// UnmarshalJSON implements json.Unmarshaler.
func (w *word) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err == nil { // null too, as none
		*w = word(s)
		return nil
	}
	var n json.Number
	if err := json.Unmarshal(data, &n); err != nil {
		return fmt.Errorf("neither a string nor a number: %w", err)
	}
	*w = word(n)
	return nil
}

// decodeBulk reads the answer to a Bulk, with a small o as Webex writes it or
// a capital one. An operation's answer that cannot be read is left out.
func decodeBulk(what string, r reply) ([]bulkAnswer, error) {
	var body struct {
		Operations []json.RawMessage `json:"operations"`
	}
	if err := r.decode(what, &body); err != nil {
		return nil, err
	}
	given := make([]bulkAnswer, 0, len(body.Operations))
	for _, raw := range body.Operations {
		var a bulkAnswer
		if err := json.Unmarshal(raw, &a); err == nil {
			given = append(given, a)
		}
	}
	return given, nil
}

// match finds the answer to each write; nil where there is none, or more than
// one. It goes by bulkId. Where no answer has one, it goes by the order, if
// that can be. Where only some have none, as in Cisco's own example, those of
// changes and deletions are known by their location.
func match(writes []write, given []bulkAnswer) []*bulkAnswer {
	matched := make([]*bulkAnswer, len(writes))
	if inOrder(writes, given) {
		for i := range given {
			matched[i] = &given[i]
		}
		return matched
	}
	index := make(map[word]int, len(writes))
	for i := range writes {
		index[word(bulkID(i))] = i
	}
	taken := make([]int, len(writes))
	for n := range given {
		a := &given[n]
		i, ok := index[a.BulkID]
		if a.BulkID == "" {
			i = slices.IndexFunc(writes, a.isAbout)
			ok = i >= 0
		}
		if ok {
			matched[i] = a
			taken[i]++
		}
	}
	for i, times := range taken {
		if times > 1 {
			matched[i] = nil
		}
	}
	return matched
}

// inOrder reports whether the answers, none of which has a bulkId, can stand
// in the order of the writes.
func inOrder(writes []write, given []bulkAnswer) bool {
	if len(given) != len(writes) {
		return false
	}
	for i, a := range given {
		if a.BulkID != "" || a.Method != "" && !strings.EqualFold(a.Method, writes[i].method) {
			return false
		}
	}
	return true
}

// isAbout reports whether method and location say that the answer is this
// write's.
func (a *bulkAnswer) isAbout(w write) bool {
	return w.id != "" && strings.EqualFold(a.Method, w.method) && idIn(a.Location, w.endpoint) == w.id
}

// contradicts reports whether method or location say that the answer is not
// this write's, whatever its bulkId.
func (a *bulkAnswer) contradicts(w write) bool {
	return a.Method != "" && !strings.EqualFold(a.Method, w.method) ||
		a.Location != "" && w.id != "" && idIn(a.Location, w.endpoint) != w.id
}

// bulkOutcome is what came of a write within a Bulk: what its answer would
// mean if the write had been sent alone. One that was carried out has no body
// there (RFC 7644 section 3.7.3).
func (c *Client) bulkOutcome(w write, whole reply, a *bulkAnswer) provision.Answer {
	if a != nil && !a.contradicts(w) {
		if status, err := strconv.Atoi(string(a.Status)); err == nil && status >= 100 && status <= 599 {
			header := http.Header{"Location": {a.Location}, "Trackingid": {whole.header.Get("Trackingid")}}
			return c.outcome(w, reply{status: status, header: header, body: a.body(), within: true})
		}
	}
	return provision.Answer{ID: w.id, Err: whole.doubt(w.what, "Webex's answer to the Bulk does not say what came of it")}
}

// body is the response; none for a null.
func (a *bulkAnswer) body() []byte {
	if string(a.Response) == "null" {
		return nil
	}
	return a.Response
}
