package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrawebex/infra"
	"entrawebex/internal/terminal"
)

const portalSchema = "../../internal/mapping/synchronization/testdata/portal.json"

// words are those of a text whatever lines a table breaks it into.
func words(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" \n│", r) }), " ")
}

func TestAPortalsSchemaBecomesAMappingFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "provisioning.yaml")
	out, errOut, exit := outcome(t, nil, "mapping", "import", portalSchema)
	if exit != 0 || !strings.Contains(out, "    - { target: userName, source: userPrincipalName, matching: 1 }\n") {
		t.Fatalf("exit %d\n%s%s", exit, out, errOut)
	}
	fits(t, errOut)
	for _, want := range []string{"users: title taken over expression:", "Webex has no such attribute", "24 taken over, 1 different, 1 ignored by Webex, 0 not taken over."} {
		if !strings.Contains(words(errOut), want) {
			t.Errorf("no %q in\n%s", want, errOut)
		}
	}
	written, _, exit := outcome(t, nil, "mapping", "import", portalSchema, "-o", file)
	if data, err := os.ReadFile(file); err != nil || exit != 0 || written != "" || string(data) != out {
		t.Errorf("exit %d, %s%s, %v", exit, written, data, err)
	}
	if got, errOut, exit := outcome(t, nil, "mapping", "check", file); exit != 0 || !strings.Contains(got, "nothing is wrong") {
		t.Errorf("exit %d: %s%s", exit, got, errOut)
	}
	schema, _, exit := outcome(t, nil, "mapping", "export", file)
	if exit != 0 {
		t.Fatal(exit)
	}
	var again, said bytes.Buffer
	root := command(nil, terminal.Terminal{})
	root.SetIn(strings.NewReader(schema))
	if exit := carryOut(t.Context(), root, []string{"mapping", "import", "-"}, &again, &said); exit != 0 || again.String() != out {
		t.Errorf("exit %d: it is another file\n%s%s", exit, again.String(), said.String())
	}
}

func TestAFileThatIsThereIsOverwrittenOnlyIfThatIsSaid(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, errOut, exit := outcome(t, nil, "mapping", "import", portalSchema, "-o", file)
	if data, _ := os.ReadFile(file); exit != 1 || string(data) != "mine" || !strings.Contains(errOut, "is there already: name another file, or say --force") {
		t.Errorf("exit %d: %s%s", exit, errOut, data)
	}
	_, errOut, exit = outcome(t, nil, "mapping", "import", portalSchema, "-o", file, "--force")
	if data, _ := os.ReadFile(file); exit != 0 || !strings.HasPrefix(string(data), "# yaml-language-server") || strings.Contains(errOut, "mine") {
		t.Errorf("exit %d: %s%s", exit, errOut, data)
	}
}

func TestWhatIsNoSchemaIsNotImported(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "wrong.json")
	if err := os.WriteFile(file, infra.Provisioning(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, exit := outcome(t, nil, "mapping", "import", file)
	if exit != 1 || out != "" || !strings.HasPrefix(errOut, "entrawebex: "+file+": this is not JSON") {
		t.Errorf("exit %d: %s%s", exit, out, errOut)
	}
}

func TestAWrongMappingFileIsNotExported(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "wrong.yaml")
	if err := os.WriteFile(file, []byte("version: 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, exit := outcome(t, nil, "mapping", "export", file)
	if exit != 1 || out != "" || !strings.HasPrefix(errOut, file+":1:") {
		t.Errorf("exit %d: %s%s", exit, out, errOut)
	}
}

func TestTheMappingInForceIsExported(t *testing.T) {
	t.Parallel()
	_, environ := running(t)
	out, errOut, exit := outcome(t, environ, "mapping", "export")
	if exit != 0 || !strings.Contains(out, `"targetAttributeName": "emails[type eq \"work\"].primary"`) {
		t.Errorf("exit %d: %s%s", exit, out, errOut)
	}
	fits(t, errOut)
	if !strings.Contains(words(errOut), "groups: members differs added: Entra wants a line") {
		t.Error(errOut)
	}
}
