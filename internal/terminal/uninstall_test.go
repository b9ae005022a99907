package terminal

import (
	"bytes"
	"strings"
	"testing"

	"entrawebex/internal/operator"
	"entrawebex/internal/renew"
)

func TestWhereNoSubscriptionIsNoneIsToBeRemoved(t *testing.T) {
	t.Parallel()
	for want, u := range map[string]operator.Uninstallation{
		"To remove the subscriptions: entrawebex uninstall --yes":   {Subscriptions: []renew.Left{{Resource: "users", ID: "s"}}},
		"To have none made for an hour: entrawebex uninstall --yes": {},
	} {
		var out bytes.Buffer
		Uninstallation(&out, u)
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
