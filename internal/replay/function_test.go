package replay_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"entrawebex/internal/history"
	"entrawebex/internal/replay"
)

// acts is a provisioning log, in which a line is who did what.
type acts struct {
	history.Store

	lines []string
}

func (a *acts) Keep(_ context.Context, entries []history.Entry, _ []history.Idle) error {
	for i := range entries {
		e := &entries[i]
		line := e.InitiatedBy.DisplayName + ": " + e.Act + ": " + e.Steps[0].Description
		if e.Status.Error != nil {
			line += ": " + e.Status.Error.Reason
		}
		a.lines = append(a.lines, line)
	}
	return nil
}

// of is the function with that job.
func (a *acts) of(j *replay.Job) replay.Function {
	return replay.Function{Job: j, Log: history.NewLog(a, "tenant", time.Now, slog.New(slog.DiscardHandler))}
}

func TestWhoHadWhatPutBackIsKept(t *testing.T) {
	t.Parallel()
	redrive := func(context.Context, int) (string, error) { return "task", nil }
	for event, want := range map[string][]string{
		`{"filter":["kind=permanent"],"limit":1,"by":"ada@contoso.example"}`: {"ada@contoso.example: replay: put back 1 message with kind=permanent"},
		`{"filter":["kind=permanent"],"limit":7}`:                            {"invocation 8f5b: replay: put back 1 message with kind=permanent"},
		`{"filter":["older=24h"]}`:                                           {"invocation 8f5b: replay: put back 0 messages with older=24h"},
		`{"rate":9}`:                                                         {"invocation 8f5b: replay: SQS puts back all messages"},
		`{"version":"0","detail-type":"Scheduled Event","source":"aws.events","detail":{}}`: {"Scheduled Event: replay: SQS puts back all messages"},
		`{"dryRun":true}`: nil,
	} {
		bubble(t, func(t *testing.T, q queues) {
			bury(t, q.dead, 3, "a")
			var log acts
			ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "8f5b"})
			_, err := log.of(job(q, redrive)).HandleEvent(ctx, json.RawMessage(event))
			wantEqual(t, err, nil)
			wantEqual(t, log.lines, want)
		})
	}
}

func TestAReplayThatFailsIsKept(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		var log acts
		_, err := log.of(job(q, func(context.Context, int) (string, error) { return "", errFailing })).HandleEvent(t.Context(), json.RawMessage(`{"by":"ada"}`))
		if err == nil {
			t.Error("it does not fail")
		}
		wantEqual(t, log.lines, []string{"ada: replay: put back 0 messages: " + errFailing.Error()})
	})
}

func TestARequestThatIsRefusedIsNoAct(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, q queues) {
		bury(t, q.dead, 1, "a")
		for _, event := range []string{``, `[]`, `{"filters":["kind=permanent"]}`, `{"rate":"fast"}`, `{"rate":-1}`, `{"filter":["kind"]}`, `{"by":1}`} {
			var log acts
			if got, err := log.of(job(q, nil)).HandleEvent(t.Context(), json.RawMessage(event)); err == nil {
				t.Errorf("%s comes to %+v", event, got)
			}
			wantEqual(t, log.lines, []string(nil))
		}
	})
}
