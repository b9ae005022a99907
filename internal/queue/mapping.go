package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Mappings is what a Mapping asks of AWS Lambda.
type Mappings interface {
	GetEventSourceMapping(ctx context.Context, in *lambda.GetEventSourceMappingInput, options ...func(*lambda.Options)) (*lambda.GetEventSourceMappingOutput, error)
	UpdateEventSourceMapping(ctx context.Context, in *lambda.UpdateEventSourceMappingInput, options ...func(*lambda.Options)) (*lambda.UpdateEventSourceMappingOutput, error)
}

// Mapping is the event source mapping that feeds a function from a queue.
// While it is disabled nothing is received, and no receive counts.
type Mapping struct {
	client Mappings
	id     string
	log    *slog.Logger
}

// NewMapping returns the mapping with the id, a UUID. It calls nothing.
func NewMapping(client Mappings, id string, log *slog.Logger) *Mapping {
	return &Mapping{client: client, id: id, log: log}
}

// The states in which a mapping stays; the others lead to one of them.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetEventSourceMapping.html
const (
	enabled  = "Enabled"
	disabled = "Disabled"
)

// Enable enables or disables the mapping, whoever last did the other, unless it
// is so already. One that is about to change is left as it is, which is no
// error: ask again in a minute. Lambda takes about that long.
func (m *Mapping) Enable(ctx context.Context, on bool) error {
	found, err := m.client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &m.id})
	if err != nil {
		return fmt.Errorf("read event source mapping %s: %w", m.id, err)
	}
	other := map[bool]string{true: disabled, false: enabled}[on]
	if state := aws.ToString(found.State); state != other {
		return nil
	}
	_, err = m.client.UpdateEventSourceMapping(ctx, &lambda.UpdateEventSourceMappingInput{UUID: &m.id, Enabled: &on})
	if _, busy := errors.AsType[*types.ResourceInUseException](err); busy {
		return nil
	}
	if err != nil {
		return fmt.Errorf("update event source mapping %s: %w", m.id, err)
	}
	m.log.InfoContext(ctx, "event source mapping switched", "mapping", m.id, "from", other, "enabled", on)
	return nil
}
