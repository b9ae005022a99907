package scoping_test

import (
	"context"
	"errors"
	"testing"

	"entrawebex/internal/scoping"
)

func TestDefaultAccessCountsUnlessItIsExcluded(t *testing.T) {
	t.Parallel()
	const role = "8fb0a9a5-6f0e-4c8f-9d43-4c2a1a8a1f11"
	for _, test := range []struct {
		name               string
		roles              []string
		included, excluded bool
	}{
		{"nobody", nil, false, false},
		{"the default access", []string{scoping.DefaultAccess}, true, false},
		{"a role", []string{role}, true, true},
		{"both", []string{scoping.DefaultAccess, role}, true, true},
	} {
		if got := (scoping.Roles{}).Cover(test.roles); got != test.included {
			t.Errorf("%s, default access included: %t", test.name, got)
		}
		if got := (scoping.Roles{ExcludeDefault: true}).Cover(test.roles); got != test.excluded {
			t.Errorf("%s, default access excluded: %t", test.name, got)
		}
	}
}

func TestAnApplicationIsFoundOnceAndLookedForUntilThen(t *testing.T) {
	t.Parallel()
	asked, failure := 0, errors.New("503")
	app := &scoping.Application{AppID: "app", Find: func(_ context.Context, appID string) (string, error) {
		if asked++; asked == 1 {
			return "", failure
		}
		return "the principal of " + appID, nil
	}}
	if _, err := app.ID(t.Context()); !errors.Is(err, failure) {
		t.Errorf("error %v", err)
	}
	for range 2 {
		if id, err := app.ID(t.Context()); id != "the principal of app" || err != nil {
			t.Errorf("%q, %v", id, err)
		}
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}
