package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"entrawebex/internal/change"
	"entrawebex/internal/config"
	"entrawebex/internal/ledger"
	"entrawebex/internal/provision"
	"entrawebex/internal/queue"
	"entrawebex/internal/replay"
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
	p := &process{settings: config.Settings{DataDir: t.TempDir()}}
	if err := p.openData(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() }) // it may be closed already
	book, err := ledger.OpenBolt(p.db)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.openQueues(); err != nil {
		t.Fatal(err)
	}
	since := time.Now().Add(-time.Hour)
	for id, trouble := range map[string]provision.Trouble{
		deadID:  {Kind: provision.Permanent, Step: provision.Matching, Reason: "the userName is taken", Since: since, Attempts: 1},
		aliveID: {Kind: provision.Transient, Step: provision.Export, Reason: "a time-out", Since: since, Attempts: 4},
	} {
		r, err := book.Claim(t.Context(), change.Object{Kind: change.User, ID: id}, "a", since, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		after := r
		after.Trouble, after.Claim = &trouble, provision.Claim{}
		if err := book.Save(t.Context(), "a", r, after); err != nil {
			t.Fatal(err)
		}
	}
	body, err := change.Change{Object: change.Object{Kind: change.User, ID: deadID}, Source: change.Notification, SeenAt: since}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	err = p.deadLetters.Send(t.Context(), []queue.Entry{{Group: deadID, Body: body, Attributes: map[string]string{
		worker.AttributeFaultKind: string(provision.Permanent),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return []string{"DATA_DIR=" + p.settings.DataDir}
}

func deadLetters(t *testing.T, environ []string, asJSON bool, terms ...string) string {
	t.Helper()
	var out bytes.Buffer
	if err := listDeadLetters(t.Context(), &out, environ, terms, asJSON); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestDeadLettersAreListedWithTheirReason(t *testing.T) {
	t.Parallel()
	environ := kept(t)
	list := deadLetters(t, environ, false)
	for _, want := range []string{"user " + deadID, "permanent", "matching", "the userName is taken"} {
		if !strings.Contains(list, want) {
			t.Errorf("%q is missing in\n%s", want, list)
		}
	}
	if strings.Contains(list, aliveID) {
		t.Errorf("what is tried again is listed:\n%s", list)
	}
	if list := deadLetters(t, environ, false, "older=24h"); list != "No dead letters.\n" {
		t.Errorf("the filter leaves %s", list)
	}
	var letter replay.Letter
	if err := json.Unmarshal([]byte(deadLetters(t, environ, true)), &letter); err != nil || letter.Object.ID != deadID {
		t.Errorf("%+v, %v", letter, err)
	}
}

func TestAnOperatorReplaysOnAMachineThatIsStopped(t *testing.T) {
	t.Parallel()
	environ := kept(t)
	for _, step := range []struct {
		request replay.Request
		want    string
	}{
		{replay.Request{DryRun: true}, "would put back 1, keep 0; not looked at: about 0\n"},
		{replay.Request{Filter: []string{"object=" + aliveID}}, "put back 0, kept 1; not looked at: about 0\n"},
		{replay.Request{Rate: 10}, "put back 1, kept 0; not looked at: about 0\n"},
		{replay.Request{}, "put back 0, kept 0; not looked at: about 0\n"},
	} {
		var out bytes.Buffer
		if err := putBack(t.Context(), &out, environ, step.request); err != nil || out.String() != step.want {
			t.Errorf("%+v: %q, %v; want %q", step.request, out.String(), err, step.want)
		}
	}
	h, err := openHomes(t.Context(), environ)
	if err != nil {
		t.Fatal(err)
	}
	msgs, err := h.job.Main.Receive(t.Context(), queue.MaxReceive, time.Minute, 0)
	if err != nil || len(msgs) != 1 || msgs[0].Group != deadID {
		t.Errorf("%+v, %v", msgs, err)
	}
	if err := h.close(); err != nil {
		t.Error(err)
	}
}

func TestAnOperatorIsToldWhyNothingCanBeOpened(t *testing.T) {
	t.Parallel()
	held := t.TempDir()
	db, err := bbolt.Open(filepath.Join(held, "entrawebex.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	empty := t.TempDir()
	for _, test := range []struct{ variable, want string }{
		{"DATA_DIR=" + held, "entrawebex run holds the file in " + held + ": stop it first"},
		{"DATA_DIR=" + empty, "set DATA_DIR to the folder that entrawebex run uses"},
		{"CHANGE_QUEUE_URL=https://sqs.example/1/changes.fifo", "LEDGER_TABLE is empty"},
	} {
		if _, err := openHomes(context.WithoutCancel(t.Context()), []string{test.variable}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v; want one with %q", test.variable, err, test.want)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) > 0 {
		t.Errorf("a look left %v, %v", entries, err)
	}
}
