package console_test

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"entrawebex/internal/app/standalone"
	"entrawebex/internal/console"
	"entrawebex/internal/operator"
	"entrawebex/internal/pause"
	"entrawebex/internal/sandbox/runtest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	runtest.Waiting()
	os.Exit(m.Run())
}

// browser is one that reads pages and sends their forms, as far as it is let in.
type browser struct {
	t      testing.TB
	client *http.Client
	base   string
	// first is the address that lets one in.
	first string
}

// served is a console of a process, with a browser that was not let in yet.
func served(t testing.TB, p *standalone.Process, change func(*console.Options)) *browser {
	t.Helper()
	b, _ := servedBy(t, p, change, nil)
	return b
}

// servedBy is served, with the console; before may change it before it serves.
func servedBy(t testing.TB, p *standalone.Process, change func(*console.Options), before func(*console.Console)) (*browser, *console.Console) {
	t.Helper()
	o := console.Options{
		With: func(_ context.Context, do func(operator.Operations) error) error { return do(p.Operations()) },
		Now:  time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o)
	}
	c, err := console.Listen(t.Context(), "127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	if before != nil {
		before(c)
	}
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := c.Serve(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		group.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return newBrowser(t, c.URL()), c
}

func newBrowser(t testing.TB, first string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{
		t: t, base: "http://" + at.Host, first: first,
		client: &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}},
	}
}

// enter has the browser let in.
func (b *browser) enter() *browser {
	b.t.Helper()
	if code, page := b.ask(b.request(http.MethodGet, b.first, nil)); code != http.StatusOK {
		b.t.Fatalf("%d: %s", code, page)
	}
	return b
}

func (b *browser) request(method, address string, form url.Values) *http.Request {
	b.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.base + address
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.base)
	}
	return r
}

