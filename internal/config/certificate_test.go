package config

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"
)

// certificate is a certificate that ends then and the key, both in PEM.
func certificate(t *testing.T, key crypto.Signer, ends time.Time) string {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: ends}
	made, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func TestACertificateTellsItsEndAndTakesAnRSAKey(t *testing.T) {
	t.Parallel()
	ends := time.Date(2031, 1, 31, 12, 0, 0, 0, time.UTC)
	good, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	text := certificate(t, good, ends)
	if err := checkCertificate(text); err != nil {
		t.Error(err)
	}
	if got := (Entra{ClientCertificate: text}).CertificateEnds(); !got.Equal(ends) {
		t.Errorf("it ends %s, want %s", got, ends)
	}
	if got := (Entra{}).CertificateEnds(); !got.IsZero() {
		t.Errorf("none ends %s", got)
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkCertificate(certificate(t, other, ends)); err == nil || !strings.Contains(err.Error(), "key that is not RSA") {
		t.Errorf("of another key: %v", err)
	}
}
