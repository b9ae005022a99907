package console_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"entrawebex/internal/console"
	"entrawebex/internal/operator"
)

// toys are a player that counts what is played.
type toys struct{ played atomic.Int32 }

func (*toys) Plays() []console.Play { return nil }
func (*toys) People() []string      { return nil }

func (p *toys) Play(context.Context, string, []string) (said, object string, err error) {
	p.played.Add(1)
	return "", "", nil
}

// offered is a console with toys whose uses of the operator's application are counted.
func offered(t *testing.T, readOnly bool) (b *browser, forms []string, used func() int32) {
	t.Helper()
	_, p := stage(t)
	played := &toys{}
	var opened atomic.Int32
	b, c := servedBy(t, p, func(o *console.Options) {
		o.ReadOnly = readOnly
		o.With = func(_ context.Context, do func(operator.Operations) error) error {
			opened.Add(1)
			return do(p.Operations())
		}
	}, func(c *console.Console) { c.Offer(played) })
	return b.enter(), c.Forms(), func() int32 { return opened.Load() + played.played.Load() }
}

// sure is a form that would do, whatever is ordered with it.
func sure(csrf string) url.Values {
	return url.Values{
		"csrf": {csrf}, "sure": {"yes"}, "all": {"yes"}, "side": {"webex"}, "why": {"x"}, "id": {"5b6e7a8c-1d2e-4f30-9a41-b2c3d4e5f607"},
		"version": {"0"}, "after": {"0"}, "text": {"users: {}"}, "note": {"x"},
	}
}

// readings are the forms that have nothing done: a plan writes nothing.
var readings = []string{"/plan", "/plan/cancel", "/migration", "/migration/cancel"}

// The token is on the page of plans, which may be made: it is no secret to a reader.
func TestEveryOrderToAPageThatOnlyReadsIsRefused(t *testing.T) {
	t.Parallel()
	b, forms, used := offered(t, true)
	if len(forms) < 13 {
		t.Fatalf("%q", forms)
	}
	form := sure(hidden(b.get("/plan")).Get("csrf"))
	for _, path := range forms {
		before := used()
		code, page := b.ask(b.request(http.MethodPost, path, form))
		refused := code == http.StatusBadRequest && strings.Contains(page, "this page only reads")
		if refused == slices.Contains(readings, path) {
			t.Errorf("%s: %d\n%s", path, code, page)
		}
		if n := used() - before; refused && n > 0 {
			t.Errorf("%s is refused, and the operator's application is used %d times", path, n)
		}
	}
}

func TestEveryFormWithoutTheTokenOfItsPageIsRefused(t *testing.T) {
	t.Parallel()
	b, forms, used := offered(t, false)
	for _, path := range forms {
		before := used()
		code, page := b.ask(b.request(http.MethodPost, path, sure("guessed")))
		if code != http.StatusForbidden || !strings.Contains(page, "is not from a page that this browser was shown") || used() != before {
			t.Errorf("%s: %d\n%s", path, code, page)
		}
	}
}
