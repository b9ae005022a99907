package config

import (
	"strings"
	"testing"
	"time"
)

func TestTheEndOfATokenOrASecretIsADay(t *testing.T) {
	t.Parallel()
	for variable, ends := range map[string]func(Settings) time.Time{
		"WEBEX_TOKEN_EXPIRES":  func(s Settings) time.Time { return s.Webex.TokenEnds() },
		"ENTRA_SECRET_EXPIRES": func(s Settings) time.Time { return s.Entra.SecretEnds() },
	} {
		variables := complete()
		for value, want := range map[string]time.Time{"": {}, "2027-01-31": time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)} {
			variables[variable] = value
			s, err := load(t, RenewFunction, variables, nil)
			if err != nil || !ends(s).Equal(want) {
				t.Errorf("%s is %q: %s, %v", variable, value, ends(s), err)
			}
		}
		for _, value := range []string{"31.1.2027", "2027-02-30", "soon"} {
			variables[variable] = value
			want := variable + ` is "` + value + `" and must be a day, such as 2027-01-31`
			if _, err := load(t, RenewFunction, variables, nil); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s is %q: %v", variable, value, err)
			}
		}
	}
}
