package config

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	tenant = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	app    = "1f0e3a52-0000-4000-8000-00000000a001"
	org    = "3b2a1c00-aaaa-4bbb-8ccc-1234567890ab"
)

func complete() map[string]string {
	return map[string]string{
		"ENTRA_TENANT_ID": strings.ToUpper(tenant),
		"ENTRA_CLIENT_ID": app, "ENTRA_CLIENT_SECRET": "s3cret",
		"WEBEX_ORG_ID": org, "WEBEX_ACCESS_TOKEN": "t0ken",
		"CLIENT_STATE": "st4te", "WEBHOOK_URL": "https://hooks.example.com/base",
		"CHANGE_QUEUE_URL":      "https://sqs.eu-central-1.amazonaws.com/1/changes.fifo",
		"DEAD_LETTER_QUEUE_URL": "https://sqs.eu-central-1.amazonaws.com/1/dead.fifo",
		"LEDGER_TABLE":          "ledger",
		"HISTORY_TABLE":         "history",
	}
}

func load(t *testing.T, part Part, variables map[string]string, secrets map[string]string) (Settings, error) {
	t.Helper()
	var environ []string
	for name, value := range variables {
		environ = append(environ, name+"="+value)
	}
	return Load(t.Context(), part, environ, func(_ context.Context, arn string) (string, error) {
		text, ok := secrets[arn]
		if !ok {
			return "", errors.New("there is no such secret")
		}
		return text, nil
	})
}

func TestACompleteEnvironmentServesEveryPart(t *testing.T) {
	t.Parallel()
	for _, part := range []Part{WebhookFunction, WorkerFunction, RenewFunction, ReconcileFunction, ReplayFunction, OneProcess, Operator, Planner} {
		s, err := load(t, part, complete(), nil)
		if err != nil {
			t.Fatalf("part %d: %v", part, err)
		}
		if s.Entra.TenantID != tenant {
			t.Errorf("tenant %q is not in lower case", s.Entra.TenantID)
		}
	}
}

func TestTheMappingThatRenewSwitchesMayBeMissing(t *testing.T) {
	t.Parallel()
	variables := complete()
	for _, want := range []string{"", "a1b2c3d4-5678-4abc-8def-111122223333"} {
		variables["EVENT_SOURCE_MAPPING"] = want
		s, err := load(t, RenewFunction, variables, nil)
		if err != nil || s.AWS.EventSourceMapping != want {
			t.Errorf("%q, %v; want %q", s.AWS.EventSourceMapping, err, want)
		}
	}
}

func TestAFederationNeedsNoSecret(t *testing.T) {
	t.Parallel()
	variables := complete()
	variables["ENTRA_CLIENT_SECRET"], variables["ENTRA_FEDERATION"] = "", "aws"
	if s, err := load(t, WorkerFunction, variables, nil); err != nil || s.Entra.Federation != "aws" {
		t.Errorf("%q, %v", s.Entra.Federation, err)
	}
}

