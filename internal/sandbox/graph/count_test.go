package graph

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestUsersAreCountedForWhoTakesTheCountAsEventual(t *testing.T) {
	t.Parallel()
	tenant := newTenant(t, Config{})
	users := crowd(t, tenant, 3)
	must(t, tenant.Delete(users[1]))
	for _, test := range []struct {
		name, level, query string
		status             int
		contentType, body  string
	}{
		{"eventual", "eventual", "", http.StatusOK, "text/plain", "2"},
		{"with an option that it does not take", "eventual", "?$top=1", http.StatusBadRequest, "", ""},
		{"without the header", "", "", http.StatusBadRequest, "", ""},
		{"of another level", "session", "", http.StatusBadRequest, "", ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1.0/users/$count"+test.query, nil)
		if test.level != "" {
			r.Header.Set("Consistencylevel", test.level)
		}
		w := httptest.NewRecorder()
		tenant.ServeHTTP(w, r)
		if w.Code != test.status {
			t.Errorf("%s: status %d: %s", test.name, w.Code, w.Body)
		}
		if test.status == http.StatusOK && (w.Header().Get("Content-Type") != test.contentType || w.Body.String() != test.body) {
			t.Errorf("%s: %q is %q", test.name, w.Header().Get("Content-Type"), w.Body)
		}
	}
}
