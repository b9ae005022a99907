package change_test

import (
	"strings"
	"testing"

	"entrawebex/internal/change"
)

func TestWhatTheListSaidTravelsWithTheChange(t *testing.T) {
	t.Parallel()
	for _, want := range []change.Nomination{"", change.In, change.Out} {
		body, err := change.Change{Object: change.Object{Kind: change.User, ID: ada}, Nominated: want}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), "nominated") != (want != "") {
			t.Errorf("%s", body)
		}
		if got, err := change.Decode(body); err != nil || got.Nominated != want {
			t.Errorf("%q became %q, %v", want, got.Nominated, err)
		}
	}
}
