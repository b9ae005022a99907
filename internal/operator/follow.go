package operator

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"entrawebex/internal/history"
)

// With does something with Operations, which may be others each time: a run that has the
// stores begins, or ends.
type With = func(ctx context.Context, do func(Operations) error) error

// Moment is the time that a text names as of now: a time, a day, or how long ago; zero
// for none. The error calls it by the name.
func Moment(now time.Time, name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	ago, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n int
		n, err = strconv.Atoi(days)
		const day = 24 * time.Hour
		ago = time.Duration(n) * day
	}
	const longest = 100 * 365 * 24 * time.Hour
	if err != nil || ago < 0 || ago > longest {
		return time.Time{}, fmt.Errorf("%s is %q and must be a time (2026-03-02T09:30), a day (2026-03-02), or how long ago (90m, 24h, 7d)", name, text)
	}
	return now.Add(-ago), nil
}

// How often the log is looked at that is followed, and how long after an attempt it may
// be kept: as long as the batch that it was made in may last.
const (
	followEvery = 2 * time.Second
	followBack  = 3 * time.Minute
)

// Follow tells the entries that the request chooses, and then whatever is kept, the oldest
// first, until ctx ends, which is no error.
func Follow(ctx context.Context, with With, r HistoryRequest, tell func(history.Entry) error) error {
	told := map[string]time.Time{}
	for {
		began := time.Now()
		found, err := entries(ctx, with, r)
		if err != nil && ctx.Err() == nil { // else it ends, as it was told to
			return err
		}
		for _, e := range slices.Backward(found) {
			if _, known := told[e.ID]; known {
				continue
			}
			told[e.ID] = e.At
			if err := tell(e); err != nil {
				return err
			}
		}
		r.Since, r.Limit = began.Add(-followBack), 0
		for id, at := range told { // what is not asked for again is not met again
			if at.Before(r.Since) {
				delete(told, id)
			}
		}
		if !wait(ctx, followEvery) {
			return nil
		}
	}
}

// awaitEvery is how often the log is looked at for what comes of something.
const awaitEvery = 500 * time.Millisecond

// ProvisionNow has objects provisioned, and tells the first entry of each as it is kept. It
// returns what was queued, with the objects of which nothing is known yet: none, unless
// nobody works on it, or that took longer than long, or ctx ended. Failed says that one of
// them failed.
func ProvisionNow(ctx context.Context, with With, r ProvisionRequest, long time.Duration, tell func(history.Entry) error) (left Provisioning, failed bool, err error) {
	began := time.Now()
	err = with(ctx, func(o Operations) (err error) {
		left, err = o.Provision(ctx, r)
		return err
	})
	if err != nil || left.Rests != "" {
		return left, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	failed, err = await(ctx, with, &left, began, tell)
	return left, failed, err
}

// await tells the first entry of each object that was queued as it is kept, and takes the
// object out of queued. It ends when there is none left, or with ctx, which is no error.
func await(ctx context.Context, with With, queued *Provisioning, began time.Time, tell func(history.Entry) error) (failed bool, err error) {
	const skew = time.Minute // between the clocks of two machines
	r := HistoryRequest{Correlation: queued.Correlation, Since: began.Add(-skew)}
	for {
		found, err := entries(context.WithoutCancel(ctx), with, r)
		if err != nil {
			return failed, err
		}
		for _, e := range slices.Backward(found) {
			object, ok := e.Object()
			at := slices.Index(queued.Objects, object)
			if !ok || at < 0 || e.Act != "" {
				continue
			}
			queued.Objects = slices.Delete(queued.Objects, at, at+1)
			failed = failed || e.Status.Status == history.Failure
			if err := tell(e); err != nil {
				return failed, err
			}
		}
		if len(queued.Objects) == 0 || !wait(ctx, awaitEvery) {
			return failed, nil
		}
	}
}

// entries are those that are kept by now.
func entries(ctx context.Context, with With, r HistoryRequest) ([]history.Entry, error) {
	var found History
	err := with(ctx, func(o Operations) (err error) {
		found, err = o.History(ctx, r)
		return err
	})
	return found.Entries, err
}

// wait reports whether the time has passed before ctx ended.
func wait(ctx context.Context, long time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(long):
		return true
	}
}
