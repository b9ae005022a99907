// Package sandboxtest is what the tests of the simulated services share.
package sandboxtest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/golden"
)

// Clock is a clock that stands still unless it is moved.
type Clock struct{ At time.Time }

// Now is the time it shows.
func (c *Clock) Now() time.Time { return c.At }

// NewClock returns one at some time on a Monday.
func NewClock() *Clock { return &Clock{At: time.Date(2026, 3, 2, 9, 41, 7, 306290100, time.UTC)} }

// Must fails the test if there is an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Call makes a request without a socket and returns the status and the body.
func Call(t *testing.T, h http.Handler, method, path, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var decoded map[string]any
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &decoded); err != nil {
			t.Fatalf("%s %s answered %q: %v", method, path, w.Body, err)
		}
	}
	return w.Code, decoded
}

// exchange is a call and its answer, as a file in testdata.
type exchange struct {
	Method   string          `json:"method"`
	Path     string          `json:"path"`
	Request  json.RawMessage `json:"request,omitempty"`
	Status   int             `json:"status"`
	Response any             `json:"response,omitempty"`
}

// Replay makes the call of every file in a folder, each to a handler of its
// own.
func Replay(t *testing.T, folder string, handler func(*testing.T) http.Handler) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			Must(t, err)
			var want exchange
			Must(t, json.Unmarshal(text, &want))
			got := want
			status, body := Call(t, handler(t), want.Method, want.Path, string(want.Request))
			got.Status, got.Response = status, nil
			if body != nil {
				got.Response = any(body)
			}
			if golden.Updating() {
				text, err := json.MarshalIndent(got, "", "  ")
				Must(t, err)
				Must(t, os.WriteFile(file, append(text, '\n'), 0o600))
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("answer differs (-want +got):\n%s", diff)
			}
		})
	}
}
