package entra

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/provision"
	"entrawebex/internal/throttle"
)

// Graph holds each request of a batch against the limits by itself, so that each
// says it too.
func TestGraphIsToldThePriorityOfACallUnlessItIsNormal(t *testing.T) {
	t.Parallel()
	for priority, want := range map[provision.Priority][]string{
		"": {"", "", ""}, provision.Normal: {"", "", ""},
		provision.Low: {"low", "low", "low"}, provision.High: {"high", "high", "high"},
	} {
		t.Run("priority "+string(priority), func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			var told []string
			transport := roundTripFunc(func(r *http.Request) (*http.Response, error) {
				told = append(told, r.Header.Get("X-Ms-Throttle-Priority"))
				if r.Body == nil {
					return g.RoundTrip(r)
				}
				body, err := io.ReadAll(r.Body)
				must(t, err)
				var batch struct {
					Requests []struct {
						Headers map[string]string `json:"headers"`
					} `json:"requests"`
				}
				must(t, json.Unmarshal(body, &batch))
				told = append(told, batch.Requests[0].Headers["X-Ms-Throttle-Priority"])
				return nil, io.ErrUnexpectedEOF
			})
			ctx := t.Context()
			if priority != "" {
				ctx = provision.WithPriority(ctx, priority)
			}
			c := g.client(t, Config{Transport: transport})
			_, err := c.Organization(ctx)
			must(t, err)
			c.Read(ctx, []provision.Query{{Object: change.Object{Kind: change.User, ID: id(1)}}})
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// watched is a Transport that keeps what it is told of a batch.
type watched struct {
	*graph

	used []float64
}

func (*watched) RefusedWithin(time.Time, time.Duration) {}
func (*watched) Traffic() throttle.Traffic              { return throttle.Traffic{} }

func (w *watched) UsedWithin(share float64) { w.used = append(w.used, share) }

func TestWhatABatchSaysOfALimitIsToldToThePacer(t *testing.T) {
	t.Parallel()
	g := newGraph(id(1), id(2))
	for i, share := range []string{"0.85", "1.1"} {
		g.inner["/users/"+id(i+1)] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Ms-Throttle-Limit-Percentage", share)
			answer200(w, map[string]any{"id": id(i + 1), "accountEnabled": true})
		}
	}
	w := &watched{graph: g}
	g.client(t, Config{Transport: w}).Read(t.Context(), asking(id(1), id(2)))
	if diff := cmp.Diff([]float64{1.1}, w.used); diff != "" {
		t.Error(diff)
	}
}
