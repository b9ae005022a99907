package infra_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// A profile names parameters of the template and values that it allows.
func TestTheProfilesFitTheTemplate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	template := readTemplate(t)
	for _, profile := range []string{"dev", "prod"} {
		_, section, found := strings.Cut(string(text), "\n["+profile+".deploy.parameters]\n")
		section, _, _ = strings.Cut(section, "\n[")
		if !found || !strings.Contains(section, `tags = "service=entrawebex environment=`+profile+`"`) {
			t.Errorf("%s has no tags:\n%s", profile, section)
		}
		overrides := regexp.MustCompile(`(?m)^parameter_overrides = "(.+)"$`).FindStringSubmatch(section)
		if overrides == nil {
			t.Fatalf("%s sets no parameters", profile)
		}
		for set := range strings.FieldsSeq(overrides[1]) {
			name, value, _ := strings.Cut(set, "=")
			parameter := at(template, "Parameters", name)
			allowed, limited := at(parameter, "AllowedValues").([]any)
			if parameter == nil || limited && !slices.ContainsFunc(allowed, func(v any) bool { return fmt.Sprint(v) == value }) {
				t.Errorf("%s sets %s", profile, set)
			}
		}
	}
}

// What docs/deploy.md says of the template is so.
func TestThePageOfDeploymentSaysWhatTheTemplateDoes(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	template := readTemplate(t)
	for _, function := range []string{"Webhook", "Worker"} {
		name, _ := at(template, "Resources", function+"ErrorsAlarm", "Properties", "AlarmName", "Fn::Sub").(string)
		if code := "`" + strings.TrimPrefix(name, "${AWS::StackName}-") + "`"; !strings.Contains(string(page), code) {
			t.Errorf("it does not name the alarm %s", code)
		}
	}
	_, pipeline, _ := strings.Cut(string(page), "```yaml\n")
	pipeline, _, _ = strings.Cut(pipeline, "```")
	var workflow struct {
		Jobs map[string]struct {
			Steps []map[string]any `yaml:"steps"`
		} `yaml:"jobs"`
	}
	if err := yaml.Unmarshal([]byte(pipeline), &workflow); err != nil {
		t.Fatal(err)
	}
	steps := workflow.Jobs["deploy"].Steps
	if len(steps) == 0 {
		t.Fatal("the pipeline does nothing")
	}
	deploy := fmt.Sprint(steps[len(steps)-1]["run"])
	_, overrides, _ := strings.Cut(deploy, "--parameter-overrides ")
	set := regexp.MustCompile(`([A-Z]\w+)=`).FindAllStringSubmatch(overrides, -1)
	given := map[string]bool{"CodeBucket": true}
	for _, parameter := range set {
		if name := parameter[1]; name != "CodeBucket" && at(template, "Parameters", name) == nil {
			t.Errorf("there is no parameter %s", name)
		}
		given[parameter[1]] = true
	}
	for name, parameter := range at(template, "Parameters").(object) {
		if at(parameter, "Default") == nil && !given[name] {
			t.Errorf("the pipeline does not say %s", name)
		}
	}
}
