package notification_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/notification"
)

const (
	clientState = "secretClientValue"
	tenantID    = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	userID      = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
)

// memory is a queue that keeps what it is given.
type memory struct{ changes []change.Change }

func (m *memory) Enqueue(_ context.Context, changes []change.Change) error {
	m.changes = append(m.changes, changes...)
	return nil
}

// enqueue is a queue with the behaviour of a function.
type enqueue func(context.Context, []change.Change) error

func (f enqueue) Enqueue(ctx context.Context, changes []change.Change) error { return f(ctx, changes) }

type bundle struct {
	handler http.Handler
	queue   *memory
	log     *bytes.Buffer
}

func seenAt() time.Time { return time.Date(2026, time.March, 2, 9, 41, 8, 0, time.UTC) }

func setup(t testing.TB) *bundle {
	t.Helper()
	b := &bundle{queue: new(memory), log: new(bytes.Buffer)}
	b.handler = newHandler(t, notification.Config{Queue: b.queue, Log: slog.New(slog.NewJSONHandler(b.log, nil))})
	return b
}

// newHandler fills in what cfg leaves out.
func newHandler(t testing.TB, cfg notification.Config) http.Handler {
	t.Helper()
	if cfg.ClientState == "" {
		cfg.ClientState = clientState
	}
	cfg.TenantID = tenantID
	cfg.Now = seenAt
	receiver, err := notification.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return notification.Handler(receiver)
}

func post(handler http.Handler, target string, body io.Reader) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, target, body))
	return w
}

func event(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("../../events/" + name)
	if err != nil {
		t.Fatalf("read event: %v", err)
	}
	return body
}

// with returns the user-updated event after edit, once for each edit.
func with(t testing.TB, edits ...func(item map[string]any)) []byte {
	t.Helper()
	items := make([]json.RawMessage, 0, len(edits))
	for _, edit := range edits {
		var collection struct{ Value []map[string]any }
		if err := json.Unmarshal(event(t, "user-updated.json"), &collection); err != nil {
			t.Fatalf("decode event: %v", err)
		}
		edit(collection.Value[0])
		item, err := json.Marshal(collection.Value[0])
		if err != nil {
			t.Fatalf("encode event: %v", err)
		}
		items = append(items, item)
	}
	body, err := json.Marshal(map[string]any{"value": items})
	if err != nil {
		t.Fatalf("encode event: %v", err)
	}
	return body
}

// set edits one field of an item, or of its resourceData.
func set(path string, value any) func(map[string]any) {
	return func(item map[string]any) {
		field, inData := strings.CutPrefix(path, "resourceData.")
		if data, ok := item["resourceData"].(map[string]any); ok && inData {
			item = data
		}
		if value == nil {
			delete(item, field)
			return
		}
		item[field] = value
	}
}

func line(t *testing.T, b *bundle, message string) map[string]any {
	t.Helper()
	for text := range strings.Lines(b.log.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(text), &entry); err != nil {
			t.Fatalf("decode log: %v", err)
		}
		if entry["msg"] == message {
			return entry
		}
	}
	t.Fatalf("no %q in the log:\n%s", message, b.log)
	return nil
}

func ids(changes []change.Change) []string {
	list := make([]string, 0, len(changes))
	for _, c := range changes {
		list = append(list, c.ID)
	}
	return list
}

