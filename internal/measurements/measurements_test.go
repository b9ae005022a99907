package measurements

import "testing"

func TestANumberIsSaidWhereItStandsWhole(t *testing.T) {
	t.Parallel()
	const page = "| in a group of 1,000 | 1 | 12,196 |\ntakes 33 calls\nto Graph"
	for text, want := range map[string]bool{
		"in a group of 1000 | 1 |": true, "in a group of 1,000 | 1 |": true, "33 calls to Graph": true,
		"in a group of 100": false, "3 calls to Graph": false, "takes 34 calls": false,
	} {
		if got := says(page, text); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}
