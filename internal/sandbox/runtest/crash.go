package runtest

import (
	"net"
	"testing"

	"entrawebex/internal/app/operations"
)

// Crash leaves in a folder the socket of a process that is no more: nobody listens
// on it.
func Crash(t testing.TB, dataDir string) {
	t.Helper()
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: operations.Socket(dataDir), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	if err := stale.Close(); err != nil {
		t.Fatal(err)
	}
}
