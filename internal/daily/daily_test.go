package daily

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/golden"
	"entrawebex/internal/history"
	"entrawebex/internal/ledger"
	"entrawebex/internal/operator"
	"entrawebex/internal/provision"
)

var (
	yesterday = time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)
	six       = time.Date(2026, 3, 31, 6, 0, 0, 0, time.UTC)
	ada       = change.Object{Kind: change.User, ID: "5b6e7a8c-1d2e-4f30-9a41-000000000001"}
)

// logged is a provisioning log, newest first. It counts its questions, and what was read.
type logged struct {
	entries         []history.Entry
	questions, read int
}

func (l *logged) Entries(_ context.Context, s history.Span) iter.Seq2[history.Entry, error] {
	l.questions++
	return func(yield func(history.Entry, error) bool) {
		for _, e := range l.entries {
			if e.At.Before(s.Since) || !e.At.Before(s.Until) {
				continue
			}
			l.read++
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (l *logged) add(n int, action history.Action, status history.Status, amend func(*history.Entry)) {
	for range n {
		e := history.Entry{
			At: yesterday.Add(9*time.Hour + 12*time.Minute), Action: action, Status: history.StatusInfo{Status: status},
			Source: &history.Identity{Type: "User", ID: ada.ID, UserPrincipalName: "ada@contoso.example"},
		}
		amend(&e)
		l.entries = append(l.entries, e)
	}
}

func as(*history.Entry) {}

func failed(id, name, reason string) func(*history.Entry) {
	return func(e *history.Entry) {
		e.Source.ID, e.Source.UserPrincipalName = id, name
		e.Status.Error = &history.ErrorInfo{Reason: reason}
	}
}

func busy() *logged {
	l := &logged{}
	l.add(40, history.Create, history.Success, as)
	l.add(1260, history.Update, history.Success, as)
	l.add(11, history.Disable, history.Warning, as)
	l.add(2, history.Other, history.Success, func(e *history.Entry) { e.Act = "approve" })
	l.add(3, history.None, history.Warning, as) // a wait
	l.add(2, history.Create, history.Failure, failed(ada.ID, "ada@contoso.example", "400: Invalid e-mail\x1b[31m: ada@contoso.example is of a domain that was not verified for this organization"))
	l.add(1, history.None, history.Failure, failed("5b6e7a8c-1d2e-4f30-9a41-000000000002", "", "503"))
	l.entries = append(l.entries, history.Entry{At: six, Action: history.Create}) // today's
	return l
}

func bad() *logged {
	l := &logged{}
	for i := range 12 {
		l.add(1, history.None, history.Failure, failed("5b6e7a8c-1d2e-4f30-9a41-0000000001"+string(rune('a'+i))+"0", strings.Repeat("long.", 30), strings.Repeat("Webex answers 500. ", 40)))
	}
	l.add(11_000, history.Update, history.Success, as)
	return l
}

func wellStatus() operator.Status { return operator.Status{At: six, AllIsWell: true} }

func busyStatus() operator.Status {
	return operator.Status{
		At: six, Names: map[string]string{ada.ID: "ada@contoso.example"}, Attention: []string{"1 dead letter: entrawebex dead-letters"},
		Worst: []operator.Fault{
			{Object: ada, OpenFault: provision.OpenFault{Kind: provision.Permanent, Reason: "400: Invalid e-mail"}},
			{Object: change.Object{Kind: change.User, ID: "tried again by itself"}, OpenFault: provision.OpenFault{Kind: provision.Transient, Reason: "503"}},
		},
	}
}

func badStatus() operator.Status {
	s := operator.Status{At: six, Names: map[string]string{ada.ID: strings.Repeat("long.", 30)}, Holds: operator.Holds{Blocked: []change.Object{ada}}}
	for range 12 {
		s.Attention = append(s.Attention, "Webex is paused until it answers again: "+strings.Repeat("it is away, ", 30))
	}
	return s
}

// fits checks that nobody's mail program has to break a line, behind the subject.
func fits(t *testing.T, mail string) {
	t.Helper()
	lines := strings.Split(mail, "\n")
	for _, line := range lines[1:] {
		if n := len([]rune(line)); n > 78 {
			t.Errorf("a line of %d characters: %s", n, line)
		}
	}
	if len(lines) > 80 {
		t.Errorf("%d lines", len(lines))
	}
}

func TestTheMailOfADay(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		log    *logged
		status operator.Status
	}{
		"quiet": {&logged{}, wellStatus()},
		"busy":  {busy(), busyStatus()},
		"bad":   {bad(), badStatus()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := read(t.Context(), test.log, yesterday)
			if err != nil {
				t.Fatal(err)
			}
			d.Status = test.status
			got := "Subject: " + Subject(d) + "\n\n" + Text(d)
			golden.Is(t, filepath.Join("testdata", name+".txt"), got)
			fits(t, got)
			if s := Subject(d); len(s) >= 100 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("SNS refuses the subject %q", s)
			}
		})
	}
}

