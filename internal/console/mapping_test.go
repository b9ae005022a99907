package console_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"entrawebex/internal/console"
	"entrawebex/internal/operator"
)

// inForce is the number and the text of the mapping that everything goes by.
func inForce(t *testing.T, o operator.Operations) (number int, text string) {
	t.Helper()
	stored, err := o.Configuration(t.Context(), operator.ConfigurationRequest{})
	if err != nil {
		t.Fatal(err)
	}
	return stored.Number, string(stored.Text)
}

// hidden are the fields that a page's question goes on with.
func hidden(page string) url.Values {
	form := url.Values{}
	for _, found := range regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`).FindAllStringSubmatch(page, -1) {
		form.Set(found[1], html.UnescapeString(found[2]))
	}
	return form
}

func TestAMappingIsAppliedAndRolledBackFromThePage(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	o := p.Operations()
	b := served(t, p, nil).enter()
	number, text := inForce(t, o)
	another := strings.ReplaceAll(text+"# <script>mine\n", "\n", "\r\n") // as a browser sends it

	page := b.previewed("apply", url.Values{"text": {another}, "back": {"/mapping"}})
	for _, want := range []string{"Bring the file into force?", "&lt;script&gt;mine", "What would change in Webex", "unchanged"} {
		if !strings.Contains(page, want) {
			t.Errorf("before it is applied: no %q in\n%s", want, page)
		}
	}
	if now, _ := inForce(t, o); now != number {
		t.Fatalf("version %d is in force before that was confirmed", now)
	}
	form := hidden(page)
	form.Set("note", "a remark")
	if _, page = b.order("apply", form); !strings.Contains(page, "Version 1 is in force") || !strings.Contains(page, "a remark") || strings.Contains(page, "<script>mine") {
		t.Errorf("after it was applied\n%s", page)
	}
	if now, applied := inForce(t, o); now != number+1 || applied != text+"# <script>mine\n" {
		t.Errorf("version %d: %q", now, applied)
	}
	form.Set("text", text+"# of another day\n")
	if _, page = b.order("apply", form); !strings.Contains(page, "notice bad") {
		t.Errorf("what was asked about another version is applied\n%s", page)
	}
	if page = b.previewed("roll-back", url.Values{"version": {"0"}, "back": {"/mapping"}}); !strings.Contains(page, "Bring version 0 into force?") {
		t.Fatal(page)
	}
	form = hidden(page)
	form.Set("note", "back")
	if _, page = b.order("roll-back", form); !strings.Contains(page, "Version 2 is in force") || !strings.Contains(page, "as version 0") {
		t.Errorf("after it was rolled back\n%s", page)
	}
	if _, again := inForce(t, o); again != text {
		t.Errorf("%q", again)
	}
	if page = b.get("/mapping?version=1"); !strings.Contains(page, "not in force") || !strings.Contains(page, "&lt;script&gt;mine") {
		t.Errorf("a former version\n%s", page)
	}
}

func TestAMappingThatIsWrongIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	_, text := inForce(t, p.Operations())
	for name, one := range map[string]struct {
		order string
		form  url.Values
		want  string
	}{
		"no mapping":      {"apply", url.Values{"text": {"users: ["}}, "the file"},
		"nothing else":    {"apply", url.Values{"text": {text}}, "what is in force"},
		"no version":      {"roll-back", url.Values{"version": {"x"}}, "is no version"},
		"none of that":    {"roll-back", url.Values{"version": {"77"}}, "77"},
		"not looked at":   {"apply", url.Values{"text": {text + "#\n"}, "sure": {"yes"}}, "is no version"},
		"nothing that is": {"roll-back", url.Values{"sure": {"yes"}}, "is no version"},
	} {
		if _, page := b.order(one.order, one.form); !strings.Contains(page, one.want) || !strings.Contains(page, "notice bad") {
			t.Errorf("%s: no %q in\n%s", name, one.want, page)
		}
	}
	if number, _ := inForce(t, p.Operations()); number != 0 {
		t.Errorf("version %d is in force", number)
	}
}

func TestAMappingIsTestedOnThePage(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	b := served(t, p, nil).enter()
	page := b.get("/mapping?name=wanda.wellknown@contoso.example")
	for _, want := range []string{"Verdict: provision", "[userPrincipalName] is", "The body that creates it:", "What is built in, in force"} {
		if !strings.Contains(html.UnescapeString(page), want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if page = b.get("/mapping?name=" + url.QueryEscape("<script>nobody")); strings.Contains(page, "<script>nobody") || !strings.Contains(page, "&lt;script&gt;nobody") {
		t.Error(page)
	}
}

func TestNoMappingIsAppliedByAReaderOrAnotherOrigin(t *testing.T) {
	t.Parallel()
	_, p := stage(t)
	_, text := inForce(t, p.Operations())
	reader := served(t, p, func(o *console.Options) { o.ReadOnly = true }).enter()
	if page := reader.get("/mapping"); strings.Contains(page, "/orders/") || !strings.Contains(page, "History") {
		t.Error(page)
	}
	b := served(t, p, nil).enter()
	for _, order := range []string{"apply", "roll-back"} {
		form := url.Values{"csrf": {b.csrf()}, "sure": {"yes"}, "text": {text + "#\n"}, "version": {"0"}, "after": {"0"}}
		r := b.request(http.MethodPost, "/orders/"+order, form)
		r.Header.Set("Origin", "https://attacker.example")
		if code, page := b.ask(r); code != http.StatusForbidden {
			t.Errorf("%s for another origin: %d\n%s", order, code, page)
		}
		if code, page := reader.ask(reader.request(http.MethodPost, "/orders/"+order, form)); code != http.StatusForbidden {
			t.Errorf("%s for a reader: %d\n%s", order, code, page)
		}
	}
	if number, _ := inForce(t, p.Operations()); number != 0 {
		t.Errorf("version %d is in force", number)
	}
}
