package demo

import "testing"

func TestWhatIsTriedNextBeginsAsThisCommandDid(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]string{
		"/tmp/go-build123/b001/exe/entrawebex": "go run ./cmd/entrawebex",
		"./entrawebex":                         "./entrawebex",
		"entrawebex":                           "entrawebex",
	} {
		if got := Begun(program); got != want {
			t.Errorf("%s: %q, want %q", program, got, want)
		}
	}
}