func TestAValidationIsAnsweredWithTheTokenDecodedOnce(t *testing.T) {
	t.Parallel()
	for _, token := range []string{
		"Validation: Testing client application reachability for subscription Request-Id: 1f2e3d4c",
		"a+b", "a%2Bb", "a b", "100%", "%41", "<script>alert(1)</script>", "ä=ö&ü", "a;b",
	} {
		for _, target := range []string{
			"/notifications?validationToken=" + url.QueryEscape(token),
			"/notifications?validationToken=" + url.QueryEscape(token) + "&code=1",
			"/lifecycle?code=1&validationToken=" + strings.ReplaceAll(url.QueryEscape(token), "+", "%20"),
		} {
			t.Run(target, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				w := post(b.handler, target, strings.NewReader("{not JSON"))
				if w.Code != http.StatusOK || w.Body.String() != token {
					t.Errorf("answer %d %q, want 200 %q", w.Code, w.Body, token)
				}
				want := http.Header{
					"Content-Type":           {"text/plain; charset=utf-8"},
					"X-Content-Type-Options": {"nosniff"},
				}
				if diff := cmp.Diff(want, w.Header()); diff != "" {
					t.Errorf("header (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestATokenThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"empty":      "validationToken=",
		"too long":   "validationToken=" + strings.Repeat("x", 4<<10+1),
		"malformed":  "validationToken=%zz",
		"other case": "VALIDATIONTOKEN=x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if w := post(setup(t).handler, "/notifications?"+query, nil); w.Code != http.StatusBadRequest {
				t.Errorf("answer %d, want 400", w.Code)
			}
		})
	}
}

func TestAChangeNotificationBecomesAChange(t *testing.T) {
	t.Parallel()
	updated := change.Change{
		Object:        change.Object{Kind: change.User, ID: userID},
		Source:        change.Notification,
		EventTime:     time.Date(2026, time.March, 2, 9, 41, 7, 306290100, time.UTC),
		SeenAt:        seenAt(),
		CorrelationID: "9a1f0f4e-0b7d-4c55-9a63-2f8f6f0f6d11",
	}
	deleted := updated
	deleted.Deleted = true
	timeless := updated
	timeless.EventTime = time.Time{}
	identified := set("id", "9A1F0F4E-0B7D-4C55-9A63-2F8F6F0F6D11")

	for name, test := range map[string]struct {
		edit func(map[string]any)
		want change.Change
	}{
		"updated":                        {func(map[string]any) {}, updated},
		"created is an update":           {set("changeType", "created"), updated},
		"deleted":                        {set("changeType", "deleted"), deleted},
		"an id in capitals":              {set("resource", "Users/"+strings.ToUpper(userID)), updated},
		"users in small letters":         {set("resource", "users/"+userID), updated},
		"a leading slash":                {set("resource", "/users/"+userID), updated},
		"no resourceData":                {set("resourceData", nil), timeless},
		"no event time":                  {set("resourceData.eventTime", nil), timeless},
		"an event time that is none":     {set("resourceData.eventTime", "yesterday"), timeless},
		"an event time that is a number": {set("resourceData.eventTime", 1772444467), timeless},
		"no sequence number":             {set("resourceData.sequenceNumber", nil), updated},
		"a sequence number as a string":  {set("resourceData.sequenceNumber", "636784480202455800"), updated},
		"a sequence number above 2^64":   {set("resourceData.sequenceNumber", json.Number("99999999999999999999")), updated},
		"no tenant":                      {set("tenantId", nil), updated},
		"an empty tenant":                {set("tenantId", ""), updated},
		"a tenant in capitals":           {set("tenantId", strings.ToUpper(tenantID)), updated},
		"a field we do not know":         {set("encryptedContent", map[string]any{"data": "…"}), updated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := post(b.handler, "/notifications", bytes.NewReader(with(t, func(item map[string]any) {
				identified(item)
				test.edit(item)
			})))
			if w.Code != http.StatusAccepted || w.Body.Len() != 0 {
				t.Errorf("answer %d %q, want an empty 202", w.Code, w.Body)
			}
			if diff := cmp.Diff([]change.Change{test.want}, b.queue.changes); diff != "" {
				t.Errorf("queued (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryChangeHasACorrelationIDOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	post(b.handler, "/notifications", bytes.NewReader(with(t,
		func(map[string]any) {},
		func(item map[string]any) { delete(item, "resourceData"); item["resource"] = "Users/" + tenantID })))
	if len(b.queue.changes) != 2 {
		t.Fatalf("queued %d changes, want 2", len(b.queue.changes))
	}
	first, second := b.queue.changes[0].CorrelationID, b.queue.changes[1].CorrelationID
	if _, ok := change.ParseID(first); !ok || first == second {
		t.Errorf("correlation ids %q and %q, want two GUIDs", first, second)
	}
}

func TestANotificationThatIsNotValidIsDroppedAndCounted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit   func(map[string]any)
		reason string
	}{
		"no clientState":                  {set("clientState", nil), "clientState"},
		"an empty clientState":            {set("clientState", ""), "clientState"},
		"another clientState":             {set("clientState", clientState+"x"), "clientState"},
		"another tenant":                  {set("tenantId", userID), "tenant"},
		"another organization":            {set("organizationId", userID), "tenant"},
		"another organization's resource": {set("resourceData.organizationId", userID), "tenant"},
		"an unknown changeType":           {set("changeType", "renamed"), "changeType"},
		"no changeType":                   {set("changeType", nil), "changeType"},
		"a device":                        {set("resource", "Devices/"+userID), "resource"},
		"a user said to be a group":       {set("resource", "Groups/"+userID), "resource"},
		"a user's manager":                {set("resource", "Users/"+userID+"/manager"), "resource"},
		"no resource":                     {set("resource", nil), "resource"},
		"an id that is no GUID":           {set("resource", "Users/alice@example.com"), "resource"},
		"a control character in an id":    {set("resource", "Users/"+userID[:35]+"\x07"), "resource"},
		"a line break after the id":       {set("resource", "Users/"+userID+"\n"), "resource"},
		"a GUID in braces":                {set("resource", "Users/{"+userID+"}"), "resource"},
		"another id in resourceData":      {set("resourceData.id", tenantID), "resource"},
		"another type in resourceData":    {set("resourceData.@odata.type", "#Microsoft.Graph.Group"), "resource"},
		"a number for a resource":         {set("resource", 42), "malformed"},
		"an array for resourceData":       {set("resourceData", []string{}), "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			other := func(item map[string]any) { delete(item, "resourceData"); item["resource"] = "Users/" + tenantID }
			w := post(b.handler, "/notifications", bytes.NewReader(with(t, test.edit, other)))
			if w.Code != http.StatusAccepted {
				t.Errorf("answer %d, want 202", w.Code)
			}
			if diff := cmp.Diff([]string{tenantID}, ids(b.queue.changes)); diff != "" {
				t.Errorf("queued beside it (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(map[string]any{test.reason: 1.0}, line(t, b, "delivery")["reasons"]); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheValidItemsOfAMixedBatchAreQueued(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if w := post(b.handler, "/notifications", bytes.NewReader(event(t, "batch-mixed.json"))); w.Code != http.StatusAccepted {
		t.Errorf("answer %d, want 202", w.Code)
	}
	if diff := cmp.Diff([]string{userID, "0c9f4e12-7a35-4b68-8d21-6e5f40312a9b"}, ids(b.queue.changes)); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
	got := line(t, b, "delivery")
	for _, key := range []string{"time", "level", "msg", "duration"} {
		delete(got, key)
	}
	want := map[string]any{
		"received": 9.0, "queued": 2.0, "duplicates": 1.0, "lifecycle": 1.0, "dropped": 5.0,
		"reasons": map[string]any{"clientState": 1.0, "tenant": 1.0, "malformed": 1.0, "resource": 1.0, "changeType": 1.0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestNotificationsOfOneObjectInOnePostAreOneChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	post(b.handler, "/notifications", bytes.NewReader(with(t,
		set("resourceData.eventTime", nil),
		set("resourceData.eventTime", "2026-03-02T09:00:00Z"),
		set("changeType", "deleted"),
		set("resourceData.eventTime", "2026-03-02T09:59:00+01:00"),
		set("resource", "users/"+strings.ToUpper(userID)))))
	if len(b.queue.changes) != 1 {
		t.Fatalf("queued %d changes, want 1", len(b.queue.changes))
	}
	c := b.queue.changes[0]
	if earliest := time.Date(2026, time.March, 2, 8, 59, 0, 0, time.UTC); !c.Deleted || !c.EventTime.Equal(earliest) {
		t.Errorf("deleted %t at %v, want true at %v", c.Deleted, c.EventTime, earliest)
	}
}

func TestThePreviousClientStateIsAcceptedToo(t *testing.T) {
	t.Parallel()
	queue := new(memory)
	handler := newHandler(t, notification.Config{ClientState: "next", PreviousClientState: clientState, Queue: queue})
	post(handler, "/notifications", bytes.NewReader(with(t, func(map[string]any) {}, set("clientState", "next"), set("clientState", ""))))
	if len(queue.changes) != 1 {
		t.Errorf("queued %d changes, want the one object that both secrets vouch for", len(queue.changes))
	}
}

func TestALifecycleNotificationIsLoggedAndNotQueued(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/lifecycle", "/notifications"} {
		for _, name := range []string{
			"lifecycle-reauthorizationRequired.json",
			"lifecycle-reauthorizationRequired-organizationId.json",
		} {
			t.Run(path+" "+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				if w := post(b.handler, path, bytes.NewReader(event(t, name))); w.Code != http.StatusAccepted {
					t.Errorf("answer %d, want 202", w.Code)
				}
				got := line(t, b, "lifecycle notification")
				if got["event"] != "reauthorizationRequired" || got["subscriptionId"] != "7f105c7d-2dc5-4530-97cd-4e7ae6534c07" {
					t.Errorf("log %v", got)
				}
				if len(b.queue.changes) != 0 {
					t.Errorf("queued %v", b.queue.changes)
				}
			})
		}
	}
}

func TestAForgedLifecycleNotificationIsDropped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	forged := bytes.ReplaceAll(event(t, "lifecycle-reauthorizationRequired.json"), []byte(clientState), []byte("guess"))
	post(b.handler, "/lifecycle", bytes.NewReader(forged))
	if got := line(t, b, "delivery"); got["lifecycle"] != 0.0 || got["dropped"] != 1.0 {
		t.Errorf("log %v", got)
	}
}

func TestAChangeNotificationIsUnderstoodOnTheLifecyclePath(t *testing.T) {
	t.Parallel()
	b := setup(t)
	post(b.handler, "/lifecycle", bytes.NewReader(event(t, "user-deleted.json")))
	if len(b.queue.changes) != 1 || !b.queue.changes[0].Deleted {
		t.Errorf("queued %v, want the deletion", b.queue.changes)
	}
}

func TestAMembershipChangeNamesWhomToLookAt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	post(b.handler, "/notifications", bytes.NewReader(event(t, "group-members-delta.json")))
	if len(b.queue.changes) != 1 {
		t.Fatalf("queued %v", b.queue.changes)
	}
	got := b.queue.changes[0]
	if want := (change.Object{Kind: change.Group, ID: "8d6f2b1a-3c4e-4d5f-a061-7283945a6b7c"}); got.Object != want {
		t.Errorf("queued %v", got)
	}
	want := []string{"5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607", "0c9f4e12-7a35-4b68-8d21-6e5f40312a9b"}
	if diff := cmp.Diff(want, got.Members); diff != "" {
		t.Error(diff)
	}
}

// membership is an item about the members of a group, as it is captured.
func membership(t testing.TB, elements ...string) string {
	t.Helper()
	text := string(event(t, "group-members-delta.json"))
	head, rest, _ := strings.Cut(text, `"members@delta": [`)
	_, tail, _ := strings.Cut(rest, "]")
	_, head, _ = strings.Cut(head, `"value": [`)
	tail, _, _ = strings.Cut(tail, "]")
	return head + `"members@delta": [` + strings.Join(elements, ",") + "]" + tail
}

func member(n int) string {
	return fmt.Sprintf(`{"id":"00000000-0000-4000-8000-%012d"}`, n)
}

// members are elements that name those from one number up to another.
func members(from, to int) []string {
	var elements []string
	for n := from; n < to; n++ {
		elements = append(elements, member(n))
	}
	return elements
}

func TestMembersOfAGroup(t *testing.T) {
	t.Parallel()
	many := members(0, 250)
	for name, test := range map[string]struct {
		items   [][]string
		members []int // in each of the Changes
		dropped map[string]any
	}{
		"more than one Change names are split":  {[][]string{many}, []int{100, 100, 50}, nil},
		"those of several items are united":     {[][]string{many[:60], many[50:110]}, []int{100, 10}, nil},
		"one who is named twice is named once":  {[][]string{{member(1), `{"id":"00000000-0000-4000-8000-000000000001","@removed":"deleted"}`}}, []int{1}, nil},
		"an id that is no GUID spoils no other": {[][]string{{`{"id":"ann@example.com"}`, member(1), "17"}}, []int{1}, map[string]any{"member": 2.0}},
		"none are a change of the properties":   {[][]string{{}}, []int{0}, nil},
		"@removed may be what it is in a delta": {[][]string{{`{"id":"00000000-0000-4000-8000-000000000001","@removed":{"reason":"changed"}}`}}, []int{1}, nil},
		"none beside some are not forgotten":    {[][]string{{}, {member(7)}}, []int{1}, nil},
		"some beside none are not forgotten":    {[][]string{{member(7)}, {}}, []int{1}, nil},
		"as many as one Change names are one":   {[][]string{many[:100]}, []int{100}, nil},
		"none that is one leaves the group":     {[][]string{{`{"id":""}`, "null"}}, []int{0}, map[string]any{"member": 2.0}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var items []string
			for _, elements := range test.items {
				items = append(items, membership(t, elements...))
			}
			w := post(b.handler, "/notifications", strings.NewReader(`{"value":[`+strings.Join(items, ",")+`]}`))
			if w.Code != http.StatusAccepted {
				t.Fatalf("answered %d: %s", w.Code, items[0])
			}
			var got []int
			for _, c := range b.queue.changes {
				got = append(got, len(c.Members))
				if _, err := c.Encode(); err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(test.members, got); diff != "" {
				t.Error(diff)
			}
			reasons := line(t, b, "delivery")["reasons"]
			if test.dropped == nil && reasons != nil || test.dropped != nil && !cmp.Equal(reasons, any(test.dropped)) {
				t.Errorf("dropped for %v", reasons)
			}
		})
	}
}

func TestMembersThatAreSplitKeepTheirOrderAndTheirCause(t *testing.T) {
	t.Parallel()
	b := setup(t)
	post(b.handler, "/notifications", strings.NewReader(`{"value":[`+membership(t, members(0, 250)...)+`]}`))
	if len(b.queue.changes) != 3 {
		t.Fatalf("queued %d changes, want 3", len(b.queue.changes))
	}
	var named []string
	for _, c := range b.queue.changes {
		named = append(named, c.Members...)
		c.Members = nil
		first := b.queue.changes[0]
		first.Members = nil
		if diff := cmp.Diff(first, c); diff != "" {
			t.Errorf("beside the members (-first +other):\n%s", diff)
		}
	}
	for n, id := range named {
		if want := fmt.Sprintf("00000000-0000-4000-8000-%012d", n); id != want {
			t.Fatalf("member %d is %s, want %s", n, id, want)
		}
	}
}

func TestAGroupIsToldFromAUser(t *testing.T) {
	t.Parallel()
	const groupID = "8d6f2b1a-3c4e-4d5f-a061-7283945a6b7c"
	for name, test := range map[string]struct {
		old, edit string
		deleted   bool
		reason    string // why it is dropped; empty if it is queued
	}{
		"as it is captured":           {},
		"in small letters":            {old: `"Groups/`, edit: `"groups/`},
		"with a leading slash":        {old: `"resource": "Groups/`, edit: `"resource": "/Groups/`},
		"with an id in capitals":      {old: groupID, edit: strings.ToUpper(groupID)},
		"without a type":              {old: `"@odata.type": "#Microsoft.Graph.Group",`},
		"deleted for good":            {old: `"changeType": "updated"`, edit: `"changeType": "deleted"`, deleted: true},
		"with members that are none":  {old: `"members@delta": [`, edit: `"members@delta": null, "x": [`},
		"with two leading slashes":    {old: `"resource": "Groups/`, edit: `"resource": "//Groups/`, reason: "resource"},
		"said to be a user":           {old: "#Microsoft.Graph.Group", edit: "#Microsoft.Graph.User", reason: "resource"},
		"named as its members":        {old: `"resource": "Groups/` + groupID, edit: `"resource": "Groups/` + groupID + `/members`, reason: "resource"},
		"with another clientState":    {old: clientState, edit: "guess", reason: "clientState"},
		"of another tenant":           {old: `"tenantId": "` + tenantID, edit: `"tenantId": "` + userID, reason: "tenant"},
		"of another organization":     {old: `"organizationId": "` + tenantID, edit: `"organizationId": "` + userID, reason: "tenant"},
		"with a changeType of others": {old: `"changeType": "updated"`, edit: `"changeType": "renamed"`, reason: "changeType"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			body := string(event(t, "group-members-delta.json"))
			if !strings.Contains(body, test.old) {
				t.Fatalf("there is no %s in the event", test.old)
			}
			if test.old != "" {
				body = strings.ReplaceAll(body, test.old, test.edit)
			}
			post(b.handler, "/notifications", strings.NewReader(body))
			if test.reason != "" {
				if diff := cmp.Diff(map[string]any{test.reason: 1.0}, line(t, b, "delivery")["reasons"]); diff != "" || len(b.queue.changes) > 0 {
					t.Errorf("queued %v; reasons (-want +got):\n%s", b.queue.changes, diff)
				}
				return
			}
			want := change.Object{Kind: change.Group, ID: groupID}
			if len(b.queue.changes) != 1 || b.queue.changes[0].Object != want || b.queue.changes[0].Deleted != test.deleted {
				t.Errorf("queued %+v, want one of %s, deleted: %t", b.queue.changes, want, test.deleted)
			}
		})
	}
}

