package console

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"time"

	"entrawebex/internal/operator"
)

//go:embed templates static
var files embed.FS

// pages answers a browser.
type pages struct {
	Options

	door      *door
	mux       *http.ServeMux
	templates map[string]*template.Template
	status    *cached[operator.Status]
	flow      *cached[flow]
	planning  planning
	preview   planning // by what somebody thinks of bringing into force
	movingIn  planning // as the gallery app's job has it
	replaying replaying
	player    Player // nil where nothing is simulated
}

func newPages(o Options, at *net.TCPAddr, behind *url.URL) (*pages, error) {
	p := &pages{Options: o, door: newDoor(at, behind, o.Now), mux: http.NewServeMux(), templates: map[string]*template.Template{}}
	// A status reads every record.
	p.status = &cached[operator.Status]{read: p.readStatus, now: o.Now, fresh: 2 * time.Second, times: 100}
	p.flow = &cached[flow]{read: (&flows{pages: p}).next, now: o.Now, fresh: often, times: 30}
	names, err := fs.Glob(files, "templates/pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		t, err := template.New("").Funcs(p.functions()).ParseFS(files, "templates/*.html", name)
		if err != nil {
			return nil, err
		}
		p.templates[name] = t
	}
	static, err := fs.Sub(files, "static")
	if err != nil {
		return nil, err
	}
	p.mux.Handle("GET /static/", http.StripPrefix("/static/", http.FileServerFS(static)))
	for _, one := range p.routes() {
		p.mux.Handle(one.pattern, one.serve)
	}
	return p, nil
}

// route is a path that is served.
type route struct {
	pattern string
	serve   http.HandlerFunc
}

// routes are all but that of files. What is sent is a form, or an order, which a page that
// only reads refuses.
func (p *pages) routes() []route {
	return []route{
		{"GET /{$}", p.page(p.overview)},
		{"GET /events", p.overviewEvents},
		{"GET /object", p.page(p.object)},
		{"GET /log", p.page(p.history)},
		{"GET /log/events", p.historyEvents},
		{"GET /plan", p.page(p.planPage)},
		{"GET /plan/events", p.planEvents},
		{"POST /plan", p.form(p.startPlan)},
		{"POST /plan/cancel", p.form(p.cancelPlan)},
		{"GET /migration", p.page(p.migrationPage)},
		{"GET /migration/events", p.migrationEvents},
		{"POST /migration", p.form(p.startMigration)},
		{"POST /migration/cancel", p.form(p.cancelMigration)},
		{"GET /comparison", p.page(p.comparison)},
		{"GET /comparison/events", p.comparisonEvents},
		{"GET /mapping", p.page(p.mapping)},
		{"GET /mapping/preview", p.page(p.previewPage)},
		{"GET /mapping/preview/events", p.previewEvents},
		{"POST /mapping/preview/cancel", p.ordering(p.cancelPreview)},
		{"GET /settings", p.page(p.settings)},
		{"POST /orders/{order}", p.ordering(p.order)},
		{"POST /replay/cancel", p.ordering(p.cancelReplay)},
		{"GET /play", p.page(p.playPage)},
		{"POST /play/{play}", p.ordering(p.play)},
		{"/", p.page(func(*http.Request, operator.Operations) (view, error) { return view{}, &gone{"there is no such page"} })},
	}
}

// form serves a form of a page of this session, and no other.
func (p *pages) form(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if p.mine(w, r) {
			serve(w, r)
		}
	}
}

// ordering serves a form that has something done, unless the pages only read.
func (p *pages) ordering(serve http.HandlerFunc) http.HandlerFunc {
	return p.form(func(w http.ResponseWriter, r *http.Request) {
		if p.ReadOnly {
			p.refuse(w, r, &operator.Error{Kind: operator.Refused, Message: "this page only reads: it was started with --read-only"})
			return
		}
		serve(w, r)
	})
}

// sessionKey is that of the session in a request's context.
type sessionKey struct{}

// ServeHTTP lets in whom the door knows, and turns everybody else away.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if why := p.door.stranger(r); why != "" {
		p.Log.WarnContext(r.Context(), "the console refused a request", "reason", why)
		p.turnAway(w, r, why)
		return
	}
	if token := r.URL.Query().Get("token"); token != "" && r.Method == http.MethodGet {
		if !p.door.admit(w, r, token) && p.door.known(r) == nil {
			p.turnAway(w, r, "this address was used already, or is too old: it lets one browser in, within "+OpenFor.String())
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther) // without the token
		return
	}
	s := p.door.known(r)
	if s == nil {
		p.turnAway(w, r, "this browser was not let in, or not today")
		return
	}
	p.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, s)))
}

func (p *pages) turnAway(w http.ResponseWriter, r *http.Request, why string) {
	p.render(w, r, http.StatusForbidden, "turned_away", view{Title: "Not let in", Body: why})
}

// view is a page to be rendered.
type view struct {
	// Title is the page's, Here the path of its place in the navigation.
	Title, Here string
	// Status is that of the answer; 0 for 200.
	Status int
	// Template renders Body.
	Template string
	Body     any
}

// shown is what templates see.
type shown struct {
	view

	CSRF     string
	ReadOnly bool
	By       string
	Told     []notice
	At       time.Time
	In       bool
}

// gone is what there is not.
type gone struct{ message string }

func (g *gone) Error() string { return g.message }

// page serves what reads. What goes wrong is told on a page, too.
func (p *pages) page(read func(*http.Request, operator.Operations) (view, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var v view
		err := p.With(r.Context(), func(o operator.Operations) (err error) {
			v, err = read(r, o)
			return err
		})
		if err != nil {
			v = p.failed(r, v.Here, err)
		}
		status := http.StatusOK
		if v.Status != 0 {
			status = v.Status
		}
		p.render(w, r, status, v.Template, v)
	}
}

// failed is the page of an error.
func (p *pages) failed(r *http.Request, here string, err error) view {
	p.Log.WarnContext(r.Context(), "the console cannot show a page", "path", r.URL.Path, "error", err)
	v := view{Title: "That did not work", Here: here, Status: http.StatusBadGateway, Template: "failed", Body: err.Error()}
	if _, none := errors.AsType[*gone](err); none {
		v.Status, v.Title = http.StatusNotFound, "Not found"
	}
	if told, ok := errors.AsType[*operator.Error](err); ok && told.Kind != operator.Failed {
		v.Status, v.Title = http.StatusBadRequest, "That cannot be done"
	}
	return v
}

func (p *pages) readStatus(ctx context.Context) (s operator.Status, err error) {
	err = p.With(ctx, func(o operator.Operations) (err error) {
		s, err = o.Status(ctx)
		return err
	})
	return s, err
}

// shown is what templates see of a view.
func (p *pages) shown(r *http.Request, v view) shown {
	given := shown{view: v, ReadOnly: p.ReadOnly, By: operator.Actor(r.Context()), At: p.Now()}
	if s, ok := r.Context().Value(sessionKey{}).(*session); ok {
		given.In, given.CSRF = true, s.csrf
	}
	return given
}

// fragment renders a part of a page.
func (p *pages) fragment(r *http.Request, name string, body any) ([]byte, error) {
	var b bytes.Buffer
	err := p.templates["templates/pages/overview.html"].ExecuteTemplate(&b, name, p.shown(r, view{Body: body}))
	return b.Bytes(), err
}

// render renders a page, or an error if it cannot.
func (p *pages) render(w http.ResponseWriter, r *http.Request, status int, name string, v view) {
	given := p.shown(r, v)
	if given.In {
		given.Told = asked(r).heard()
	}
	var b bytes.Buffer
	t := p.templates["templates/pages/"+name+".html"]
	if t == nil {
		p.Log.ErrorContext(r.Context(), "there is no template", "name", name)
		http.Error(w, "this page has no template", http.StatusInternalServerError)
		return
	}
	if err := t.ExecuteTemplate(&b, "layout", given); err != nil {
		p.Log.ErrorContext(r.Context(), "a page was not rendered", "path", r.URL.Path, "error", err)
		http.Error(w, "this page could not be rendered: the log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if _, err := b.WriteTo(w); err != nil {
		p.Log.DebugContext(r.Context(), "a page was not sent", "path", r.URL.Path, "error", err)
	}
}

// asked is the session of a request that was let in.
func asked(r *http.Request) *session {
	s, ok := r.Context().Value(sessionKey{}).(*session)
	if !ok {
		panic(r.URL.Path + " is served to nobody") // ServeHTTP sees to that
	}
	return s
}

// place is one of the navigation.
type place struct{ Path, Text string }

func (p *pages) nav() []place {
	places := []place{{"/", "Now"}, {"/object", "People"}, {"/log", "Log"}, {"/plan", "Plan"}, {"/comparison", "Comparison"}, {"/mapping", "Mapping"}, {"/settings", "Settings"}}
	if p.player != nil {
		places = append(places, place{"/play", "Play"})
	}
	return places
}
