package functions_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/sandbox/cloud"
	"entrawebex/internal/sandbox/graph"
)

const loginHost = "login.microsoftonline.com"

// login is Entra's token endpoint for an app registration that trusts AWS's word.
type login struct {
	mu    sync.Mutex
	asked []url.Values
}

func (l *login) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet { // .well-known/openid-configuration
		fmt.Fprintf(w, `{"issuer":"%s/v2.0","authorization_endpoint":"%[1]s/oauth2/v2.0/authorize","token_endpoint":"%[1]s/oauth2/v2.0/token"}`,
			"https://"+loginHost+"/"+tenantID)
		return
	}
	_ = r.ParseForm() // without what it asks for it is refused
	l.mu.Lock()
	l.asked = append(l.asked, r.PostForm)
	l.mu.Unlock()
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, graphToken)
}

// assertions are those that it was asked with, each once.
func (l *login) assertions(t *testing.T) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, form := range l.asked {
		if form.Get("client_id") != appID || form.Has("client_secret") || form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
			t.Errorf("the token endpoint is asked with %v", form)
		}
		found = append(found, form.Get("client_assertion"))
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// serveLogin serves the token endpoint under its own name, and returns the variables by
// which a process comes there: a proxy, and whom to believe.
func serveLogin(t *testing.T, l *login) map[string]string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{loginHost}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	certificate, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	believed := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(believed, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), 0o600); err != nil {
		t.Fatal(err)
	}
	entra := httptest.NewUnstartedServer(l)
	entra.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
	entra.StartTLS()
	t.Cleanup(entra.Close)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != loginHost+":443" {
			t.Errorf("%s %s leaves the machine", r.Method, r.Host)
			w.WriteHeader(http.StatusForbidden)
			return
		}
		there, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", entra.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = there.Close() }()
		here, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = here.Close() }()
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { _, _ = io.Copy(there, buffered) }() // ends with either
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(proxy.Close)
	return map[string]string{"HTTPS_PROXY": proxy.URL, "SSL_CERT_FILE": believed}
}

// With EntraFederation the stack needs no secret of Entra's: each function that reads
// Graph, and the operator, has AWS say who it is, and shows that to the token endpoint.
func TestAFederatedStackHasAWSSayToEntraWhoItIs(t *testing.T) {
	t.Parallel()
	entra := &login{}
	more := serveLogin(t, entra)
	var environ []string
	for name, value := range more {
		environ = append(environ, name+"="+value)
	}
	more["GRAPH_ACCESS_TOKEN"] = ""
	d := deployStack(t, more, map[string]string{"EntraFederation": "aws"})
	d.environ = environ
	ada, err := d.tenant.Create(graph.User{"userPrincipalName": "ada@contoso.example", "displayName": "Ada", "givenName": "Ada", "surname": "L"})
	if err == nil {
		err = d.tenant.Assign(ada, graph.DefaultAccess)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.becomes("status", "entrawebex resume webex")
	d.says("check", "Webhook handshake", "ok    Webex organization")
	d.says("plan --all", "ada@contoso.example")
	d.says("resume webex")
	d.eventually("Ada has an account", d.converged)
	if err := d.tenant.Update(ada, func(u graph.User) { u["surname"] = "Lovelace" }); err != nil {
		t.Fatal(err)
	}
	d.eventually("Ada has her name", d.converged)
	var want []string
	for _, who := range []string{cloud.Operator, "ReconcileRole", "RenewRole", "WorkerRole"} {
		want = append(want, cloud.Word(who, "api://AzureADTokenExchange"))
	}
	if got := entra.assertions(t); !slices.Equal(got, want) {
		t.Errorf("the token endpoint was shown\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, refused := range d.cloud.Refused() {
		t.Errorf("the template does not allow %s", refused)
	}
}
