package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"entrawebex/infra"
	"entrawebex/internal/mapping"
	"entrawebex/internal/sandbox"
)

const clean = "✓ Both sides are the same."

// anyPort keeps processes of tests that run side by side apart.
func anyPort() []string { return []string{"LISTEN_ADDR=127.0.0.1:0"} }

func TestTheDayInTheSandboxEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	for _, seed := range []uint64{0, 2} { // and 1, for its lines
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			err := Run(t.Context(), &out, anyPort(), Options{Options: sandbox.Options{Seed: seed, Users: 30}, Members: 150})
			if err != nil || !strings.Contains(out.String(), clean) {
				t.Errorf("%v\n%s", err, out.String())
			}
		})
	}
}

// A line of a mapping file is all that it takes to try another attribute, one that the
// tenant has made itself too.
func TestTheDayWithAnotherMappingFileEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), mapping.FileName)
	const lines = "\nusers:\n  mappings:\n    - { target: title, source: employeeType }\n" +
		"    - { target: nickName, source: extension_0123456789abcdef0123456789abcdef_badge }\n"
	if err := os.WriteFile(file, bytes.Replace(infra.Provisioning(), []byte("\nusers:\n  mappings:\n"), []byte(lines), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	err := Run(t.Context(), &out, append(anyPort(), "MAPPING_FILE="+file), Options{Options: sandbox.Options{Seed: 3, Users: 10}, Members: 20})
	if err != nil || !strings.Contains(out.String(), clean) || !strings.Contains(out.String(), "3 updated: title") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestTheDayWithNestedGroupsEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	environ := append(anyPort(), "NESTED_GROUPS=true")
	err := Run(t.Context(), &out, environ, Options{Options: sandbox.Options{Seed: 4, Users: 10}, Members: 20})
	if err != nil || !strings.Contains(out.String(), clean) {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestTheDayInAStormEndsWithWebexEqualToEntra(t *testing.T) {
	t.Parallel()
	if !*withStorm {
		t.Skip("left out: a day in a storm to its end; -storm plays it")
	}
	var out bytes.Buffer
	err := Run(t.Context(), &out, anyPort(), Options{Options: sandbox.Options{Seed: 5, Users: 10, Storm: true}, Members: 50})
	if err != nil || !strings.Contains(out.String(), clean) || !strings.Contains(out.String(), "502 after the effect ") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// A message that is looked at in minutes does not keep the day from its end; a
// side that differs does.
func TestTheDayIsOverWhenOnlySecondLooksAreLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		differ, quiet := 2, false
		var told []string
		over := rested(func() bool { return quiet }, func() int { return differ }, func(line string) { told = append(told, line) })
		const moment, patience = 16 * time.Second, 10 * time.Second
		if err := sandbox.Wait(t.Context(), moment, over); !errors.Is(err, sandbox.ErrTimeout) {
			t.Errorf("it is over while the sides differ: %v", err)
		}
		if len(told) != 1 || told[0] != "… 2 differences after 15s" {
			t.Errorf("told %q", told)
		}
		differ = 0
		if over() {
			t.Error("it is over at once")
		}
		if err := sandbox.Wait(t.Context(), patience, over); err != nil {
			t.Errorf("it is not over while the sides are equal: %v", err)
		}
		differ, quiet = 2, true
		if !over() {
			t.Error("it is not over though nothing is on its way")
		}
	})
}

// interrupting is a terminal whose reader interrupts at a line.
type interrupting struct {
	bytes.Buffer

	at   string
	stop func()
}

func (i *interrupting) Write(data []byte) (int, error) {
	if bytes.Contains(data, []byte(i.at)) {
		i.stop()
	}
	return i.Buffer.Write(data)
}

func TestADayThatIsInterruptedSaysSo(t *testing.T) {
	t.Parallel()
	lines := []string{"Five people are hired"}
	if *withStorm {
		lines = append(lines, "The storm ends.")
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			out := &interrupting{at: line, stop: stop}
			err := Run(ctx, out, anyPort(), Options{Options: sandbox.Options{Seed: 5, Users: 10, Storm: true}})
			if got := out.String(); !errors.Is(err, ErrReported) || !strings.Contains(got, "Stopped before the day was over") ||
				strings.Contains(got, "queue is not empty") || strings.Contains(got, "Both sides") {
				t.Errorf("%v\n%s", err, got)
			}
		})
	}
}
