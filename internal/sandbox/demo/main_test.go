package demo

import (
	"flag"
	"os"
	"testing"

	"entrawebex/internal/leftout"
	"entrawebex/internal/sandbox/runtest"
)

// withStorm plays a day in a storm, too. It lasts half a minute, or as many minutes
// as a write waits whose answer was lost.
var withStorm = flag.Bool("storm", false, "play a day in a storm to its end")

func TestMain(m *testing.M) {
	flag.Parse()
	runtest.Waiting()
	if !*withStorm {
		leftout.Say("a day in a storm to its end", "-storm plays it, as make test does")
	}
	os.Exit(m.Run())
}