func TestOneQuestionToTheLogEndsAfterTenThousandEntries(t *testing.T) {
	t.Parallel()
	l := &logged{}
	l.add(20_000, history.Update, history.Success, as)
	d, err := read(t.Context(), l, yesterday)
	if err != nil || !d.More || d.done() != 10_000 || l.questions != 1 || l.read != 10_001 {
		t.Errorf("%d told, more: %t, in %d questions of %d entries, %v", d.done(), d.More, l.questions, l.read, err)
	}
	l.entries = l.entries[:10_000]
	if d, err := read(t.Context(), l, yesterday); err != nil || d.More || d.done() != 10_000 {
		t.Errorf("of just as many: %d told, more: %t, %v", d.done(), d.More, err)
	}
}

// bundle is a job, the mails it sent and what it does not get.
type bundle struct {
	*Job

	sent []string
	// failing is what the next mail meets, meanwhile what happens while one is written.
	failing   error
	meanwhile func()
	now       time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	kept, err := ledger.OpenBolt(bolttest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{now: six, meanwhile: func() {}}
	b.Job = &Job{
		Documents: kept, Kept: &logged{}, Hour: 6, Now: func() time.Time { return b.now },
		Status: func(context.Context) (operator.Status, error) {
			b.meanwhile()
			return wellStatus(), nil
		},
		Send: func(_ context.Context, _, text string) error {
			if b.failing != nil {
				return b.failing
			}
			first, _, _ := strings.Cut(text, "\n")
			b.sent = append(b.sent, first)
			return nil
		},
	}
	return b
}

const (
	monday  = "What entrawebex did on Monday, 30 March 2026 (UTC)."
	tuesday = "What entrawebex did on Tuesday, 31 March 2026 (UTC)."
)

func (b *bundle) run(t *testing.T, want ...string) {
	t.Helper()
	if err := b.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.sent); diff != "" {
		t.Fatalf("at %s (-want +got):\n%s", b.now, diff)
	}
}

func TestADayIsToldOnceFromTheHourOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.now = six.Add(-time.Second)
	b.run(t)
	b.now = six
	b.run(t, monday)
	b.now = six.Add(17 * time.Hour)
	b.run(t, monday)
	b.now = six.AddDate(0, 0, 1).Add(-time.Minute)
	b.run(t, monday)
	b.now = six.AddDate(0, 0, 1)
	b.run(t, monday, tuesday)
}

func TestAMailThatIsNotSentIsSentTheNextMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.failing = errors.New("SNS is away")
	if err := b.Run(t.Context()); !errors.Is(err, b.failing) {
		t.Fatalf("it ends with %v", err)
	}
	b.failing = nil
	b.run(t, monday)
	b.run(t, monday)
}

func TestOfTwoRunsAtATimeOneSends(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.meanwhile = func() {
		b.meanwhile = func() {}
		b.run(t, monday)
	}
	b.run(t, monday)
}

func TestNothingIsNotedOfAMailThatCouldNotBeWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	status, away := b.Status, errors.New("the ledger is away")
	b.Status = func(context.Context) (operator.Status, error) { return operator.Status{}, away }
	if err := b.Run(t.Context()); !errors.Is(err, away) {
		t.Fatalf("it ends with %v", err)
	}
	b.Status = status
	b.run(t, monday)
}

func TestAMailGoesToItsTopic(t *testing.T) {
	t.Parallel()
	var got []string
	answer := http.StatusOK
	topic := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = append(got, r.PostFormValue("Action"), r.PostFormValue("TopicArn"), r.PostFormValue("Subject"), r.PostFormValue("Message"))
		w.Header().Set("Content-Type", "text/xml")
		w.WriteHeader(answer)
		_, _ = w.Write([]byte("<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"))
	}))
	t.Cleanup(topic.Close)
	send := ToTopic(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &topic.URL, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}, "arn:aws:sns:eu-central-1:000000000000:daily")
	if err := send(t.Context(), "a subject", "a text"); err != nil {
		t.Fatal(err)
	}
	want := []string{"Publish", "arn:aws:sns:eu-central-1:000000000000:daily", "a subject", "a text"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	answer = http.StatusForbidden
	if err := send(t.Context(), "a subject", "a text"); err == nil {
		t.Error("a refusal is no error")
	}
}
