// Package trace tells AWS X-Ray what a function did: by the trace that Lambda gives each
// invocation, which stands in every line of the log, travels with what is put on a queue,
// and gets a subsegment for each attempt, found by its correlation id.
package trace

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"entrawebex/internal/version"
)

// variable has the header of the present invocation ("Using environment variables to
// configure code in Lambda", AWS Lambda Developer Guide). An instance of a function has
// one invocation at a time.
const variable = "_X_AMZN_TRACE_ID"

// Header is the trace header of the present invocation, such as
// Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1; empty if
// there is none.
func Header() string { return os.Getenv(variable) }

// field is that of a header by its name; empty if it is not there
// ("Tracing header", AWS X-Ray Developer Guide).
func field(header, name string) string {
	for part := range strings.SplitSeq(header, ";") {
		if key, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok && key == name {
			return value
		}
	}
	return ""
}

// Log returns a log of JSON lines, each with the version of the program, and the id of the
// present trace if there is one.
func Log(out io.Writer) *slog.Logger {
	return version.Log(slog.New(handler{slog.NewJSONHandler(out, nil)}))
}

type handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if root := field(Header(), "Root"); root != "" {
		r.AddAttrs(slog.String("traceId", root))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

// Work is a piece of work within an invocation.
type Work struct {
	Name       string
	Began      time.Time
	Ended      time.Time
	Failed     bool
	Annotation map[string]string // by which traces can be searched
}

// subsegment is a document of X-Ray ("AWS X-Ray segment documents", AWS X-Ray Developer
// Guide), times in seconds.
type subsegment struct {
	Name        string            `json:"name"`
	ID          string            `json:"id"`
	TraceID     string            `json:"trace_id"`
	ParentID    string            `json:"parent_id"`
	Type        string            `json:"type"`
	Start       float64           `json:"start_time"`
	End         float64           `json:"end_time"`
	Fault       bool              `json:"fault,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Datagram is the work as X-Ray's daemon takes it, under an id of 16 hexadecimal digits
// ("AWS X-Ray daemon", Sending segment documents to the X-Ray daemon); nil if the
// invocation with that header is not traced.
func Datagram(header, id string, w Work) []byte {
	root, parent := field(header, "Root"), field(header, "Parent")
	if root == "" || parent == "" || field(header, "Sampled") != "1" {
		return nil
	}
	document, err := json.Marshal(subsegment{
		Name: w.Name, ID: id, TraceID: root, ParentID: parent, Type: "subsegment",
		Start: seconds(w.Began), End: seconds(w.Ended), Fault: w.Failed, Annotations: w.Annotation,
	})
	if err != nil {
		return nil // texts and numbers
	}
	return append([]byte(`{"format":"json","version":1}`+"\n"), document...)
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// Tell tells X-Ray's daemon at daemon of work in the present invocation, if that is
// traced. What gets lost on the way is missed by nobody.
func Tell(daemon io.Writer, w Work) {
	const length = 8 // bytes
	id := make([]byte, length)
	_, _ = rand.Read(id) // never fails
	if datagram := Datagram(Header(), hex.EncodeToString(id), w); datagram != nil {
		_, _ = daemon.Write(datagram)
	}
}
