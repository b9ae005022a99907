package config_test

import (
	"net/url"
	"testing"

	"entrawebex/internal/config"
)

func TestOnlyAnHTTPAddressOfThisMachineIsLoopback(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://localhost":              true,
		"https://localhost:8443/a":      true,
		"http://127.0.0.1:9000":         true,
		"http://127.8.9.10":             true,
		"http://[::1]:9000":             true,
		"ftp://localhost":               false,
		"//localhost":                   false,
		"http://localhost.example":      false,
		"http://127.0.0.1.example":      false,
		"http://10.0.0.1":               false,
		"http://localhost@host.example": false,
		"http://":                       false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := config.IsLoopback(u); got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
}
