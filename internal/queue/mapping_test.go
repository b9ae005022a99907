package queue_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/queue"
)

const mappingID = "a1b2c3d4-5678-4abc-8def-111122223333"

// fakeMapping serves one event source mapping, as Lambda's API does
// (AWS Lambda API Reference, UpdateEventSourceMapping).
type fakeMapping struct {
	state string
	// refusal is the code that every update is refused with; empty for none.
	refusal string
	updates []string
}

func (f *fakeMapping) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	switch {
	case r.URL.Path != "/2015-03-31/event-source-mappings/"+mappingID:
		refuseMapping(w, http.StatusNotFound, "ResourceNotFoundException")
		return
	case r.Method == http.MethodPut && f.refusal != "":
		refuseMapping(w, http.StatusBadRequest, f.refusal)
		return
	case r.Method == http.MethodPut:
		f.updates = append(f.updates, string(body))
		var in struct{ Enabled bool }
		if err := json.Unmarshal(body, &in); err != nil {
			refuseMapping(w, http.StatusBadRequest, "InvalidParameterValueException")
			return
		}
		f.state = map[bool]string{true: "Enabling", false: "Disabling"}[in.Enabled]
	}
	write(w, map[string]string{"UUID": mappingID, "State": f.state})
}

func refuseMapping(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(status)
	write(w, map[string]string{"Message": "no"})
}

// mapping returns a Mapping over the fake, and what it logs.
func mapping(t *testing.T, f *fakeMapping, id string) (*queue.Mapping, *strings.Builder) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	var log strings.Builder
	return queue.NewMapping(lambda.New(lambda.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}), id, slog.New(slog.NewTextHandler(&log, nil))), &log
}

func TestAMappingIsSwitchedOnlyWhereItIsTheOtherWay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, state string
		on          bool
		want        []string
	}{
		{"off in a pause", "Enabled", false, []string{`{"Enabled":false}`}},
		{"on after it, or after somebody switched it off by hand", "Disabled", true, []string{`{"Enabled":true}`}},
		{"not on when it is on", "Enabled", true, nil},
		{"not off when it is off", "Disabled", false, nil},
		{"not on while it is going off", "Disabling", true, nil},
		{"not off while it is going on", "Enabling", false, nil},
		{"not while it is being made", "Creating", false, nil},
		{"not while it is being changed", "Updating", false, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeMapping{state: test.state}
			m, log := mapping(t, f, mappingID)
			for range 2 { // the second finds it on its way
				if err := m.Enable(t.Context(), test.on); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.want, f.updates); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
			if told := strings.Contains(log.String(), "switched"); told != (test.want != nil) {
				t.Errorf("log: %s", log)
			}
		})
	}
}

func TestAMappingThatIsBusyIsLeftForTheNextMinute(t *testing.T) {
	t.Parallel()
	m, log := mapping(t, &fakeMapping{state: "Enabled", refusal: "ResourceInUseException"}, mappingID)
	if err := m.Enable(t.Context(), false); err != nil || log.Len() > 0 {
		t.Errorf("error %v, log %s", err, log)
	}
}

func TestAMappingThatCannotBeReadOrSwitchedIsAnError(t *testing.T) {
	t.Parallel()
	m, _ := mapping(t, &fakeMapping{state: "Enabled", refusal: "AccessDeniedException"}, mappingID)
	wantErrorText(t, m.Enable(t.Context(), false), "update event source mapping "+mappingID, "AccessDeniedException")
	m, _ = mapping(t, &fakeMapping{}, "another")
	wantErrorText(t, m.Enable(t.Context(), false), "read event source mapping another", "ResourceNotFoundException")
}
