package main

import (
	"flag"
	"os"
	"testing"

	"entrawebex/internal/sandbox/runtest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	runtest.Waiting()
	os.Exit(m.Run())
}
