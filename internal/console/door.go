package console

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	// OpenFor is for how long the first address lets a browser in, which it does once.
	OpenFor = 15 * time.Minute
	// staysFor is how long a browser stays let in.
	staysFor = 12 * time.Hour
)

// door says who is let in: the browser that came with the token of the first address, and
// nobody who comes from another page or under another name. It is safe for concurrent use.
type door struct {
	// origins are those of our pages, by the names under which they may be asked for. A
	// name that is made to point here (DNS rebinding) is none of them.
	origins map[string]string
	// first is the origin of the first address.
	first string
	// port is in the name of the cookie: browsers keep ports of a host together.
	port string
	now  func() time.Time

	mu       sync.Mutex
	token    string // empty once it was used
	until    time.Time
	sessions map[string]*session
}

// session is a browser that was let in.
type session struct {
	csrf  string
	until time.Time

	mu   sync.Mutex
	told []notice
}

// notice is what came of an order, told on the next page.
type notice struct {
	Bad   bool
	Text  string
	Lines []string
	// Link leads to where more is seen, as LinkText; empty for none.
	Link, LinkText string
}

// newDoor is that of an address, and of the origin of a reverse proxy before it, if there
// is one.
func newDoor(at *net.TCPAddr, behind *url.URL, now func() time.Time) *door {
	port := strconv.Itoa(at.Port)
	d := &door{
		origins: map[string]string{}, first: "http://" + at.String(), port: port, now: now,
		token: rand.Text(), until: now().Add(OpenFor), sessions: map[string]*session{},
	}
	for _, name := range []string{at.String(), net.JoinHostPort("localhost", port)} {
		d.origins[name] = "http://" + name
	}
	if behind != nil {
		d.first = behind.String()
		d.origins[behind.Host] = d.first
	}
	return d
}

// ParseOrigin reads the origin of a reverse proxy: https, a host, perhaps a port, and
// nothing else. It is as browsers say it.
func ParseOrigin(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || *u != (url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}) || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("%.100q must be the origin of a reverse proxy and nothing more, such as https://entrawebex.example.com", text)
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.TrimSuffix(strings.ToLower(u.Host), ":443")}, nil
}

// nameOf is the name under which a page is asked for.
func nameOf(r *http.Request) string { return strings.ToLower(r.Host) }

// cookieOf is a cookie without a value, as it is kept under that name. Behind a proxy it
// is for TLS alone, and no other host can set it (RFC 6265bis, "__Host-").
func (d *door) cookieOf(name string) *http.Cookie {
	c := &http.Cookie{Name: "entrawebex_" + d.port, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if strings.HasPrefix(d.origins[name], "https:") {
		c.Name, c.Secure = "__Host-entrawebex", true
	}
	return c
}

// invitation is the first address.
func (d *door) invitation() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.first + "/?" + url.Values{"token": {d.token}}.Encode()
}

// admit lets in who brings the token, once.
func (d *door) admit(w http.ResponseWriter, r *http.Request, token string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if d.token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(d.token)) == 0 || now.After(d.until) {
		return false
	}
	d.token = ""
	key := rand.Text()
	d.sessions[key] = &session{csrf: rand.Text(), until: now.Add(staysFor)}
	cookie := d.cookieOf(nameOf(r)) //nolint:gosec // G124: a loopback address has no TLS
	cookie.Value = key
	http.SetCookie(w, cookie)
	return true
}

// known is the session of a request; nil if there is none.
func (d *door) known(r *http.Request) *session {
	cookie, err := r.Cookie(d.cookieOf(nameOf(r)).Name)
	if err != nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.sessions[cookie.Value]
	if s == nil || d.now().After(s.until) {
		return nil
	}
	return s
}

// stranger says why a request is none of a page of ours; empty if it may be one. Other
// ports of this machine are other origins, and yet the same site: there a browser sends
// the cookie along.
func (d *door) stranger(r *http.Request) string {
	ours, known := d.origins[nameOf(r)]
	if !known {
		return fmt.Sprintf("this page is asked for as %.100q and not as %s", r.Host, strings.Join(slices.Sorted(maps.Keys(d.origins)), " or "))
	}
	origin, told := r.Header.Get("Origin"), r.Header["Origin"] != nil
	if told && origin != ours {
		return fmt.Sprintf("another page, %.100q, asks for this", origin)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && !told {
		return "a browser says which page an order comes from, and this one does not"
	}
	if from := r.Header.Get("Sec-Fetch-Site"); from == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return "another site's page asks for this"
	}
	return ""
}

// ours reports whether a form is from a page that this session was shown.
func (s *session) ours(token string) bool {
	return subtle.ConstantTimeCompare([]byte(token), []byte(s.csrf)) == 1
}

func (s *session) tell(n notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told = append(s.told, n)
}

// heard is what was to be told, which is then told.
func (s *session) heard() []notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	told := s.told
	s.told = nil
	return told
}

// secure sets what a browser is to be strict about: nothing from another host, no script
// or style but our files, no frame of another's, nothing kept.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin") // with no-referrer a form has no origin
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}
