package infra_test

import (
	"os"
	"testing"

	"entrawebex/internal/leftout"
)

func TestMain(m *testing.M) {
	if os.Getenv("EMULATORS_DIR") == "" {
		leftout.Say("the template's property names against AWS's own", "they are installed by make test")
	}
	os.Exit(m.Run())
}
