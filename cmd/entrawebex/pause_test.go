package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"entrawebex/internal/config"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/terminal"
)

func TestAnOperatorPausesAndResumes(t *testing.T) {
	t.Parallel()
	environ := operatorEnviron(heldHome(t, first))
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"pause", "graph", "--why", "maintenance"}, "graph is paused since"},
		{[]string{"resume", "graph"}, "nothing is paused"},
	} {
		if got := operate(t, environ, step.args...); !strings.Contains(got, step.want) {
			t.Errorf("%v: %q; want %q", step.args, got, step.want)
		}
	}
}

func TestResumeTellsWhatGoesOnAndWhatFollows(t *testing.T) {
	t.Parallel()
	o := openOperator(t, heldHome(t))
	const compared = "and a comparison of everything, since webex was paused for 73h0m0s"
	for _, test := range []struct {
		name         string
		was          *pause.Pause
		want, absent []string
	}{
		{"nothing was paused", nil, nil, []string{"goes on", "follows"}},
		{
			"an operator's pause", &pause.Pause{Since: o.Now().Add(-time.Hour), Why: "maintenance", ByOperator: true},
			[]string{"webex goes on. It was paused since ", ": maintenance\n"},
			[]string{"follows"},
		},
		{
			"a pause by trouble", &pause.Pause{Since: o.Now().Add(-time.Hour), Why: "502"},
			[]string{": 502\n", "follows a replay of the dead letters whose fault was transient.\n"},
			[]string{"comparison"},
		},
		{
			"a long one", &pause.Pause{Since: o.Now().Add(-73 * time.Hour), Why: "502"},
			[]string{"follows a replay of the dead letters whose fault was transient, " + compared},
			nil,
		},
	} {
		var out bytes.Buffer
		if test.was != nil {
			if err := (&pause.Switch{Documents: o.Ledger, Now: o.Now, Log: o.Log}).Pause(t.Context(), pause.Webex, *test.was); err != nil {
				t.Fatal(err)
			}
		}
		done, err := o.Resume(t.Context(), operator.ResumeRequest{Side: pause.Webex})
		if err != nil {
			t.Fatal(err)
		}
		terminal.Resumed(&out, pause.Webex, done)
		fits(t, out.String())
		got := strings.ReplaceAll(out.String(), "\n", " ")
		for _, want := range append(test.want, "nothing is paused\n") {
			if !strings.Contains(got, strings.ReplaceAll(want, "\n", " ")) {
				t.Errorf("%s: there is no %q in\n%s", test.name, want, out.String())
			}
		}
		for _, absent := range test.absent {
			if strings.Contains(got, absent) {
				t.Errorf("%s: %q in\n%s", test.name, absent, out.String())
			}
		}
	}
}

func operatorEnviron(settings config.Settings) []string {
	return []string{"DATA_DIR=" + settings.DataDir}
}
