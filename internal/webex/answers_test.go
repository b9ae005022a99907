package webex_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/webex"
)

// wireAnswer is one answer in a file of testdata/answers. A body that is a
// string is sent as it stands, any other as JSON.
type wireAnswer struct {
	Status int               `json:"status"`
	Header map[string]string `json:"header"`
	Body   json.RawMessage   `json:"body"`
	// Fill gives an attribute of the body so many elements: the beginning of
	// their ids, the first number and the last.
	Fill map[string][3]any `json:"fill"`
}

// answerCase is a file of testdata/answers: what is asked, what is answered,
// and what that means.
type answerCase struct {
	wireAnswer

	What    string                       `json:"what"`
	Source  string                       `json:"source"`
	Request struct{ Call, Value string } `json:"request"`
	// Then are the answers to the calls after the first.
	Then []wireAnswer `json:"then"`
	Want verdict      `json:"want"`
}

// verdict is what came of a call. Kind is "done" for no fault.
type verdict struct {
	Kind      string         `json:"kind"`
	Foreign   bool           `json:"foreign"`
	Uncertain bool           `json:"uncertain"`
	After     float64        `json:"after"` // in seconds
	RequestID string         `json:"requestId"`
	IDs       []string       `json:"ids"`
	Shown     map[string]any `json:"shown"`
	Reserved  string         `json:"reserved"`
	// Each are the kinds of fault of the operations of a Bulk, Refused those of
	// single members.
	Each    []string          `json:"each"`
	Refused map[string]string `json:"refused"`

	// These are held against the call only where a file has them: what the
	// reason says, how many ids there are, the filter of the search and the
	// startIndex of each call.
	Reason string   `json:"reason"`
	Count  int      `json:"count"`
	Filter string   `json:"filter"`
	Asked  []string `json:"asked"`
}

func TestAnAnswerIsBelievedOnlyIfItAnswersTheQuestion(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/answers/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			var c answerCase
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			decoder := json.NewDecoder(bytes.NewReader(data))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&c); err != nil {
				t.Fatal(err)
			}
			c.check(t)
		})
	}
}

func (c answerCase) check(t *testing.T) {
	t.Helper()
	answers := append([]wireAnswer{c.wireAnswer}, c.Then...)
	var got verdict
	calls := 0
	judged(t, client(t, func(r *http.Request) (*http.Response, error) {
		if calls++; calls > len(answers) {
			return nil, fmt.Errorf("%s %s was not expected", r.Method, r.URL.Path)
		}
		got.Filter = r.URL.Query().Get("filter")
		got.Asked = append(got.Asked, r.URL.Query().Get("startIndex"))
		return answers[calls-1].response(t), nil
	}), c.Request.Call, c.Request.Value, &got)
	if calls != len(answers) {
		t.Errorf("%d calls, want %d", calls, len(answers))
	}
	got.unaskedFor(c.Want)
	if diff := cmp.Diff(c.Want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", c.What, diff)
	}
}

// unaskedFor forgets what a file does not ask for, and what says no more than
// the rest.
func (v *verdict) unaskedFor(want verdict) {
	if strings.Contains(v.Reason, want.Reason) {
		v.Reason = want.Reason
	}
	if want.Count == 0 {
		v.Count = 0
	} else {
		v.IDs = nil
	}
	if want.Filter == "" {
		v.Filter = ""
	}
	if want.Asked == nil {
		v.Asked = nil
	}
}

func (w wireAnswer) response(t *testing.T) *http.Response {
	t.Helper()
	body := string(w.Body)
	if text := ""; json.Unmarshal(w.Body, &text) == nil {
		body = text
	}
	if len(w.Fill) > 0 {
		var object map[string]any
		if err := json.Unmarshal(w.Body, &object); err != nil {
			t.Error(err)
		}
		for name, fill := range w.Fill {
			object[name] = filled(fill)
		}
		encoded, err := json.Marshal(object)
		if err != nil {
			t.Error(err)
		}
		body = string(encoded)
	}
	response := answer(w.Status, body)
	for name, value := range w.Header {
		response.Header.Set(name, value)
	}
	return response
}

// filled are elements of a list of resources and of a list of members alike.
func filled(fill [3]any) []map[string]any {
	var list []map[string]any
	from, _ := fill[1].(float64)
	to, _ := fill[2].(float64)
	for i := int(from); i <= int(to); i++ {
		id := fmt.Sprint(fill[0], i)
		list = append(list, map[string]any{"id": id, "userName": id + "@contoso.example", "value": id, "type": "user"})
	}
	return list
}

