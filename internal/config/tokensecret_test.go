package config

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// secrets are as much of Secrets Manager as tokens need.
type secrets struct {
	values  map[string]string
	refused bool
}

func (s *secrets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID   string `json:"SecretId"`
		Text string `json:"SecretString"`
	}
	err := json.NewDecoder(r.Body).Decode(&in)
	value, ok := s.values[in.ID]
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	writes := r.Header.Get("X-Amz-Target") == "secretsmanager.PutSecretValue"
	switch {
	case err != nil, !ok, writes && s.refused:
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"__type":"AccessDeniedException","Message":"no"}`))
		return
	case writes:
		value = in.Text
		s.values[in.ID] = value
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"ARN": in.ID, "SecretString": value})
}

// keeper keeps tokens in arn:tokens; the administrator gives these settings.
func keeper(t *testing.T, s *secrets, given *Webex) *TokenSecret {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return NewTokenSecret(secretsmanager.New(secretsmanager.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1", RetryMaxAttempts: 1,
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("test", "test", "")),
	}), "arn:tokens", func(context.Context) (Webex, error) { return *given, nil })
}

// function loads the settings of the worker with what an administrator and renew have
// written.
func function(t *testing.T, given map[string]string, tokens string) (Settings, error) {
	t.Helper()
	variables := complete()
	delete(variables, "WEBEX_ACCESS_TOKEN")
	variables["SECRET_ARN"], variables["TOKEN_SECRET_ARN"] = "arn:given", "arn:tokens"
	given["WEBEX_CLIENT_ID"], given["WEBEX_CLIENT_SECRET"] = "c", "s"
	text, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	return load(t, WorkerFunction, variables, map[string]string{"arn:given": string(text), "arn:tokens": tokens})
}

func TestRenewedTokensAreKeptApartFromWhatTheAdministratorWrites(t *testing.T) {
	t.Parallel()
	s := &secrets{values: map[string]string{"arn:tokens": "{}"}}
	given := &Webex{RefreshToken: "R0"}
	k := keeper(t, s, given)
	for _, step := range []struct{ used, access, refresh string }{{"R0", "A1", "R1"}, {"R1", "A2", "R2"}} {
		if err := k.Store(t.Context(), step.used, step.access, step.refresh); err != nil {
			t.Fatal(err)
		}
		access, refresh, err := k.Load(t.Context())
		if err != nil || access != step.access || refresh != step.refresh {
			t.Errorf("%q, %q, %v", access, refresh, err)
		}
	}
	loaded, err := function(t, map[string]string{"WEBEX_REFRESH_TOKEN": "R0"}, s.values["arn:tokens"])
	if err != nil || loaded.Webex.AccessToken != "A2" {
		t.Errorf("the worker has %q, %v", loaded.Webex.AccessToken, err)
	}
}

// What was rotated by hand is newer than whatever renew has made of the token before.
func TestAnotherRefreshTokenOfTheAdministratorCounts(t *testing.T) {
	t.Parallel()
	s := &secrets{values: map[string]string{"arn:tokens": "{}"}}
	given := &Webex{RefreshToken: "R0"}
	k := keeper(t, s, given)
	if err := k.Store(t.Context(), "R0", "A1", "R1"); err != nil {
		t.Fatal(err)
	}
	given.RefreshToken = "N0"
	if access, refresh, err := k.Load(t.Context()); err != nil || access != "A1" || refresh != "N0" {
		t.Errorf("%q, %q, %v: the access token before may be good still", access, refresh, err)
	}
	given.AccessToken = "B0"
	if access, refresh, err := k.Load(t.Context()); err != nil || access != "B0" || refresh != "N0" {
		t.Errorf("%q, %q, %v", access, refresh, err)
	}
	loaded, err := function(t, map[string]string{"WEBEX_REFRESH_TOKEN": "N0", "WEBEX_ACCESS_TOKEN": "B0"}, s.values["arn:tokens"])
	if err != nil || loaded.Webex.AccessToken != "B0" {
		t.Errorf("the worker has %q, %v", loaded.Webex.AccessToken, err)
	}
	// An answer to the token before comes too late.
	if err := k.Store(t.Context(), "R1", "A2", "R2"); !errors.Is(err, errReplaced) {
		t.Errorf("error %v", err)
	}
	if err := k.Store(t.Context(), "N0", "B1", "N1"); err != nil {
		t.Fatal(err)
	}
	if access, refresh, err := k.Load(t.Context()); err != nil || access != "B1" || refresh != "N1" {
		t.Errorf("%q, %q, %v", access, refresh, err)
	}
}

// Until now renew wrote both into the administrator's secret: they are what it goes on
// with.
func TestAStackWhoseOneSecretHoldsBothTokensGoesOnWithThem(t *testing.T) {
	t.Parallel()
	loaded, err := function(t, map[string]string{"WEBEX_REFRESH_TOKEN": "R7", "WEBEX_ACCESS_TOKEN": "A7"}, "{}")
	if err != nil || loaded.Webex.AccessToken != "A7" {
		t.Errorf("the worker has %q, %v", loaded.Webex.AccessToken, err)
	}
	s := &secrets{values: map[string]string{"arn:tokens": "{}"}}
	k := keeper(t, s, &loaded.Webex)
	if access, refresh, err := k.Load(t.Context()); err != nil || access != "A7" || refresh != "R7" {
		t.Errorf("%q, %q, %v", access, refresh, err)
	}
	if err := k.Store(t.Context(), "R7", "A8", "R8"); err != nil {
		t.Fatal(err)
	}
	loaded, err = function(t, map[string]string{"WEBEX_REFRESH_TOKEN": "R7", "WEBEX_ACCESS_TOKEN": "A7"}, s.values["arn:tokens"])
	if err != nil || loaded.Webex.AccessToken != "A8" {
		t.Errorf("the worker has %q, %v", loaded.Webex.AccessToken, err)
	}
}

func TestAFunctionWithAServiceAppNeedsTheSecretOfItsTokens(t *testing.T) {
	t.Parallel()
	variables := complete()
	variables["WEBEX_CLIENT_ID"], variables["WEBEX_CLIENT_SECRET"], variables["WEBEX_REFRESH_TOKEN"] = "c", "s", "r"
	for _, part := range []Part{WorkerFunction, RenewFunction, ReconcileFunction} {
		if _, err := load(t, part, variables, nil); err == nil || !strings.Contains(err.Error(), "TOKEN_SECRET_ARN is empty") {
			t.Errorf("part %d: %v", part, err)
		}
	}
}

func TestWhyTheTokensCannotBeKeptIsToldWithoutThem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tokens, refresh, want string
		refused               bool
	}{
		"a secret that is not ours":         {`hunter2 R0`, "R0", "put {} into it", false},
		"no refresh token any more":         {`{}`, "", "WEBEX_REFRESH_TOKEN is not given any more", false},
		"a secret that cannot be written":   {`{}`, "R0", "write the Webex token into the secret arn:tokens", true},
		"a secret that is not there at all": {"", "R0", "read the secret arn:tokens", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &secrets{refused: test.refused, values: map[string]string{"arn:tokens": test.tokens}}
			if test.tokens == "" {
				s.values = nil
			}
			err := keeper(t, s, &Webex{RefreshToken: test.refresh}).Store(t.Context(), test.refresh, "A1", "R1")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			for _, secret := range []string{"R0", "A1", "R1", "hunter2"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %s: %v", secret, err)
				}
			}
		})
	}
}
