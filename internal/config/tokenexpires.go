package config

import (
	"fmt"
	"time"
)

// TokenEnds returns when a fixed access token ends, at the latest the beginning
// of its last day in UTC; zero if nobody knows.
func (w Webex) TokenEnds() time.Time {
	ends, err := time.Parse(time.DateOnly, w.TokenExpires)
	if err != nil {
		return time.Time{} // checked before: there is none
	}
	return ends
}

func (w Webex) checkTokenExpires() error {
	if _, err := time.Parse(time.DateOnly, w.TokenExpires); err != nil && w.TokenExpires != "" {
		return fmt.Errorf("WEBEX_TOKEN_EXPIRES is %q and must be a day, such as 2027-01-31", w.TokenExpires)
	}
	return nil
}
