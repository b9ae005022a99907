package replay

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"entrawebex/internal/history"
)

// Act is what the provisioning log calls a replay.
const Act = "replay"

// Function is a Job behind a Lambda function.
type Function struct {
	*Job

	// Log keeps who asked for what, and what came of it.
	Log *history.Log
}

// event is what the function is called with.
type event struct {
	Request

	// By is who asks, such as ada@contoso.example.
	By string `json:"by"`
}

// parseEvent reads an event: {} and a scheduled event of EventBridge put back
// everything. Any other field that is not known is an error, since a misspelt
// filter would choose all.
func parseEvent(payload []byte) (event, error) {
	var scheduled struct {
		DetailType string `json:"detail-type"`
	}
	if json.Unmarshal(payload, &scheduled) == nil && scheduled.DetailType != "" {
		return event{By: scheduled.DetailType}, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.DisallowUnknownFields()
	var e event
	if err := decoder.Decode(&e); err != nil {
		return event{}, fmt.Errorf("decode the request for a replay: %w", err)
	}
	return e, nil
}

// HandleEvent is Run for an event, and keeps that in the provisioning log, unless
// the request is refused or moves nothing by itself. Who asks may not say who that
// is: then it is the invocation, whose caller CloudTrail knows.
func (f Function) HandleEvent(ctx context.Context, payload json.RawMessage) (Result, error) {
	e, err := parseEvent(payload)
	if err != nil {
		return Result{}, err
	}
	began := time.Now()
	if err := e.Check(began); err != nil {
		return Result{}, err
	}
	result, err := f.Run(ctx, e.Request)
	if !e.DryRun {
		f.Log.Acted(context.WithoutCancel(ctx), history.Act{
			Name: Act, By: cmp.Or(e.By, invocation(ctx)), Reason: result.Said(e.Request), Began: began, Err: err,
		})
	}
	return result, err
}

func invocation(ctx context.Context) string {
	if called, ok := lambdacontext.FromContext(ctx); ok {
		return "invocation " + called.AwsRequestID
	}
	return "an invocation"
}

// Said says what came of the request.
func (r Result) Said(request Request) string {
	said := fmt.Sprintf("put back %d messages", r.Moved)
	switch {
	case r.Task != "":
		said = "SQS puts back all messages"
	case r.Moved == 1:
		said = "put back 1 message"
	}
	if len(request.Filter) > 0 {
		said += " with " + strings.Join(request.Filter, " ")
	}
	return said
}
