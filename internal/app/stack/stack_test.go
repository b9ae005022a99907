package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
)

// TestMain takes away what the tester's own shell says of AWS.
func TestMain(m *testing.M) {
	for _, name := range []string{"AWS_PROFILE", "AWS_DEFAULT_PROFILE"} {
		if err := os.Unsetenv(name); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// account is an AWS account with one stack in one region. Its answers have the form of
// the API references of CloudFormation, STS and Lambda.
type account struct {
	stack, status string
	outputs       map[string]string
	functions     map[string]map[string]string
	// refused are the actions that are answered with that error code.
	refused map[string]string
	// dark are the functions whose environment cannot be decrypted.
	dark []string
}

// whole is an account in which nothing is wrong.
func whole() *account {
	return &account{
		stack: "entrawebex", status: "UPDATE_COMPLETE",
		outputs: map[string]string{"ReconcileFunctionName": "entrawebex-reconcile-1A", "RenewFunctionName": "entrawebex-renew", "WebhookUrl": "https://api.example"},
		functions: map[string]map[string]string{
			"entrawebex-reconcile-1A": {"SECRET_ARN": "arn:provisioning", "SCOPE": "all", "REPAIR_DRIFT": "true"},
			"entrawebex-renew":        {"SECRET_ARN": "arn:webhook,arn:provisioning", "SCOPE": "all", "WEBHOOK_URL": "https://api.example"},
		},
	}
}

func (a *account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, ok := strings.CutPrefix(r.URL.Path, "/2015-03-31/functions/"); ok {
		a.configuration(w, strings.TrimSuffix(name, "/configuration"))
		return
	}
	action := r.FormValue("Action")
	if code := a.refused[action]; code != "" {
		refuse(w, code, "no")
		return
	}
	switch action {
	case "DescribeStacks":
		if name := r.FormValue("StackName"); name != a.stack {
			refuse(w, "ValidationError", "Stack with id "+name+" does not exist")
			return
		}
		var outputs strings.Builder
		for key, value := range a.outputs {
			fmt.Fprintf(&outputs, "<member><OutputKey>%s</OutputKey><OutputValue>%s</OutputValue></member>", key, value)
		}
		fmt.Fprintf(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>%s</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>`+
			`<StackStatus>%s</StackStatus><Outputs>%s</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`, a.stack, a.status, &outputs)
	case "GetCallerIdentity":
		fmt.Fprint(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
	}
}

func (a *account) configuration(w http.ResponseWriter, name string) {
	if code := a.refused["GetFunctionConfiguration"]; code != "" {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	answer := map[string]any{"Environment": map[string]any{"Variables": a.functions[name]}}
	if slices.Contains(a.dark, name) {
		answer["Environment"] = map[string]any{"Error": map[string]string{"ErrorCode": "AccessDeniedException"}}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func refuse(w http.ResponseWriter, code, message string) {
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, message)
}

// at is the configuration of an operator who asks this account.
func at(t *testing.T, a *account) aws.Config {
	t.Helper()
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return aws.Config{
		BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func TestWhoKnowsTheNameOfAStackHasTheSettingsOfItsFunctions(t *testing.T) {
	t.Parallel()
	got, err := of(t.Context(), at(t, whole()), "entrawebex")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"REPAIR_DRIFT=true", "SCOPE=all", "SECRET_ARN=arn:provisioning", "WEBHOOK_URL=https://api.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

// Each sentence names the stack and where it was looked for, and the mend.
func TestAStackThatCannotBeLookedAtIsToldWithTheMend(t *testing.T) {
	t.Parallel()
	const ada = "arn:aws:iam::123456789012:user/ada (account 123456789012, profile default)"
	for name, test := range map[string]struct {
		edit func(*account)
		want []string
	}{
		"no such stack": {
			func(a *account) { a.stack = "another" }, []string{"there is no stack entrawebex in eu-central-1 for " + ada, "AWS_REGION", "AWS_PROFILE"},
		},
		"still being made": {
			func(a *account) { a.status, a.outputs = "CREATE_IN_PROGRESS", nil }, []string{"entrawebex in eu-central-1 is still being made (CREATE_IN_PROGRESS)", "try again"},
		},
		"its making failed": {
			func(a *account) { a.status, a.outputs = "ROLLBACK_COMPLETE", nil }, []string{"entrawebex in eu-central-1 is in the state ROLLBACK_COMPLETE", "events"},
		},
		"another system's": {
			func(a *account) { delete(a.outputs, "RenewFunctionName") }, []string{"entrawebex in eu-central-1 has no output RenewFunctionName", "deploy"},
		},
		"CloudFormation may not be asked": {
			func(a *account) { a.refused = map[string]string{"DescribeStacks": "AccessDenied"} },
			[]string{"entrawebex in eu-central-1 may not be looked at by " + ada, "lacks cloudformation:DescribeStacks", "OperatorPolicyArn"},
		},
		"a function may not be looked at": {
			func(a *account) { a.refused = map[string]string{"GetFunctionConfiguration": "AccessDeniedException"} },
			[]string{"entrawebex in eu-central-1 may not be looked at by " + ada, "lacks lambda:GetFunctionConfiguration", "OperatorPolicyArn"},
		},
		"who asks is not known either": {
			func(a *account) {
				a.stack, a.refused = "another", map[string]string{"GetCallerIdentity": "ServiceUnavailable"}
			},
			[]string{"there is no stack entrawebex in eu-central-1 for the profile default"},
		},
		"the credentials have ended": {
			func(a *account) { a.refused = map[string]string{"DescribeStacks": "ExpiredToken"} },
			[]string{"entrawebex in eu-central-1", "AWS refuses the credentials (profile default, ExpiredToken)", "aws sso login"},
		},
		"the environment is encrypted": {
			func(a *account) { a.dark = []string{"entrawebex-renew"} }, []string{"entrawebex in eu-central-1", "function entrawebex-renew", "kms:Decrypt"},
		},
		"anything else": {
			func(a *account) { a.refused = map[string]string{"DescribeStacks": "Throttling"} }, []string{"entrawebex in eu-central-1 (profile default)", "Throttling"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := whole()
			test.edit(a)
			_, err := of(t.Context(), at(t, a), "entrawebex")
			wantSentence(t, err, test.want)
		})
	}
}

func TestAnOperatorWithoutARegionOrCredentialsIsToldSo(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config aws.Config
		want   []string
	}{
		"no region": {aws.Config{}, []string{"the stack entrawebex", "no region", "AWS_REGION"}},
		"no credentials": {
			aws.Config{Region: "eu-central-1", Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("nothing found")
			})},
			[]string{"the stack entrawebex in eu-central-1", "no AWS credentials (profile default)", "AWS_PROFILE", "nothing found"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := of(t.Context(), test.config, "entrawebex")
			wantSentence(t, err, test.want)
		})
	}
}

func wantSentence(t *testing.T, err error, want []string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}
