package main

import (
	"testing"

	"entrawebex/internal/sandbox/runtest"
)

// staged is a sandbox for what an operator does.
type staged struct {
	*runtest.Sandbox

	t *testing.T
}

func setup(t *testing.T, users int) *staged {
	t.Helper()
	return &staged{Sandbox: runtest.New(t, users), t: t}
}
