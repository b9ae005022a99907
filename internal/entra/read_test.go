package entra

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
)

func ids(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = id(i)
	}
	return list
}

// asking asks for users.
func asking(ids ...string) []provision.Query {
	queries := make([]provision.Query, len(ids))
	for i, id := range ids {
		queries[i].Object = change.Object{Kind: change.User, ID: id}
	}
	return queries
}

// about asks for a group and those who may be its members.
func about(group string, members ...string) provision.Query {
	return provision.Query{Object: change.Object{Kind: change.Group, ID: group}, Members: members}
}

func TestRead(t *testing.T) {
	t.Parallel()

	t.Run("returns the selected attributes as JSON has them", func(t *testing.T) {
		t.Parallel()
		c := newGraph(id(1)).client(t, Config{})
		want := []provision.Reading{{Presence: provision.Present, Attributes: map[string]any{
			"id": id(1), "accountEnabled": true, "displayName": "Ada", "mail": nil, "employeeCount": 7.0,
			"businessPhones": []any{"+1"},
		}}}
		if diff := cmp.Diff(want, c.Read(t.Context(), asking(id(1)))); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("takes an id for the same in another case", func(t *testing.T) {
		t.Parallel()
		upper := "0000000A-0000-4000-8000-00000000000B"
		g := newGraph(strings.ToLower(upper))
		if reading := g.client(t, Config{}).Read(t.Context(), asking(upper))[0]; reading.Presence != provision.Present {
			t.Errorf("reading is %+v", reading)
		}
	})

	t.Run("looks in the recycle bin, in one more call, for those not under /users", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.deleted[id(2)] = map[string]any{"id": id(2), "deletedDateTime": "2026-05-04T10:00:00Z", "userPrincipalName": "mangled"}
		want := []provision.Reading{
			{Presence: provision.Absent},
			{Presence: provision.SoftDeleted, Attributes: map[string]any{"id": id(2), "deletedDateTime": "2026-05-04T10:00:00Z"}},
			{Presence: provision.Present, Attributes: map[string]any{"id": id(1), "displayName": "Ada"}},
		}
		c := g.client(t, Config{Select: map[change.Kind][]string{change.User: {"displayName"}}})
		if diff := cmp.Diff(want, c.Read(t.Context(), asking(id(3), id(2), id(1)))); diff != "" {
			t.Error(diff)
		}
		if len(g.calls) != 2 {
			t.Errorf("%d calls, want 2: %v", len(g.calls), g.calls)
		}
	})
}

func TestReadGroup(t *testing.T) {
	t.Parallel()

	t.Run("returns what is selected, and what is decided by", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.group(id(50))
		want := []provision.Reading{{Presence: provision.Present, Attributes: map[string]any{
			"id": id(50), "displayName": "Friends", "securityEnabled": true, "visibility": nil,
		}}}
		if diff := cmp.Diff(want, g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50))})); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("is read without anything selected", func(t *testing.T) {
		t.Parallel()
		g := newGraph(id(1))
		g.group(id(50))
		c := g.client(t, Config{Select: map[change.Kind][]string{}})
		want := []provision.Reading{
			{Presence: provision.Present, Attributes: map[string]any{"id": id(50), "securityEnabled": true, "visibility": nil}},
			{Presence: provision.Present, Attributes: map[string]any{"id": id(1)}},
		}
		if diff := cmp.Diff(want, c.Read(t.Context(), append([]provision.Query{about(id(50))}, asking(id(1))...))); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("is looked for in the recycle bin", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.deleted[id(50)] = map[string]any{"@odata.type": "#microsoft.graph.group", "id": id(50), "deletedDateTime": "2026-05-04T10:00:00Z"}
		want := []provision.Reading{
			{Presence: provision.SoftDeleted, Attributes: map[string]any{"id": id(50), "deletedDateTime": "2026-05-04T10:00:00Z"}},
			{Presence: provision.Absent},
		}
		if diff := cmp.Diff(want, g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50)), about(id(51))})); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("is not what else the recycle bin has under its id", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.deleted[id(50)] = map[string]any{"@odata.type": "#microsoft.graph.user", "id": id(50)}
		reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50))})[0]
		if diff := cmp.Diff(provision.Reading{Presence: provision.Absent}, reading); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("without securityEnabled is a transient fault", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.group(id(50))
		delete(g.groups[id(50)], "securityEnabled")
		reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50))})[0]
		expectFault(t, reading.Err, provision.Transient, 0,
			"read group "+id(50)+" from Entra: the answer has no securityEnabled, which reads as neither true nor false (is Group.Read.All granted?)")
	})

	t.Run("without the permission names it", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		g.inner["/groups/"+id(50)] = refusing(403, "Authorization_RequestDenied", "")
		reading := g.client(t, Config{}).Read(t.Context(), []provision.Query{about(id(50))})[0]
		expectFault(t, reading.Err, provision.Unauthorized, 0,
			"read group "+id(50)+" from Entra: 403 Authorization_RequestDenied: why (it needs the application permission Group.Read.All, with admin consent)")
	})
}

