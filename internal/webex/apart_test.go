package webex_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
	"entrawebex/internal/webex"
)

// withoutBulk answers everything but a Bulk as it is told.
func withoutBulk(next roundTrip) roundTrip {
	return func(r *http.Request) (*http.Response, error) {
		if strings.HasSuffix(r.URL.Path, "/Bulk") {
			return answer(http.StatusNotImplemented, ""), nil
		}
		return next(r)
	}
}

func throttled(t *testing.T, server roundTrip) *webex.Client {
	t.Helper()
	c, err := webex.New(webex.Config{
		URL: root, Token: func(context.Context) (string, error) { return "secret-token", nil },
		Transport: throttle.New(withoutBulk(server), throttle.Options{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func isOfGroups(r *http.Request) bool { return strings.Contains(r.URL.Path, "/Groups") }

func deletions(objects ...change.Object) []provision.Operation {
	ops := make([]provision.Operation, len(objects))
	for i, o := range objects {
		ops[i] = provision.Operation{Object: o, ID: "w", Delete: true}
	}
	return ops
}

func TestARefusalOfGroupsWritesHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	for name, refused := range map[string]func(context.Context, *webex.Client) error{
		"a group": func(ctx context.Context, c *webex.Client) error {
			return c.Apply(ctx, deletions(team()))[0].Err
		},
		"members": func(ctx context.Context, c *webex.Client) error {
			_, err := c.ChangeMembers(ctx, provision.MemberChange{Group: team(), ID: "g", Add: []string{"u"}})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := throttled(t, func(r *http.Request) (*http.Response, error) {
				switch {
				case r.Method == http.MethodGet:
					return answer(http.StatusOK, `{"id":"g","externalId":"`+team().ID+`","displayName":"Team"}`), nil
				case isOfGroups(r):
					return answer(http.StatusTooManyRequests, "", "Retry-After", "30"), nil
				default:
					return answer(http.StatusNoContent, ""), nil
				}
			})
			if f := provision.AsFault(refused(t.Context(), c)); f == nil || f.Kind != provision.Throttled {
				t.Fatalf("%v", f)
			}
			if diff := cmp.Diff([]string{"done w", "throttled", "done w"}, summary(c.Apply(t.Context(), deletions(object(), team(), object())))); diff != "" {
				t.Error(diff)
			}
			if _, err := c.Read(t.Context(), change.Group, "g"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Of the three groups one is refused, and the limit is eight a second from then on.
func TestGroupsWaitForTheirTurnAsLongAsUsersAreWritten(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ops  []provision.Operation
		want []string
		took time.Duration
	}{
		"no users": {deletions(team(), team(), team()), []string{"throttled", "done w", "throttled"}, 0},
		"users":    {deletions(team(), team(), team(), object()), []string{"throttled", "done w", "done w", "done w"}, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var groups atomic.Int64
				client := throttled(t, func(r *http.Request) (*http.Response, error) {
					switch {
					case !isOfGroups(r):
						time.Sleep(time.Second)
					case groups.Add(1) == 1:
						return answer(http.StatusTooManyRequests, ""), nil
					}
					return answer(http.StatusNoContent, ""), nil
				})
				begun := time.Now()
				got := summary(client.Apply(t.Context(), c.ops))
				if diff := cmp.Diff(c.want, got); diff != "" || time.Since(begun) != c.took {
					t.Errorf("after %v: %s", time.Since(begun), diff)
				}
			})
		})
	}
}

func TestAPanicOverAGroupIsTheCallers(t *testing.T) {
	t.Parallel()
	for name, panics := range map[string]func(*http.Request) bool{
		"over a group": isOfGroups,
		"over a user":  func(r *http.Request) bool { return !isOfGroups(r) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var written atomic.Int64
			panicking := make(chan struct{})
			c := client(t, withoutBulk(func(r *http.Request) (*http.Response, error) {
				if panics(r) {
					close(panicking)
					panic("unforeseen")
				}
				<-panicking
				runtime.Gosched() // to let it out, if it is not kept back
				written.Add(1)
				return answer(http.StatusNoContent, ""), nil
			}))
			defer func() {
				if p := recover(); p != "unforeseen" || written.Load() != 1 {
					t.Errorf("panic %v, %d written before it", p, written.Load())
				}
			}()
			c.Apply(t.Context(), deletions(object(), team()))
		})
	}
}

func TestWhatEndsOverAGroupEndsTheCaller(t *testing.T) {
	t.Parallel()
	c := client(t, withoutBulk(func(r *http.Request) (*http.Response, error) {
		if isOfGroups(r) {
			runtime.Goexit()
		}
		return answer(http.StatusNoContent, ""), nil
	}))
	var caller sync.WaitGroup
	caller.Go(func() {
		answers := c.Apply(t.Context(), deletions(object(), team()))
		t.Errorf("answered: %v", summary(answers))
	})
	caller.Wait()
}
