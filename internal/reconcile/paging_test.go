package reconcile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/entra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
)

// chain is a delta query whose pages lead on, behind the real Graph client. The
// other kind has one page with somebody on it.
type chain struct {
	Kind  change.Kind     `json:"kind"`
	Link  string          `json:"link"`
	Told  string          `json:"told"`
	Value json.RawMessage `json:"value"`

	calls int
	host  string
}

func (c *chain) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	path := c.host + r.URL.Path
	if !strings.HasPrefix(r.URL.Path, "/v1.0/"+string(c.Kind)+"s/delta") {
		fmt.Fprintf(w, `{"value":[],"@odata.deltaLink":%q}`, path+"?$deltatoken=1")
		return
	}
	c.calls++
	page, err := strconv.Atoi(r.URL.Query().Get("$skiptoken"))
	if err != nil {
		page = 0
	}
	next := fmt.Sprintf(`"@odata.nextLink":%q`, path+fmt.Sprint("?$skiptoken=", page+1))
	if last, ok := strings.CutPrefix(c.Link, "until "); ok && strconv.Itoa(page) == last {
		next = fmt.Sprintf(`"@odata.deltaLink":%q`, path+"?$deltatoken=1")
	}
	if c.Link == "ring" {
		next = fmt.Sprintf(`"@odata.nextLink":%q`, path+fmt.Sprint("?$skiptoken=", (page+1)%2))
	}
	value := bytes.ReplaceAll(c.Value, []byte("{page}"), fmt.Appendf(nil, "%012d", page))
	fmt.Fprintf(w, `{"value":%s,%s}`, value, next)
}

// chained returns a job whose cursors stand where the chains begin.
func chained(t *testing.T, name string) (*land, *chain) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	c := &chain{}
	if err := json.Unmarshal(text, c); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.host = server.URL
	l := newLand(t)
	graph, err := entra.Open(config.Entra{Cloud: "public", GraphURL: server.URL, AccessToken: "token"}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l.graph, l.job.Graph, l.job.Scoping.Application = graph, graph, nil
	l.job.Probe = func(context.Context) error { return nil }
	for _, kind := range change.Kinds() {
		if err := l.job.Cursors.Save(t.Context(), kind, server.URL+"/v1.0/"+string(kind)+"s/delta()?$deltatoken=0"); err != nil {
			t.Fatal(err)
		}
	}
	return l, c
}

func chains(t *testing.T, test func(t *testing.T, name string)) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", "rounds", "*.json"))
	if err != nil || len(names) == 0 {
		t.Fatal("no files", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".json"), func(t *testing.T) {
			t.Parallel()
			test(t, name)
		})
	}
}

// most is how many calls a chain without an end may cost.
const mostCalls = 110

func TestARoundWhosePagesBringNothingNewEndsAsAFault(t *testing.T) {
	t.Parallel()
	chains(t, func(t *testing.T, name string) {
		l, c := chained(t, name)
		err := l.job.Run(t.Context())
		if c.Told == "" {
			if err != nil || len(l.queued) != 3 { // 251 members in hundreds
				t.Errorf("%d changes, %v", len(l.queued), err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), c.Told) || c.calls > mostCalls {
			t.Errorf("%d calls, %v", c.calls, err)
		}
		// What was on the pages is not lost.
		if string(c.Value) != "[]" && len(l.queued) == 0 {
			t.Error("nothing is queued")
		}
	})
}

func TestAComparisonThatMeetsPagesWithoutAnEndFailsAndSaysSo(t *testing.T) {
	t.Parallel()
	chains(t, func(t *testing.T, name string) {
		l, c := chained(t, name)
		rounds := 0
		comparison := &sweep.Job{
			Graph: l.graph, Lister: nobody{}, Ledger: nobody{}, Queue: l, Mapping: mapping.Rules{},
			Converge: func(_ context.Context, seen []provision.Snapshot) []provision.Attempt {
				attempts := make([]provision.Attempt, len(seen))
				for i, s := range seen {
					attempts[i].Object = s.Object
				}
				return attempts
			},
			Rests: func(context.Context) (string, error) { return "", nil },
			Depth: func(context.Context) (int, error) { return 0, nil },
			Round: func(context.Context, change.Kind, string) error { rounds++; return nil },
			Now:   time.Now, Log: slog.New(slog.DiscardHandler),
		}
		_, err := comparison.Run(t.Context())
		if c.Told == "" {
			if err != nil || rounds != 2 {
				t.Errorf("%d rounds, %v", rounds, err)
			}
			return
		}
		if err == nil || !strings.Contains(err.Error(), c.Told) || c.calls > mostCalls {
			t.Errorf("%d calls, %v", c.calls, err)
		}
		// Groups that mean nothing are not read at all.
		c.calls = 0
		comparison.Scoping.SkipGroups = true
		if _, err := comparison.Run(t.Context()); c.Kind == change.Group && (err != nil || c.calls != 0) {
			t.Errorf("%d calls, %v", c.calls, err)
		}
	})
}

// nobody is a Webex without anybody in it, and a ledger that knows nobody.
type nobody struct{}

func (nobody) Users(context.Context, func([]provision.Resource) error) error     { return nil }
func (nobody) Groups(context.Context, func([]provision.ListedGroup) error) error { return nil }
func (nobody) Records(context.Context, func(provision.Record) error) error       { return nil }