func TestReadInBatches(t *testing.T) {
	t.Parallel()

	t.Run("reads ten users in one call and keeps the order asked", func(t *testing.T) {
		t.Parallel()
		g := newGraph(ids(10)...)
		for i, reading := range g.client(t, Config{}).Read(t.Context(), asking(ids(10)...)) {
			if reading.Err != nil || reading.Attributes["id"] != id(i) {
				t.Errorf("reading %d is %+v", i, reading)
			}
		}
		if diff := cmp.Diff([]string{"POST /v1.0/$batch"}, g.calls); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("sends at most twenty requests a batch", func(t *testing.T) {
		t.Parallel()
		g := newGraph(ids(41)...)
		for i, reading := range g.client(t, Config{}).Read(t.Context(), asking(ids(41)...)) {
			if reading.Err != nil || reading.Attributes["id"] != id(i) {
				t.Errorf("reading %d is %+v", i, reading)
			}
		}
		if len(g.calls) != 3 {
			t.Errorf("%d calls, want 3: %v", len(g.calls), g.calls)
		}
	})

	t.Run("may be called by many at once", func(t *testing.T) {
		t.Parallel()
		c := newGraph(ids(10)...).client(t, Config{})
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for i, reading := range c.Read(t.Context(), asking(ids(10)...)) {
					if reading.Attributes["id"] != id(i) {
						t.Errorf("reading %d is %+v", i, reading)
					}
				}
			})
		}
		group.Wait()
	})

	t.Run("makes no call for no ids", func(t *testing.T) {
		t.Parallel()
		g := newGraph()
		if readings := g.client(t, Config{}).Read(t.Context(), nil); len(readings)+len(g.calls) != 0 {
			t.Errorf("readings %v, calls %v", readings, g.calls)
		}
	})
}

// refusals are answers that are no success, and what each of them means. They
// mean the same for a whole call, for one request in a batch and in the
// recycle bin.
func refusals() map[string]refusalCase {
	return map[string]refusalCase{
		"throttled, in seconds":    {refusing(429, "TooManyRequests", "17"), provision.Throttled, 17 * time.Second, "429 TooManyRequests: why"},
		"throttled, until a date":  {refusing(429, "TooManyRequests", testNow().Add(time.Minute).Format(http.TimeFormat)), provision.Throttled, time.Minute, "429 TooManyRequests: why"},
		"throttled until the past": {refusing(429, "TooManyRequests", testNow().Add(-time.Minute).Format(http.TimeFormat)), provision.Throttled, 0, "429 TooManyRequests: why"},
		"throttled for a day":      {refusing(429, "TooManyRequests", "86400"), provision.Throttled, time.Hour, "429 TooManyRequests: why"},
		"throttled until 2126":     {refusing(429, "TooManyRequests", testNow().AddDate(100, 0, 0).Format(http.TimeFormat)), provision.Throttled, time.Hour, "429 TooManyRequests: why"},
		"throttled, in nonsense":   {refusing(429, "TooManyRequests", "soon"), provision.Throttled, 0, "429 TooManyRequests: why"},
		"locked for a while":       {refusing(423, "Locked", "5"), provision.Throttled, 5 * time.Second, "423 Locked: why"},
		"locked":                   {refusing(423, "Locked", ""), provision.Transient, 0, "423 Locked: why"},
		"unavailable for a while":  {refusing(503, "ServiceUnavailable", "9"), provision.Throttled, 9 * time.Second, "503 ServiceUnavailable: why"},
		"unavailable":              {refusing(503, "ServiceUnavailable", ""), provision.Transient, 0, "503 ServiceUnavailable: why"},
		"an error of the server":   {refusing(500, "InternalServerError", ""), provision.Transient, 0, "500 InternalServerError: why"},
		"timed out":                {refusing(408, "RequestTimeout", ""), provision.Transient, 0, "408 RequestTimeout: why"},
		"a token not accepted":     {refusing(401, "InvalidAuthenticationToken", ""), provision.Unauthorized, 0, "401 InvalidAuthenticationToken: why"},
		"a permission not granted": {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, 0, "403 Authorization_RequestDenied: why (it needs the application permission User.Read.All, with admin consent)"},
		"a bad request":            {refusing(400, "Request_BadRequest", ""), provision.Permanent, 0, "400 Request_BadRequest: why"},
		"another 404":              {refusing(404, "UnknownError", ""), provision.Transient, 0, "404 UnknownError: why"},
		"a 404 without a body":     {raw(404, "application/json", ""), provision.Transient, 0, "404"},
		"a redirect":               {refusing(302, "Found", ""), provision.Transient, 0, "302 Found: why"},
	}
}

