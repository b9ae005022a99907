package synchronization

import (
	"strings"
	"testing"
)

func TestAJobRestsOnlyWhereItIsKnownToBeStopped(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		state, code string
		want        bool
	}{
		{"Active", "Active", false},
		{"Active", "NotRun", false}, // it is about to
		{"Active", "Quarantine", false},
		{"Disabled", "Paused", true},
		{"disabled", "Active", true}, // as its schedule says
		{"Paused", "Quarantine", true},
		{"Active", "Paused", true},
		{"", "NotConfigured", true},
		{"", "", false},
		{"Sometimes", "Resting", false},
	} {
		jobs, err := DecodeJobs([]byte(`{"value":[{"id":"j","schedule":{"state":"` + test.state + `"},"status":{"code":"` + test.code + `","quarantine":null}}]}`))
		if err != nil || len(jobs) != 1 || jobs[0].Rests() != test.want {
			t.Errorf("%s, %s: %+v, %v; want %t", test.state, test.code, jobs, err, test.want)
		}
	}
}

func TestWhatIsNoListOfJobsIsToldSo(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "<html>", "[]", `{"error":{}}`, `{"value":7}`} {
		if _, err := DecodeJobs([]byte(text)); err == nil || !strings.Contains(err.Error(), "no list of synchronization jobs") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if jobs, err := DecodeJobs([]byte(`{"value":[{"id":"j"}],"@odata.nextLink":"https://graph.microsoft.com/v1.0/more"}`)); err == nil {
		t.Errorf("of a list that goes on there are %v", jobs)
	}
	if jobs, err := DecodeJobs([]byte(`{"value":[]}`)); err != nil || len(jobs) != 0 {
		t.Errorf("%v, %v", jobs, err)
	}
}

func TestOfTheSecretsOfAJobNothingIsReadThatIsOne(t *testing.T) {
	t.Parallel()
	got, err := DecodeSettings([]byte(`{"value":[{"key":"SecretToken","value":"hush"},{"key":"SyncAll","value":"True"},
		{"key":"SkipOutOfScopeDeletions","value":"0"},{"key":"BaseAddress","value":"https://api.ciscospark.com/v1/scim/o"},{"key":"Odd","value":{}}]}`))
	if err != nil || got.SyncAll == nil || !*got.SyncAll || got.SkipOutOfScopeDeletions == nil || *got.SkipOutOfScopeDeletions || got.BaseAddress != "https://api.ciscospark.com/v1/scim/o" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := DecodeSettings([]byte(`{"value":[{"key":"SyncAll","value":null}]}`)); err != nil || got.SyncAll != nil {
		t.Errorf("what is not known: %+v, %v", got, err)
	}
	if _, err := DecodeSettings([]byte(`{"value":[{"key":"SecretToken","value":"hush"`)); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("the error tells %v", err)
	}
}
