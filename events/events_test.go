package events_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
)

func TestEveryFileIsValidJSONAndTheReadmeNamesItsSource(t *testing.T) {
	t.Parallel()
	readme := string(read(t, "README.md"))
	files := names(t)
	for _, name := range files {
		if !json.Valid(read(t, name)) {
			t.Errorf("%s is not valid JSON", name)
		}
		if !strings.Contains(readme, "\n| `"+name+"` |") {
			t.Errorf("README.md has no line for %s", name)
		}
	}
	if rows := strings.Count(readme, "\n| `"); rows != len(files) {
		t.Errorf("README.md lists %d files, there are %d", rows, len(files))
	}
}

func TestTheReadmeCountsWhatTheFilesHave(t *testing.T) {
	t.Parallel()
	var delivery struct {
		Value []struct {
			Data struct {
				SequenceNumber int64 `json:"sequenceNumber"`
			} `json:"resourceData"`
		} `json:"value"`
	}
	decode(t, read(t, "user-updated.json"), &delivery)
	if n := delivery.Value[0].Data.SequenceNumber; n <= 1<<53 {
		t.Errorf("the sequenceNumber of user-updated.json is %d, and the README says above 2^53", n)
	}
	var mixed struct {
		Value []json.RawMessage `json:"value"`
	}
	decode(t, read(t, "batch-mixed.json"), &mixed)
	if n := len(mixed.Value); n != 9 {
		t.Errorf("batch-mixed.json has %d items, and the README says nine", n)
	}
}

// The Lambda runtime decodes an event into these types: what they do not know
// would be lost before a function saw it.
func TestEventsForLambdaSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	types := map[string]reflect.Type{
		"apigateway":  reflect.TypeFor[events.APIGatewayV2HTTPRequest](),
		"sqs":         reflect.TypeFor[events.SQSEvent](),
		"eventbridge": reflect.TypeFor[events.EventBridgeEvent](),
	}
	for _, name := range names(t) {
		source, _, _ := strings.Cut(name, "-")
		eventType, forLambda := types[source]
		if !forLambda {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event := reflect.New(eventType).Interface()
			decode(t, read(t, name), event)
			encoded, err := json.Marshal(event)
			if err != nil {
				t.Fatalf("encode %s: %v", name, err)
			}
			var before, after any
			decode(t, read(t, name), &before)
			decode(t, encoded, &after)
			for _, path := range lost("", before, after) {
				t.Errorf("lost %s", path)
			}
		})
	}
}

func TestAPIGatewayEventsCarryTheGraphBodyOfTheirName(t *testing.T) {
	t.Parallel()
	var event events.APIGatewayV2HTTPRequest
	decode(t, read(t, "apigateway-user-updated.json"), &event)
	var got, want any
	decode(t, []byte(event.Body), &got)
	decode(t, read(t, "user-updated.json"), &want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("body (-file +event):\n%s", diff)
	}
}

func TestTheSQSMessageIsAChangeInTheGroupOfItsObject(t *testing.T) {
	t.Parallel()
	var event events.SQSEvent
	decode(t, read(t, "sqs-user-updated.json"), &event)
	for _, message := range event.Records {
		c, err := change.Decode([]byte(message.Body))
		if err != nil {
			t.Fatalf("message %s: %v", message.MessageId, err)
		}
		if group := message.Attributes["MessageGroupId"]; group != c.ID {
			t.Errorf("message group %s, object %s", group, c.ID)
		}
	}
}

// lost returns the paths of what before has and after has not, or has
// otherwise. What after has in addition are zero values.
func lost(path string, before, after any) []string {
	object, ok := before.(map[string]any)
	if !ok {
		if list, ok := before.([]any); ok {
			return lostElements(path, list, after)
		}
		if before != after {
			return []string{path}
		}
		return nil
	}
	counterpart, ok := after.(map[string]any)
	if !ok {
		return []string{path}
	}
	var paths []string
	for key, value := range object {
		paths = append(paths, lost(path+"."+key, value, counterpart[key])...)
	}
	return paths
}

func lostElements(path string, before []any, after any) []string {
	counterpart, ok := after.([]any)
	if !ok || len(counterpart) != len(before) {
		return []string{path}
	}
	var paths []string
	for i := range before {
		paths = append(paths, lost(fmt.Sprintf("%s[%d]", path, i), before[i], counterpart[i])...)
	}
	return paths
}

func names(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("list events: %d files, %v", len(files), err)
	}
	return files
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("read event: %v", err)
	}
	return content
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("decode: %v", err)
	}
}
