package app

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"entrawebex/infra"
	"entrawebex/internal/config"
	"entrawebex/internal/mapping"
)

func TestTheMappingIsThatOfTheFileIfOneIsNamed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "mine.yaml")
	text := strings.Replace(string(infra.Provisioning()), "{ target: displayName, source: displayName }", "{ target: displayName, source: mail }", 1)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	built, err := BuiltIn(t.Context(), &config.Settings{})
	if err != nil || built.Users.Sum() == "" {
		t.Error(err)
	}
	theirs, err := BuiltIn(t.Context(), &config.Settings{MappingFile: file})
	if err != nil || theirs.Users.Sum() == built.Users.Sum() || !strings.Contains(strings.Join(theirs.Users.Select(), " "), "mail") {
		t.Error(err, theirs.Users.Select())
	}
	if err := os.WriteFile(file, []byte("users:"), 0o600); err != nil {
		t.Fatal(err)
	}
	var mistakes *mapping.Mistakes
	if _, err := BuiltIn(t.Context(), &config.Settings{MappingFile: file}); !errors.As(err, &mistakes) || mistakes.File != file || !strings.Contains(err.Error(), "MAPPING_FILE") {
		t.Error(err)
	}
	// It may be any file, with secrets in it.
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 1000)+" hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := BuiltIn(t.Context(), &config.Settings{MappingFile: file}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	if _, err := BuiltIn(t.Context(), &config.Settings{MappingFile: file + "x"}); err == nil || !strings.Contains(err.Error(), "MAPPING_FILE") {
		t.Error(err)
	}
}
