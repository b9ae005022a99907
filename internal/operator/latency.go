package operator

import (
	"context"
	"slices"
	"time"

	"entrawebex/internal/history"
)

// Latency is how long it took from the arrival of Graph's notifications until Webex
// answered the last write: of those changes that were written, as the provisioning log
// has them.
type Latency struct {
	// Since is when the time begins that it is of: an hour ago, or what was asked for, or
	// later where the newest MaxHistory entries do not go back so far.
	Since time.Time `json:"since"`
	// Count is of how many changes it is. P50 and P99 are in milliseconds: so much or
	// less took half of them, and 99 of 100; 0 if there is none.
	Count int   `json:"count"`
	P50   int64 `json:"p50InMilliseconds"`
	P99   int64 `json:"p99InMilliseconds"`
}

// lately is the time whose latency is told.
const lately = time.Hour

// readLatency asks the log once, for what was written within the time.
func (o *Operator) readLatency(ctx context.Context, s *Status) error {
	var err error
	s.Latency, err = o.latency(ctx, s.At.Add(-lately), MaxHistory)
	return err
}

// latency is that of the time since then, of the newest entries at most.
func (o *Operator) latency(ctx context.Context, since time.Time, entries int) (Latency, error) {
	l := Latency{Since: since}
	if o.Kept == nil {
		return l, nil
	}
	var took []int64
	read := 0
	for e, err := range o.Kept.Entries(ctx, history.Span{Since: since, Status: history.Success}) {
		if err != nil {
			return Latency{}, err
		}
		if e.Cause == history.Notification && e.Latency != nil {
			took = append(took, *e.Latency)
		}
		if read++; read == entries {
			l.Since = e.At
			break
		}
	}
	slices.Sort(took)
	l.Count, l.P50, l.P99 = len(took), percentile(took, 50), percentile(took, 99)
	return l, nil
}

// percentile is the least of sorted numbers that so many of a hundred do not exceed
// (nearest rank); 0 of none.
func percentile(sorted []int64, p int) int64 {
	if len(sorted) == 0 {
		return 0
	}
	const hundred = 100
	rank := (len(sorted)*p + hundred - 1) / hundred
	return sorted[max(rank, 1)-1]
}
