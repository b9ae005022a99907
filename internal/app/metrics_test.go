package app

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/change"
	"entrawebex/internal/pause"
	"entrawebex/internal/provision"
	"entrawebex/internal/sweep"
	"entrawebex/internal/throttle"
)

// counted are the series and values that were counted, in one text each.
func counted(m *metrics) map[string][]float64 {
	all := map[string][]float64{}
	for _, s := range m.set().Take() {
		all[strings.Join(append([]string{string(s.Metric)}, s.Labels...), " ")] = s.Values
	}
	return all
}

func TestAnAttemptIsCountedByHowItEnded(t *testing.T) {
	t.Parallel()
	seen := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	caused := func(by change.Source) []change.Change { return []change.Change{{Source: by, SeenAt: seen}} }
	fault := func(kind provision.FaultKind, err error) *provision.Fault {
		return &provision.Fault{Kind: kind, Err: err}
	}
	for name, test := range map[string]struct {
		attempt provision.Attempt
		want    map[string][]float64
	}{
		"of a notification": {
			provision.Attempt{
				Status: provision.Success, Action: provision.Disable, Causes: caused(change.Notification),
				Started: seen.Add(time.Second), Exported: seen.Add(3 * time.Second),
			},
			map[string][]float64{"Attempts Success disable": {1}, "QueueWait": {1000}, "Latency": {3000}},
		},
		"of a notification, without a write": {
			provision.Attempt{Status: provision.Skipped, Action: provision.None, Causes: caused(change.Notification), Started: seen.Add(time.Second)},
			map[string][]float64{"Attempts Skipped none": {1}, "QueueWait": {1000}},
		},
		"of a comparison": {
			provision.Attempt{
				Status: provision.Success, Action: provision.Create, Causes: caused(change.Comparison),
				Started: seen.Add(time.Hour), Exported: seen.Add(time.Hour),
			},
			map[string][]float64{"Attempts Success create": {1}},
		},
		"held": {
			provision.Attempt{Status: provision.Failure, Action: provision.None, Fault: fault(provision.Held, nil)},
			map[string][]float64{"Attempts Failure none": {1}, "Faults held": {1}, "Holds": {1}},
		},
		"failed": {
			provision.Attempt{Status: provision.Failure, Action: provision.None, Fault: fault(provision.Throttled, nil)},
			map[string][]float64{"Attempts Failure none": {1}, "Faults throttled": {1}},
		},
		"of what another worker is at": {
			provision.Attempt{Status: provision.Failure, Action: provision.None, Fault: fault(provision.Transient, provision.ErrClaimed)},
			map[string][]float64{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMetrics("entrawebex", new(bytes.Buffer))
			m.attempt(test.attempt)
			if diff := cmp.Diff(test.want, counted(m)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestARunOfAComparisonIsCountedByHowItEnded(t *testing.T) {
	t.Parallel()
	run := sweep.Finished{Took: 90 * time.Second, Result: sweep.Result{Classes: map[sweep.Class]int{sweep.InSync: 7, sweep.New: 2}}}
	for _, test := range []struct {
		err  error
		want map[string][]float64
	}{
		{nil, map[string][]float64{"Comparisons finished": {1}, "ComparisonDuration": {90}, "ComparedObjects in sync": {7}, "ComparedObjects new": {2}}},
		{sweep.ErrUnfinished, map[string][]float64{"Comparisons to be continued": {1}, "ComparisonDuration": {90}}},
		{errors.New("502"), map[string][]float64{"Comparisons failed": {1}, "ComparisonDuration": {90}}},
	} {
		m := newMetrics("entrawebex", new(bytes.Buffer))
		m.compared(run, test.err)
		if diff := cmp.Diff(test.want, counted(m)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.err, diff)
		}
	}
}

// The clients count from the start of the process, the log from its last line.
func TestOfTheCallsToASideThoseSinceTheLastTimeAreTold(t *testing.T) {
	t.Parallel()
	m := newMetrics("entrawebex", new(bytes.Buffer))
	var told []map[string][]float64
	for _, now := range []throttle.Traffic{{Answered: 3}, {Answered: 3}, {Answered: 7, Refused: 2}} {
		m.traffic(pause.Webex, now)
		told = append(told, counted(m))
	}
	want := []map[string][]float64{{"Calls webex": {3}}, {}, {"Calls webex": {4}, "Throttles webex": {2}}}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
