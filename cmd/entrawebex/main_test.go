package main

import (
	"flag"
	"os"
	"testing"

	"entrawebex/internal/sandbox/runtest"
)

// asMain makes this binary entrawebex itself, so that it can be interrupted.
const asMain = "ENTRAWEBEX_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
	}
	flag.Parse()
	runtest.Waiting()
	os.Exit(m.Run())
}
