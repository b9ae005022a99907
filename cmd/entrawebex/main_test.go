package main

import (
	"flag"
	"os"
	"testing"

	"entrawebex/internal/leftout"
	"entrawebex/internal/sandbox/runtest"
)

// moveIn has 2,000 accounts move in, too, for which they are all read and compared.
var moveIn = flag.Bool("move-in", false, "have 2,000 accounts move in from the gallery app")

// asMain makes this binary entrawebex itself, so that it can be interrupted.
const asMain = "ENTRAWEBEX_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	flag.Parse()
	runtest.Waiting()
	if !*moveIn {
		leftout.Say("2,000 accounts that move in from the gallery app", "-move-in has them, as make test does")
	}
	os.Exit(m.Run())
}
