//go:build !race

// The race detector allocates for itself and makes sync.Pool forget.

package notification_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"

	"entrawebex/internal/change"
	"entrawebex/internal/notification"
)

// maxAllocation is what one notification may allocate, in bytes: its share of
// the request, of the log line and of the Changes included.
const maxAllocation = 2 << 10

// Not parallel: what is counted is what the whole process allocates.
func TestANotificationAllocatesAtMost2KiB(t *testing.T) {
	for _, size := range []int{1, 100, 1000} {
		result := testing.Benchmark(func(b *testing.B) { deliver(b, size) })
		if result.N == 0 {
			t.Fatalf("%d a POST: the benchmark did not run", size)
		}
		allocated := result.AllocedBytesPerOp() / int64(size)
		t.Logf("%4d a POST: %d B and %d ns a notification", size, allocated, result.NsPerOp()/int64(size))
		if allocated > maxAllocation {
			t.Errorf("%d a POST: %d B a notification, more than %d", size, allocated, maxAllocation)
		}
	}
}

func BenchmarkDelivery(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("notifications=%d", size), func(b *testing.B) { deliver(b, size) })
	}
}

// deliver posts as many notifications, each about another user, again and
// again in one request.
func deliver(b *testing.B, size int) {
	b.Helper()
	edits := make([]func(map[string]any), size)
	for i := range edits {
		id := uuid.NewString()
		edits[i] = func(item map[string]any) {
			item["resource"] = "Users/" + id
			set("resourceData.@odata.id", "Users/"+id)(item)
			set("resourceData.id", id)(item)
		}
	}
	body := bytes.NewReader(with(b, edits...))
	request := httptest.NewRequest(http.MethodPost, "/notifications", io.NopCloser(body))
	answer := &answer{header: make(http.Header)}
	queued := 0
	handler := newHandler(b, notification.Config{
		Queue: enqueue(func(_ context.Context, changes []change.Change) error {
			queued = len(changes)
			return nil
		}),
		Log: slog.New(slog.DiscardHandler),
	})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			b.Fatal(err)
		}
		handler.ServeHTTP(answer, request)
	}
	if queued != size || answer.status != http.StatusAccepted {
		b.Fatalf("answer %d, queued %d of %d", answer.status, queued, size)
	}
}

// answer is an http.ResponseWriter that allocates nothing.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header            { return a.header }
func (a *answer) WriteHeader(status int)         { a.status = status }
func (a *answer) Write(body []byte) (int, error) { return len(body), nil }
