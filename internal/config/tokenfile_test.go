package config

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// wantTokens looks what there is.
func wantTokens(t *testing.T, f *TokenFile, access, refresh string) {
	t.Helper()
	gotAccess, gotRefresh, err := f.Load(t.Context())
	if diff := cmp.Diff([]string{access, refresh}, []string{gotAccess, gotRefresh}); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	s, err := f.Webex(t.Context())
	if err != nil || s.AccessToken != access || s.RefreshToken != f.begin.RefreshToken {
		t.Errorf("settings %+v, %v", s, err)
	}
}

func TestATokenFileBeginsWithTheSettingsAndKeepsWhatIsStored(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	f := NewTokenFile(folder, Webex{AccessToken: "A0", RefreshToken: "R0"})
	wantTokens(t, f, "A0", "R0")
	for _, step := range []struct{ used, access, refresh string }{{"R0", "A0", "R0"}, {"R0", "A1", "R1"}, {"R1", "A2", "R1"}} {
		if err := f.Store(t.Context(), step.used, step.access, step.refresh); err != nil {
			t.Fatal(err)
		}
		wantTokens(t, f, step.access, step.refresh)
	}
	wantTokens(t, NewTokenFile(folder, Webex{RefreshToken: "R0"}), "A2", "R1") // the next start
	info, err := os.Stat(filepath.Join(folder, keptIn))
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
}

func TestAnotherRefreshTokenInTheSettingsBeginsAnew(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := NewTokenFile(folder, Webex{RefreshToken: "R0"}).Store(t.Context(), "R0", "A1", "R1"); err != nil {
		t.Fatal(err)
	}
	f := NewTokenFile(folder, Webex{AccessToken: "A7", RefreshToken: "R7"})
	wantTokens(t, f, "A7", "R7")
	if err := f.Store(t.Context(), "R7", "A8", "R8"); err != nil {
		t.Fatal(err)
	}
	wantTokens(t, f, "A8", "R8")
}

func TestATokenThatWasReplacedMeanwhileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	f := NewTokenFile(t.TempDir(), Webex{RefreshToken: "R0"})
	if err := f.Store(t.Context(), "R9", "A1", "R1"); !errors.Is(err, errReplaced) {
		t.Errorf("error %v", err)
	}
	wantTokens(t, f, "", "R0")
}

func TestATokenFileThatIsNoneIsToldWithoutItsContent(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"hunter2", `{"WEBEX_REFRESH_TOKEN":"hunter2"}`, `{"seed":7}`, ""} {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, keptIn), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := NewTokenFile(folder, Webex{RefreshToken: "R0"}).Load(t.Context())
		if err == nil || !strings.Contains(err.Error(), "delete it") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("error %v", err)
		}
	}
}

func TestATokenThatCannotBeStoredLeavesTheOneBefore(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "gone")
	f := NewTokenFile(folder, Webex{RefreshToken: "R0"})
	if err := f.Store(t.Context(), "R0", "A1", "R1"); err == nil || strings.Contains(err.Error(), "R1") {
		t.Errorf("error %v", err)
	}
	wantTokens(t, f, "", "R0")
}

func TestOneProcessBeginsWithTheLastTokenOfItsServiceApp(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := NewTokenFile(folder, Webex{RefreshToken: "R0"}).Store(t.Context(), "R0", "A1", "R1"); err != nil {
		t.Fatal(err)
	}
	variables := complete()
	variables["DATA_DIR"] = folder
	var got []string
	for _, refresh := range []string{"R0", "R7"} {
		variables["WEBEX_CLIENT_ID"], variables["WEBEX_CLIENT_SECRET"], variables["WEBEX_REFRESH_TOKEN"] = "C1", "s3cret", refresh
		s, err := load(t, OneProcess, variables, nil)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Webex.AccessToken)
	}
	if !slices.Equal(got, []string{"A1", "t0ken"}) {
		t.Errorf("tokens %q", got)
	}
}
