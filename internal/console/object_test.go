package console_test

import (
	"net/http"
	"strings"
	"testing"

	"entrawebex/internal/sandbox/story"
)

func TestAPartOfANameListsThoseWhoHaveIt(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	code, page := b.ask(b.request(http.MethodGet, "/object?name=WELLkn", nil))
	if code != http.StatusOK || !strings.Contains(page, "Names with that part") || !strings.Contains(page, `<a href="/object?name=`+story.WellKnownID+`">wanda.wellknown@`) {
		t.Errorf("%d\n%s", code, page)
	}
	if strings.Count(page, `<a href="/object?name=`) != 1 {
		t.Errorf("others are listed\n%s", page)
	}
	if code, page := b.ask(b.request(http.MethodGet, "/object?name=nobody-at-all", nil)); code != http.StatusNotFound || strings.Contains(page, "Names with that part") {
		t.Errorf("%d\n%s", code, page)
	}
}
