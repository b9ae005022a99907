package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/app/standalone"
	"entrawebex/internal/document"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/queue"
	"entrawebex/internal/renew"
	"entrawebex/internal/sandbox"
	"entrawebex/internal/sandbox/runtest"
	"entrawebex/internal/terminal"
)

// running is a process on a stage that runs until the test ends, and the
// environment of its operator.
func running(t *testing.T) (p *standalone.Process, environ []string) {
	t.Helper()
	s := setup(t, 4)
	p = s.Open()
	s.serve(p)
	return p, []string{"DATA_DIR=" + s.DataDir}
}

// serve has the process run until the test ends.
func (s *staged) serve(p *standalone.Process) {
	t := s.t
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		group.Wait()
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(operations.Socket(s.DataDir)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the socket is left: %v", err)
		}
	})
}

// rest has the worker rest, which else buries at once what a replay puts back.
func rest(t *testing.T, p *standalone.Process) {
	t.Helper()
	if err := p.Recovery.Switch.Pause(t.Context(), pause.Graph, pause.Pause{Since: time.Now(), Why: "test", ByOperator: true}); err != nil {
		t.Fatal(err)
	}
}

// dead puts n messages on the dead-letter queue, as the queue itself does.
func dead(t *testing.T, p *standalone.Process, n int) {
	t.Helper()
	entries := make([]queue.Entry, n)
	for i := range entries {
		entries[i] = queue.Entry{Group: deadID, Body: []byte("{}")}
	}
	if err := p.Stores.DeadLetters.Send(t.Context(), entries); err != nil {
		t.Fatal(err)
	}
}

func TestEveryOperatorCommandWorksWhileARunHasTheFile(t *testing.T) {
	t.Parallel()
	p, environ := running(t)
	dead(t, p, 1)
	seenAlive(t, p)
	for _, step := range []struct {
		args string
		want string
	}{
		{"status", "Needs you: 1 dead letter: entrawebex dead-letters\n"},
		{"status --json", `"deadLetters":1,`},
		{"pause webex --why maintenance", "webex is paused since"},
		{"status", "webex is paused until entrawebex resume webex: maintenance"},
		{"resume webex", "nothing is paused"},
		{"log --action pause", "webex: maintenance"},
		{"holds", "Nothing is held."},
		{"holds reject --all", ""},
		{"guard", "The guard is not latched."},
		{"guard clear", "The guard is not latched."},
		{"dead-letters", "about 1 message more"},
		{"replay --dry-run", "would put back 1, keep 0"},
		{"replay --filter object=" + aliveID, "put back 0, kept 1"},
	} {
		if got := operate(t, environ, strings.Fields(step.args)...); !strings.Contains(got, step.want) {
			t.Errorf("%s: %q; want %q", step.args, got, step.want)
		}
	}
	info, err := os.Stat(operations.Socket(p.Settings.DataDir))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
}

func TestTheExitCodeAndTheErrorOfACommandArrive(t *testing.T) {
	t.Parallel()
	_, environ := running(t)
	out, errOut, exit := outcome(t, environ, "holds", "approve", aliveID)
	if exit != 1 || out != "" || !strings.HasPrefix(errOut, "entrawebex: nothing is held of "+aliveID) {
		t.Errorf("exit code %d, %q, %q", exit, out, errOut)
	}
}

func TestArgumentsThatAreTooLongAreRefused(t *testing.T) {
	t.Parallel()
	p, environ := running(t)
	_, errOut, exit := outcome(t, environ, "pause", "graph", "--why", strings.Repeat("x", operator.MaxRequest))
	if exit != 1 || !strings.Contains(errOut, "longer than the 512 KiB") {
		t.Errorf("exit code %d, %.100q", exit, errOut)
	}
	if state, err := p.Recovery.Switch.State(t.Context()); err != nil || len(state) > 0 {
		t.Errorf("%v, %v", state, err)
	}
}

// Whether the file is free or a run has it: an operator of another tenant is told so.
func TestACommandRefusesTheLedgerOfAnotherTenant(t *testing.T) {
	t.Parallel()
	_, running := running(t)
	s := setup(t, 4)
	if err := s.Open().Close(); err != nil {
		t.Fatal(err)
	}
	for _, environ := range [][]string{running, {"DATA_DIR=" + s.DataDir}} {
		other := append([]string{"ENTRA_TENANT_ID=99999999-6d4d-4958-8b9f-9d6445542f95", "WEBEX_ORG_ID=" + sandbox.OrgID}, environ...)
		for _, command := range []string{"status", "holds approve --all", "guard clear", "pause webex", "replay", "reconcile"} {
			out, errOut, exit := outcome(t, other, strings.Fields(command)...)
			if exit != 1 || !strings.HasPrefix(errOut, "entrawebex: the ledger is bound to ") || strings.Contains(out, "approved") {
				t.Errorf("%s: exit code %d, %s%s", command, exit, out, errOut)
			}
		}
		ours := append([]string{"ENTRA_TENANT_ID=" + sandbox.TenantID, "WEBEX_ORG_ID=" + sandbox.OrgID}, environ...)
		operate(t, ours, "status")
	}
}

// seenAlive notes what a renewal would, once it has seen the subscriptions.
func seenAlive(t *testing.T, p *standalone.Process) {
	t.Helper()
	note := document.Document[renew.Alive]{Store: p.Stores.Ledger, Name: "subscriptions alive"}
	if err := note.Update(t.Context(), func(a *renew.Alive) (bool, error) {
		*a = renew.Alive{At: time.Now(), Interval: time.Hour}
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestASocketThatACrashLeftDoesNotHinderAnOperatorOfAStoppedRun(t *testing.T) {
	t.Parallel()
	settings := heldHome(t, first)
	runtest.Crash(t, settings.DataDir)
	if got := operate(t, []string{"DATA_DIR=" + settings.DataDir}, "holds"); !strings.Contains(got, first) {
		t.Error(got)
	}
	// Somebody else has the file, and does not listen.
	openOperator(t, settings)
	if _, errOut, exit := outcome(t, operatorEnviron(settings), "holds"); exit != 1 || !strings.Contains(errOut, "takes no commands") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
}

func TestACommandEndsWithTheClientThatAskedForIt(t *testing.T) {
	t.Parallel()
	p, environ := running(t)
	const many = 30
	rest(t, p)
	dead(t, p, many)
	root := command(environ, terminal.Terminal{})
	ctx, goAway := context.WithCancel(t.Context())
	var left sync.WaitGroup
	left.Go(func() {
		// At this rate it would take half a minute.
		var errOut bytes.Buffer
		exit := carryOut(ctx, root, []string{"replay", "--rate", "1"}, io.Discard, &errOut)
		if exit != 1 || !strings.Contains(errOut.String(), "the command was stopped") {
			t.Errorf("exit code %d, %s", exit, errOut.String())
		}
	})
	moved := func() bool {
		depth, err := p.Stores.DeadLetters.Depth(t.Context())
		return err == nil && depth.Visible+depth.InFlight < many
	}
	if err := sandbox.Wait(t.Context(), time.Minute, moved); err != nil {
		t.Fatal(err)
	}
	goAway()
	left.Wait()
	// What it held is given back at once, and not when its time runs out.
	givenBack := func() bool {
		depth, err := p.Stores.DeadLetters.Depth(t.Context())
		return err == nil && depth.InFlight == 0 && depth.Visible > many/2
	}
	if err := sandbox.Wait(t.Context(), 20*time.Second, givenBack); err != nil {
		t.Error(err)
	}
}
