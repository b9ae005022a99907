package standalone

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/change"
	"entrawebex/internal/monitor"
	"entrawebex/internal/operator"
	"entrawebex/internal/queue"
)

// received is a queue from which these come.
type received struct {
	queue.Queue

	msgs []queue.Message
}

func (r received) Receive(context.Context, int, time.Duration, time.Duration) ([]queue.Message, error) {
	return r.msgs, nil
}

func TestAChangeIsCountedWhenItIsReceivedForTheFirstTime(t *testing.T) {
	t.Parallel()
	c := change.Change{Object: change.Object{Kind: change.User, ID: "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"}, Source: change.Notification}
	body, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m := monitor.New()
	msgs := []queue.Message{{Body: body, ReceiveCount: 1}, {Body: body, ReceiveCount: 2}, {Body: []byte("nonsense"), ReceiveCount: 1}}
	if got, err := (taking{received{msgs: msgs}, m}).Receive(t.Context(), 10, 0, 0); err != nil || len(got) != len(msgs) {
		t.Fatal(got, err)
	}
	status := func(context.Context) (operator.Status, error) { return operator.Status{}, nil }
	server := httptest.NewServer(m.Handler(status, time.Now, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/metrics", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(text), `entrawebex_changes_total{source="notification"} 1`) {
		t.Errorf("%s, %v", text, err)
	}
}