func TestAnItemWithoutMembersAddsOnlyItsTimeAndThatTheGroupIsDeleted(t *testing.T) {
	t.Parallel()
	properties := strings.NewReplacer(
		`"updated"`, `"deleted"`, `"members@delta": []`, `"eventTime": "2026-03-02T09:00:00Z"`,
	).Replace(membership(t))
	for name, items := range map[string][]string{
		"before the members": {properties, membership(t, member(1), member(2))},
		"after the members":  {membership(t, member(1), member(2)), properties},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			post(b.handler, "/notifications", strings.NewReader(`{"value":[`+strings.Join(items, ",")+`]}`))
			if len(b.queue.changes) != 1 {
				t.Fatalf("queued %+v, want one change", b.queue.changes)
			}
			c := b.queue.changes[0]
			if happened := time.Date(2026, time.March, 2, 9, 0, 0, 0, time.UTC); len(c.Members) != 2 || !c.Deleted || !c.EventTime.Equal(happened) {
				t.Errorf("queued %+v, want both members, deleted at %v", c, happened)
			}
		})
	}
}

func TestAUserHasNoMembers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	post(b.handler, "/notifications", bytes.NewReader(with(t,
		set("resourceData.members@delta", []map[string]string{{"id": tenantID}}))))
	if len(b.queue.changes) != 1 || len(b.queue.changes[0].Members) != 0 {
		t.Errorf("queued %+v, want a user and nobody with it", b.queue.changes)
	}
}

