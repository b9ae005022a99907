package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/notification"
)

const userID = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"

// kept is a queue that keeps what it is given.
type kept struct{ changes []change.Change }

func (k *kept) Enqueue(_ context.Context, changes []change.Change) error {
	k.changes = append(k.changes, changes...)
	return nil
}

// front is what API Gateway calls, over a queue.
func front(t *testing.T, queue notification.Enqueuer) gateway {
	t.Helper()
	receiver, err := notification.New(notification.Config{
		ClientState: "secretClientValue", TenantID: "84bd8158-6d4d-4958-8b9f-9d6445542f95", Queue: queue,
	})
	if err != nil {
		t.Fatal(err)
	}
	return gateway{notification.Handler(receiver)}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../events", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func request(t *testing.T, name string) events.APIGatewayV2HTTPRequest {
	t.Helper()
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(read(t, name), &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func handle(t *testing.T, g gateway, event events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	answer, err := g.Handle(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// API Gateway hands the query over as it came in: net/http decodes it once, as it
// does without API Gateway.
func TestAValidationIsAnsweredWithTheSameToken(t *testing.T) {
	t.Parallel()
	answer := handle(t, front(t, new(kept)), request(t, "apigateway-validation.json"))
	want := events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"},
		Body: "Validation: Testing client application reachability for subscription " +
			"Request-Id: 1f2e3d4c-5b6a-4798-8a9b-0c1d2e3f4a5b + %2B",
	}
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestANotificationIsQueued(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"apigateway-user-updated.json", "apigateway-user-updated-base64.json"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queue := new(kept)
			if answer := handle(t, front(t, queue), request(t, name)); answer.StatusCode != http.StatusAccepted {
				t.Errorf("answer %d, want 202", answer.StatusCode)
			}
			if len(queue.changes) != 1 || queue.changes[0].ID != userID {
				t.Errorf("queued %v", queue.changes)
			}
		})
	}
}

// Every other file in events is posted as API Gateway would, in text and in
// base64: the answer is that of the webhook without API Gateway.
func TestEveryBodyIsAnsweredAsWithoutAPIGateway(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bare := new(kept)
			want := serve(t, front(t, bare).handler, string(read(t, name)))
			for _, encoded := range []bool{false, true} {
				event := request(t, "apigateway-user-updated.json")
				event.Body, event.IsBase64Encoded = string(read(t, name)), encoded
				if encoded {
					event.Body = base64.StdEncoding.EncodeToString(read(t, name))
				}
				queue := new(kept)
				if answer := handle(t, front(t, queue), event); answer.StatusCode != want {
					t.Errorf("base64 %v: answer %d, want %d", encoded, answer.StatusCode, want)
				}
				if len(queue.changes) != len(bare.changes) {
					t.Errorf("base64 %v: queued %v, want %v", encoded, queue.changes, bare.changes)
				}
			}
		})
	}
}

func serve(t *testing.T, handler http.Handler, body string) int {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/notifications", strings.NewReader(body)))
	return w.Code
}

func TestWhatIsNoDeliveryIsRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit func(*events.APIGatewayV2HTTPRequest)
		want int
	}{
		"a binary body": {func(r *events.APIGatewayV2HTTPRequest) {
			r.Body, r.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte{0x1f, 0x8b, 0x08, 0x00}), true
		}, http.StatusBadRequest},
		"a body that is not base64": {func(r *events.APIGatewayV2HTTPRequest) { r.Body, r.IsBase64Encoded = "}{", true }, http.StatusBadRequest},
		"another path":              {func(r *events.APIGatewayV2HTTPRequest) { r.RawPath = "/elsewhere" }, http.StatusNotFound},
		"another method":            {func(r *events.APIGatewayV2HTTPRequest) { r.RequestContext.HTTP.Method = http.MethodPut }, http.StatusMethodNotAllowed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event := request(t, "apigateway-user-updated.json")
			test.edit(&event)
			if answer := handle(t, front(t, new(kept)), event); answer.StatusCode != test.want {
				t.Errorf("answer %d, want %d", answer.StatusCode, test.want)
			}
		})
	}
}

// What the handler sees is what API Gateway saw.
func TestTheRequestIsWhatAPIGatewayHad(t *testing.T) {
	t.Parallel()
	event := request(t, "apigateway-validation.json")
	event.RawPath = "/a%2Fb"
	event.Headers["x-twice"] = "one,two"
	answer := handle(t, gateway{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/a%2Fb" || r.URL.RawQuery != event.RawQueryString || r.RequestURI != "/a%2Fb?"+event.RawQueryString {
			t.Errorf("target %q, %q", r.URL, r.RequestURI)
		}
		if r.Header.Get("X-Twice") != "one,two" || r.Host != event.RequestContext.DomainName || r.RemoteAddr != event.RequestContext.HTTP.SourceIP {
			t.Errorf("header %v, host %q, from %q", r.Header, r.Host, r.RemoteAddr)
		}
		w.Header().Add("X-Answer", "a")
		w.Header().Add("X-Answer", "b")
		w.WriteHeader(http.StatusTeapot)
		w.WriteHeader(http.StatusOK) // too late
		_, _ = w.Write([]byte{0xff})
	})}, event)
	want := events.APIGatewayV2HTTPResponse{StatusCode: http.StatusTeapot, Headers: map[string]string{"X-Answer": "a,b"}, Body: "/w==", IsBase64Encoded: true}
	if diff := cmp.Diff(want, answer); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}
