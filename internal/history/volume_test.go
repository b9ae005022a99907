package history_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"entrawebex/internal/bolttest"
	"entrawebex/internal/change"
	"entrawebex/internal/history"
)

// attempts is how many are kept where it is measured what a question takes. A day has
// as many of them as it has of a million in 30 days, and so has a person: fewer are
// fewer days, and of fewer people.
var attempts = flag.Int("attempts", 60_000, "how many attempts are kept where a question is timed; the requirement is of 1000000")

// BenchmarkQuestions fails if a question takes too long, however much is kept.
func BenchmarkQuestions(b *testing.B) {
	db := bolttest.Open(b)
	db.NoSync, db.NoFreelistSync, db.FreelistType = true, true, bbolt.FreelistMapType
	kept := openBolt(b, db, func() time.Time { return noon })
	people := fill(b, kept, *attempts)
	h := opened{Store: kept}
	o := user(people / 2)
	day := noon.Truncate(24 * time.Hour)
	for _, question := range []struct {
		name   string
		span   history.Span
		atMost time.Duration
		least  int
	}{
		{"one person's history", history.Span{Object: &o}, 50 * time.Millisecond, 40},
		{"a day's failures", history.Span{Since: day.Add(-24 * time.Hour), Until: day, Status: history.Failure}, 500 * time.Millisecond, 500},
	} {
		b.Run(question.name, func(b *testing.B) {
			best := time.Hour // others may be at work on this machine
			for b.Loop() {
				for range 5 {
					began := time.Now()
					if n := len(h.read(b, question.span)); n < question.least {
						b.Fatalf("%d entries, want %d or more", n, question.least)
					}
					best = min(best, time.Since(began))
				}
			}
			b.ReportMetric(float64(best.Microseconds()), "best-µs")
			if best > question.atMost {
				b.Errorf("it takes %s, more than %s", best, question.atMost)
			}
		})
	}
}

// fill keeps so many attempts, one in 30 a failure, and returns of how many people.
func fill(t testing.TB, b *history.Bolt, n int) (people int) {
	t.Helper()
	const ofAPerson, million, together = 50, 1_000_000, 5000
	every := kept / million // between two attempts
	people = max(1, n/ofAPerson)
	var entries []history.Entry
	for i := range n {
		e := attempted(user(i%people), noon.Add(-every*time.Duration(n-i)))
		if i%30 == 0 {
			e.Status = history.StatusInfo{Status: history.Failure, Error: &history.ErrorInfo{
				Code: "UnprocessableEntity", Reason: "patch Webex user: Webex answered 400 Bad Request: invalidValue", Category: "nonServiceFailure",
				Recommended: "mend what the reason says, then entrawebex replay --filter object=" + e.Source.ID,
			}}
		}
		if entries = append(entries, e); len(entries) == together || i == n-1 {
			if err := b.Keep(t.Context(), entries, nil); err != nil {
				t.Fatal(err)
			}
			entries = entries[:0]
		}
	}
	return people
}

// attempted is an attempt as long as most are.
func attempted(o change.Object, at time.Time) history.Entry {
	name := fmt.Sprintf("given.surname.%s@example.com", o.ID[24:])
	return history.Entry{
		ID: uuid.NewString(), At: at, TenantID: uuid.NewString(), ChangeID: uuid.NewString(), CycleID: uuid.NewString(),
		Action: history.Update, Took: 120, InitiatedBy: history.Initiator{DisplayName: "entrawebex", Type: "system"},
		Source: &history.Identity{Type: "User", ID: o.ID, DisplayName: "Given Surname " + o.ID[24:], UserPrincipalName: name},
		Target: &history.Identity{Type: "User", ID: o.ID, DisplayName: name},
		Status: history.StatusInfo{Status: history.Success},
		Steps: []history.Step{
			{Type: "import", Status: history.Success, Description: "read from Entra"},
			{Type: "scoping", Status: history.Success, Description: "is in scope"},
			{Type: "export", Status: history.Success, Description: "written to Webex"},
		},
		Modified: []history.Property{{DisplayName: "title"}, {DisplayName: "displayName"}},
		Cause:    history.Notification, Latency: new(int64(2300)),
	}
}