func (b *browser) ask(r *http.Request) (code int, page string) {
	b.t.Helper()
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// get reads a page.
func (b *browser) get(path string) string {
	b.t.Helper()
	code, page := b.ask(b.request(http.MethodGet, path, nil))
	if code != http.StatusOK {
		b.t.Fatalf("%s: %d\n%s", path, code, page)
	}
	return page
}

// csrf is the token in the forms of a page.
func (b *browser) csrf() string {
	b.t.Helper()
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(b.get("/object?name=wanda.wellknown@contoso.example"))
	if found == nil {
		b.t.Fatal("no form has a token")
	}
	return found[1]
}

// order gives an order, and does not look back: what will happen is told if sure is not said.
func (b *browser) order(name string, form url.Values) (code int, page string) {
	b.t.Helper()
	form.Set("csrf", b.csrf())
	return b.ask(b.request(http.MethodPost, "/orders/"+name, form))
}

// stage is a process that serves a sandbox, and does nothing by itself.
func stage(t testing.TB) (*runtest.Sandbox, *standalone.Process) {
	t.Helper()
	s := runtest.New(t, 6)
	p := s.Open()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Everybody(p)
	return s, p
}

func TestOnlyALoopbackAddressIsServed(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "[::]:0", "example.com:80", "127.0.0.1", "10.0.0.1:80"} {
		c, err := console.Listen(t.Context(), address, console.Options{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			t.Errorf("%q is served", address)
			_ = c.Close()
		}
	}
	for _, address := range []string{"127.0.0.1:0", "localhost:0", "[::1]:80", "127.8.8.8:1"} {
		if err := console.CheckAddress(address); err != nil {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestTheFirstAddressLetsOneBrowserIn(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil)
	stranger := newBrowser(t, b.first)
	for _, path := range []string{"/", "/log", "/object?name=x", "/static/console.css", "/?token=guessed"} {
		code, page := stranger.ask(stranger.request(http.MethodGet, path, nil))
		if code != http.StatusForbidden || strings.Contains(page, "Needs you") {
			t.Errorf("%s: %d", path, code)
		}
	}
	if page := b.enter().get("/"); !strings.Contains(page, "Needs you") {
		t.Error(page)
	}
	if code, page := stranger.ask(stranger.request(http.MethodGet, b.first, nil)); code != http.StatusForbidden || !strings.Contains(page, "used already") {
		t.Errorf("a second browser: %d\n%s", code, page)
	}
	cookies := b.client.Jar.Cookies(&url.URL{Scheme: "http", Host: strings.TrimPrefix(b.base, "http://")})
	if len(cookies) != 1 {
		t.Errorf("%v", cookies)
	}
}

func TestTheCookieIsForThisSiteAndNoScript(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil)
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := b.client.Do(b.request(http.MethodGet, b.first, nil))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	set := response.Cookies()
	if len(set) != 1 || !set[0].HttpOnly || set[0].SameSite != http.SameSiteStrictMode || set[0].Path != "/" || response.Header.Get("Location") != "/" {
		t.Errorf("%v, to %q", set, response.Header.Get("Location"))
	}
}

func TestAnAddressAndASessionEnd(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	var mu sync.Mutex
	now := time.Now()
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	clock := func(o *console.Options) {
		o.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	}
	late := served(t, p, clock)
	b := served(t, p, clock).enter()
	pass(console.OpenFor + time.Second)
	if code, _ := late.ask(late.request(http.MethodGet, late.first, nil)); code != http.StatusForbidden {
		t.Errorf("an address that is too old: %d", code)
	}
	b.get("/")
	pass(12 * time.Hour)
	if code, _ := b.ask(b.request(http.MethodGet, "/", nil)); code != http.StatusForbidden {
		t.Errorf("the next day: %d", code)
	}
}

// A name that an attacker makes point at this machine is asked for with the attacker's
// page as its origin: what is answered would be readable there.
func TestAnotherHostNameIsRefused(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	_, port, err := net.SplitHostPort(strings.TrimPrefix(b.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"rebound.example:" + port, "rebound.example", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.example:" + port} {
		r := b.request(http.MethodGet, "/", nil)
		r.Host = host
		if code, page := b.ask(r); code != http.StatusForbidden || strings.Contains(page, "Needs you") {
			t.Errorf("%s: %d", host, code)
		}
	}
}

func TestAPageOfAnotherOriginIsRefused(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	form := url.Values{"csrf": {b.csrf()}, "side": {"webex"}, "why": {"x"}, "sure": {"yes"}}
	for name, change := range map[string]func(http.Header){
		"another site":              func(h http.Header) { h.Set("Origin", "https://attacker.example") },
		"another port here":         func(h http.Header) { h.Set("Origin", "http://127.0.0.1:1") },
		"a frame without an origin": func(h http.Header) { h.Set("Origin", "null") },
		"no origin":                 func(h http.Header) { h.Del("Origin") },
	} {
		r := b.request(http.MethodPost, "/orders/pause", form)
		change(r.Header)
		if code, page := b.ask(r); code != http.StatusForbidden {
			t.Errorf("%s: %d\n%s", name, code, page)
		}
	}
	r := b.request(http.MethodGet, "/log", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	r.Header.Set("Sec-Fetch-Mode", "no-cors")
	if code, _ := b.ask(r); code != http.StatusForbidden {
		t.Errorf("an image of another site: %d", code)
	}
	if s, err := p.Operations().Status(t.Context()); err != nil || len(s.Paused) > 0 {
		t.Errorf("%v, %v", s.Paused, err)
	}
}

func TestAFormWithoutItsTokenIsRefused(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	for _, token := range []string{"", "guessed"} {
		form := url.Values{"csrf": {token}, "side": {"webex"}, "why": {"x"}, "sure": {"yes"}}
		if code, page := b.ask(b.request(http.MethodPost, "/orders/pause", form)); code != http.StatusForbidden {
			t.Errorf("%q: %d\n%s", token, code, page)
		}
	}
	if s, err := p.Operations().Status(t.Context()); err != nil || len(s.Paused) > 0 {
		t.Errorf("%v, %v", s.Paused, err)
	}
}

func TestAReadOnlyPageOffersNoOrder(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	if _, err := p.Operations().Pause(t.Context(), operator.PauseRequest{Side: pause.Webex, Why: "x"}); err != nil {
		t.Fatal(err)
	}
	b := served(t, p, func(o *console.Options) { o.ReadOnly = true }).enter()
	for _, path := range []string{"/", "/object?name=wanda.wellknown@contoso.example", "/comparison", "/mapping", "/settings", "/log"} {
		if page := b.get(path); strings.Contains(page, "/orders/") || !strings.Contains(page, "read only") {
			t.Errorf("%s\n%s", path, page)
		}
	}
}

func TestEveryAnswerForbidsWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	for _, path := range []string{"/", "/log", "/nothing", "/static/console.js"} {
		response, err := b.client.Do(b.request(http.MethodGet, path, nil))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errorOf(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		policy := response.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; script-src 'self'; style-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", path, policy)
		}
		for _, inline := range []string{"<style", " style=", " onclick=", "javascript:", "<script>", "https://", "//cdn"} {
			if path != "/static/console.js" && strings.Contains(string(body), inline) {
				t.Errorf("%s has %s", path, inline)
			}
		}
	}
}

func errorOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
