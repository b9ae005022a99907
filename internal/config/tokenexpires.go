package config

import (
	"crypto/tls"
	"fmt"
	"time"
)

// TokenEnds returns when a fixed access token ends, at the latest the beginning
// of its last day in UTC; zero if nobody knows.
func (w Webex) TokenEnds() time.Time { return dayOf(w.TokenExpires) }

func (w Webex) checkTokenExpires() error { return checkDay("WEBEX_TOKEN_EXPIRES", w.TokenExpires) }

// SecretEnds is for the client secret what TokenEnds is for a token.
func (e Entra) SecretEnds() time.Time { return dayOf(e.SecretExpires) }

// CertificateEnds returns when the certificate in ClientCertificate ends; zero if there is
// none that can be read.
func (e Entra) CertificateEnds() time.Time {
	pair, err := tls.X509KeyPair([]byte(e.ClientCertificate), []byte(e.ClientCertificate))
	if err != nil {
		return time.Time{}
	}
	return pair.Leaf.NotAfter
}

// dayOf is when a day begins that was checked; zero for none.
func dayOf(text string) time.Time {
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{} // checked before: there is none
	}
	return day
}

func checkDay(variable, value string) error {
	if _, err := time.Parse(time.DateOnly, value); err != nil && value != "" {
		return fmt.Errorf("%s is %q and must be a day, such as 2027-01-31", variable, value)
	}
	return nil
}
