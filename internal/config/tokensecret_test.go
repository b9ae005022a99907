package config

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"
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

func tokenSecret(t *testing.T, s *secrets, arns string) *TokenSecret {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return NewTokenSecret(secretsmanager.New(secretsmanager.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1", RetryMaxAttempts: 1,
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("test", "test", "")),
	}), []string{"SCOPE=all", "SECRET_ARN=" + arns})
}

const provisioning = `{"ENTRA_CLIENT_SECRET":"e","WEBEX_CLIENT_ID":"c","WEBEX_REFRESH_TOKEN":"R0","note":{"kept":[1]}}`

func TestTheTwoTokensAreReplacedInTheSecretThatHasThemAndTheRestIsKept(t *testing.T) {
	t.Parallel()
	s := &secrets{values: map[string]string{"arn:webhook": `{"CLIENT_STATE":"x"}`, "arn:provisioning": provisioning}}
	k := tokenSecret(t, s, "arn:webhook, arn:provisioning")
	access, refresh, err := k.Load(t.Context())
	if err != nil || access != "" || refresh != "R0" {
		t.Errorf("%q, %q, %v", access, refresh, err)
	}
	if err := k.Store(t.Context(), "R0", "A1", "R1"); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(s.values["arn:provisioning"]), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"ENTRA_CLIENT_SECRET": "e", "WEBEX_CLIENT_ID": "c", "note": map[string]any{"kept": []any{1.0}},
		"WEBEX_ACCESS_TOKEN": "A1", "WEBEX_REFRESH_TOKEN": "R1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("secret (-want +got):\n%s", diff)
	}
	if s.values["arn:webhook"] != `{"CLIENT_STATE":"x"}` {
		t.Errorf("the other secret is %s", s.values["arn:webhook"])
	}
	if access, refresh, err = k.Load(t.Context()); err != nil || access != "A1" || refresh != "R1" {
		t.Errorf("%q, %q, %v", access, refresh, err)
	}
}

func TestATokenThatAnOperatorReplacedInTheSecretStays(t *testing.T) {
	t.Parallel()
	s := &secrets{values: map[string]string{"arn:provisioning": provisioning}}
	if err := tokenSecret(t, s, "arn:provisioning").Store(t.Context(), "another", "A1", "R1"); !errors.Is(err, errReplaced) {
		t.Errorf("error %v", err)
	}
	if s.values["arn:provisioning"] != provisioning {
		t.Errorf("the secret is %s", s.values["arn:provisioning"])
	}
}

func TestWhyTheTokensCannotBeKeptIsToldWithoutThem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, arns, want string
		refused          bool
	}{
		{"a secret that cannot be read", "arn:none", "read the secret arn:none", false},
		{"no secret with tokens", "arn:webhook", "put it there and not into the environment", false},
		{"a secret that is no JSON", "arn:text", "put it there and not into the environment", false},
		{"no secret", "", "put it there and not into the environment", false},
		{"a secret that cannot be written", "arn:provisioning", "write the Webex token into the secret arn:provisioning", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &secrets{refused: test.refused, values: map[string]string{
				"arn:webhook": `{"CLIENT_STATE":"x"}`, "arn:text": "hunter2 R0", "arn:provisioning": provisioning,
			}}
			err := tokenSecret(t, s, test.arns).Store(t.Context(), "R0", "A1", "R1")
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