type refusalCase struct {
	answer http.HandlerFunc
	kind   provision.FaultKind
	after  time.Duration
	reason string
}

func TestReadRefused(t *testing.T) {
	t.Parallel()
	for name, refusal := range refusals() {
		t.Run(name+" is a fault of that object alone", func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1), id(2))
			g.inner["/users/"+id(1)] = refusal.answer
			readings := g.client(t, Config{}).Read(t.Context(), asking(id(1), id(2)))
			expectFault(t, readings[0].Err, refusal.kind, refusal.after, "read user "+id(1)+" from Entra: "+refusal.reason)
			if readings[1].Presence != provision.Present {
				t.Errorf("the other reading is %+v", readings[1])
			}
		})
		t.Run(name+" from the recycle bin is a fault, not absence", func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.inner["/directory/deletedItems/"+id(1)] = refusal.answer
			reading := g.client(t, Config{}).Read(t.Context(), asking(id(1)))[0]
			expectFault(t, reading.Err, refusal.kind, refusal.after, "read user "+id(1)+" from Entra: "+refusal.reason)
			if reading.Presence != provision.Unknown {
				t.Errorf("presence %v, want Unknown", reading.Presence)
			}
		})
		t.Run(name+" of the batch is a fault in every reading", func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1), id(2))
			g.outer["/$batch"] = refusal.answer
			for i, reading := range g.client(t, Config{}).Read(t.Context(), asking(id(1), id(2))) {
				expectFault(t, reading.Err, refusal.kind, refusal.after, "read user "+id(i+1)+" from Entra: "+refusal.reason)
			}
		})
	}
}

func TestReadAnsweredBadly(t *testing.T) {
	t.Parallel()
	enabled := " (is User.Read.All granted?)"
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"no answer":                 {raw(http.StatusTeapot, "", ""), "it is left out of the answer"},
		"another object":            {raw(200, "application/json", `{"id":"`+id(2)+`","accountEnabled":true}`), "the answer is about another object"},
		"no id":                     {raw(200, "application/json", `{"accountEnabled":true}`), "the answer is about another object"},
		"a list":                    {raw(200, "application/json", `[]`), "the answer is not a JSON object"},
		"no body":                   {raw(200, "application/json", ``), "the answer is about another object"},
		"no accountEnabled":         {raw(200, "application/json", `{"id":"`+id(1)+`"}`), "the answer has no accountEnabled, which reads as neither true nor false" + enabled},
		"accountEnabled null":       {raw(200, "application/json", `{"id":"`+id(1)+`","accountEnabled":null}`), "the answer has no accountEnabled, which reads as neither true nor false" + enabled},
		"a success other than 200":  {raw(204, "", ""), "204"},
		"a status that is not HTTP": {raw(999, "", ""), "999"},
	} {
		t.Run(name+" is a transient fault", func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.inner["/users/"+id(1)] = tt.answer
			reading := g.client(t, Config{}).Read(t.Context(), asking(id(1)))[0]
			expectFault(t, reading.Err, provision.Transient, 0, "read user "+id(1)+" from Entra: "+tt.want)
			if there := strings.Contains(name, "accountEnabled"); there != (reading.Presence == provision.Present) {
				t.Errorf("presence %v", reading.Presence)
			}
		})
	}
}

func TestReadBatchAnsweredBadly(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"no body":      {raw(200, "application/json", ""), "the answer is empty"},
		"no content":   {raw(204, "", ""), "the answer is empty"},
		"not JSON":     {raw(200, "text/html", "<html>"), "the answer is not that of a batch"},
		"endless":      {raw(200, "application/json", strings.Repeat(" ", maxAnswer+1)), "send request: http: request body too large"},
		"a gateway's":  {raw(502, "text/html", "<html>"), "502"},
		"a bad status": {raw(200, "application/json", `{"responses":[{"id":"0","status":"fine"}]}`), "it is left out of the answer"},
	} {
		t.Run("an answer that is "+name+" is a transient fault", func(t *testing.T) {
			t.Parallel()
			g := newGraph(id(1))
			g.outer["/$batch"] = tt.answer
			reading := g.client(t, Config{}).Read(t.Context(), asking(id(1)))[0]
			expectFault(t, reading.Err, provision.Transient, 0, "read user "+id(1)+" from Entra: "+tt.want)
		})
	}
}

