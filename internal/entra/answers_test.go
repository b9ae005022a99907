package entra

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/golden"
	"entrawebex/internal/provision"
	"entrawebex/internal/renew"
)

// answerCase is a file of testdata/answers: what is asked, what Graph, or who is
// between, answers, and what the answer is taken for.
type answerCase struct {
	// Source says where the answers come from.
	Source string `json:"source"`
	Ask    ask    `json:"ask"`
	// Outer answers whole calls by their path below /v1.0, Inner those of a
	// batch: one after the other, and the last for all further ones. Everything
	// else is answered as Graph would, by a tenant without objects.
	Outer map[string][]given `json:"outer,omitempty"`
	Inner map[string][]given `json:"inner,omitempty"`
	Want  any                `json:"want"`
}

// ask is a call of the Client.
type ask struct {
	Call string `json:"call"`
	// Objects are what to read, such as "user …"; the first one is what else is
	// asked about.
	Objects    []string `json:"objects,omitempty"`
	Members    []string `json:"members,omitempty"`
	App        string   `json:"app,omitempty"`
	Transitive bool     `json:"transitive,omitempty"`
	Link       string   `json:"link,omitempty"`
	Name       string   `json:"name,omitempty"`
	// Pages is how many pages are asked for, one after the other; to the end or
	// the fault if zero.
	Pages    int                `json:"pages,omitempty"`
	Priority provision.Priority `json:"priority,omitempty"`
}

// given is one answer.
type given struct {
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	// Body is JSON, Text anything else. {n} in it is how often this path was asked
	// for, {prefer} what the request preferred.
	Body json.RawMessage `json:"body,omitempty"`
	Text string          `json:"text,omitempty"`
	// Unless is the Prefer header, or the $top, with which the answer is passed
	// over for the next one.
	Unless string `json:"unless,omitempty"`
}

// answering gives the answers.
func answering(list []given) http.HandlerFunc {
	asked := 0
	return func(w http.ResponseWriter, r *http.Request) {
		at := min(asked, len(list)-1)
		if r != nil && list[at].Unless != "" {
			at = 0
			for at < len(list)-1 && list[at].Unless != "" && strings.Contains(r.Header.Get("Prefer")+" "+r.URL.RawQuery, list[at].Unless) {
				at++
			}
		}
		asked++
		a := list[at]
		body := string(a.Body)
		if a.Text != "" {
			body = a.Text
		} else if a.Body != nil {
			w.Header().Set("Content-Type", "application/json")
		}
		for key, value := range a.Headers {
			w.Header().Set(key, value)
		}
		w.WriteHeader(max(a.Status, http.StatusOK))
		_, _ = io.WriteString(w, strings.ReplaceAll(body, "{n}", fmt.Sprint(asked)))
	}
}

// Every file is an answer that was seen, or one that was made up, and what it is
// taken for.
func TestAnswersAreTakenForWhatTheyAre(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/answers/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			must(t, err)
			var c answerCase
			decoder := json.NewDecoder(bytes.NewReader(text))
			decoder.DisallowUnknownFields()
			must(t, decoder.Decode(&c))
			if c.Source == "" {
				t.Error("it does not say where the answers come from")
			}
			got := c.run(t)
			if golden.Updating() {
				c.Want = got
				var out bytes.Buffer
				encoder := json.NewEncoder(&out)
				encoder.SetEscapeHTML(false)
				encoder.SetIndent("", "  ")
				must(t, encoder.Encode(c))
				must(t, os.WriteFile(file, out.Bytes(), 0o600))
				return
			}
			if diff := cmp.Diff(c.Want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.Source, diff)
			}
		})
	}
}

// run asks and says what came of it, as JSON has it.
func (c answerCase) run(t *testing.T) any {
	t.Helper()
	g := newGraph()
	for path, list := range c.Outer {
		g.outer[path] = answering(list)
	}
	for path, list := range c.Inner {
		g.inner[path] = answering(list)
	}
	var log bytes.Buffer
	client := g.client(t, Config{
		Select: map[change.Kind][]string{change.User: {"accountEnabled", "displayName"}, change.Group: {"displayName"}},
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})),
	})
	ctx := t.Context()
	if c.Ask.Priority != "" {
		ctx = provision.WithPriority(ctx, c.Ask.Priority)
	}
	out := c.Ask.make(ctx, t, client)
	out["calls"] = len(g.calls)
	if log.Len() > 0 {
		out["log"] = strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
	}
	text, err := json.Marshal(out)
	must(t, err)
	var plain any
	must(t, json.Unmarshal(text, &plain))
	return plain
}

