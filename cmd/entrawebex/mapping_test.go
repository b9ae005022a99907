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

func TestAMappingFileIsChecked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text, want string
		exit, lines      int
	}{
		{"the default", string(infra.Provisioning()), ": nothing is wrong\n", 0, 1},
		{
			"one with two mistakes", strings.NewReplacer("surname", "surnam", "version: 1", "version: 2").Replace(string(infra.Provisioning())),
			`unknown source attribute "surnam" of users; write surname` + "\n", 1, 2,
		},
		// "mapping apply" says the same, before it plans.
		{"one that the ledger cannot keep", string(infra.Provisioning()) + strings.Repeat("#", 300_000), " bytes; write at most 262144\n", 1, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "mine.yaml")
			if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out, errOut bytes.Buffer
			exit := carryOut(t.Context(), command(nil, terminal.Terminal{}), []string{"mapping", "check", file}, &out, &errOut)
			if exit != test.exit || !strings.HasSuffix(out.String(), test.want) || strings.Count(out.String(), file+":") != test.lines || errOut.Len() > 0 {
				t.Errorf("exit %d, %s%s", exit, out.String(), errOut.String())
			}
		})
	}
}
