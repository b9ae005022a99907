package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// elsewhere is what entrawebex says on standard error, of a process of its own with no
// environment but the variables given: in it no AWS region is chosen.
func elsewhere(t *testing.T, environ []string, args ...string) string {
	t.Helper()
	var said bytes.Buffer
	command := exec.CommandContext(t.Context(), os.Args[0], args...)
	command.Env, command.Stderr = append([]string{asMain + "=1", "HOME=" + t.TempDir()}, environ...), &said
	if err := command.Run(); err == nil {
		t.Errorf("%s succeeds", strings.Join(args, " "))
	}
	return said.String()
}

func TestEveryCommandThatLooksIntoTheStoresTakesTheNameOfAStack(t *testing.T) {
	t.Parallel()
	for _, args := range []string{
		"status", "show ada", "log", "provision ada", "plan --all", "reconcile", "dead-letters", "replay", "holds", "holds approve --all", "holds reject --all",
		"guard", "guard clear", "pause webex --why x", "resume webex", "mapping apply console.go", "mapping rollback", "mapping show", "mapping history",
		"mapping diff", "mapping test ada", "mapping export", "check",
		"console", "settings", "find ada", "pipeline",
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			said := elsewhere(t, nil, append(strings.Fields(args), "--stack", "entra-prod")...)
			if !strings.Contains(said, "the stack entra-prod cannot be looked for, since no region is chosen") {
				t.Error(said)
			}
		})
	}
}

func TestTheEnvironmentNamesTheStackWhereTheCommandDoesNot(t *testing.T) {
	t.Parallel()
	environ := []string{"ENTRAWEBEX_STACK=entra-prod", "DATA_DIR=" + t.TempDir()}
	if said := elsewhere(t, environ, "status"); !strings.Contains(said, "the stack entra-prod cannot") {
		t.Error(said)
	}
	if said := elsewhere(t, environ, "status", "--stack", "entra-test"); !strings.Contains(said, "the stack entra-test cannot") {
		t.Error(said)
	}
	if said := elsewhere(t, environ, "status", "--stack="); !strings.Contains(said, "set DATA_DIR") {
		t.Error(said)
	}
}

func TestWhatHasNoUseForAStackRefusesItsName(t *testing.T) {
	t.Parallel()
	for _, args := range []string{"run", "mapping check x.yaml", "mapping import x.json"} {
		_, errOut, exit := outcome(t, nil, append(strings.Fields(args), "--stack", "entra-prod")...)
		if exit != exitUsage || !strings.Contains(errOut, "unknown flag: --stack") {
			t.Errorf("%s: exit code %d, %s", args, exit, errOut)
		}
	}
}
