package infra_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// azureCLI stands in for the Azure CLI, with an empty tenant behind it. It
// notes what is written and answers what each --query would find.
const azureCLI = `#!/usr/bin/env bash
case "$*" in
"cloud show"*) echo AzureUSGovernment; exit ;;
"account show"*) echo tenant-id; exit ;;
"ad app"*) echo "$*" >>"$NOTES"; exit ;;
esac
method=$3 url=$5 body=
while [ $# -gt 0 ]; do
  case $1 in --body) body=$2 ;; --query) query=$2 ;; esac
  shift
done
[ "$method" = GET ] || echo "$method $url $body" >>"$NOTES"
case "$method $url $query" in
"GET "*"select=appRoles "*User.Read.All*) echo role-user ;;
"GET "*"select=appRoles "*Group.Read.All*) echo role-group ;;
"GET "*"select=appRoles "*Organization.Read.All*) echo role-organization ;;
"GET "*"select=appRoles "*Application.Read.All*) echo role-application ;;
"GET "*"select=appRoles "*Directory.Read.All*) echo role-directory ;;
"GET "*"select=appRoles "*Member.Read.Hidden*) echo role-hidden ;;
"GET "*"select=appRoles "*CustomSecAttributeAssignment.Read.All*) echo role-security ;;
"GET "*"select=appRoles "*Synchronization.Read.All*) echo role-synchronization ;;
"GET "*"servicePrincipals(appId="*" id") echo graph-principal ;;
"GET "*"/applications?"*) echo "$EXISTING" ;;
"GET "*"/appRoleAssignments "*) echo "$GRANTED" ;;
"GET "*"/federatedIdentityCredentials "*) while read -r subject id issuer; do case "$query" in *"'$subject'"*) echo "$id $issuer" ;; esac; done <<<"$TRUSTED" ;;
"GET "*"/servicePrincipals?"*) echo "$PRINCIPAL" ;;
"POST "*"/applications appId") echo app-id ;;
"POST "*"/servicePrincipals id") echo new-principal ;;
"POST "*"/addPassword "*) echo '{"ENTRA_CLIENT_SECRET": "the secret", "WEBEX_ACCESS_TOKEN": ""}' ;;
esac
`

