package operator

import (
	"testing"
	"time"
)

func TestATimeIsAMomentADayOrHowLongAgo(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"":                          {},
		"2026-03-02":                time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		"2026-03-02T09:30":          time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
		"2026-03-02 09:30":          time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC),
		"2026-03-02T09:30:15+01:00": time.Date(2026, 3, 2, 8, 30, 15, 0, time.UTC),
		"90m":                       now.Add(-90 * time.Minute),
		"7d":                        now.Add(-7 * 24 * time.Hour),
	} {
		if got, err := Moment(now, "--since", s); err != nil || !got.Equal(want) {
			t.Errorf("%q is %s, %v; want %s", s, got, err, want)
		}
	}
}
