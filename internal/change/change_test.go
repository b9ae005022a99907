package change_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
)

const ada = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"

func TestAChangeSurvivesTheQueue(t *testing.T) {
	t.Parallel()
	want := change.Change{
		Object:  change.Object{Kind: change.User, ID: ada},
		Deleted: true, Source: change.Notification,
		EventTime: time.Date(2026, 3, 2, 9, 0, 0, 123, time.UTC), SeenAt: time.Date(2026, 3, 2, 9, 0, 1, 0, time.UTC),
		CorrelationID: "c0ffee00-0000-4000-8000-000000000000",
	}
	body, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(body) > change.MaxSize {
		t.Errorf("%d bytes, more than MaxSize", len(body))
	}
	got, err := change.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheEventForTheWorkerHoldsAChange(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "..", "events", "sqs-user-updated.json"))
	if err != nil {
		t.Fatal(err)
	}
	var event struct {
		Records []struct {
			Body string `json:"body"`
		}
	}
	if err := json.Unmarshal(data, &event); err != nil || len(event.Records) != 1 {
		t.Fatalf("%d records, %v", len(event.Records), err)
	}
	c, err := change.Decode([]byte(event.Records[0].Body))
	if err != nil || c.ID != ada {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWhatIsNoChangeIsRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, body, err string }{
		{"nothing", "", "unexpected end"},
		{"something else", "[1]", "cannot unmarshal"},
		{"an unknown kind", `{"kind":"toaster","id":"` + ada + `"}`, `unknown kind of object "toaster"`},
		{"an id in capitals", `{"kind":"user","id":"` + strings.ToUpper(ada) + `"}`, "not a lower-case GUID"},
		{"an id in braces", `{"kind":"user","id":"{` + ada + `}"}`, "not a lower-case GUID"},
		{"an id with a line feed", `{"kind":"user","id":"` + ada[:35] + `\n"}`, "not a lower-case GUID"},
		{"too much", `{"kind":"user","id":"` + ada + `","x":"` + strings.Repeat("x", change.MaxSize) + `"}`, "more than the"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := change.Decode([]byte(test.body))
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want one with %q", err, test.err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"kind":"user","id":"` + ada + `","seenAt":"2026-03-02T09:00:00Z"}`))
	f.Add([]byte(`{"kind":"user","id":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c, err := change.Decode(body)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatalf("%+v was decoded and cannot be encoded: %v", c, err)
		}
		if _, err := change.Decode(again); err != nil {
			t.Errorf("%s: %v", again, err)
		}
	})
}

func TestAnIDIsAGUIDInItsCanonicalForm(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		ada:                       ada,
		strings.ToUpper(ada):      ada,
		"{" + ada + "}":           "",
		ada[:35] + "g":            "",
		ada[:35] + "`":            "",
		ada[:35] + "/":            "",
		ada[:35] + ":":            "",
		ada[:8] + "0" + ada[9:]:   "",
		ada[:13] + "a" + ada[14:]: "",
		ada[:18] + "a" + ada[19:]: "",
		ada[:23] + "a" + ada[24:]: "",
		ada[:7] + "-" + ada[8:]:   "",
		ada[:35]:                  "",
	} {
		if got, ok := change.ParseID(given); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %v", given, got, ok)
		}
	}
}
