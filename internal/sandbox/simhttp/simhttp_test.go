package simhttp

import (
	"context"
	"net/http"
	"testing"
	"time"
)

func TestNetworkReturnsWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	stuck := make(chan struct{})
	defer close(stuck)
	network := Network{"slow.example": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck })}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://slow.example/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := network.RoundTrip(r)
	if err == nil {
		_ = response.Body.Close()
		t.Error("RoundTrip returned no error")
	}
}

func TestWhatIsInsideABatchIsNoHTTPCall(t *testing.T) {
	t.Parallel()
	counts := Counts{"GET /Users": 7, "POST /$batch": 4, "$batch GET /users/{id}": 9, "POST /Bulk": 1, "Bulk POST /Users": 3}
	if got := counts.HTTP(); got != 12 {
		t.Errorf("HTTP() = %d, want 12", got)
	}
}

func TestWritesAreCallsThatAskForAChange(t *testing.T) {
	t.Parallel()
	counts := Counts{"GET /Users": 7, "POST /Users": 1, "PATCH /Users/{id}": 2, "POST /$batch": 4, "$batch GET /users/{id}": 9, "$batch DELETE /users/{id}": 3}
	if got := counts.Writes(); got != 6 {
		t.Errorf("Writes() = %d, want 6", got)
	}
}
