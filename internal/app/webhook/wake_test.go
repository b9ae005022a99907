package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/renew"
)

// service is as much of Lambda as a start needs.
type service struct {
	status int
	events []renew.Event
	// hangs lets no call end before its caller gives up.
	hangs bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if s.hangs {
		<-r.Context().Done()
		return
	}
	if r.URL.Path != "/2015-03-31/functions/stack-renew/invocations" || r.Header.Get("X-Amz-Invocation-Type") != "Event" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	var event renew.Event
	if err := json.Unmarshal(body, &event); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.events = append(s.events, event)
	w.WriteHeader(s.status)
}

type nowhere struct{}

func (nowhere) Enqueue(context.Context, []change.Change) error { return nil }

// served is the handler as the function makes it, over the service.
func served(t *testing.T, s *service, function string) (http.Handler, *strings.Builder) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	log := new(strings.Builder)
	settings := config.Settings{
		Entra:   config.Entra{TenantID: "84bd8158-6d4d-4958-8b9f-9d6445542f95"},
		Webhook: config.Webhook{ClientState: "secretClientValue"},
	}
	handler, err := Handler(&settings, nil, nowhere{}, newStarter(aws.Config{
		BaseEndpoint: &server.URL, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, function), nil, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return handler, log
}

func reauthorize(t *testing.T) []byte {
	t.Helper()
	body, err := os.ReadFile("../../../events/lifecycle-reauthorizationRequired.json")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func post(t *testing.T, handler http.Handler, body []byte) {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/lifecycle", bytes.NewReader(body)))
	if w.Code != http.StatusAccepted {
		t.Errorf("answer %d, want 202", w.Code)
	}
}

func TestALifecycleNotificationStartsRenewWithWhatItSays(t *testing.T) {
	t.Parallel()
	s := &service{status: http.StatusAccepted}
	handler, _ := served(t, s, "stack-renew")
	for range 3 { // within ten seconds
		post(t, handler, reauthorize(t))
	}
	want := []renew.Event{{Lifecycle: []renew.Lifecycle{{
		Event: renew.ReauthorizationRequired, SubscriptionID: "7f105c7d-2dc5-4530-97cd-4e7ae6534c07",
	}}}}
	if diff := cmp.Diff(want, s.events); diff != "" {
		t.Errorf("started with (-want +got):\n%s", diff)
	}
}

func TestAForgedLifecycleNotificationStartsNothing(t *testing.T) {
	t.Parallel()
	s := &service{status: http.StatusAccepted}
	handler, _ := served(t, s, "stack-renew")
	post(t, handler, bytes.ReplaceAll(reauthorize(t), []byte("secretClientValue"), []byte("guess")))
	if len(s.events) > 0 {
		t.Errorf("started with %v", s.events)
	}
}

func TestAFunctionThatCannotBeStartedIsLoggedAndTheDeliveryAnsweredInTime(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*service{
		"refused": {status: http.StatusForbidden}, "throttled": {status: http.StatusTooManyRequests}, "silent": {hangs: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, log := served(t, s, "stack-renew")
			began := time.Now()
			post(t, handler, reauthorize(t))
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("answered after %s", took)
			}
			if !strings.Contains(log.String(), "start stack-renew") {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestWithoutAFunctionToStartTheDeliveryIsAccepted(t *testing.T) {
	t.Parallel()
	s := &service{status: http.StatusAccepted}
	handler, _ := served(t, s, "")
	post(t, handler, reauthorize(t))
	if len(s.events) > 0 {
		t.Errorf("started with %v", s.events)
	}
}
