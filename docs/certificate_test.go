package docs_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"entrawebex/internal/config"
)

// What the page makes of a .pfx is taken as the certificate of an app registration.
func TestAPFXBecomesWhatTheSettingsTake(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	run := func(line string) {
		t.Helper()
		command := exec.CommandContext(t.Context(), "sh", "-c", line)
		command.Dir = folder
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, out)
		}
	}
	run("openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=entrawebex")
	run("openssl pkcs12 -export -in cert.pem -inkey key.pem -out cert.pfx -passout pass:secret")
	page := contents(t, "deploy.md")
	run(regexp.MustCompile(`(?m)^openssl pkcs12 .*$`).FindString(page) + " -passin pass:secret")
	run(regexp.MustCompile(`(?m)^jq --rawfile .*$`).FindString(page))
	secret, err := os.ReadFile(filepath.Join(folder, "entrawebex.secret"))
	if err != nil {
		t.Fatal(err)
	}
	var made map[string]string
	if err := json.Unmarshal(secret, &made); err != nil {
		t.Fatal(err)
	}
	const id = "84bd8158-6d4d-4958-8b9f-9d6445542f95"
	_, err = config.Load(t.Context(), config.Planner, []string{
		"SECRET_ARN=secret", "ENTRA_TENANT_ID=" + id, "ENTRA_CLIENT_ID=" + id, "WEBEX_ORG_ID=" + id, "WEBEX_ACCESS_TOKEN=token",
	}, func(context.Context, string) (string, error) { return string(secret), nil })
	if err != nil || made["ENTRA_CLIENT_CERTIFICATE"] == "" {
		t.Error(err)
	}
}