func TestPercentAndEveryMistakeAtOnce(t *testing.T) {
	t.Parallel()
	variables := complete()
	variables["GUARD_SHARE"], variables["GUARD_GROUP_SHARE"] = "2%", "30 %"
	s, err := load(t, OneProcess, variables, nil)
	if err != nil || s.Guard.Share != 2 || s.Guard.GroupShare != 30 {
		t.Errorf("%+v, %v", s.Guard, err)
	}
	variables["GUARD_WINDOW"], variables["UPSERT_ONLY"] = "5", "no"
	_, err = load(t, OneProcess, variables, nil)
	for _, want := range []string{`GUARD_WINDOW is "5" and must be a time`, `UPSERT_ONLY is "no" and must be true or false`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

func TestAnOperatorNeedsNoSettingsForTheEmbeddedHomes(t *testing.T) {
	t.Parallel()
	if _, err := load(t, Operator, nil, nil); err != nil {
		t.Error(err)
	}
}

// Whoever only looks may have no right to a secret.
func TestAnOperatorReadsASecretOnlyWhereSomethingIsLacking(t *testing.T) {
	t.Parallel()
	variables := complete()
	variables["SECRET_ARN"] = "arn:refused"
	if _, err := load(t, Operator, variables, nil); err != nil {
		t.Error(err)
	}
	if _, err := load(t, Planner, variables, nil); err == nil {
		t.Error("a plan is made without the secret")
	}
	delete(variables, "LEDGER_TABLE")
	s, err := load(t, Operator, variables, map[string]string{"arn:refused": `{"LEDGER_TABLE": "of-the-secret"}`})
	if err != nil || s.AWS.LedgerTable != "of-the-secret" {
		t.Errorf("%q, %v", s.AWS.LedgerTable, err)
	}
}

func TestMistakesAreToldWithTheirMend(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name            string
		part            Part
		variable, value string
		want            string
	}{
		{"an unknown scope", WebhookFunction, "SCOPE", "some", `SCOPE is "some" and must be assigned`},
		{"an unknown scope, too", ReconcileFunction, "SCOPE", "All", `SCOPE is "All" and must be assigned`},
		{"an unknown default access", WorkerFunction, "DEFAULT_ACCESS", "true", `DEFAULT_ACCESS is "true" and must be include or exclude`},
		{"an application by its name", WorkerFunction, "ENTRA_APP_ID", "Webex", `ENTRA_APP_ID is "Webex" and must be a GUID`},
		{"an application by its name, too", ReconcileFunction, "ENTRA_APP_ID", "Webex", `ENTRA_APP_ID is "Webex" and must be a GUID`},
		{"an application by its name, in one process", OneProcess, "ENTRA_APP_ID", "Webex", `ENTRA_APP_ID is "Webex" and must be a GUID`},
		{"deletions that are neither", WorkerFunction, "SKIP_OUT_OF_SCOPE_DELETIONS", "perhaps", `SKIP_OUT_OF_SCOPE_DELETIONS is "perhaps" and must be true or false`},
		{"drift that is neither", ReconcileFunction, "REPAIR_DRIFT", "perhaps", `REPAIR_DRIFT is "perhaps" and must be true or false`},
		{"no time between two renewals on AWS", RenewFunction, "RENEW_INTERVAL", "-5m", "RENEW_INTERVAL is -5m0s and must be longer than nothing, such as 1m"},
		{"no time between two looks on AWS", ReconcileFunction, "RECONCILE_INTERVAL", "-5m", "RECONCILE_INTERVAL is -5m0s"},
		{"no time between two looks", OneProcess, "RECONCILE_INTERVAL", "0s", "RECONCILE_INTERVAL is 0s"},
		{"time that runs backwards", OneProcess, "RENEW_INTERVAL", "-1m", "RENEW_INTERVAL is -1m0s"},
		{"no organization whose ledger it is", ReconcileFunction, "WEBEX_ORG_ID", "", "Control Hub"},
		{"an unknown fate of groups, too", ReconcileFunction, "GROUP_SOFT_DELETE", "burn", `GROUP_SOFT_DELETE is "burn"`},
		{"nowhere to queue what is found", ReconcileFunction, "CHANGE_QUEUE_URL", "", "CHANGE_QUEUE_URL is empty"},
		{"nowhere to remember where it got to", ReconcileFunction, "LEDGER_TABLE", "", "LEDGER_TABLE is empty"},
		{"no tenant", WebhookFunction, "ENTRA_TENANT_ID", "", "ENTRA_TENANT_ID is empty: copy"},
		{"a tenant by its domain", WebhookFunction, "ENTRA_TENANT_ID", "contoso.com", `ENTRA_TENANT_ID is "contoso.com" and must be a GUID`},
		{"no clientState", WebhookFunction, "CLIENT_STATE", "", "openssl rand -hex 32"},
		{"a long clientState", RenewFunction, "CLIENT_STATE", strings.Repeat("x", 129), "CLIENT_STATE has 129 characters and must have at most 128"},
		{"a long previous clientState", RenewFunction, "CLIENT_STATE_PREVIOUS", strings.Repeat("x", 129), "CLIENT_STATE_PREVIOUS has 129 characters and must have at most 128"},
		{"a webhook without TLS", OneProcess, "WEBHOOK_URL", "http://hooks.example.com", "must begin with https://"},
		{"a webhook with a query", OneProcess, "WEBHOOK_URL", "https://hooks.example.com?x=y", "must begin with https://"},
		{"no webhook", RenewFunction, "WEBHOOK_URL", "", "WEBHOOK_URL is empty"},
		{"no client id", WorkerFunction, "ENTRA_CLIENT_ID", "", "ENTRA_CLIENT_ID is empty"},
		{"a client id that is the secret", WorkerFunction, "ENTRA_CLIENT_ID", "hunter2", "ENTRA_CLIENT_ID has 7 characters and must be a GUID"},
		{"an unknown federation", WorkerFunction, "ENTRA_FEDERATION", "azure", `ENTRA_FEDERATION is "azure" and must be aws, or empty`},
		{"a certificate without its key", WorkerFunction, "ENTRA_CLIENT_CERTIFICATE", "hunter2", "must be a certificate and its private key, both in PEM"},
		{"no client secret", WorkerFunction, "ENTRA_CLIENT_SECRET", "", "ENTRA_CLIENT_SECRET is empty"},
		{"a foreign Graph", WorkerFunction, "GRAPH_URL", "https://graph.evil.example", `GRAPH_URL is "https://graph.evil.example" and is for a loopback host only`},
		{"a cloud that is no more", WorkerFunction, "ENTRA_CLOUD", "germany", `ENTRA_CLOUD is "germany" and must be public, usgov, usgov-dod or china`},
		{"a token for the real Graph", WorkerFunction, "GRAPH_ACCESS_TOKEN", "t", "GRAPH_ACCESS_TOKEN is for a loopback GRAPH_URL only"},
		{"no Webex token", WorkerFunction, "WEBEX_ACCESS_TOKEN", "", "identity:people_rw"},
		{"no Webex token and no service app", WorkerFunction, "WEBEX_ACCESS_TOKEN", "", "or give WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN"},
		{"a service app without its secrets", WorkerFunction, "WEBEX_CLIENT_ID", "C1", "WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN are missing"},
		{"a service app without its name", OneProcess, "WEBEX_REFRESH_TOKEN", "hunter2", "WEBEX_CLIENT_ID and WEBEX_CLIENT_SECRET are missing"},
		{"a token endpoint with a query", RenewFunction, "WEBEX_TOKEN_URL", "http://127.0.0.1/?x=y", "without a query"},
		{"a foreign token endpoint", RenewFunction, "WEBEX_TOKEN_URL", "https://webexapis.com.evil.example/v1/access_token", `and is for a loopback host only`},
		{"no organization", WorkerFunction, "WEBEX_ORG_ID", "", "Control Hub"},
		{"a SCIM address without TLS", WorkerFunction, "WEBEX_SCIM_URL", "http://scim.example.com", `WEBEX_SCIM_URL is "http://scim.example.com" and must begin with https://`},
		{"an unknown Webex cloud", WorkerFunction, "WEBEX_CLOUD", "moon", `WEBEX_CLOUD is "moon"`},
		{"an unknown fate of groups", WorkerFunction, "GROUP_SOFT_DELETE", "burn", `GROUP_SOFT_DELETE is "burn" and must be keep or delete`},
		{"groups that are neither", OneProcess, "PROVISION_GROUPS", "perhaps", `PROVISION_GROUPS is "perhaps" and must be true or false`},
		{"a guard with a negative floor", WorkerFunction, "GUARD_FLOOR", "-1", "GUARD_FLOOR is -1"},
		{"a guard with half a share", WorkerFunction, "GUARD_SHARE", "0.5%", `GUARD_SHARE is "0.5%" and must be a whole number of percent, such as 20 or 20%`},
		{"a delete before it is looked for", OneProcess, "DELETE_CONFIRM_AFTER", "-1m", "DELETE_CONFIRM_AFTER is -1m0s"},
		{"an address without a port", OneProcess, "LISTEN_ADDR", "localhost", `LISTEN_ADDR is "localhost" and must be an address with a port`},
		{"an address with a port that is none", OneProcess, "LISTEN_ADDR", "127.0.0.1:99999", `LISTEN_ADDR is "127.0.0.1:99999" and must be an address with a port`},
		{"an address of metrics without a port", OneProcess, "METRICS_ADDR", "localhost", `METRICS_ADDR is "localhost" and must be an address with a port, such as 127.0.0.1:9464, or empty`},
		{"a guard with a share above all", WorkerFunction, "GUARD_SHARE", "101", "GUARD_SHARE is 101 and must be percent"},
		{"a guard with a group share above all", OneProcess, "GUARD_GROUP_SHARE", "101", "GUARD_GROUP_SHARE is 101"},
		{"a guard without a window", OneProcess, "GUARD_WINDOW", "0s", "GUARD_WINDOW is 0s"},
		{"no queue", WebhookFunction, "CHANGE_QUEUE_URL", "", "CHANGE_QUEUE_URL is empty"},
		{"no dead-letter queue", WorkerFunction, "DEAD_LETTER_QUEUE_URL", "", "DEAD_LETTER_QUEUE_URL is empty"},
		{"no queue to replay to", ReplayFunction, "CHANGE_QUEUE_URL", "", "CHANGE_QUEUE_URL is empty"},
		{"nothing to replay from", ReplayFunction, "DEAD_LETTER_QUEUE_URL", "", "DEAD_LETTER_QUEUE_URL is empty"},
		{"some stores on AWS and some not", Operator, "LEDGER_TABLE", "", "LEDGER_TABLE is empty"},
		{"a plan without Webex", Planner, "WEBEX_ACCESS_TOKEN", "", "identity:people_rw"},
		{"a plan without a ledger", Planner, "LEDGER_TABLE", "", "LEDGER_TABLE is empty"},
		{"no queue to replay to after a pause", RenewFunction, "CHANGE_QUEUE_URL", "", "CHANGE_QUEUE_URL is empty"},
		{"nothing to replay from after a pause", RenewFunction, "DEAD_LETTER_QUEUE_URL", "", "DEAD_LETTER_QUEUE_URL is empty"},
		{"a worker without a log", WorkerFunction, "HISTORY_TABLE", "", "HISTORY_TABLE is empty"},
		{"comparisons without a log", ReconcileFunction, "HISTORY_TABLE", "", "HISTORY_TABLE is empty"},
		{"replays without a log", ReplayFunction, "HISTORY_TABLE", "", "HISTORY_TABLE is empty"},
		{"an operator without a log", Operator, "HISTORY_TABLE", "", "HISTORY_TABLE is empty"},
		{"a log of no day", OneProcess, "HISTORY_DAYS", "0", "HISTORY_DAYS is 0 and must be a number of days, 1 to 3650"},
		{"a log of more than ten years", WorkerFunction, "HISTORY_DAYS", "3651", "HISTORY_DAYS is 3651"},
		{"an operator's log of no day", Operator, "HISTORY_DAYS", "-1", "HISTORY_DAYS is -1"},
		{"no ledger", RenewFunction, "LEDGER_TABLE", "", "LEDGER_TABLE is empty"},
		{"a duration without unit", WorkerFunction, "DELETE_CONFIRM_AFTER", "10", `DELETE_CONFIRM_AFTER is "10" and must be a time with its unit`},
		{"a secret that is not there", WorkerFunction, "SECRET_ARN", "arn:none", "read the secret arn:none"},
		{"a secret that is no JSON", WorkerFunction, "SECRET_ARN", "arn:text", "is not a JSON object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			variables := complete()
			variables[test.variable] = test.value
			_, err := load(t, test.part, variables, map[string]string{"arn:text": "hunter2"})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("one mistake is told in more than one line: %v", err)
			}
			for _, secret := range []string{"s3cret", "t0ken", "st4te", "hunter2"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells a secret: %v", err)
				}
			}
		})
	}
}

