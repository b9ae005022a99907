package terminal

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHelpIsFilledAnewExceptWhatIsTyped(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 20)
	got := Help(long + "\nand more.\n\nA second one.\n\nExamples:\n  entrawebex " + long + "\n  entrawebex plan\n\nFlags:\n      --all   " + long + "\n              to the end\n  NAMES, OF, MANY\n              are told below\n  -h, --help  short")
	words := func(n int) string { return strings.TrimSpace(strings.Repeat("word ", n)) }
	want := words(16) + "\n" + words(4) + " and more.\n\nA second one.\n\nExamples:\n  entrawebex " + words(20) + "\n  entrawebex plan\n\nFlags:\n      --all   " +
		words(13) + "\n              " + words(7) + " to the end\n  NAMES, OF, MANY\n              are told below\n  -h, --help  short"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatWasCheckedGoesOnBelowWhereItBegan(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	Checked(&out, "note", "Webhook", strings.Repeat("word ", 12)+"\nand more")
	below := "\n" + strings.Repeat(" ", 31)
	want := "note  Webhook                  " + strings.TrimSpace(strings.Repeat("word ", 10)) + below + "word word" + below + "and more\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}
