package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"entrawebex/internal/sandbox/cloud"
)

// The packaged template differs from the other in where the functions' code is, and in
// nothing else.
func TestThePackagedTemplateTakesTheArchivesFromABucket(t *testing.T) {
	t.Parallel()
	const source = "../../template.yaml"
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	packaged, err := packagedTemplate(text, "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, packaged, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := cloud.ReadTemplate(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := cloud.ReadTemplate(source)
	if err != nil {
		t.Fatal(err)
	}
	asked := got["Metadata"].(cloud.Object)["AWS::CloudFormation::Interface"].(cloud.Object)
	groups := asked["ParameterGroups"].([]any)
	if last := groups[len(groups)-1]; !cmp.Equal(cloud.At(last, "Parameters"), []any{"CodeBucket"}) {
		t.Errorf("the console asks in the end for %v", last)
	}
	asked["ParameterGroups"] = groups[:len(groups)-1]
	if cloud.At(asked, "ParameterLabels", "CodeBucket", "default") == nil || cloud.At(got, "Parameters", "CodeBucket", "Type") != "String" {
		t.Error("the console does not ask for the bucket")
	}
	delete(asked["ParameterLabels"].(cloud.Object), "CodeBucket")
	delete(got["Parameters"].(cloud.Object), "CodeBucket")
	if description, ok := strings.CutSuffix(got["Description"].(string), " Version 1.2.3."); ok {
		got["Description"] = description
	}
	var archives []string
	for name, resource := range want["Resources"].(cloud.Object) {
		if cloud.At(resource, "Type") != "AWS::Serverless::Function" {
			continue
		}
		folder := strings.ToLower(strings.TrimSuffix(name, "Function"))
		archives = append(archives, folder)
		code := cloud.Object{"Bucket": cloud.Object{"Ref": "CodeBucket"}, "Key": "entrawebex/1.2.3/" + folder + ".zip"}
		if diff := cmp.Diff(code, cloud.At(got, "Resources", name, "Properties", "CodeUri")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		delete(cloud.At(got, "Resources", name, "Properties").(cloud.Object), "CodeUri")
		delete(resource.(cloud.Object), "Metadata")
	}
	delete(cloud.At(want, "Globals", "Function").(cloud.Object), "CodeUri")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what else differs (-want +got):\n%s", diff)
	}
	for _, name := range functions() {
		if !strings.Contains(strings.Join(archives, " "), name) {
			t.Errorf("the template has no function %s", name)
		}
	}
	if len(archives) != len(functions()) {
		t.Errorf("the template has %v, and %v are made", archives, functions())
	}
}

func TestReleaseNotesAreTheSectionOfTheVersion(t *testing.T) {
	t.Parallel()
	const changelog = "# Changelog\n\nWords.\n\n## Unreleased\n\n- New.\n\n## 1.1.0 (2026-11-01)\n\n- Middle.\n\n## 1.0.0\n\n- Old.\n"
	for version, want := range map[string]string{
		"1.0.0": "# entrawebex 1.0.0\n\n- Old.\n",
		"1.1.0": "# entrawebex 1.1.0\n\n- Middle.\n",
		"1.2.0": "# entrawebex 1.2.0\n\n- New.\n",
	} {
		if got, err := releaseNotes(changelog, version); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", version, got, err, want)
		}
	}
	if got, err := releaseNotes("# Changelog\n\n## 1.0.0\n\n- Old.\n", "2.0.0"); err == nil {
		t.Errorf("of what no section is about: %q", got)
	}
}
