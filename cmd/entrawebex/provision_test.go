package main

import (
	"encoding/json"
	"strings"
	"testing"

	"entrawebex/internal/history"
)

func TestSomebodyIsProvisionedOnDemandAndWhatWasChangedByHandPutRight(t *testing.T) {
	t.Parallel()
	s := setup(t, 6)
	s.provision()
	ada := s.Tenant.Users()[0]
	name := ada.Text("userPrincipalName")
	for id, account := range s.Org.Users() {
		if account["userName"] != name {
			continue
		}
		if err := s.Org.Edit(id, func(attributes map[string]any) { attributes["displayName"] = "Somebody Else" }); err != nil {
			t.Fatal(err)
		}
	}
	environ := s.Environ()
	out, errOut, exit := outcome(t, environ, "provision", name)
	for _, want := range []string{"update success", name, "displayName", "on demand", "    import success: read from Entra", "    export success: written to Webex"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if exit != 0 || errOut != "" {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
	fits(t, out)
	if d := s.Differences(t.Context()); len(d) > 0 {
		t.Errorf("%v", d)
	}
	var told history.Entry
	if err := json.Unmarshal([]byte(operate(t, environ, "provision", "--json", ada.Text("id"))), &told); err != nil || told.Action != history.None || told.Cause != history.OnDemand {
		t.Errorf("%+v, %v", told, err)
	}
	if log := operate(t, environ, "log", name, "--action", "provision"); strings.Count(log, "provision") < 2 {
		t.Errorf("who asked for it is not kept:\n%s", log)
	}
}

func TestWhoeverIsProvisionedOnDemandWhileNobodyWorksIsQueuedAndThatIsTold(t *testing.T) {
	t.Parallel()
	s := setup(t, 6)
	s.provision()
	environ := s.Environ()
	operate(t, environ, "pause", "webex", "--why", "maintenance")
	_, errOut, exit := outcome(t, environ, "provision", s.Tenant.Users()[0].Text("id"))
	if exit != exitFailed || !strings.Contains(errOut, "nobody works on it yet: webex is paused") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
	if _, errOut, exit := outcome(t, environ, "provision", "nobody@contoso.example"); exit != exitFailed || !strings.Contains(errOut, "is nobody's userPrincipalName") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
	if _, errOut, exit := outcome(t, environ, "provision"); exit != exitUsage || !strings.Contains(errOut, "provision USER|GROUP") {
		t.Errorf("exit code %d, %s", exit, errOut)
	}
}
