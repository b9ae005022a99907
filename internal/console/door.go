package console

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
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
	// names are those under which this address may be asked for. A name that is made to
	// point here (DNS rebinding) is none of them.
	names []string
	// cookie is its name. Browsers keep ports of a host together, so it has the port.
	cookie string
	now    func() time.Time

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

func newDoor(at *net.TCPAddr, now func() time.Time) *door {
	port := strconv.Itoa(at.Port)
	names := []string{at.String(), net.JoinHostPort("localhost", port)}
	return &door{
		names: names, cookie: "entrawebex_" + port, now: now,
		token: rand.Text(), until: now().Add(OpenFor), sessions: map[string]*session{},
	}
}

// invitation is the first address.
func (d *door) invitation() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("http://%s/?%s", d.names[0], url.Values{"token": {d.token}}.Encode())
}

// admit lets in who brings the token, once.
func (d *door) admit(w http.ResponseWriter, token string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.now()
	if d.token == "" || subtle.ConstantTimeCompare([]byte(token), []byte(d.token)) == 0 || now.After(d.until) {
		return false
	}
	d.token = ""
	key := rand.Text()
	d.sessions[key] = &session{csrf: rand.Text(), until: now.Add(staysFor)}
	//nolint:gosec // G124: Secure is for TLS, which a loopback address has none of
	http.SetCookie(w, &http.Cookie{Name: d.cookie, Value: key, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return true
}

// known is the session of a request; nil if there is none.
func (d *door) known(r *http.Request) *session {
	cookie, err := r.Cookie(d.cookie)
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
	if !slices.Contains(d.names, strings.ToLower(r.Host)) {
		return fmt.Sprintf("this page is asked for as %.100q and not as %s", r.Host, strings.Join(d.names, " or "))
	}
	origin, told := r.Header.Get("Origin"), r.Header["Origin"] != nil
	if told && origin != "http://"+strings.ToLower(r.Host) {
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
