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
		"http://host.docker.internal":   false,
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

// sam local says where it runs; on AWS the name could be anybody's.
func TestTheMachineAroundTheContainerOfSAMLocalIsThisOne(t *testing.T) {
	t.Setenv("AWS_SAM_LOCAL", "true")
	for host, want := range map[string]bool{"host.docker.internal:9321": true, "host.docker.internal.example": false, "10.0.0.1": false} {
		if got := config.IsLoopback(&url.URL{Scheme: "http", Host: host}); got != want {
			t.Errorf("%s: %t, want %t", host, got, want)
		}
	}
}
