package console_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"entrawebex/internal/console"
)

// public is the name of a reverse proxy, which passes it on.
const public = "entrawebex.example.com"

// proxied asks as a proxy does that passes on what a browser asks it, as path or address.
func (b *browser) proxied(method, path string, form url.Values, cookies ...*http.Cookie) *http.Response {
	b.t.Helper()
	r := b.request(method, path, form)
	r.Host = public
	if method == http.MethodPost {
		r.Header.Set("Origin", "https://"+public)
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	client := &http.Client{Transport: b.client.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

func TestAReverseProxyIsServedUnderItsOrigin(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	// The browser reaches the address itself, and says whom it asked.
	b, c := servedBy(t, p, func(o *console.Options) { o.Origin = "https://EntraWebex.example.com:443/" }, nil)
	first, err := url.Parse(b.first)
	if err != nil || first.Scheme != "https" || first.Host != public {
		t.Fatalf("the first address is %s, %v", b.first, err)
	}
	b.base = "http://" + c.Address()

	entered := b.proxied(http.MethodGet, "/?"+first.RawQuery, nil)
	cookies := entered.Cookies()
	if len(cookies) != 1 || entered.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d, %v", entered.StatusCode, cookies)
	}
	if got := cookies[0]; !got.Secure || !got.HttpOnly || got.SameSite != http.SameSiteStrictMode || got.Name != "__Host-entrawebex" || got.Path != "/" || got.Domain != "" {
		t.Errorf("%v", got)
	}
	if got := b.proxied(http.MethodGet, "/", nil, cookies...).StatusCode; got != http.StatusOK {
		t.Errorf("with the cookie: %d", got)
	}
	if got := b.proxied(http.MethodGet, "/", nil).StatusCode; got != http.StatusForbidden {
		t.Errorf("who is let in by the proxy and not here: %d", got)
	}
	page, err := io.ReadAll(b.proxied(http.MethodGet, "/plan", nil, cookies...).Body)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"csrf": {hidden(string(page)).Get("csrf")}, "side": {"webex"}}
	if got := b.proxied(http.MethodPost, "/orders/pause", form, cookies...).StatusCode; got != http.StatusOK {
		t.Errorf("an order: %d", got)
	}
	form.Set("csrf", "guessed")
	if got := b.proxied(http.MethodPost, "/orders/pause", form, cookies...).StatusCode; got != http.StatusForbidden {
		t.Errorf("an order without the token of a page: %d", got)
	}
	for name, change := range map[string]func(*http.Request){
		"another host":               func(r *http.Request) { r.Host = "rebound.example" },
		"another port of the host":   func(r *http.Request) { r.Host = public + ":8443" },
		"a host that ends so":        func(r *http.Request) { r.Host = "evil-" + public },
		"a proxy that says the host": func(r *http.Request) { r.Host = "rebound.example"; r.Header.Set("X-Forwarded-Host", public) },
		"another origin":             func(r *http.Request) { r.Header.Set("Origin", "https://attacker.example") },
		"the origin without TLS":     func(r *http.Request) { r.Header.Set("Origin", "http://"+public) },
		"the origin of the address":  func(r *http.Request) { r.Header.Set("Origin", b.base) },
	} {
		r := b.request(http.MethodGet, "/", nil)
		r.Host = public
		r.AddCookie(cookies[0])
		change(r)
		if code, page := b.ask(r); code != http.StatusForbidden || strings.Contains(page, "Needs you") {
			t.Errorf("%s: %d", name, code)
		}
	}
	// On the machine itself it is reached as ever, and its cookie is another one.
	r := b.request(http.MethodGet, "/", nil)
	r.AddCookie(cookies[0])
	if code, page := b.ask(r); code != http.StatusForbidden || !strings.Contains(page, "was not let in") {
		t.Errorf("the address itself with the cookie of the proxy: %d\n%s", code, page)
	}
}

func TestAnOriginIsThatOfAProxyWithTLS(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "entrawebex.example.com", "http://entrawebex.example.com", "https://", "https://entrawebex.example.com/console",
		"https://me:secret@entrawebex.example.com", "https://entrawebex.example.com?x", "https://entrawebex.example.com#x", "https://a b",
	} {
		if u, err := console.ParseOrigin(text); err == nil {
			t.Errorf("%q is %v", text, u)
		}
	}
	for text, want := range map[string]string{
		"https://EntraWebex.example.com/":     "https://entrawebex.example.com",
		"https://entrawebex.example.com:443":  "https://entrawebex.example.com",
		"https://entrawebex.example.com:8443": "https://entrawebex.example.com:8443",
	} {
		if u, err := console.ParseOrigin(text); err != nil || u.String() != want {
			t.Errorf("%q is %v, %v", text, u, err)
		}
	}
}
