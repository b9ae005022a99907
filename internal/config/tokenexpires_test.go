package config

import (
	"strings"
	"testing"
	"time"
)

func TestTheEndOfAFixedTokenIsADay(t *testing.T) {
	t.Parallel()
	variables := complete()
	for value, want := range map[string]time.Time{"": {}, "2027-01-31": time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)} {
		variables["WEBEX_TOKEN_EXPIRES"] = value
		s, err := load(t, RenewFunction, variables, nil)
		if err != nil || !s.Webex.TokenEnds().Equal(want) {
			t.Errorf("%q: %s, %v", value, s.Webex.TokenEnds(), err)
		}
	}
	for _, value := range []string{"31.1.2027", "2027-02-30", "soon"} {
		variables["WEBEX_TOKEN_EXPIRES"] = value
		if _, err := load(t, RenewFunction, variables, nil); err == nil || !strings.Contains(err.Error(), "must be a day, such as 2027-01-31") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
