package terminal

import (
	"strings"
	"testing"
	"time"
)

func TestOfWhatCameTheLongestIsShownThatFits(t *testing.T) {
	t.Parallel()
	h := Happening{Outcome: Landed, What: "A swap", Came: []string{strings.Repeat("long ", 10), "Ōno's \x1b[2J name", "short"}, Took: "16 ms"}
	const blanks = "                               "
	for width, want := range map[int]string{
		80:  "✓ A swap" + blanks + "Ōno's  [2J name                     16 ms\n",
		100: "✓ A swap" + blanks + strings.Repeat("long ", 10) + "      16 ms\n",
	} {
		var out strings.Builder
		(Terminal{Width: width}).Happening(&out, h)
		if out.String() != want {
			t.Errorf("%d columns:\n%q, want\n%q", width, out.String(), want)
		}
	}
}

func TestATimeIsReadAtAGlance(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "0 ms", 999 * time.Millisecond: "999 ms", 2460 * time.Millisecond: "2.46 s", 37_510 * time.Millisecond: "37.5 s", 200 * time.Second: "3m20s",
	} {
		if got := Lasted(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
