package main

import (
	"testing"

	"entrawebex/internal/sandbox/runtest"
)

// staged is a sandbox for what an operator does.
type staged struct {
	*runtest.Sandbox

	t testing.TB
}

func setup(t testing.TB, users int) *staged {
	t.Helper()
	return &staged{Sandbox: runtest.New(t, users), t: t}
}
