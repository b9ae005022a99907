package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"entrawebex/internal/app/webhook"
	"entrawebex/internal/config"
)

// rotating is a webhook that is warm, and the secret it reads.
type rotating struct {
	front gateway
	queue kept
	log   bytes.Buffer

	secret config.Webhook
	err    error
	reads  int
}

func warm(t *testing.T, known string) *rotating {
	t.Helper()
	r := new(rotating)
	settings := config.Settings{Webhook: config.Webhook{ClientState: known}}
	settings.Entra.TenantID = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	latest := config.NewLatest(settings, func(context.Context) (config.Settings, error) {
		r.reads++
		read := settings
		read.Webhook = r.secret
		return read, r.err
	}, time.Now, log)
	handler, err := webhook.Handler(&settings, latest, &r.queue, nil, nil, log)
	if err != nil {
		t.Fatal(err)
	}
	r.front = gateway{handler}
	return r
}

// deliver delivers a change that carries secretClientValue.
func (r *rotating) deliver(t *testing.T, want int) {
	t.Helper()
	event := events.APIGatewayV2HTTPRequest{RawPath: "/notifications", Body: string(read(t, "user-updated.json"))}
	event.RequestContext.HTTP.Method = http.MethodPost
	answer, err := r.front.Handle(t.Context(), event)
	if err != nil || answer.StatusCode != want {
		t.Fatalf("the answer is %+v, %v", answer, err)
	}
}

func TestAWarmWebhookTakesARotatedClientStateWithinAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := warm(t, "before")
		r.secret = config.Webhook{ClientState: "before"}
		for range 1000 {
			r.deliver(t, http.StatusAccepted)
		}
		time.Sleep(time.Second - 1)
		r.deliver(t, http.StatusAccepted)
		if r.reads != 1 || len(r.queue.changes) != 0 {
			t.Errorf("foreign deliveries cost %d reads and queue %v", r.reads, r.queue.changes)
		}
		r.secret = config.Webhook{ClientState: "secretClientValue", PreviousClientState: "before"}
		time.Sleep(time.Minute - time.Second + 1)
		for range 2 {
			r.deliver(t, http.StatusAccepted)
		}
		if r.reads != 2 || len(r.queue.changes) != 2 {
			t.Errorf("after %d reads %d changes are queued, not 2", r.reads, len(r.queue.changes))
		}
	})
}

// A stranger's delivery has the secret read, which is rotated just after that: what
// carries the new one is not lost, since Graph sends again what is answered with 403.
func TestWhatMayCarryANewClientStateIsAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := warm(t, "before")
		r.secret = config.Webhook{ClientState: "before"}
		r.deliver(t, http.StatusAccepted)
		r.secret = config.Webhook{ClientState: "secretClientValue", PreviousClientState: "before"}
		for range 59 {
			time.Sleep(time.Second)
			r.deliver(t, http.StatusForbidden)
		}
		if r.reads != 1 || len(r.queue.changes) != 0 {
			t.Errorf("%d reads within a minute, and %v queued", r.reads, r.queue.changes)
		}
		time.Sleep(time.Second)
		r.deliver(t, http.StatusAccepted)
		if r.reads != 2 || len(r.queue.changes) != 1 {
			t.Errorf("after %d reads %d changes are queued, not 1", r.reads, len(r.queue.changes))
		}
	})
}

// What is ours beyond doubt is not held up by a stranger.
func TestWhatIsKnownIsTakenWhileTheClientStateCannotBeReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := warm(t, "before")
		r.err = errors.New("denied")
		for range 10 {
			r.deliver(t, http.StatusForbidden)
		}
		if told := strings.Count(r.log.String(), "cannot be read again"); told != 1 || r.reads != 1 || len(r.queue.changes) != 0 {
			t.Errorf("it is told %d times after %d reads, and %v queued", told, r.reads, r.queue.changes)
		}
		ours := warm(t, "secretClientValue")
		ours.err = r.err
		ours.deliver(t, http.StatusAccepted)
		if len(ours.queue.changes) != 1 {
			t.Errorf("queued %v", ours.queue.changes)
		}
	})
}

// The minute and the second of the tests above are those of the pages.
func TestThePagesSayHowSoonARotatedClientStateCounts(t *testing.T) {
	t.Parallel()
	for page, sentence := range map[string]string{
		"failures.md": "reads the secret again, at most once a minute, for it may have been changed; answers 403 to what it still does not know, " +
			"so that Graph sends it again, or 202 in the first second after a reading",
		"operate.md": "the webhook when a notification carries neither value, at most once a minute. Until then it answers 403",
	} {
		text, err := os.ReadFile("../../docs/" + page)
		if err != nil || !strings.Contains(strings.Join(strings.Fields(string(text)), " "), sentence) {
			t.Errorf("docs/%s does not say %q: %v", page, sentence, err)
		}
	}
}