func TestAServiceAppNeedsNoTokenToBeginWith(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"", "t0ken"} {
		variables := complete()
		variables["WEBEX_ACCESS_TOKEN"] = token
		variables["WEBEX_CLIENT_ID"], variables["WEBEX_CLIENT_SECRET"], variables["WEBEX_REFRESH_TOKEN"] = "C1", "s3cret", "r3fresh"
		s, err := load(t, Planner, variables, nil)
		if err != nil || s.Webex.RefreshToken != "r3fresh" || s.Webex.AccessToken != token {
			t.Errorf("with the token %q: %v", token, err)
		}
	}
}

func TestAServiceAppWithoutAllOfItsPartsIsNone(t *testing.T) {
	t.Parallel()
	const sentence = " missing: a service app needs WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN together, a fixed WEBEX_ACCESS_TOKEN none of them"
	for _, test := range []struct {
		given Webex
		want  string
	}{
		{Webex{ClientID: "c", ClientSecret: "s"}, "WEBEX_REFRESH_TOKEN is" + sentence},
		{Webex{ClientSecret: "s", RefreshToken: "r", AccessToken: "t"}, "WEBEX_CLIENT_ID is" + sentence},
		{Webex{ClientID: "c", RefreshToken: "r"}, "WEBEX_CLIENT_SECRET is" + sentence},
		{Webex{ClientID: "c", AccessToken: "t"}, "WEBEX_CLIENT_SECRET and WEBEX_REFRESH_TOKEN are" + sentence},
	} {
		if err := test.given.checkToken(); err == nil || err.Error() != test.want {
			t.Errorf("error %v, want %s", err, test.want)
		}
	}
}

