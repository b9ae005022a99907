package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/sandbox/story"
	"entrawebex/internal/version"
)

func TestACommandThatIsWrittenWronglyExitsWithTwoAndSaysHowItIsWritten(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"frobnicate":                  `unknown command "frobnicate"`,
		"statu":                       "did you mean status?",
		"mapping chek":                "did you mean check?",
		"status --frob":               "entrawebex status --help",
		"status now":                  `unknown command "now" for "entrawebex status"`,
		"pause":                       "write it so:  entrawebex pause (graph|webex)",
		"pause moon --why x":          `invalid argument "moon"`,
		"plan":                        "name one user or group, or say --all",
		"run --seed 3":                "--seed is for the sandbox: write run --sandbox --seed",
		"run --storm --users 5":       "--storm --users is for the sandbox",
		"run --sandbox --users 3":     "4 users or more",
		"run --sandbox --members=-1":  "0 members or more",
		"run --sandbox --users many":  `invalid argument "many"`,
		"replay --rate x":             "entrawebex replay --help",
		"replay --rate=-1":            "rate and limit must be 0, for no bound, or more",
		"replay --filter kind=bad":    `"bad" is no kind of a dead letter's fault`,
		"replay --filter older=-1h":   `"-1h" is not an age such as 90m or 24h`,
		"dead-letters --filter x":     "it must begin with kind=",
		"holds approve":               "name the objects, or say --all",
		"log --since=-5m":             `--since is "-5m" and must be a time`,
		"log --status bad":            "must be one of success",
		"log --limit=-1":              "must be 1 to 10000",
		"log --csv --json":            "if any flags in the group [csv json] are set",
		"mapping check one two three": "write it so:  entrawebex mapping check FILE",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			_, errOut, exit := outcome(t, nil, strings.Fields(args)...)
			if exit != exitUsage || !strings.Contains(errOut, want) {
				t.Errorf("exit code %d, %q; want %q", exit, errOut, want)
			}
		})
	}
}

func TestTheVersionAndTheHelpAreTold(t *testing.T) {
	t.Parallel()
	if out := operate(t, nil, "--version"); !strings.HasPrefix(out, "entrawebex version "+version.Name()+", go") {
		t.Errorf("%q", out)
	}
	if out := operate(t, nil, "mapping"); !strings.Contains(out, "check") {
		t.Errorf("%q", out)
	}
}

func TestARunThatIsInterruptedSaysSoAndHasNotFailedAndASecondOneIsRefused(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	run := exec.CommandContext(t.Context(), os.Args[0], "run")
	run.Env = append(s.Environ(), asMain+"=1")
	said, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for serving := false; !serving && lines.Scan(); {
		serving = strings.Contains(lines.Text(), "msg=serving")
	}
	var refused bytes.Buffer
	second := exec.CommandContext(t.Context(), os.Args[0], "run")
	second.Env, second.Stderr = run.Env, &refused
	if err := second.Run(); err == nil || !strings.Contains(refused.String(), "another entrawebex run serves this DATA_DIR") {
		t.Errorf("a second run: %v, %s", err, refused.String())
	}
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	stopping := false
	for lines.Scan() {
		stopping = stopping || strings.Contains(lines.Text(), "entrawebex: stopping; once more stops at once")
	}
	if err := run.Wait(); err != nil || !stopping {
		t.Errorf("it ended with %v, having said that it is stopping: %t", err, stopping)
	}
}

// The first interrupt has what is in flight come to its end, which takes long where Webex does not answer.
func TestASecondInterruptEndsARunAtOnce(t *testing.T) {
	t.Parallel()
	s := runtest.New(t, 4)
	to, err := url.Parse(s.SCIMURL)
	if err != nil {
		t.Fatal(err)
	}
	inFlight := make(chan struct{}, 1)
	var rests atomic.Bool
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: to.Scheme, Host: to.Host}) }}
	webex := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !rests.Load() {
			proxy.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // or the server does not see that the process is gone
		select {
		case inFlight <- struct{}{}:
		default:
		}
		<-r.Context().Done() // it is not answered
	}))
	t.Cleanup(webex.Close)
	const patience = time.Minute // after which it is killed
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	run := exec.CommandContext(ctx, os.Args[0], "run")
	run.Env = append(s.Environ(), asMain+"=1", "WEBEX_SCIM_URL="+webex.URL+to.Path)
	said, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	environ := []string{"DATA_DIR=" + s.DataDir}
	if err := sandbox.Wait(ctx, patience, func() bool {
		out, _, _ := outcome(t, environ, "status")
		return strings.HasSuffix(out, "\nall is well\n")
	}); err != nil {
		t.Fatal(err)
	}
	rests.Store(true)
	outcome(t, environ, "provision", "--wait=1ms", story.WellKnownID)
	select {
	case <-inFlight:
	case <-ctx.Done():
		t.Error("Webex is asked nothing")
	}
	interrupt := func() {
		if err := run.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
	}
	interrupt()
	lines := bufio.NewScanner(said)
	for stopping := false; !stopping && lines.Scan(); {
		stopping = strings.Contains(lines.Text(), "once more stops at once")
	}
	interrupt()
	second := time.Now()
	for lines.Scan() { // until it is gone
	}
	var ended *exec.ExitError
	if err := run.Wait(); !errors.As(err, &ended) {
		t.Fatalf("it came to its end by itself: %v", err)
	}
	const atOnce = 2 * time.Second
	if how, ok := ended.Sys().(syscall.WaitStatus); !ok || how.Signal() != syscall.SIGINT || time.Since(second) > atOnce {
		t.Errorf("%v, %s after the second interrupt", ended, time.Since(second))
	}
}
