package demo

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"entrawebex/internal/sandbox/runtest"
)

// withStorm plays a day in a storm, too. It lasts half a minute, or as many minutes
// as a write waits whose answer was lost.
var withStorm = flag.Bool("storm", false, "play a day in a storm to its end")

func TestMain(m *testing.M) {
	flag.Parse()
	runtest.Waiting()
	if !*withStorm {
		fmt.Fprintln(os.Stderr, "NOT RUN: a day in a storm to its end, since -storm is not set (make sets it)")
	}
	os.Exit(m.Run())
}