func TestTheTokenEndpointFollowsFromTheCloud(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, cloud, override, want string }{
		{"commercial", "public", "", "https://webexapis.com/v1/access_token"},
		{"government", "usgov", "", "https://api-usgov.webex.com/v1/access_token"},
		{"an override", "public", "http://127.0.0.1:9/v1/access_token", "http://127.0.0.1:9/v1/access_token"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, _, err := Webex{OrgID: org, Cloud: test.cloud, SCIMURL: "https://scim.example.com", TokenURL: test.override}.resolve()
			if err != nil || got.TokenURL != test.want {
				t.Errorf("%q, %v, want %q", got.TokenURL, err, test.want)
			}
		})
	}
}

func TestTheScopeIsTheAssignmentsToTheRegisteredAppUnlessAnotherIsNamed(t *testing.T) {
	t.Parallel()
	const gallery = "0c8f2b7e-1111-4222-8333-944455556666"
	for _, test := range []struct {
		name      string
		variables map[string]string
		want, err string
	}{
		{"its own", nil, app, ""},
		{"another", map[string]string{"ENTRA_APP_ID": gallery}, gallery, ""},
		{"none is needed for everybody", map[string]string{
			"SCOPE": "all", "ENTRA_CLIENT_ID": "", "GRAPH_URL": "http://127.0.0.1:9", "GRAPH_ACCESS_TOKEN": "t",
		}, "", ""},
		{"none, with a token", map[string]string{
			"ENTRA_CLIENT_ID": "", "GRAPH_URL": "http://127.0.0.1:9", "GRAPH_ACCESS_TOKEN": "t",
		}, "", `ENTRA_APP_ID is "" and must be a GUID`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			variables := complete()
			maps.Copy(variables, test.variables)
			s, err := load(t, WorkerFunction, variables, nil)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatal(err)
			}
			if s.Entra.AppID != test.want {
				t.Errorf("the application is %q", s.Entra.AppID)
			}
		})
	}
}

