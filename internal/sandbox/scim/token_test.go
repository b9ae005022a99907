package scim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func serviceApp() *ServiceApp {
	return &ServiceApp{ClientID: "C1", ClientSecret: "s&1", RefreshToken: "first"}
}

// refresh asks for tokens with what is changed in a right request.
func refresh(t *testing.T, org *Organization, changes ...string) (int, map[string]any) {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {"C1"}, "client_secret": {"s&1"}, "refresh_token": {"first"}}
	for i := 0; i < len(changes); i += 2 {
		form.Set(changes[i], changes[i+1])
	}
	return post(t, org, "application/x-www-form-urlencoded", form.Encode())
}

func post(t *testing.T, org *Organization, contentType, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, tokenPath, strings.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	org.ServeHTTP(w, r)
	var decoded map[string]any
	must(t, json.Unmarshal(w.Body.Bytes(), &decoded))
	return w.Code, decoded
}

// lets reports whether the organization lets a token in.
func lets(t *testing.T, org *Organization, token any) bool {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, users, nil)
	text, _ := token.(string)
	r.Header.Set("Authorization", "Bearer "+text)
	w := httptest.NewRecorder()
	org.ServeHTTP(w, r)
	return w.Code == http.StatusOK
}

func TestAServiceAppsTokensExpire(t *testing.T) {
	t.Parallel()
	c := newClock()
	org := newOrg(t, Config{Now: c.Now, ServiceApp: serviceApp()})
	status, body := refresh(t, org)
	if status != http.StatusOK || body["expires_in"] != 1209600.0 || body["refresh_token_expires_in"] != 7776000.0 || body["refresh_token"] != "first" {
		t.Fatalf("answered %d %v", status, body)
	}
	first := body["access_token"]
	c.At = c.At.Add(accessLife - 1)
	if !lets(t, org, first) || lets(t, org, "") || lets(t, org, "other") {
		t.Error("the token that was given is not the one that is let in")
	}
	c.At = c.At.Add(1)
	if lets(t, org, first) {
		t.Error("a token outlives its time")
	}
	c.At = c.At.Add(refreshLife - accessLife - 1)
	if status, body := refresh(t, org); status != http.StatusOK || !lets(t, org, body["access_token"]) {
		t.Errorf("answered %d %v at the last moment", status, body)
	}
	c.At = c.At.Add(refreshLife)
	if status, body := refresh(t, org); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("answered %d %v after 90 days", status, body)
	}
}

func TestTokensThatRotateEndThoseBefore(t *testing.T) {
	t.Parallel()
	app := serviceApp()
	app.Rotate = true
	org := newOrg(t, Config{ServiceApp: app, Token: "fixed"})
	_, first := refresh(t, org)
	if status, body := refresh(t, org); status != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("a used refresh token: answered %d %v", status, body)
	}
	if !lets(t, org, first["access_token"]) {
		t.Error("a refusal ended the token")
	}
	status, second := refresh(t, org, "refresh_token", first["refresh_token"].(string))
	if status != http.StatusOK || lets(t, org, first["access_token"]) || !lets(t, org, second["access_token"]) || !lets(t, org, "fixed") {
		t.Errorf("answered %d %v", status, second)
	}
}

func TestARefreshThatIsWrongIsRefused(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{ServiceApp: serviceApp()})
	for _, test := range []struct {
		name, value string
		status      int
		code        string
	}{
		{"client_id", "C2", 401, "invalid_client"},
		{"client_secret", "", 401, "invalid_client"},
		{"grant_type", "authorization_code", 400, "unsupported_grant_type"},
		{"refresh_token", "second", 400, "invalid_grant"},
	} {
		if status, body := refresh(t, org, test.name, test.value); status != test.status || body["error"] != test.code {
			t.Errorf("%s %q: answered %d %v, want %d %s", test.name, test.value, status, body, test.status, test.code)
		}
	}
	if status, _ := post(t, org, "application/json", `{}`); status != http.StatusUnsupportedMediaType {
		t.Errorf("JSON: answered %d", status)
	}
	if status, body := post(t, org, "application/x-www-form-urlencoded", "%zz"); status != http.StatusBadRequest || body["error"] != "invalid_request" {
		t.Errorf("no form: answered %d %v", status, body)
	}
	if status, _ := call(t, org, http.MethodGet, tokenPath, ""); status != http.StatusMethodNotAllowed {
		t.Errorf("GET: answered %d", status)
	}
	if status, _ := refresh(t, newOrg(t, Config{})); status != http.StatusUnauthorized {
		t.Errorf("an organization without a service app: answered %d", status)
	}
	if !lets(t, newOrg(t, Config{}), "anything") || lets(t, newOrg(t, Config{Token: "fixed"}), "") {
		t.Error("a service app that is not there changes who is let in")
	}
}

func TestOnlyTheAcceptedTokenIsAnswered(t *testing.T) {
	t.Parallel()
	org := newOrg(t, Config{Token: "old"})
	org.SetToken("right")
	for header, want := range map[string]int{
		"": http.StatusUnauthorized, "Bearer old": http.StatusUnauthorized, "Basic right": http.StatusUnauthorized,
		"Bearer right": http.StatusOK, "bearer right": http.StatusOK,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, users, http.NoBody)
		r.Header.Set("Authorization", header)
		w := httptest.NewRecorder()
		org.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q answered %d, want %d", header, w.Code, want)
		}
		if want == http.StatusUnauthorized && !strings.Contains(w.Body.String(), "trackingId") {
			t.Errorf("%q answered %s", header, w.Body)
		}
	}
}
