package printable_test

import (
	"strings"
	"testing"

	"entrawebex/internal/printable"
)

func TestTextIsOneLineThatNoTerminalObeys(t *testing.T) {
	t.Parallel()
	if got, want := printable.Text("a\r\n\x1b[2Jé\xff\u202eb  c"), "a   [2Jé? b  c"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestShortTextIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ given, want string }{
		{" a\r\n\tb\x00 c ", "a b c"},
		{strings.Repeat("é", 10), strings.Repeat("é", 10)},
		{strings.Repeat("é", 11), strings.Repeat("é", 9) + "…"},
	} {
		if got := printable.Short(test.given, 10); got != test.want {
			t.Errorf("%q: %q, want %q", test.given, got, test.want)
		}
	}
}
