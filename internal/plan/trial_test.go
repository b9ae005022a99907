package plan

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/provision"
)

func TestWhatIsNotKnownOfOneThatWasReadIsTold(t *testing.T) {
	t.Parallel()
	roles, names, manager, groups := errors.New("no roles"), errors.New("no names"), errors.New("no manager"), errors.New("no groups")
	for _, test := range []struct {
		name    string
		reading provision.Reading
		want    []string
	}{
		{"all is known", provision.Reading{}, nil},
		{"names follow from roles", provision.Reading{RolesErr: roles, RoleNamesErr: names}, []string{"no roles"}},
		{"everything else is told", provision.Reading{RoleNamesErr: names, ManagerErr: manager, MemberOfErr: groups}, []string{"no names", "no manager", "no groups"}},
	} {
		if diff := cmp.Diff(test.want, unknown(test.reading)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", test.name, diff)
		}
	}
}