func TestOtherRulesAreAnotherText(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, change := range []string{
		"", "SCOPE=all", "DEFAULT_ACCESS=exclude", "ENTRA_APP_ID=0c8f2b7e-1111-4222-8333-944455556666", "SKIP_OUT_OF_SCOPE_DELETIONS=true",
		"PROVISION_GROUPS=false", "NESTED_GROUPS=true", "GROUP_SOFT_DELETE=delete", "UPSERT_ONLY=true",
	} {
		variables := complete()
		if name, value, ok := strings.Cut(change, "="); ok {
			variables[name] = value
		}
		s, err := load(t, ReconcileFunction, variables, nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Everybody() != (change == "SCOPE=all") {
			t.Errorf("with %q everybody is %t", change, s.Everybody())
		}
		if other, twice := texts[s.Rules()]; twice {
			t.Errorf("%q and %q have the same rules: %s", change, other, s.Rules())
		}
		texts[s.Rules()] = change
	}
	// Of no account where everybody is in scope.
	variables := complete()
	variables["SCOPE"], variables["DEFAULT_ACCESS"] = "all", "exclude"
	s, err := load(t, ReconcileFunction, variables, nil)
	if err != nil || texts[s.Rules()] != "SCOPE=all" {
		t.Errorf("%s, %v", s.Rules(), err)
	}
}

func TestSecretsSupplyWhatTheEnvironmentLacks(t *testing.T) {
	t.Parallel()
	variables := complete()
	delete(variables, "CLIENT_STATE")
	delete(variables, "WEBEX_ACCESS_TOKEN")
	variables["SECRET_ARN"] = "arn:one, arn:two"
	s, err := load(t, OneProcess, variables, map[string]string{
		"arn:one": `{"CLIENT_STATE":"from one","ENTRA_CLIENT_SECRET":"not this"}`,
		"arn:two": `{"WEBEX_ACCESS_TOKEN":"from two"}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{s.Webhook.ClientState, s.Webex.AccessToken, s.Entra.ClientSecret}
	if diff := cmp.Diff([]string{"from one", "from two", "s3cret"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTheSCIMRootFollowsFromTheOrganization(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		in       Webex
		want     string
		warnings bool
	}{
		{"commercial", Webex{OrgID: org, Cloud: "public"}, "https://webexapis.com/identity/scim/" + org + "/v2", false},
		{"government", Webex{OrgID: org, Cloud: "usgov"}, "https://api-usgov.webex.com/identity/scim/" + org + "/v2", false},
		{"an override", Webex{OrgID: org, Cloud: "public", SCIMURL: "http://127.0.0.1:9/scim/"}, "http://127.0.0.1:9/scim", false},
		{"the gallery app's tenant URL", Webex{SCIMURL: "https://api.ciscospark.com/v1/scim/" + org, Cloud: "public"}, "https://webexapis.com/identity/scim/" + org + "/v2", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, warning, err := test.in.resolve()
			if err != nil || got.SCIMURL != test.want || got.OrgID != org || (warning != "") != test.warnings {
				t.Errorf("got %+v, %q, %v", got, warning, err)
			}
		})
	}
}

func TestOrganizationIDs(t *testing.T) {
	t.Parallel()
	const id = "3b2a1c00-aaaa-4bbb-8ccc-1234567890ab"
	for _, test := range []struct{ name, in, want, err string }{
		{"a bare UUID", id, id, ""},
		{"a UUID in capitals", strings.ToUpper(id), id, ""},
		{"the base64 form", "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi8zYjJhMWMwMC1hYWFhLTRiYmItOGNjYy0xMjM0NTY3ODkwYWI", id, ""},
		{"the base64 form of a person", "Y2lzY29zcGFyazovL3VzL1BFT1BMRS8zYjJhMWMwMC1hYWFhLTRiYmItOGNjYy0xMjM0NTY3ODkwYWI", "", ", the id of something else in Webex (people)"},
		{"something else", "example.com", "", `WEBEX_ORG_ID is "example.com" and must be the id of a Webex organization`},
		{"nothing", "", "", "WEBEX_ORG_ID is empty: copy"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := orgID(test.in)
			if got != test.want || (err == nil) != (test.err == "") || (err != nil && !strings.Contains(err.Error(), test.err)) {
				t.Errorf("OrgID(%q) = %q, %v", test.in, got, err)
			}
		})
	}
}

func TestAMappingFileIsForOneMachine(t *testing.T) {
	t.Parallel()
	for part, taken := range map[Part]bool{OneProcess: true, WorkerFunction: false, ReconcileFunction: false, Planner: false} {
		variables := complete()
		variables["MAPPING_FILE"] = "mine.yaml"
		_, err := load(t, part, variables, nil)
		if refused := err != nil && strings.Contains(err.Error(), "MAPPING_FILE is for one machine"); refused == taken {
			t.Errorf("part %d: %v", part, err)
		}
	}
	alone := complete()
	alone["MAPPING_FILE"] = "mine.yaml"
	for _, name := range []string{"CHANGE_QUEUE_URL", "DEAD_LETTER_QUEUE_URL", "LEDGER_TABLE", "HISTORY_TABLE"} {
		delete(alone, name)
	}
	if s, err := load(t, Planner, alone, nil); err != nil || s.MappingFile != "mine.yaml" {
		t.Error(err)
	}
}
