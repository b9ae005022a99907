package terminal

import (
	"strings"
	"testing"
)

func TestALineIsWrappedAndKept(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":             "",
		"  a   bc  d":  "  a   \nbc  d",
		"abcdefgh":     "abcdef\ngh",
		"  abcdefghij": "  abcd\nefghij",
		"ＡＢＣＤ":         "ＡＢＣ\nＤ",
		"ab cd ef gh":  "ab cd \nef gh",
	} {
		if got := wrap(6, line); got != want || strings.ReplaceAll(got, "\n", "") != line {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
