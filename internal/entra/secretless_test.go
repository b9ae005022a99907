package entra

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"entrawebex/internal/config"
)

// asserted is a token endpoint that keeps what it was asked with.
type asserted struct{ form url.Values }

func (a *asserted) Do(r *http.Request) (*http.Response, error) {
	endpoint := &tokenEndpoint{status: http.StatusOK, body: `{"access_token":"token","token_type":"Bearer","expires_in":3600}`}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if form, err := url.ParseQuery(string(body)); err == nil && form.Get("client_assertion") != "" {
			a.form = form
		}
	}
	return endpoint.Do(r)
}

// ask asks for a token, and returns the assertion that the endpoint was given.
func (a *asserted) ask(t *testing.T, credential azcore.TokenCredential) string {
	t.Helper()
	token, err := credential.GetToken(t.Context(), policy.TokenRequestOptions{Scopes: []string{"https://graph.microsoft.com/.default"}})
	if err != nil || token.Token != "token" {
		t.Fatalf("token %q, %v", token.Token, err)
	}
	if kind := a.form.Get("client_assertion_type"); kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || a.form.Get("client_id") != id(98) || a.form.Has("client_secret") {
		t.Errorf("it was asked with %v", a.form)
	}
	return a.form.Get("client_assertion")
}

// RFC 7523, and "Microsoft identity platform application authentication certificate
// credentials".
func TestACertificateSignsWhatTheTokenEndpointIsShown(t *testing.T) {
	t.Parallel()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})) + string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	endpoint := &asserted{}
	credential, err := clientCertificate(config.Entra{TenantID: id(99), ClientID: id(98), ClientCertificate: text}, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	assertion := endpoint.ask(t, credential)
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Fatalf("no token: %q", assertion)
	}
	var header struct{ Alg string }
	var claims struct{ Iss, Sub, Aud string }
	for i, into := range []any{&header, &claims} {
		data, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if claims.Iss != id(98) || claims.Sub != id(98) || !strings.Contains(claims.Aud, id(99)) {
		t.Errorf("it claims %+v", claims)
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	switch header.Alg {
	case "PS256":
		err = rsa.VerifyPSS(&key.PublicKey, crypto.SHA256, digest[:], signature, nil)
	case "RS256":
		err = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature)
	default:
		t.Fatalf("it is signed by %q", header.Alg)
	}
	if err != nil {
		t.Errorf("the signature is not the key's: %v", err)
	}
}

func TestAWSSaysToEntraWhoTheProcessIs(t *testing.T) {
	var asked url.Values
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked, _ = url.ParseQuery(string(body))
		fmt.Fprint(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult>`+
			`<WebIdentityToken>word.of.aws</WebIdentityToken><Expiration>2030-01-01T00:00:00Z</Expiration></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`)
	}))
	t.Cleanup(aws.Close)
	t.Setenv("AWS_ENDPOINT_URL_STS", aws.URL)
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	endpoint := &asserted{}
	credential, err := clientAssertion(config.Entra{TenantID: id(99), ClientID: id(98), Federation: "aws"}, awsIdentity, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	if got := endpoint.ask(t, credential); got != "word.of.aws" {
		t.Errorf("Entra is shown %q", got)
	}
	if asked.Get("Action") != "GetWebIdentityToken" || asked.Get("Audience.member.1") != "api://AzureADTokenExchange" || asked.Get("SigningAlgorithm") != "RS256" {
		t.Errorf("AWS is asked %v", asked)
	}
}
