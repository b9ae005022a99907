package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	udiff "github.com/aymanbagabas/go-udiff"

	"entrawebex/internal/operator"
	"entrawebex/internal/plan"
)

// startPreview has it worked out what a configuration would change, and leads to the page
// that tells how far that is and then asks. It is no order: it writes nothing.
func (p *pages) startPreview(w http.ResponseWriter, r *http.Request, order string, of wanted) {
	ctx := r.Context()
	var asks question
	var asked plan.Request
	err := p.With(ctx, func(o operator.Operations) (err error) {
		asks, asked, err = askApply(ctx, o, r.PostForm, of)
		return err
	})
	if err != nil {
		p.refuse(w, r, err)
		return
	}
	asks.of(order, r.PostForm)
	number, made := p.preview.plan(ctx, p, asked, &asks)
	if number == 0 {
		p.refuse(w, r, &operator.Error{Kind: operator.Refused, Message: "what a mapping would change is being worked out already: wait for that, or cancel it, on the page of the mapping"})
		return
	}
	patience := time.NewTimer(soon)
	defer patience.Stop()
	select {
	case <-made:
	case <-patience.C:
	}
	http.Redirect(w, r, previewPlace(number).Path, http.StatusSeeOther)
}

// askApply is what is asked before a configuration comes into force, but for what it would
// change in Webex. It has the form say under which version that is so.
func askApply(ctx context.Context, o operator.Operations, form url.Values, of wanted) (question, plan.Request, error) {
	wants, err := of(ctx, o, form)
	if err != nil {
		return question{}, plan.Request{}, err
	}
	if err := wants.Validate(); err != nil {
		return question{}, plan.Request{}, &operator.Error{Kind: operator.Invalid, Message: err.Error()}
	}
	present, err := o.Configuration(ctx, operator.ConfigurationRequest{})
	if err != nil {
		return question{}, plan.Request{}, err
	}
	asked, differs := wants.Against(present)
	if !differs {
		return question{}, plan.Request{}, &operator.Error{Kind: operator.Invalid, Message: "that is what is in force: nothing is to be applied"}
	}
	form.Set("after", strconv.Itoa(present.Number))
	return question{
		Title: "Bring " + wants.File + " into force?", Yes: "Bring it into force", Note: "note",
		Lines: []string{
			"Within a minute everything goes by it, without a deployment. Whom it affects is evaluated anew, at the pace of a comparison and behind the guard; nobody else is touched.",
			"A former version can be taken up again at any time.",
		},
		Differs: udiff.Unified(fmt.Sprintf("version %d", present.Number), wants.File, string(present.Text), wants.Text),
	}, asked, nil
}

// previewPlace is where the preview of a number is looked at.
func previewPlace(number int) place {
	return place{Path: "/mapping/preview?" + url.Values{"number": {strconv.Itoa(number)}}.Encode()}
}

// previewed is how far the last preview is.
func (p *pages) previewed() planned {
	state := p.preview.now(p.Now(), place{})
	state.Here = previewPlace(state.Number)
	return state
}

// previewOf is how far the preview is that a page asks for. What is asked there must be
// about the very file that the plan is of, so no other takes its place.
func (p *pages) previewOf(r *http.Request) planned {
	state := p.previewed()
	if r.FormValue("number") != strconv.Itoa(state.Number) || state.Asks == nil {
		return planned{Trouble: "Another mapping was looked at since, or this console began anew: ask once more."}
	}
	return state
}

// Question is what is asked when the plan is made.
func (s planned) Question() question {
	q := *s.Asks
	q.Plan = s.Made
	would := s.Made.Summary
	q.Grave = would.Disable+would.Delete+would.Held > 0
	return q
}

func (p *pages) previewPage(r *http.Request, _ operator.Operations) (view, error) {
	state := p.previewOf(r)
	v := view{Title: "Another mapping", Here: "/mapping", Template: "preview", Body: state}
	if state.Asks != nil {
		v.Title = state.Asks.Title
	}
	return v, nil
}

// previewEvents tells the page how far the preview is.
func (p *pages) previewEvents(w http.ResponseWriter, r *http.Request) {
	p.tellPlan(w, r, "previewing", "previewed", func() planned { return p.previewOf(r) })
}

func (p *pages) cancelPreview(w http.ResponseWriter, r *http.Request) {
	p.preview.stop()
	http.Redirect(w, r, backOf(r.PostForm), http.StatusSeeOther) //nolint:gosec // G710: that is a page of ours
}
