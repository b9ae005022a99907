package webex_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/sandbox/scim"
	"entrawebex/internal/webex"
)

func TestNoWritePassesAReadOnlyTransport(t *testing.T) {
	t.Parallel()
	passed := 0
	transport := webex.ReadOnly(roundTrip(func(*http.Request) (*http.Response, error) {
		passed++
		return answer(200, "{}"), nil
	}))
	for _, method := range []string{
		http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions,
		http.MethodConnect, http.MethodTrace, "get", "GET ", "MOVE", "X",
	} {
		request := &http.Request{Method: method, Body: http.NoBody}
		response, err := transport.RoundTrip(request)
		if response != nil {
			_ = response.Body.Close()
		}
		f := provision.AsFault(err)
		if f == nil || f.Kind != provision.Permanent || f.Uncertain || !strings.Contains(f.Reason, "and "+method+" would") || passed != 0 {
			t.Errorf("%q: fault %v, %d passed", method, f, passed)
		}
	}
	for _, method := range []string{http.MethodGet, ""} {
		response, err := transport.RoundTrip(&http.Request{Method: method})
		if err != nil {
			t.Errorf("%q: %v", method, err)
			continue
		}
		_ = response.Body.Close()
	}
	if passed != 2 {
		t.Errorf("%d passed, want 2", passed)
	}
}

func TestAReadOnlyClientReadsAndDoesNotWrite(t *testing.T) {
	t.Parallel()
	org, c := organization(t, scim.Config{}, webex.ReadOnly)
	ids := populate(t, org, 3)
	group, err := org.AddGroup(map[string]any{"displayName": "G"}, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for n, writes := range [][]provision.Operation{three()[:1], three()[1:2], three()[2:], three()} {
		for i, a := range c.Apply(ctx, writes) {
			expectNotSent(t, fmt.Sprintf("operation %d of %d", i, n), a.Err)
		}
	}
	_, err = c.ChangeMembers(ctx, provision.MemberChange{Group: team(), ID: group, Add: ids[1:], Remove: ids[:1]})
	expectNotSent(t, "members", err)

	reads := map[string]func(context.Context) error{
		"read":    func(ctx context.Context) error { _, err := c.Read(ctx, change.User, ids[0]); return err },
		"search":  func(ctx context.Context) error { _, err := c.Named(ctx, change.Group, "G"); return err },
		"probe":   c.Probe,
		"members": func(ctx context.Context) error { return c.Members(ctx, group, func([]string) error { return nil }) },
		"users":   func(ctx context.Context) error { _, err := listedUsers(ctx, c); return err },
	}
	for name, read := range reads {
		if err := read(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if counts := org.Calls.Snapshot(); counts.Writes() != 0 || counts["POST /Bulk"] != 0 {
		t.Errorf("calls %v", counts)
	}
}

func expectNotSent(t *testing.T, what string, err error) {
	t.Helper()
	f := provision.AsFault(err)
	if f == nil || f.Kind != provision.Permanent || f.Uncertain || !strings.Contains(f.Reason, "not sent: this is a look at Webex that changes nothing") {
		t.Errorf("%s: fault %+v", what, f)
	}
}
