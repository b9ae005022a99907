package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// template writes the template for the archives: it builds nothing, and takes the
// functions from a bucket.
func (r *release) template(context.Context) error {
	text, err := os.ReadFile(filepath.Join(r.root, "template.yaml"))
	if err != nil {
		return err
	}
	packaged, err := packagedTemplate(text, r.version)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.to, "template.yaml"), packaged, 0o644)
}

// script copies what makes the app registration, which goes before a deployment.
func (r *release) script(context.Context) error {
	text, err := os.ReadFile(filepath.Join(r.root, "infra", "register-app.sh"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.to, "register-app.sh"), text, 0o755)
}

// bucket is what the packaged template asks for beside the parameters of the other.
const bucket = `
Parameters:
  CodeBucket:
    Type: String
    Description: The bucket in the stack's region that has the functions' archives, below entrawebex/VERSION/.
    MinLength: 3
Group:
  Label: { default: Where the functions are }
  Parameters:
    - CodeBucket
Label:
  CodeBucket: { default: "Bucket" }
`

// packagedTemplate returns a template for SAM with its functions in a bucket.
func packagedTemplate(text []byte, version string) ([]byte, error) {
	var document, more yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal([]byte(bucket), &more); err != nil {
		return nil, err
	}
	template, asked := document.Content[0], more.Content[0]
	at(template, "Description").Value += " Version " + version + "."
	for _, from := range []struct{ more, to *yaml.Node }{
		{at(asked, "Parameters"), at(template, "Parameters")},
		{at(asked, "Label"), at(template, "Metadata", "AWS::CloudFormation::Interface", "ParameterLabels")},
	} {
		from.to.Content = append(from.to.Content, from.more.Content...)
	}
	groups := at(template, "Metadata", "AWS::CloudFormation::Interface", "ParameterGroups")
	groups.Content = append(groups.Content, at(asked, "Group"))
	without(at(template, "Globals", "Function"), "CodeUri")
	for pair := range slices.Chunk(at(template, "Resources").Content, 2) {
		name, resource := pair[0].Value, pair[1]
		if at(resource, "Type").Value != "AWS::Serverless::Function" {
			continue
		}
		without(resource, "Metadata")
		var code yaml.Node
		archive := strings.ToLower(strings.TrimSuffix(name, "Function"))
		if err := yaml.Unmarshal(fmt.Appendf(nil, "CodeUri:\n  Bucket: !Ref CodeBucket\n  Key: entrawebex/%s/%s.zip\n", version, archive), &code); err != nil {
			return nil, err
		}
		properties := at(resource, "Properties")
		properties.Content = append(code.Content[0].Content, properties.Content...)
	}
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	const indent = 2
	encoder.SetIndent(indent)
	err := encoder.Encode(&document)
	return b.Bytes(), err
}

// at is what stands at a path of keys, which are there.
func at(node *yaml.Node, keys ...string) *yaml.Node {
	for _, key := range keys {
		node = node.Content[slices.IndexFunc(node.Content, func(n *yaml.Node) bool { return n.Value == key })+1]
	}
	return node
}

// without takes a key, which is there, and its value out of a mapping.
func without(mapping *yaml.Node, key string) {
	i := slices.Index(mapping.Content, at(mapping, key))
	mapping.Content = slices.Delete(mapping.Content, i-1, i+1)
}

// notes writes the release notes: what CHANGELOG.md says of the version, or, until it
// names it, of what is unreleased.
func (r *release) notes(context.Context) error {
	changelog, err := os.ReadFile(filepath.Join(r.root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	notes, err := releaseNotes(string(changelog), r.version)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.to, "RELEASE_NOTES.md"), []byte(notes), 0o644)
}

func releaseNotes(changelog, version string) (string, error) {
	for _, heading := range []string{version, "Unreleased"} {
		for section := range strings.SplitSeq(changelog, "\n## ") {
			title, text, _ := strings.Cut(section, "\n")
			if name, _, _ := strings.Cut(title, " "); name == heading {
				return "# entrawebex " + version + "\n\n" + strings.TrimSpace(text) + "\n", nil
			}
		}
	}
	return "", fmt.Errorf("CHANGELOG.md has no section %s, and none that is called Unreleased", version)
}
