// Package daily is the mail of a day: what was done, what failed, and what waits for a
// person.
package daily

import (
	"context"
	"iter"
	"time"

	"entrawebex/internal/history"
	"entrawebex/internal/operator"
)

// Day is what there is to tell of one.
type Day struct {
	// Of is its first moment, in UTC.
	Of time.Time
	// Entries is how many of the provisioning log were looked at, the newest, and More
	// that there are others: every number of the log is then the least it can be.
	Entries int
	More    bool
	// Done are the changes of Webex, by what was done, Failed the attempts that failed,
	// and Orders what operators did.
	Done   map[history.Action]int
	Failed int
	Orders int
	// Failures are the last of those that failed, one an object.
	Failures []Failure
	// Status is how things stand when the mail is written.
	Status operator.Status
}

// Failure is an attempt that failed.
type Failure struct {
	At               time.Time
	Name, ID, Reason string
}

const (
	// mostEntries is how many entries of the log are looked at.
	mostEntries = operator.MaxHistory
	// mostFailures is how many failures are told one by one.
	mostFailures = 5
)

// log is as much of the provisioning log as is asked.
type log interface {
	Entries(ctx context.Context, s history.Span) iter.Seq2[history.Entry, error]
}

// read counts the entries of the day that begins then: one question to the log, which
// ends after mostEntries. Nothing of them is kept but a few failures.
func read(ctx context.Context, kept log, of time.Time) (Day, error) {
	d := Day{Of: of, Done: map[history.Action]int{}}
	for e, err := range kept.Entries(ctx, history.Span{Since: of, Until: of.AddDate(0, 0, 1)}) {
		if err != nil {
			return Day{}, err
		}
		if d.Entries == mostEntries {
			d.More = true
			break
		}
		d.count(&e)
	}
	return d, nil
}

func (d *Day) count(e *history.Entry) {
	d.Entries++
	switch {
	case e.Act != "":
		d.Orders++
	case e.Status.Status == history.Failure:
		d.Failed++
		d.tell(e)
	case e.Action != history.None:
		d.Done[e.Action]++
	}
}

// tell keeps the failure, if there is room and none of its object is kept.
func (d *Day) tell(e *history.Entry) {
	o, _ := e.Object()
	for _, f := range d.Failures {
		if f.ID == o.ID {
			return
		}
	}
	if len(d.Failures) < mostFailures {
		d.Failures = append(d.Failures, Failure{At: e.At, Name: e.Name(), ID: o.ID, Reason: e.Reason()})
	}
}