// judged makes the call that a file names.
func judged(t *testing.T, c *webex.Client, call, value string, v *verdict) {
	t.Helper()
	ctx := t.Context()
	var err error
	switch call {
	case "disable", "delete", "create", "create group", "rename group", "bulk":
		answers := c.Apply(ctx, operations(call))
		if call == "bulk" {
			for _, a := range answers {
				v.Each = append(v.Each, kindOf(a.Err))
			}
			v.Shown = answers[0].Shown
			return
		}
		if err = answers[0].Err; err == nil {
			v.IDs, v.Shown = []string{answers[0].ID}, answers[0].Shown
		}
	case "read user":
		var r provision.Resource
		if r, err = c.Read(ctx, change.User, "w1"); err == nil {
			v.resources(r)
			v.Shown = r.Attributes
		}
	case "find user", "find group", "find address", "list users":
		err = found(ctx, c, call, value, v)
	case "members":
		err = c.Members(ctx, "g1", func(ids []string) error {
			v.IDs = append(v.IDs, ids...)
			return nil
		})
	case "change members":
		var refused map[string]error
		refused, err = c.ChangeMembers(ctx, provision.MemberChange{Group: team(), ID: "g1", Add: []string{"m1"}, Remove: []string{"m2"}})
		for id, err := range refused {
			if v.Refused == nil {
				v.Refused = map[string]string{}
			}
			v.Refused[id] = provision.AsFault(err).Label()
		}
	case "probe":
		err = c.Probe(ctx)
	default:
		t.Fatalf("there is no call %q", call)
	}
	v.Kind, v.Count = "done", len(v.IDs)
	if f := provision.AsFault(err); f != nil {
		v.Kind, v.Foreign, v.Uncertain, v.RequestID = f.Label(), f.Foreign, f.Uncertain, f.RequestID
		v.After, v.Reason = f.After.Seconds(), f.Reason
	}
}

// resources takes what was found or listed into the verdict.
func (v *verdict) resources(list ...provision.Resource) {
	for _, r := range list {
		v.IDs = append(v.IDs, r.ID)
		v.Reserved = r.Reserved
	}
}

func found(ctx context.Context, c *webex.Client, call, value string, v *verdict) error {
	const name = "user001@contoso.example"
	var list []provision.Resource
	var err error
	switch call {
	case "find user":
		list, err = c.Named(ctx, change.User, name)
	case "find group":
		list, err = c.Named(ctx, change.Group, value)
	case "find address":
		list, err = c.Addressed(ctx, name)
	default:
		err = c.Users(ctx, func(page []provision.Resource) error {
			list = append(list, page...)
			return nil
		})
	}
	v.resources(list...)
	return err
}

func operations(call string) []provision.Operation {
	disable := provision.Operation{Object: object(), ID: "w1", Patch: []mapping.PatchOperation{{Op: "replace", Path: "active", Value: false}}}
	switch call {
	case "disable":
		return []provision.Operation{disable}
	case "delete":
		return []provision.Operation{{Object: object(), ID: "w1", Delete: true}}
	case "create":
		return []provision.Operation{{Object: object(), Resource: map[string]any{"userName": "user001@contoso.example", "externalId": "u1"}}}
	case "create group":
		return []provision.Operation{{Object: team(), Resource: map[string]any{"displayName": "Sales"}}}
	case "rename group":
		return []provision.Operation{{Object: team(), ID: "g1", Patch: []mapping.PatchOperation{{Op: "replace", Path: "displayName", Value: "Sales"}}}}
	default:
		return []provision.Operation{disable, {Object: object(), ID: "w2", Delete: true}}
	}
}

// kindOf is the kind of a fault and what it says of its origin.
func kindOf(err error) string {
	f := provision.AsFault(err)
	if f == nil {
		return "done"
	}
	kind := f.Label()
	if f.Foreign {
		kind += " foreign"
	}
	if f.Uncertain {
		kind += " uncertain"
	}
	return kind
}

// Whatever its status, a page blames no object and no token.
func TestAPageOfAGatewayIsTroubleOfTheSideWhateverItsStatus(t *testing.T) {
	t.Parallel()
	for status := 200; status < 600; status++ {
		c := client(t, func(*http.Request) (*http.Response, error) {
			return answer(status, "<!DOCTYPE html><p>Access policy", "Content-Type", "text/html"), nil
		})
		errs := map[string]error{"probe": c.Probe(t.Context())}
		_, errs["read"] = c.Read(t.Context(), change.User, "w1")
		_, errs["members"] = c.ChangeMembers(t.Context(), provision.MemberChange{Group: team(), ID: "g", Add: []string{"m"}})
		for i, a := range c.Apply(t.Context(), three()) {
			errs[fmt.Sprint("in a Bulk ", i)] = a.Err
		}
		for i, op := range three() {
			errs[fmt.Sprint("alone ", i)] = c.Apply(t.Context(), []provision.Operation{op})[0].Err
		}
		want := "transient foreign uncertain"
		if status == 429 || status == 423 {
			want = "throttled"
		}
		for call, err := range errs {
			if status == 204 && (call == "members" || call == "alone 1" || call == "alone 2") {
				continue // net/http reads no body of it
			}
			if got := kindOf(err); got != want {
				t.Errorf("%d, %s: %s", status, call, got)
			}
		}
	}
}
