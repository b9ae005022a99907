package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/app/operations"
	"entrawebex/internal/app/stores"
	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
	"entrawebex/internal/terminal"
	"entrawebex/internal/worker"
)

const (
	deadID  = "5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"
	aliveID = "0d9b5c77-6a41-4c2e-8f13-2a7de01b94c6"
)

// kept is the DATA_DIR of a process that has one dead letter, and another
// object that is tried again.
func kept(t *testing.T) (environ []string) {
	t.Helper()
	folder := t.TempDir()
	file, err := stores.OpenFile(&config.Settings{DataDir: folder}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() }) // it may be closed already
	book := file.Ledger
	since := time.Now().Add(-time.Hour)
	for id, trouble := range map[string]provision.OpenFault{
		deadID:  {Kind: provision.Permanent, Step: provision.Matching, Reason: "the userName is taken, by an account of another organization, an alias, or one deleted within 7 days", Since: since, Attempts: 1},
		aliveID: {Kind: provision.Transient, Step: provision.Export, Reason: "a time-out", Since: since, Attempts: 4},
	} {
		r, err := book.Claim(t.Context(), change.Object{Kind: change.User, ID: id}, "a", since, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		after := r
		after.OpenFault, after.Claim = &trouble, provision.Claim{}
		if err := book.Save(t.Context(), "a", r, after); err != nil {
			t.Fatal(err)
		}
	}
	body, err := change.Change{Object: change.Object{Kind: change.User, ID: deadID}, Source: change.Notification, SeenAt: since}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	err = file.DeadLetters.Send(t.Context(), []queue.Entry{{Group: deadID, Body: body, Attributes: map[string]string{
		worker.AttributeFaultKind: provision.Permanent.String(),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return []string{"DATA_DIR=" + folder}
}

// operate carries out a command line as its user would, and returns what it
// writes to standard output.
func operate(t testing.TB, environ []string, args ...string) string {
	t.Helper()
	out, errOut, exit := outcome(t, environ, args...)
	if exit != 0 {
		t.Fatalf("%v: exit code %d: %s", args, exit, errOut)
	}
	return out
}

// outcome is all that comes of a command line.
func outcome(t testing.TB, environ []string, args ...string) (out, errOut string, exit int) {
	t.Helper()
	var written, wrong bytes.Buffer
	exit = carryOut(t.Context(), command(environ, terminal.Terminal{}), args, &written, &wrong)
	return written.String(), wrong.String(), exit
}

func TestDeadLettersAreListedWithTheirReason(t *testing.T) {
	t.Parallel()
	environ := kept(t)
	list := operate(t, environ, "dead-letters")
	for _, want := range []string{"user " + deadID, "permanent", "matching", "the userName is taken"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is missing in\n%s", want, list)
		}
	}
	fits(t, list)
	if strings.Contains(list, aliveID) {
		t.Errorf("what is tried again is listed:\n%s", list)
	}
	if list := operate(t, environ, "dead-letters", "--filter", "older=24h"); list != "No dead letters.\n" {
		t.Errorf("the filter leaves %s", list)
	}
	var letter replay.Letter
	if err := json.Unmarshal([]byte(operate(t, environ, "dead-letters", "--json")), &letter); err != nil || letter.Object.ID != deadID {
		t.Errorf("%+v, %v", letter, err)
	}
}

func TestDeadLettersThatTheLedgerDoesNotKnowAreCounted(t *testing.T) {
	t.Parallel()
	environ := kept(t)
	h, err := operations.Open(t.Context(), environ, operatorLog())
	if err != nil {
		t.Fatal(err)
	}
	// As the queue moves it: without attributes.
	if err := errors.Join(h.Operations.(*operator.Operator).DeadLetters.Send(t.Context(), []queue.Entry{{Group: aliveID, Body: []byte("{}")}}), h.Close()); err != nil {
		t.Fatal(err)
	}
	list := operate(t, environ, "dead-letters")
	if !strings.Contains(list, "user "+deadID) || !strings.Contains(list, "about 1 message more") {
		t.Errorf("list:\n%s", list)
	}
	out, errOut, exit := outcome(t, environ, "dead-letters", "--json")
	if exit != 0 || strings.Contains(out, "more") || !strings.Contains(errOut, "about 1 message more") {
		t.Errorf("exit code %d, for a program %q, for a person %q", exit, out, errOut)
	}
	if got := operate(t, environ, "replay", "--filter", "kind=transient"); got != "put back 1, kept 1; not looked at: about 0\n" {
		t.Error(got)
	}
	if list := operate(t, environ, "dead-letters"); strings.Contains(list, "more") {
		t.Errorf("after the replay:\n%s", list)
	}
}

func TestAnOperatorReplaysOnAMachineThatIsStopped(t *testing.T) {
	t.Parallel()
	environ := kept(t)
	for _, step := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--dry-run"}, "would put back 1, keep 0; not looked at: about 0\n"},
		{[]string{"--filter", "object=" + aliveID}, "put back 0, kept 1; not looked at: about 0\n"},
		{[]string{"--rate", "10"}, "put back 1, kept 0; not looked at: about 0\n"},
		{[]string{"--rate", "0"}, "put back 0, kept 0; not looked at: about 0\n"},
	} {
		if got := operate(t, environ, append([]string{"replay"}, step.flags...)...); got != step.want {
			t.Errorf("%v: %q; want %q", step.flags, got, step.want)
		}
	}
	h, err := operations.Open(t.Context(), environ, operatorLog())
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := h.Operations.(*operator.Operator).Changes.Receive(t.Context(), queue.MaxReceive, time.Minute, 0)
	if err != nil || len(msgs) != 1 || msgs[0].Group != deadID {
		t.Errorf("%+v, %v", msgs, err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

func TestALongReplayTellsHowFarItIsToATerminalOnly(t *testing.T) {
	t.Parallel()
	environ := kept(t)
	for _, test := range []struct {
		at   terminal.Terminal
		want string
	}{
		{terminal.Terminal{}, ""},
		{terminal.Terminal{Progress: true}, "\r\x1b[Klooked at 1 of about 1\r\x1b[K"},
	} {
		h, err := operations.Open(t.Context(), environ, operatorLog())
		if err != nil {
			t.Fatal(err)
		}
		var out, errOut bytes.Buffer
		err = console{terminal: test.at}.putBack(t.Context(), h, &out, &errOut, replay.Request{DryRun: true}, false)
		if err := errors.Join(err, h.Close()); err != nil || errOut.String() != test.want {
			t.Errorf("%+v: %q, %v; want %q", test.at, errOut.String(), err, test.want)
		}
	}
}
