package functions_test

import (
	"os"
	"path/filepath"
	"testing"

	"entrawebex/internal/sandbox/graph"
)

// Graph notifies nobody of an assignment.
func TestWhoIsAssignedOrUnassignedIsFoundAtTheNextLook(t *testing.T) {
	t.Parallel()
	d := deploy(t, webexOrg(t), "SCOPE=assigned", "ENTRA_APP_ID="+appID)
	scheduled, err := os.ReadFile(filepath.Join("..", "events", "eventbridge-scheduled.json"))
	if err != nil {
		t.Fatal(err)
	}
	look := func() {
		t.Helper()
		if err := d.reconcile.invoke(t.Context(), scheduled, nil); err != nil {
			t.Fatal(err)
		}
	}
	d.hire(adaID, "ada@contoso.example")
	look()
	if err := d.tenant.Assign(adaID, graph.DefaultAccess); err != nil {
		t.Fatal(err)
	}
	look()
	d.eventually("Ada has an account", func() bool { return len(d.find("ada@contoso.example")) == 1 && d.idle() })
	if err := d.tenant.Unassign(adaID, graph.DefaultAccess); err != nil {
		t.Fatal(err)
	}
	look()
	d.eventually("the account is inactive", func() bool { return d.find("ada@contoso.example")[0]["active"] == false })
}