// make makes the call.
func (a ask) make(ctx context.Context, t *testing.T, c *Client) map[string]any {
	t.Helper()
	out := map[string]any{}
	switch a.Call {
	case "read":
		out["readings"] = a.read(ctx, t, c)
		return out
	case "changes", "members", "assignments":
		return a.pages(ctx, t, c)
	}
	said, err := a.single(ctx, t, c)
	out["fault"] = shown(err)
	if err == nil {
		out["answer"] = said
	}
	return out
}

// single makes a call that has one answer.
func (a ask) single(ctx context.Context, t *testing.T, c *Client) (any, error) {
	t.Helper()
	switch a.Call {
	case "groups of":
		return c.GroupsOf(ctx, a.object(t, 0), a.Transitive)
	case "enterprise application":
		return c.ServicePrincipal(ctx, a.App)
	case "organization":
		return c.Organization(ctx)
	case "find":
		return c.Find(ctx, a.Name)
	case "subscriptions":
		return c.Subscriptions(ctx)
	case "subscription":
		return c.Subscription(ctx, a.Name)
	case "subscribe":
		return c.CreateSubscription(ctx, wanted(a.Name))
	case "renew":
		return c.RenewSubscription(ctx, a.Name, testNow())
	case "unsubscribe":
		return nil, c.DeleteSubscription(ctx, a.Name)
	default:
		return nil, fmt.Errorf("nothing is known of the call %q", a.Call)
	}
}

func (a ask) object(t *testing.T, i int) change.Object {
	t.Helper()
	kind, id, ok := strings.Cut(a.Objects[i], " ")
	if !ok {
		t.Fatalf("%q is no object", a.Objects[i])
	}
	return change.Object{Kind: change.Kind(kind), ID: id}
}

func (a ask) read(ctx context.Context, t *testing.T, c *Client) []map[string]any {
	t.Helper()
	var queries []provision.Query
	for i := range a.Objects {
		queries = append(queries, provision.Query{Object: a.object(t, i), Members: a.Members, App: a.App, Transitive: a.Transitive})
	}
	var list []map[string]any
	for _, r := range c.Read(ctx, queries) {
		one := map[string]any{"presence": []string{"unknown", "present", "soft-deleted", "absent"}[r.Presence]}
		if r.Attributes != nil {
			one["attributes"] = r.Attributes
		}
		if r.Roles != nil {
			one["roles"] = r.Roles
		}
		if r.RolesErr != nil {
			one["rolesFault"] = shown(r.RolesErr)
		}
		if r.Err != nil {
			one["fault"] = shown(r.Err)
		}
		var standings []any
		for _, m := range r.Memberships {
			standings = append(standings, []any{[]string{"unanswered", "member", "stranger", "no user"}[m.Standing], shown(m.Err)})
		}
		if standings != nil {
			one["memberships"] = standings
		}
		list = append(list, one)
	}
	return list
}

// pages reads a list page by page. What is the same page after page is said once.
func (a ask) pages(ctx context.Context, t *testing.T, c *Client) map[string]any {
	t.Helper()
	out := map[string]any{}
	var pages []any
	link, read := a.Link, 0
	for {
		said, next, err := a.page(ctx, t, c, link)
		if err != nil {
			out["fault"] = shown(err)
			break
		}
		read++
		if len(pages) == 0 || !cmp.Equal(pages[len(pages)-1], said) {
			pages = append(pages, said)
		}
		if link = next; link == "" || read == a.Pages {
			break
		}
	}
	out["pages"], out["read"] = pages, read
	if again := out["fault"]; again != nil && link != a.Link {
		_, _, err := a.page(ctx, t, c, link)
		out["asked again"] = shown(err)
	}
	return out
}

func (a ask) page(ctx context.Context, t *testing.T, c *Client, link string) (said any, next string, err error) {
	t.Helper()
	switch a.Call {
	case "changes":
		page, err := c.Delta(ctx, change.Kind(a.Name), link)
		return page.Objects, page.Next, err
	case "members":
		page, err := c.Members(ctx, a.object(t, 0).ID, a.Transitive, link)
		return map[string]any{"users": page.Users, "others": page.Others}, page.Next, err
	default:
		page, err := c.Assignments(ctx, a.App, link)
		return map[string]any{"assignments": page.Assignments, "others": page.Others}, page.Next, err
	}
}

// shown is a fault as the cases have it; nil if there is none.
func shown(err error) any {
	if err == nil {
		return nil
	}
	var f *provision.Fault
	if !errors.As(err, &f) {
		return "no fault: " + err.Error()
	}
	out := map[string]any{"kind": f.Label(), "reason": f.Error()}
	if f.Foreign {
		out["foreign"] = true
	}
	if f.Uncertain {
		out["uncertain"] = true
	}
	if f.RequestID != "" {
		out["requestID"] = f.RequestID
	}
	if f.After > 0 {
		out["after"] = f.After / time.Second
	}
	if inUse, ok := errors.AsType[*renew.InUse](err); ok {
		out["inTheWay"] = inUse.ID
	}
	return out
}
