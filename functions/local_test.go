package functions_test

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/cloud"
)

// samLocal are the variables that sam local invoke gives to a function of a template that
// is not deployed: a Ref of a resource is its logical id, as is that of a parameter without
// a default, and what --env-vars says counts for what the template names, and for nothing
// else (samcli/local/lambdafn/env_vars.py, samcli/lib/intrinsic_resolver, aws-sam-cli).
func samLocal(t *testing.T, function, envVars string) []string {
	t.Helper()
	template, err := cloud.ReadTemplate("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	stack := &cloud.Stack{Template: template, Name: "local", Made: map[string]string{}}
	parameters, _ := template["Parameters"].(cloud.Object)
	resources, _ := template["Resources"].(cloud.Object)
	for name, parameter := range parameters {
		if cloud.At(parameter, "Default") == nil {
			stack.Made[name] = name
		}
	}
	for name := range resources {
		stack.Made[name] = name
	}
	variables := stack.Environment(function)
	var given struct{ Parameters map[string]string }
	text, err := os.ReadFile(filepath.Join("..", envVars))
	if err == nil {
		err = json.Unmarshal(text, &given)
	}
	if err != nil || len(variables) == 0 {
		t.Fatalf("%s with %s: %d variables, %v", function, envVars, len(variables), err)
	}
	for name := range variables {
		if value, is := given.Parameters[name]; is {
			variables[name] = value
		}
	}
	maps.Copy(variables, map[string]string{
		"AWS_SAM_LOCAL": "true", "AWS_LAMBDA_FUNCTION_NAME": function, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
		"AWS_ACCESS_KEY_ID": "defaultkey", "AWS_SECRET_ACCESS_KEY": "defaultsecret", "AWS_ACCOUNT_ID": "123456789012",
	})
	var environ []string
	for name, value := range variables {
		environ = append(environ, name+"="+value)
	}
	return environ
}

// around is what README has started beside sam: the address of infra/local.
func around(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "local")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../infra/local").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	local := exec.CommandContext(t.Context(), binary, "-listen", "127.0.0.1:0")
	local.Stderr = os.Stderr
	out, err := local.StdoutPipe()
	if err == nil {
		err = local.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = local.Process.Kill()
		_ = local.Wait() // killed
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// Each command of events/README.md is carried out as sam does, with the built function and
// what is around it: every file of events/ is given to a function, which does with it what
// it does on AWS.
func TestEveryEventIsInvokedLocallyAsTheReadmeSays(t *testing.T) {
	t.Parallel()
	emulators(t)
	readme, err := os.ReadFile("../events/README.md")
	if err != nil {
		t.Fatal(err)
	}
	address := around(t)
	answers := map[string]string{}
	command := regexp.MustCompile(`(?m)^(?:(.*) \| )?sam local invoke (\S+) (?:--event (\S+) )?--env-vars (\S+)$`)
	for _, line := range command.FindAllStringSubmatch(strings.ReplaceAll(string(readme), " \\\n    ", " "), -1) {
		event := []byte("{}") // without one, sam's own
		if line[1] != "" {
			line[3] = regexp.MustCompile(`events/\S+`).FindString(line[1])
			made := exec.CommandContext(t.Context(), "sh", "-c", line[1])
			made.Dir = ".."
			event, err = made.Output()
		} else if line[3] != "" {
			event, err = os.ReadFile(filepath.Join("..", line[3]))
		}
		if err != nil {
			t.Fatalf("%s: %v", line[0], err)
		}
		function := strings.ToLower(strings.TrimSuffix(line[2], "Function"))
		// A container knows the name of the machine around it; here a proxy goes there.
		f := startFunction(t, function, append(samLocal(t, line[2], line[4]), "HTTP_PROXY="+address)...)
		var answer any
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // which one that cannot start would outlast
		err := f.invoke(ctx, event, &answer)
		cancel()
		if err != nil {
			t.Fatalf("%s: %v", line[0], err)
		}
		answers[function+" "+strings.TrimPrefix(line[3], "events/")] = summary(t, answer)
	}
	validated, err := os.ReadFile("../events/apigateway-validation.json")
	if err != nil {
		t.Fatal(err)
	}
	var validation events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(validated, &validation); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"webhook apigateway-validation.json":                            "200 " + validation.QueryStringParameters["validationToken"],
		"webhook apigateway-user-updated.json":                          "202 ",
		"webhook apigateway-user-updated-base64.json":                   "202 ",
		"webhook user-updated.json":                                     "202 ",
		"webhook user-deleted.json":                                     "202 ",
		"webhook batch-mixed.json":                                      "202 ",
		"webhook group-members-delta.json":                              "202 ",
		"webhook lifecycle-reauthorizationRequired.json":                "202 ",
		"webhook lifecycle-reauthorizationRequired-organizationId.json": "202 ",
		"webhook eventbridge-user-updated.json":                         "400 Bad Request\n",
		"worker sqs-user-updated.json":                                  `{"batchItemFailures":null}`,
		"renew eventbridge-scheduled.json":                              "null",
		"reconcile eventbridge-scheduled.json":                          "null",
		"replay ":                                                       `{"kept":0,"left":0,"moved":0}`,
	}
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// summary is an answer as text: of API Gateway's its status and its body.
func summary(t *testing.T, answer any) string {
	t.Helper()
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var http events.APIGatewayV2HTTPResponse
	if json.Unmarshal(text, &http) == nil && http.StatusCode != 0 {
		return strconv.Itoa(http.StatusCode) + " " + http.Body
	}
	return string(text)
}
