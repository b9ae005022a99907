package progress

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestALineIsWrittenNowAndThenAndAtOnceForAnotherPhase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		line := &Line{Out: &out}
		line.Clear()
		line.Show("users", "users: 1")
		line.Show("users", "users: 2")
		line.Show("groups", "groups: 1")
		time.Sleep(often)
		line.Show("groups", "groups: 2")
		line.Clear()
		line.Clear()
		line.Show("groups", "groups: 3")
		const want = "\r\x1b[Kusers: 1\r\x1b[Kgroups: 1\r\x1b[Kgroups: 2\r\x1b[K\r\x1b[Kgroups: 3"
		if out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	})
}

func TestTheTimeThatIsLeftIsThatOfThePhase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		line := &Line{Out: &out}
		line.Tell("reading", 0, 0)
		time.Sleep(time.Minute)
		line.Tell("reading", 7, 0)
		line.Tell("users", 0, 100)
		time.Sleep(10 * time.Second)
		line.Tell("users", 25, 100)
		time.Sleep(often)
		line.Tell("users", 120, 100)
		const want = "\r\x1b[Kreading\r\x1b[Kreading: 7" +
			"\r\x1b[Kusers: ░░░░░░░░░░░░░░░░░░░░ 0 of 100\r\x1b[Kusers: █████░░░░░░░░░░░░░░░ 25 of 100, 30s left\r\x1b[Kusers: ████████████████████ 120 of 100"
		if out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	})
}

func TestHowFarItIsSaysHowLongTheRestTakes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		done, of int
		after    time.Duration
		want     string
	}{
		{25, 100, 10 * time.Second, "25 of 100, 30s left"},
		{99, 100, 10 * time.Second, "99 of 100, 1s left"},
		{25, 100, time.Second, "25 of 100"},
		{0, 100, time.Minute, "0 of 100"},
		{100, 100, time.Minute, "100 of 100"},
		{120, 100, time.Minute, "120 of 100"},
		{25, 0, time.Minute, "25"},
		{0, 0, time.Minute, "…"},
	} {
		if got := Far(test.done, test.of, test.after); got != test.want {
			t.Errorf("%d of %d after %v: %q, want %q", test.done, test.of, test.after, got, test.want)
		}
	}
}
