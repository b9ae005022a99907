package trace_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/trace"
)

const header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

func work() trace.Work {
	began := time.Date(2026, 3, 2, 9, 0, 0, 250_000_000, time.UTC)
	return trace.Work{
		Name: "update", Began: began, Ended: began.Add(1500 * time.Millisecond), Failed: true,
		Annotation: map[string]string{"correlationId": "2f1d"},
	}
}

func TestWorkIsADocumentOfXRay(t *testing.T) {
	t.Parallel()
	const want = `{"format":"json","version":1}` + "\n" +
		`{"name":"update","id":"70de5b6f19ff9a0c","trace_id":"1-5759e988-bd862e3fe1be46a994272793","parent_id":"53995c3f42cd8ad8",` +
		`"type":"subsegment","start_time":1772442000.25,"end_time":1772442001.75,"fault":true,"annotations":{"correlationId":"2f1d"}}`
	if got := string(trace.Datagram(header, "70de5b6f19ff9a0c", work())); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhatIsNotTracedIsNotTold(t *testing.T) {
	t.Parallel()
	for _, untraced := range []string{
		"", strings.Replace(header, "Sampled=1", "Sampled=0", 1), "Root=1-5759e988-bd862e3fe1be46a994272793", "Parent=53995c3f42cd8ad8;Sampled=1",
	} {
		if got := trace.Datagram(untraced, "70de5b6f19ff9a0c", work()); got != nil {
			t.Errorf("%q: %s", untraced, got)
		}
	}
}

func TestALineOfTheLogHasTheTrace(t *testing.T) {
	var out bytes.Buffer
	log := trace.Log(&out).With("a", 1)
	log.InfoContext(t.Context(), "before")
	t.Setenv("_X_AMZN_TRACE_ID", header)
	log.InfoContext(t.Context(), "within")
	trace.Tell(&out, work())
	lines := strings.Split(out.String(), "\n")
	if strings.Contains(lines[0], "traceId") || !strings.Contains(lines[1], `"a":1,"traceId":"1-5759e988-bd862e3fe1be46a994272793"`) {
		t.Errorf("lines %s", lines)
	}
	if !strings.Contains(lines[3], `"annotations":{"correlationId":"2f1d"}`) {
		t.Errorf("told %s", lines)
	}
}
