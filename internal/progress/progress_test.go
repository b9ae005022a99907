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