func TestWhatIsNoDeliveryIsRefused(t *testing.T) {
	t.Parallel()
	valid := string(event(t, "user-updated.json"))
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"nothing":                         {"", http.StatusBadRequest},
		"not JSON":                        {"value=1", http.StatusBadRequest},
		"half a body":                     {valid[:len(valid)/2], http.StatusBadRequest},
		"something after it":              {valid + "x", http.StatusBadRequest},
		"an array":                        {"[]", http.StatusBadRequest},
		"null":                            {"null", http.StatusBadRequest},
		"no value":                        {`{"values":[]}`, http.StatusBadRequest},
		"a value that is null":            {`{"value":null}`, http.StatusBadRequest},
		"a value that is an object":       {`{"value":{}}`, http.StatusBadRequest},
		"a second value that is no array": {strings.TrimSuffix(strings.TrimSpace(valid), "}") + `,"value":1}`, http.StatusBadRequest},
		"a million brackets":              {strings.Repeat("[", 1_000_000), http.StatusBadRequest},
		"a million brackets as a value":   {`{"value":` + strings.Repeat("[", 1_000_000), http.StatusBadRequest},
		"5 MiB":                           {`{"value":[` + strings.Repeat(" ", 5<<20) + `]}`, http.StatusRequestEntityTooLarge},
		"no items":                        {`{"value":[ ]}`, http.StatusAccepted},
		"items that are none":             {`{"value":[0,null,"x",[],true,{}]}`, http.StatusAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			w := post(b.handler, "/notifications", struct{ io.Reader }{strings.NewReader(test.body)})
			if w.Code != test.status {
				t.Errorf("answer %d, want %d", w.Code, test.status)
			}
			if len(b.queue.changes) != 0 {
				t.Errorf("queued %v", b.queue.changes)
			}
		})
	}
}

