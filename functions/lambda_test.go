package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"entrawebex/internal/leftout"
)

// lambdaFunction runs one built bootstrap as AWS Lambda does: it serves the
// Runtime API to it, one invocation at a time, starts it again when it exits
// and kills it when an invocation runs out of time.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type lambdaFunction struct {
	t       testing.TB
	binary  string
	environ []string
	timeout time.Duration

	server *http.Server
	next   chan *invocation

	mu      sync.Mutex
	running map[string]*invocation
	process *exec.Cmd
	started time.Time
	// startup is the time from the start of the process to its first call for
	// an invocation.
	startup time.Duration
	log     bytes.Buffer
}

type invocation struct {
	id      string
	payload []byte
	done    chan result
}

type result struct {
	payload []byte
	err     error
}

// startFunction starts the function of that name with that environment, on
// top of nothing but PATH.
func startFunction(t testing.TB, name string, environ ...string) *lambdaFunction {
	t.Helper()
	f := &lambdaFunction{
		t: t, binary: build(t, name), timeout: 120 * time.Second, // the worker's, in the template
		next: make(chan *invocation), running: map[string]*invocation{},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", f.serveNext)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", f.serveResult)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", f.serveResult)
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	f.environ = append([]string{
		"PATH=" + os.Getenv("PATH"), "AWS_LAMBDA_RUNTIME_API=" + listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=" + name, "AWS_REGION=eu-central-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
	}, environ...)

	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	var background sync.WaitGroup
	background.Go(func() {
		if err := f.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	background.Go(func() { f.keepRunning(ctx) })
	t.Cleanup(func() {
		stop()
		if err := f.server.Close(); err != nil {
			t.Error(err)
		}
		background.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, f.logged())
		}
	})
	return f
}

// keepRunning starts the process, and starts it again when it ends.
func (f *lambdaFunction) keepRunning(ctx context.Context) {
	for ctx.Err() == nil {
		process := exec.CommandContext(ctx, f.binary)
		process.Env = f.environ
		process.Stdout, process.Stderr = locked{f}, locked{f}
		err := f.start(process)
		if err == nil {
			err = process.Wait()
		}
		f.abandon(fmt.Errorf("the process ended: %w", errors.Join(err, errExited)))
	}
}

func (f *lambdaFunction) start(process *exec.Cmd) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.process, f.started, f.startup = process, time.Now(), 0
	return process.Start()
}

var errExited = errors.New("exited before it answered")

// locked writes what the process says.
type locked struct{ f *lambdaFunction }

func (l locked) Write(p []byte) (int, error) {
	l.f.mu.Lock()
	defer l.f.mu.Unlock()
	return l.f.log.Write(p)
}

func (f *lambdaFunction) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

// abandon fails what the process had taken.
func (f *lambdaFunction) abandon(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, i := range f.running {
		i.done <- result{err: err}
		delete(f.running, id)
	}
}

func (f *lambdaFunction) serveNext(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	if f.startup == 0 {
		f.startup = time.Since(f.started)
	}
	f.mu.Unlock()
	select {
	case <-r.Context().Done():
	case i := <-f.next:
		f.mu.Lock()
		f.running[i.id] = i
		f.mu.Unlock()
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", i.id)
		w.Header().Set("Lambda-Runtime-Trace-Id", traceHeader)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(f.timeout).UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:123456789012:function:test")
		if _, err := w.Write(i.payload); err != nil {
			f.t.Error(err)
		}
	}
}

func (f *lambdaFunction) serveResult(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		f.t.Error(err)
	}
	f.mu.Lock()
	i := f.running[r.PathValue("id")]
	delete(f.running, r.PathValue("id"))
	f.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	if i == nil {
		return
	}
	if filepath.Base(r.URL.Path) == "error" {
		i.done <- result{err: fmt.Errorf("the function failed: %s", body)}
		return
	}
	i.done <- result{payload: body}
}

// invoke calls the function with an event and decodes what it returns into
// out, unless that is nil.
func (f *lambdaFunction) invoke(ctx context.Context, event, out any) error {
	payload, ok := event.([]byte)
	if !ok {
		var err error
		if payload, err = json.Marshal(event); err != nil {
			return err
		}
	}
	i := &invocation{id: uuid.NewString(), payload: payload, done: make(chan result, 1)}
	select {
	case f.next <- i:
	case <-ctx.Done():
		return ctx.Err()
	}
	timer := time.NewTimer(f.timeout)
	defer timer.Stop()
	select {
	case r := <-i.done:
		if r.err != nil || out == nil {
			return r.err
		}
		return json.Unmarshal(r.payload, out)
	case <-timer.C:
		f.kill()
		return errors.New("the function ran out of time")
	}
}

// restart kills the process, if there is one, and returns how long the next
// took from its start to its first call for an invocation.
func (f *lambdaFunction) restart() time.Duration {
	f.kill()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for {
		f.mu.Lock()
		startup := f.startup
		f.mu.Unlock()
		if startup > 0 {
			return startup
		}
		<-ticker.C
	}
}

// kill ends the process as Lambda does at the deadline: without a word.
func (f *lambdaFunction) kill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.process != nil && f.process.Process != nil {
		_ = f.process.Process.Kill() // it may have ended by itself
		f.startup = 0
	}
}

// build builds the function's bootstrap, once a test run, as the deployment
// does.
func build(t testing.TB, name string) string {
	t.Helper()
	once, _ := builds.LoadOrStore(name, sync.OnceValues(func() (string, error) {
		path := filepath.Join(buildDir, name, "bootstrap")
		command := exec.Command("go", "build", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", path, "./"+name)
		if out, err := command.CombinedOutput(); err != nil {
			return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
		return path, nil
	}))
	path, err := once.(func() (string, error))()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	builds   sync.Map // function name to its build
	buildDir string
)

func TestMain(m *testing.M) {
	if os.Getenv("SQS_EMULATOR_URL") == "" || os.Getenv("DYNAMODB_EMULATOR_URL") == "" {
		leftout.Say("the built functions against SQS and DynamoDB", "they need emulators, which make test starts")
	}
	if os.Getenv("NODE") == "" || os.Getenv("EMULATORS_DIR") == "" {
		leftout.Say("the built functions against SCIMMY, somebody else's SCIM server", "make test installs it")
	}
	dir, err := os.MkdirTemp("", "functions-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	buildDir = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}
