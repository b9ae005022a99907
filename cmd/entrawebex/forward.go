package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// runningError says that a run has the file, and where it takes commands.
type runningError struct {
	socket string
}

// Error implements error.
func (e *runningError) Error() string {
	return "entrawebex run has the file, and takes commands at " + e.socket
}

var errTooLong = fmt.Errorf("the arguments are longer than the %d KiB that a run takes: name fewer objects at a time", maxRequest>>10)

// answers reports whether a process listens on the socket; one that a crash
// left refuses.
func answers(ctx context.Context, socket string) bool {
	const within = 5 * time.Second
	conn, err := (&net.Dialer{Timeout: within}).DialContext(ctx, "unix", socket)
	if err != nil {
		return false
	}
	_ = conn.Close() // it was only asked
	return true
}

// forward has a run carry out the command, writes what the command writes, and
// returns its exit code. The command ends with ctx.
func forward(ctx context.Context, socket string, r request, out, errOut io.Writer) (int, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("encode the command: %w", err)
	}
	if len(body) > maxRequest {
		return 0, errTooLong
	}
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://entrawebex"+commandsPath, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}
	response, err := (&http.Client{Transport: transport}).Do(post)
	if err != nil {
		return 0, stopped(ctx, fmt.Errorf("ask entrawebex run: %w", err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		const enough = 4 << 10
		text, err := io.ReadAll(io.LimitReader(response.Body, enough))
		if err != nil {
			return 0, fmt.Errorf("ask entrawebex run: %w", err)
		}
		return 0, fmt.Errorf("entrawebex run refuses: %s", strings.TrimSpace(string(text)))
	}
	return copyFrames(ctx, response.Body, out, errOut)
}

// copyFrames writes what the frames hold until one has the exit code.
func copyFrames(ctx context.Context, body io.Reader, out, errOut io.Writer) (int, error) {
	for decoder := json.NewDecoder(body); ; {
		var f frame
		if err := decoder.Decode(&f); err != nil {
			return 0, stopped(ctx, fmt.Errorf("entrawebex run ended before the command did: %w", err))
		}
		_, outErr := out.Write(f.Out)
		_, errErr := errOut.Write(f.Err)
		if err := errors.Join(outErr, errErr); err != nil {
			return 0, fmt.Errorf("write what the command says: %w", err)
		}
		if f.Exit != nil {
			return *f.Exit, nil
		}
	}
}

// stopped returns why ctx ended, if it did, and err otherwise.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("the command was stopped: %w", context.Cause(ctx))
	}
	return err
}
