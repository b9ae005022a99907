package terminal

import (
	"bytes"
	"os"
	"testing"
)

// Programs are run with their output in a file or in /dev/null, which is a device.
func TestWhatIsNoTerminalIsNotTakenForOne(t *testing.T) {
	t.Parallel()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := null.Close(); err != nil {
			t.Error(err)
		}
	})
	if Is(null) || Is(new(bytes.Buffer)) {
		t.Error("no terminal is one")
	}
}
