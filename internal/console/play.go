package console

import (
	"context"
	"net/http"
	"net/url"

	"entrawebex/internal/operator"
)

// Player makes changes in a tenant that is simulated.
type Player interface {
	// Plays are what can be played.
	Plays() []Play
	// People are whom a play may be about, by their userPrincipalNames.
	People() []string
	// Play plays one, about whoever is named, and says what was done and the object that
	// it was done to, if it is one.
	Play(ctx context.Context, name string, who []string) (said, object string, err error)
}

// Play is something that can happen in a tenant.
type Play struct {
	// Name is what it is asked for by, Title and Says what a person reads.
	Name, Title, Says string
	// Who is how many people have to be named.
	Who int
}

// Offer has the pages offer what can be played. It is called before Serve.
func (c *Console) Offer(player Player) { c.pages.player = player }

// playing is what the page of plays shows.
type playing struct {
	Plays  []Play
	People []string
}

func (p *pages) playPage(_ *http.Request, _ operator.Operations) (view, error) {
	if p.player == nil {
		return view{}, &gone{"there is nothing to play with: that is for run --sandbox --console"}
	}
	return view{Title: "Play", Here: "/play", Template: "play", Body: playing{p.player.Plays(), p.player.People()}}, nil
}

// play plays one. It is no order: nothing but the sandbox has it done.
func (p *pages) play(w http.ResponseWriter, r *http.Request) {
	if p.player == nil {
		p.refuse(w, r, &gone{"there is nothing to play with"})
		return
	}
	said, object, err := p.player.Play(r.Context(), r.PathValue("play"), r.PostForm["who"])
	came := notice{Text: said, Link: "/", LinkText: "See it pass"}
	switch {
	case err != nil:
		came = notice{Bad: true, Text: err.Error()}
	case object != "":
		came.Link, came.LinkText = "/object?"+url.Values{"name": {object}}.Encode(), "See what becomes of it"
	}
	p.status.forget()
	p.flow.forget()
	asked(r).tell(came)
	http.Redirect(w, r, "/play", http.StatusSeeOther)
}
