package leftout_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entrawebex/internal/leftout"
)

// asSuite makes this package's tests a suite that leaves something out.
const asSuite = "LEFTOUT_TEST_SUITE"

func TestMain(m *testing.M) {
	if os.Getenv(asSuite) != "" {
		leftout.Say("much", "it needs time")
	}
	os.Exit(m.Run())
}

// The go command shows nothing of a list of packages that pass.
func TestWhatIsLeftOutIsToldOfPackagesThatPass(t *testing.T) {
	t.Parallel()
	const line = "NOT RUN: much; it needs time\n"
	for name, output := range map[string]func(t *testing.T, run *exec.Cmd) func() string{
		"to a pipe": func(_ *testing.T, run *exec.Cmd) func() string {
			var errors bytes.Buffer
			run.Stderr = &errors
			return errors.String
		},
		"to a file": func(t *testing.T, run *exec.Cmd) func() string {
			t.Helper()
			f, err := os.Create(filepath.Join(t.TempDir(), "errors"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = f.Close() })
			run.Stderr = f
			return func() string {
				told, err := os.ReadFile(f.Name())
				if err != nil {
					t.Error(err)
				}
				return string(told)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run", "^$", "./...")
			run.Env = append(os.Environ(), asSuite+"=1")
			told := output(t, run)
			if err := run.Run(); err != nil {
				t.Fatal(err, told())
			}
			if got := told(); got != line {
				t.Errorf("told %q", got)
			}
		})
	}
}

// Elsewhere, and of one package alone, it is the go command that shows what tests say.
func TestAFileThatOthersWriteIsLeftAlone(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "both"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	run := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-run", "^$", "-v", ".")
	run.Env = append(os.Environ(), asSuite+"=1")
	run.Stdout, run.Stderr = f, f
	if err := run.Run(); err != nil {
		t.Fatal(err)
	}
	told, err := os.ReadFile(f.Name())
	if err != nil || strings.Count(string(told), "NOT RUN") != 1 || !strings.Contains(string(told), "\nok ") {
		t.Errorf("%v: %q", err, told)
	}
}