func TestAnotherMethodIsRefusedWithTheOneThatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete} {
		w := httptest.NewRecorder()
		setup(t).handler.ServeHTTP(w, httptest.NewRequest(method, "/notifications?validationToken=x", nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
			t.Errorf("%s: answer %d, Allow %q; want 405, POST", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

func TestADeliveryThatCouldNotBeQueuedIsToBeSentAgain(t *testing.T) {
	t.Parallel()
	handler := newHandler(t, notification.Config{Queue: enqueue(func(context.Context, []change.Change) error {
		return errors.New("1 of 2 entries failed")
	})})
	if w := post(handler, "/notifications", bytes.NewReader(event(t, "batch-mixed.json"))); w.Code != http.StatusServiceUnavailable {
		t.Errorf("answer %d, want 503", w.Code)
	}
}

func TestAQueueThatHangsIsGivenUpWithinASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		handler := newHandler(t, notification.Config{Queue: enqueue(func(ctx context.Context, _ []change.Change) error {
			<-ctx.Done()
			return ctx.Err()
		})})
		started := time.Now()
		w := post(handler, "/notifications", bytes.NewReader(event(t, "user-updated.json")))
		if took := time.Since(started); w.Code != http.StatusServiceUnavailable || took > 900*time.Millisecond {
			t.Errorf("answer %d after %v, want 503 within 900ms", w.Code, took)
		}
	})
}

func TestNothingConfidentialIsLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, body := range [][]byte{
		event(t, "batch-mixed.json"),
		event(t, "lifecycle-reauthorizationRequired.json"),
		[]byte(`{"value":"` + clientState + `"}`),
		[]byte(clientState),
	} {
		post(b.handler, "/notifications", bytes.NewReader(body))
	}
	post(b.handler, "/notifications?validationToken="+clientState, nil)
	for _, secret := range []string{clientState, "somebody else", "alice", "Users/"} {
		if strings.Contains(b.log.String(), secret) {
			t.Errorf("%q is in the log:\n%s", secret, b.log)
		}
	}
}

func TestAConfigThatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]notification.Config{
		"no clientState":                 {TenantID: tenantID, Queue: new(memory)},
		"a clientState that is too long": {ClientState: strings.Repeat("ä", 129), TenantID: tenantID, Queue: new(memory)},
		"a previous one that is":         {ClientState: "x", PreviousClientState: strings.Repeat("x", 129), TenantID: tenantID, Queue: new(memory)},
		"no tenant":                      {ClientState: "x", Queue: new(memory)},
		"no queue":                       {ClientState: "x", TenantID: tenantID},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := notification.New(cfg); err == nil {
				t.Error("New returned no error")
			}
		})
	}
	if _, err := notification.New(notification.Config{ClientState: strings.Repeat("ä", 128), TenantID: tenantID, Queue: new(memory)}); err != nil {
		t.Errorf("128 characters: %v", err)
	}
}

func Example() {
	queue := enqueue(func(_ context.Context, changes []change.Change) error {
		for _, c := range changes {
			fmt.Println(c.Object, "deleted:", c.Deleted)
		}
		return nil
	})
	receiver, err := notification.New(notification.Config{ClientState: "s3cret", TenantID: tenantID, Queue: queue})
	if err != nil {
		fmt.Println(err)
		return
	}
	answer := post(notification.Handler(receiver), "/notifications", strings.NewReader(`{"value":[{
		"changeType": "updated",
		"clientState": "s3cret",
		"resource": "Users/5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"}]}`))
	fmt.Println(answer.Code)
	// Output:
	// user 5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607 deleted: false
	// 202
}
