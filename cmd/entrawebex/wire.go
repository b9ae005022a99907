package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"sync"
)

// A command goes to a run as one POST with a request, over a socket in
// DATA_DIR, and comes back as lines of JSON, a frame each, as it writes.

// request is a command line for a run to carry out.
type request struct {
	Args     []string `json:"args"`
	Terminal terminal `json:"terminal"`
}

// frame is something a command wrote, or its exit code, which comes last.
type frame struct {
	Out  []byte `json:"out,omitempty"`
	Err  []byte `json:"err,omitempty"`
	Exit *int   `json:"exit,omitempty"`
}

const (
	commandsPath = "/commands"
	// maxRequest is how many bytes of JSON a request has at most: some 6,000
	// object ids.
	maxRequest = 256 << 10
)

// socketPath is where a run with this DATA_DIR takes commands.
func socketPath(dataDir string) string { return filepath.Join(dataDir, "entrawebex.sock") }

// frames sends frames, each at once. It is safe for concurrent use.
type frames struct {
	mu     sync.Mutex
	answer http.ResponseWriter
}

func (f *frames) send(one frame) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := json.NewEncoder(f.answer).Encode(one); err != nil {
		return err
	}
	return http.NewResponseController(f.answer).Flush()
}

// frameWriter sends what is written to it in the frames that make makes.
type frameWriter struct {
	frames *frames
	make   func([]byte) frame
}

// Write implements io.Writer.
func (w frameWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := w.frames.send(w.make(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