// register runs the script with the stand-in and returns all it printed, the
// writes it made and the file for the secret.
func register(t *testing.T, tenant []string, arguments ...string) (printed, writes, secretFile string, err error) {
	t.Helper()
	folder := t.TempDir()
	notes := filepath.Join(folder, "notes")
	secretFile = filepath.Join(folder, "app.secret")
	for name, text := range map[string]string{"az": azureCLI, "notes": ""} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.CommandContext(t.Context(), "./register-app.sh", append([]string{"--cloud", "usgov", "--secret-file", secretFile}, arguments...)...)
	command.Env = append(append(os.Environ(), tenant...), "NOTES="+notes, "PATH="+folder+":"+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	noted, readErr := os.ReadFile(notes)
	if readErr != nil {
		t.Fatal(readErr)
	}
	return string(out), string(noted), secretFile, err
}

// printsNames wants each value under its name in the template, and under that of the
// variable which the template makes of it.
func printsNames(t *testing.T, printed, federation string) {
	t.Helper()
	template := readTemplate(t)
	variables := at(resources(template, function)["WorkerFunction"], "Environment", "Variables").(object)
	maps.Copy(variables, at(template, "Globals", "Function", "Environment", "Variables").(object))
	for parameter, value := range map[string]string{"EntraTenantId": "tenant-id", "EntraClientId": "app-id", "EntraCloud": "usgov", "EntraFederation": federation} {
		if at(template, "Parameters", parameter) == nil || !strings.Contains(printed, "\n"+parameter+"="+value+"\n") {
			t.Errorf("it does not print %s as the template has it:\n%s", parameter, printed)
		}
		for variable, from := range variables {
			if at(from, "Ref") == parameter && !strings.Contains(printed, "\n"+variable+"="+value+"\n") {
				t.Errorf("it does not print %s:\n%s", variable, printed)
			}
		}
	}
}

func TestAnAppIsRegisteredWithItsPermissionsAndConsent(t *testing.T) {
	t.Parallel()
	printed, writes, secretFile, err := register(t, nil)
	if err != nil {
		t.Fatalf("%v:\n%s", err, printed)
	}
	const root = "https://graph.microsoft.us/v1.0/"
	want := strings.Join([]string{
		`POST ` + root + `applications {"displayName":"entrawebex","signInAudience":"AzureADMyOrg","requiredResourceAccess":` +
			`[{"resourceAppId":"00000003-0000-0000-c000-000000000000","resourceAccess":` +
			`[{"id":"role-user","type":"Role"},{"id":"role-group","type":"Role"},{"id":"role-organization","type":"Role"},` +
			`{"id":"role-application","type":"Role"},{"id":"role-directory","type":"Role"}]}]}`,
		`POST ` + root + `servicePrincipals {"appId":"app-id","tags":["WindowsAzureActiveDirectoryIntegratedApp"]}`,
		`POST ` + root + `servicePrincipals/new-principal/appRoleAssignments {"principalId":"new-principal","resourceId":"graph-principal","appRoleId":"role-user"}`,
		`POST ` + root + `servicePrincipals/new-principal/appRoleAssignments {"principalId":"new-principal","resourceId":"graph-principal","appRoleId":"role-group"}`,
		`POST ` + root + `servicePrincipals/new-principal/appRoleAssignments {"principalId":"new-principal","resourceId":"graph-principal","appRoleId":"role-organization"}`,
		`POST ` + root + `servicePrincipals/new-principal/appRoleAssignments {"principalId":"new-principal","resourceId":"graph-principal","appRoleId":"role-application"}`,
		`POST ` + root + `servicePrincipals/new-principal/appRoleAssignments {"principalId":"new-principal","resourceId":"graph-principal","appRoleId":"role-directory"}`,
		`POST ` + root + `applications(appId='app-id')/addPassword {"passwordCredential":{"displayName":"entrawebex"}}`,
		"",
	}, "\n")
	if diff := cmp.Diff(want, writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	printsNames(t, printed, "")
	if strings.Contains(printed, "the secret") {
		t.Error("it prints the secret")
	}
	info, err := os.Stat(secretFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("the secret's file has mode %o; want 600", got)
	}
}

func TestHiddenMembersAreReadOnlyIfThatIsAskedFor(t *testing.T) {
	t.Parallel()
	printed, writes, _, err := register(t, nil, "--hidden-members")
	if err != nil || !strings.Contains(writes, `"appRoleId":"role-hidden"`) {
		t.Errorf("%v, writes %s:\n%s", err, writes, printed)
	}
}

func TestCustomSecurityAttributesAreReadOnlyIfThatIsAskedFor(t *testing.T) {
	t.Parallel()
	printed, writes, _, err := register(t, nil, "--custom-security-attributes")
	if err != nil || !strings.Contains(writes, `"appRoleId":"role-security"`) {
		t.Errorf("%v, writes %s:\n%s", err, writes, printed)
	}
}

func TestAProvisioningJobIsReadOnlyIfThatIsAskedFor(t *testing.T) {
	t.Parallel()
	printed, writes, _, err := register(t, nil, "--migration")
	if err != nil || !strings.Contains(writes, `"appRoleId":"role-synchronization"`) {
		t.Errorf("%v, writes %s:\n%s", err, writes, printed)
	}
	if printed, writes, _, err := register(t, nil); err != nil || strings.Contains(writes, "role-synchronization") {
		t.Errorf("without: %v, writes %s:\n%s", err, writes, printed)
	}
}

func TestNobodyAsksWhoIsAssignedWhereEverybodyIsMeant(t *testing.T) {
	t.Parallel()
	printed, writes, _, err := register(t, nil, "--everybody")
	if err != nil || strings.Contains(writes, "role-application") || strings.Contains(writes, "role-directory") {
		t.Errorf("%v, writes %s:\n%s", err, writes, printed)
	}
}

func TestAnAppThatIsThereIsCompleted(t *testing.T) {
	t.Parallel()
	printed, writes, _, err := register(t, []string{"EXISTING=app-old", "PRINCIPAL=principal-old", "GRANTED=role-user\nrole-group"})
	if err != nil {
		t.Fatalf("%v:\n%s", err, printed)
	}
	var calls []string
	for line := range strings.Lines(writes) {
		call, _, _ := strings.Cut(line, " {")
		calls = append(calls, strings.Replace(call, "https://graph.microsoft.us/v1.0/", "", 1))
	}
	want := []string{
		"PATCH applications(appId='app-old')",
		"POST servicePrincipals/principal-old/appRoleAssignments",
		"POST servicePrincipals/principal-old/appRoleAssignments",
		"POST servicePrincipals/principal-old/appRoleAssignments",
		"POST applications(appId='app-old')/addPassword",
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestOneOfTwoAppsOfANameIsNotGuessed(t *testing.T) {
	t.Parallel()
	printed, writes, secretFile, err := register(t, []string{"EXISTING=app-1\napp-2"})
	if err == nil || writes != "" || !strings.Contains(printed, "choose another with --name") {
		t.Errorf("%v, writes %q:\n%s", err, writes, printed)
	}
	if _, err := os.Stat(secretFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the secret's file: %v; want none", err)
	}
}

func TestAFederationNeedsNoSecretAndIsMadeOnce(t *testing.T) {
	t.Parallel()
	const issuer, roles = "https://x.tokens.sts.global.api.aws", "arn:aws:iam::123456789012:role/old,arn:aws:iam::123456789012:role/worker"
	printed, writes, secretFile, err := register(t, []string{"TRUSTED=arn:aws:iam::123456789012:role/old id-old " + issuer}, "--federation", issuer+"="+roles)
	want := `POST https://graph.microsoft.us/v1.0/applications(appId='app-id')/federatedIdentityCredentials {"name":"worker","issuer":"` + issuer +
		`","subject":"arn:aws:iam::123456789012:role/worker","audiences":["api://AzureADTokenExchange"]}`
	if err != nil || strings.Count(writes, "federatedIdentityCredentials") != 1 || !strings.Contains(writes, want) || strings.Contains(writes, "addPassword") {
		t.Errorf("%v, writes %s:\n%s", err, writes, printed)
	}
	printsNames(t, printed, "aws")
	if _, err := os.Stat(secretFile); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the secret's file: %v; want none", err)
	}
	const other = "TRUSTED=arn:aws:iam::123456789012:role/worker id-1 https://y.tokens.sts.global.api.aws\narn:aws:iam::123456789012:role/old id-2 " + issuer
	printed, writes, _, err = register(t, []string{other}, "--federation", issuer+"="+roles)
	want = `PATCH https://graph.microsoft.us/v1.0/applications(appId='app-id')/federatedIdentityCredentials/id-1 {"issuer":"` + issuer + `"}`
	if err != nil || strings.Count(writes, "federatedIdentityCredentials") != 1 || !strings.Contains(writes, want) {
		t.Errorf("of another issuer: %v, writes %s:\n%s", err, writes, printed)
	}
	// A role's name may have characters that a credential's may not.
	const odd = "arn:aws:iam::123456789012:role/ops/o.ps@x"
	if printed, writes, _, err := register(t, nil, "--federation", issuer+"="+odd); err != nil || !strings.Contains(writes, `{"name":"o-ps-x","issuer":"`+issuer+`","subject":"`+odd+`"`) {
		t.Errorf("%v, writes %s:\n%s", err, writes, printed)
	}
	if printed, writes, _, err := register(t, nil, "--federation", roles); err == nil || writes != "" {
		t.Errorf("without an issuer: %v, writes %s:\n%s", err, writes, printed)
	}
}

func TestACertificateIsPutBesideTheOthers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "cert.pem")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const certificate = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
	for text, want := range map[string]string{
		certificate + "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n": "holds the private key", "0\x82": "no certificate in PEM", "": "no certificate in PEM",
	} {
		write(text)
		if printed, writes, _, err := register(t, nil, "--certificate", file); err == nil || writes != "" || !strings.Contains(printed, want) {
			t.Errorf("%q: %v, writes %s:\n%s", text, err, writes, printed)
		}
	}
	write(certificate)
	printed, writes, _, err := register(t, nil, "--certificate", file)
	if err != nil || !strings.Contains(writes, "ad app credential reset --id app-id --cert @"+file+" --append") || strings.Contains(writes, "addPassword") {
		t.Errorf("%v, writes %s:\n%s", err, writes, printed)
	}
	if !strings.Contains(printed, "ENTRA_CLIENT_CERTIFICATE") {
		t.Errorf("it prints\n%s", printed)
	}
	printsNames(t, printed, "")
}
