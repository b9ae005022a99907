package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"entrawebex/internal/notification"
)

// starter starts a Lambda function with what Graph said of subscriptions, and
// does not wait for it (AWS Lambda API Reference, Invoke, invocation type Event).
type starter struct {
	client   *lambda.Client
	function string
}

// newStarter returns a starter of the function with that name; nil without one.
func newStarter(c aws.Config, function string) notification.Waker {
	if function == "" {
		return nil
	}
	return starter{client: lambda.NewFromConfig(c), function: function}
}

// Wake implements notification.Waker.
func (s starter) Wake(ctx context.Context, events []notification.Lifecycle) error {
	payload, err := json.Marshal(map[string]any{"lifecycle": events})
	if err != nil {
		return fmt.Errorf("start %s: %w", s.function, err)
	}
	_, err = s.client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &s.function, InvocationType: types.InvocationTypeEvent, Payload: payload})
	if err != nil {
		return fmt.Errorf("start %s: %w", s.function, err)
	}
	return nil
}
