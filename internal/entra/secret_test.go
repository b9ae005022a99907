package entra

import (
	"net/http"
	"testing"
	"time"

	"entrawebex/internal/provision"
)

func TestTheEndOfTheClientSecretIsThatOfTheOneThatBeginsAsOursDoes(t *testing.T) {
	t.Parallel()
	const secret = "abc8Q~the-rest"
	credential := func(hint, ends string) string {
		return `{"hint":"` + hint + `","endDateTime":"` + ends + `","secretText":null}`
	}
	const over, sooner, later = "2026-05-04T11:59:59Z", "2026-06-04T12:00:00Z", "2027-06-04T12:00:00Z"
	june := time.Date(2026, 6, 4, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		credentials string
		want        time.Time
	}{
		"one":                          {credential("abc", sooner), june},
		"none":                         {"", time.Time{}},
		"another's":                    {credential("xyz", sooner), time.Time{}},
		"one without a hint":           {credential("", sooner), time.Time{}},
		"one that is over, and one":    {credential("abc", over) + "," + credential("abc", sooner), june},
		"two that begin so":            {credential("abc", later) + "," + credential("abc", sooner), june},
		"two that begin so, in a row":  {credential("abc", sooner) + "," + credential("abc", later), june},
		"one, and another's, sooner":   {credential("abc", sooner) + "," + credential("abd", "2026-05-05T12:00:00Z"), june},
		"a hint that is no hint of it": {credential("abc8", sooner), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.outer["/applications(appId='"+testApp+"')"] = func(w http.ResponseWriter, r *http.Request) {
				if got := r.URL.Query().Get("$select"); got != "appId,passwordCredentials" {
					t.Errorf("it selects %q", got)
				}
				raw(200, "application/json", `{"appId":"`+testApp+`","passwordCredentials":[`+tt.credentials+`]}`)(w, r)
			}
			got, err := g.client(t, Config{}).SecretEnds(t.Context(), testApp, secret, testNow())
			if err != nil || !got.Equal(tt.want) {
				t.Errorf("%v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestAnEndOfTheClientSecretThatCannotBeReadIsAFault(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		kind   provision.FaultKind
		want   string
	}{
		"no permission": {refusing(403, "Authorization_RequestDenied", ""), provision.Unauthorized, "403 Authorization_RequestDenied: why (it needs the application permission Application.Read.All, with admin consent)"},
		"another one":   {raw(200, "application/json", `{"appId":"`+id(6)+`"}`), provision.Transient, "the answer is not that app registration"},
		"no time":       {raw(200, "application/json", `{"passwordCredentials":[{"endDateTime":"soon"}]}`), provision.Transient, `decode: parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph()
			g.outer["/applications(appId='"+testApp+"')"] = tt.answer
			_, err := g.client(t, Config{}).SecretEnds(t.Context(), testApp, "abc", testNow())
			expectFault(t, err, tt.kind, 0, "read the end of the client secret of app registration "+testApp+": "+tt.want)
		})
	}
	_, err := newGraph().client(t, Config{}).SecretEnds(t.Context(), "it')/x", "abc", testNow())
	expectFault(t, err, provision.Permanent, 0, "read the end of the client secret of app registration it')/x: an application (client) id is a GUID")
}
