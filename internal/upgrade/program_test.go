package upgrade

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/app/standalone"
	"entrawebex/internal/leftout"
	"entrawebex/internal/operator"
	"entrawebex/internal/sandbox"
)

// asRun makes this binary entrawebex run: the present program.
const asRun = "ENTRAWEBEX_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asRun) == "" {
		flag.Parse()
		if *lives == 0 {
			leftout.Say("an earlier program and this one taking turns", "-lives 200 plays them, as make test does")
		}
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := standalone.Serve(ctx, os.Environ(), slog.New(slog.NewTextHandler(os.Stderr, nil)), nil)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "entrawebex:", err)
		os.Exit(1)
	}
}

// program is one of the two.
type program struct {
	name string
	argv []string
}

// present is this program.
func present() program { return program{"the present program", []string{os.Args[0]}} }

// earlier is the program of the commit in testdata/earlier.
func earlier(t *testing.T) program {
	t.Helper()
	if *lives == 0 {
		t.Skip("left out: it needs an earlier program, which -lives has built")
	}
	p, err := buildEarlier()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// buildEarlier builds it, once.
var buildEarlier = sync.OnceValues(func() (program, error) {
	text, err := os.ReadFile(filepath.Join("testdata", "earlier"))
	if err != nil {
		return program{}, err
	}
	commit := ""
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			commit = line
		}
	}
	binary, err := build(commit)
	if err != nil {
		err = fmt.Errorf("build the program of commit %s: %w", commit, err)
	}
	return program{"the earlier program", []string{binary, "run"}}, err
})

// build builds the program of a commit, in the repository's folder for what is built.
func build(commit string) (string, error) {
	root, err := output("", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return "", err
	}
	folder := filepath.Join(root, ".build", "earlier-"+commit)
	binary := filepath.Join(folder, "entrawebex")
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	if _, err := output(root, "git", "cat-file", "-e", commit+"^{commit}"); err != nil {
		return "", fmt.Errorf("the repository's history does not go back to it (git fetch --unshallow): %w", err)
	}
	source := filepath.Join(folder, "source")
	archive := filepath.Join(folder, "source.tar")
	if err := os.MkdirAll(source, 0o700); err != nil {
		return "", err
	}
	if _, err := output(root, "git", "archive", "--output", archive, commit); err != nil {
		return "", err
	}
	if _, err := output(folder, "tar", "-x", "-f", archive, "-C", source); err != nil {
		return "", err
	}
	// The flags are those of the tests, so that both share what the SDK is compiled to.
	made := binary + ".made"
	if _, err := output(source, "go", "build", "-buildvcs=false", "-o", made, "./cmd/entrawebex"); err != nil {
		return "", err
	}
	return binary, os.Rename(made, binary)
}

// output is what a command prints.
func output(folder, name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Dir = folder
	out, err := command.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, failed.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// running is a program that serves.
type running struct {
	program

	command *exec.Cmd
	said    *transcript
	ended   chan error
	client  *operator.Client
}

// transcript is what a program says, also while it does.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(p)
}

// String is what was said so far.
func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// start has a program serve, until it takes commands. The error says why it does not.
func (p program) start(ctx context.Context, environ []string, dataDir string) (*running, error) {
	r := &running{program: p, said: new(transcript), ended: make(chan error, 1), client: operator.NewClient(operations.Socket(dataDir))}
	r.command = exec.CommandContext(ctx, p.argv[0], p.argv[1:]...)
	r.command.Env = slices.Concat(environ, []string{asRun + "=1", "HOME=" + os.Getenv("HOME")})
	r.command.Stderr = r.said
	if err := r.command.Start(); err != nil {
		return nil, err
	}
	go func() { r.ended <- r.command.Wait() }()
	answers := func() bool {
		_, err := r.client.Status(ctx)
		return err == nil || len(r.ended) > 0
	}
	err := sandbox.Wait(ctx, patience, answers)
	if len(r.ended) > 0 {
		return nil, fmt.Errorf("%s ended at once: %w\n%s", p.name, <-r.ended, r.said)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s takes no commands: %w\n%s", p.name, err, r.said), r.stop(true))
	}
	return r, nil
}

// stop ends it, as a person or a machine does, or as a failure of the power does.
func (r *running) stop(kill bool) error {
	if kill {
		err := r.command.Process.Kill()
		if ended := <-r.ended; ended == nil {
			return errors.Join(err, fmt.Errorf("%s ended before it was killed", r.name))
		}
		return err
	}
	if err := errors.Join(r.command.Process.Signal(syscall.SIGTERM), <-r.ended); err != nil {
		return fmt.Errorf("%s ended badly: %w\n%s", r.name, err, r.said)
	}
	return nil
}
