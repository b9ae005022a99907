package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// preview orders a configuration, and returns the page that tells what it would change, and
// where that is.
func (b *browser) preview(order string, form url.Values) (path, page string) {
	b.t.Helper()
	code, page := b.order(order, form)
	found := regexp.MustCompile(`data-events="/mapping/preview/events([^"]+)"`).FindStringSubmatch(page)
	if code != http.StatusOK || found == nil {
		b.t.Fatalf("%d\n%s", code, page)
	}
	return "/mapping/preview" + html.UnescapeString(found[1]), page
}

// previewed is that page once it asks whether the configuration is to come into force.
func (b *browser) previewed(order string, form url.Values) string {
	b.t.Helper()
	path, _ := b.preview(order, form)
	return b.awaitAt(path, "Bring it into force</button>")
}

func TestAPreviewOfAMappingIsFollowedAndCancelled(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b, begun := slow(t, p)
	_, text := inForce(t, p.Operations())
	another := func() url.Values { return url.Values{"text": {text + "# mine\n"}, "back": {"/mapping"}} }
	path, _ := b.preview("apply", another())
	if r := <-begun; r.Configuration != text+"# mine\n" || !r.All || !r.Watched || r.Restores {
		t.Errorf("it is planned by\n%+v", r)
	}
	page := b.awaitAt(path, "read the users of Webex</b>: 200 of 700")
	if !strings.Contains(page, `action="/mapping/preview/cancel"`) || strings.Contains(page, "/orders/") {
		t.Errorf("it is not to be cancelled, or asked about already\n%s", page)
	}
	if page = b.get("/mapping"); !strings.Contains(page, `href="`+path+`">See how far that is`) {
		t.Error(page)
	}
	if page = b.get("/plan"); !strings.Contains(page, "No plan was made yet") {
		t.Errorf("it is a plan by what is in force\n%s", page)
	}
	if code, page := b.order("roll-back", url.Values{"version": {"0"}}); code != http.StatusBadRequest || !strings.Contains(page, "what is in force") {
		t.Errorf("what is in force: %d\n%s", code, page)
	}
	if code, page := b.order("apply", another()); code != http.StatusBadRequest || !strings.Contains(page, "is being worked out already") {
		t.Errorf("a second one: %d\n%s", code, page)
	}
	told := b.events(t, strings.Replace(path, "?", "/events?", 1))
	told.next("previewing", "Cancel")
	told.next("previewed", "read the users of Webex</b>: 200 of 700")
	if code, page := b.plans("/mapping/preview/cancel", url.Values{"back": {path}}); code != http.StatusOK {
		t.Fatalf("%d\n%s", code, page)
	}
	if buttons := told.next("previewing", ""); strings.Contains(buttons, "Cancel") {
		t.Errorf("what is over is to be cancelled\n%s", buttons)
	}
	told.next("previewed", "It was cancelled. Nothing was written.")
	// The next one is cancelled by the end of the console.
	if next, _ := b.preview("apply", another()); next == path {
		t.Errorf("two are at %s", path)
	}
	<-begun
	told.next("previewed", "Another mapping was looked at since")
	if page = b.get(path); !strings.Contains(page, "Another mapping was looked at since") || strings.Contains(page, "200 of 700") {
		t.Errorf("another is shown in its place\n%s", page)
	}
}

func TestThereIsNoPreviewThatNobodyAskedFor(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	for _, path := range []string{"/mapping/preview", "/mapping/preview?number=0", "/mapping/preview?number=<script>"} {
		if page := b.get(path); !strings.Contains(page, "ask once more") || strings.Contains(page, "/orders/") {
			t.Errorf("%s\n%s", path, page)
		}
	}
}

func TestARollBackIsPreviewedByTheFormerVersion(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	o := p.Operations()
	_, text := inForce(t, o)
	b := served(t, p, nil).enter()
	form := hidden(b.previewed("apply", url.Values{"text": {text + "# mine\n"}}))
	form.Set("note", "mine")
	if _, page := b.order("apply", form); !strings.Contains(page, "Version 1 is in force") {
		t.Fatal(page)
	}
	waiting, begun := slow(t, p)
	waiting.preview("roll-back", url.Values{"version": {"0"}})
	if r := <-begun; r.Configuration != text || !r.Restores {
		t.Errorf("it is planned by\n%+v", r)
	}
}