func TestReadUnreachable(t *testing.T) {
	t.Parallel()

	t.Run("a broken connection is a transient fault", func(t *testing.T) {
		t.Parallel()
		broken := roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") })
		reading := newGraph().client(t, Config{Transport: broken}).Read(t.Context(), asking(id(1)))[0]
		expectFault(t, reading.Err, provision.Transient, 0, "read user "+id(1)+" from Entra: no answer: reach Graph: connection reset")
	})

	t.Run("a time-out is a transient fault and bounds the call", func(t *testing.T) {
		t.Parallel()
		silent := roundTripFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		c := newGraph().client(t, Config{Transport: silent, Timeout: time.Millisecond})
		reading := c.Read(t.Context(), asking(id(1)))[0]
		if f := provision.AsFault(reading.Err); f.Kind != provision.Transient || !errors.Is(f, context.DeadlineExceeded) {
			t.Errorf("fault %v", f)
		}
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"responses":[{"id":"1","status":404,"headers":{"Retry-After":"3"},"body":{"error":{"code":"Request_ResourceNotFound"}}},null]}`))
	f.Add([]byte(`{"responses":[{"id":"0","status":200,"body":{"id":"` + id(0) + `","accountEnabled":false,"n":1e400}}]}`))
	f.Add([]byte(`{"responses":[{"id":"0","status":429,"headers":{"Retry-After":null},"body":null},{"id":"-1"},{"id":"2"},7]}`))
	f.Add([]byte(`{"responses":[{"id":"1","status":200,"body":{"id":"` + id(50) + `","securityEnabled":true,"visibility":"HiddenMembership"}},{"id":"2","status":200,"body":{"value":[]}}]}`))
	f.Add([]byte(`{"responses":[{"id":"1","status":200,"body":{"id":"` + id(50) + `","securityEnabled":true}},{"id":"2","status":200,"body":{"value":[{"@odata.type":"#microsoft.graph.group","id":"` + id(50) + `"}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/users"}},{"id":"3","status":200,"body":{"value":[]}}]}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		g := newGraph()
		g.outer["/$batch"] = raw(200, "application/json", string(body))
		asked := append(asking(id(0)), about(id(50), id(1), id(2)))
		readings := g.client(t, Config{}).Read(t.Context(), asked)
		if len(readings) != len(asked) {
			t.Fatalf("%d readings for %d queries", len(readings), len(asked))
		}
		for i, r := range readings {
			expectSound(t, asked[i], r)
		}
	})
}

// expectSound fails the test if a reading contradicts itself.
func expectSound(t *testing.T, q provision.Query, r provision.Reading) {
	t.Helper()
	got, _ := r.Attributes["id"].(string)
	decisive := map[change.Kind]string{change.User: accountEnabled, change.Group: securityEnabled}[q.Object.Kind]
	_, decided := r.Attributes[decisive].(bool)
	switch {
	case r.Presence == provision.Present && (!decided || r.Err != nil || !strings.EqualFold(got, q.Object.ID)),
		r.Presence == provision.SoftDeleted && (r.Err != nil || !strings.EqualFold(got, q.Object.ID)),
		r.Presence == provision.Absent && (r.Err != nil || r.Attributes != nil),
		r.Presence == provision.Unknown && r.Err == nil:
		t.Errorf("%s is read as %+v", q.Object, r)
	}
	if len(r.Memberships) != len(q.Members) {
		t.Fatalf("%d memberships for %d members", len(r.Memberships), len(q.Members))
	}
	for _, m := range r.Memberships {
		if (m.Standing == provision.Unanswered) != (m.Err != nil) {
			t.Errorf("a membership is %+v", m)
		}
		if m.Standing == provision.NotMember && (r.Presence != provision.Present || r.Attributes[visibility] == hiddenMembership) {
			t.Errorf("a stranger to a group read as %+v", r)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for name, n := range map[string]int{"one": 1, "ten": 10} {
		b.Run(name, func(b *testing.B) {
			g := newGraph(ids(n)...)
			c := g.client(b, Config{})
			b.ReportAllocs()
			for b.Loop() {
				if readings := c.Read(b.Context(), asking(ids(n)...)); readings[n-1].Err != nil {
					b.Fatal(readings[n-1].Err)
				}
			}
			b.ReportMetric(float64(len(g.calls))/float64(b.N), "calls/op")
			b.ReportMetric(float64(g.bytes)/float64(b.N), "sent-B/op")
		})
	}
}
