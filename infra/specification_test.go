package infra_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// specification is what AWS publishes of CloudFormation's resources, as the
// npm package @aws-cdk/aws-service-spec carries it.
type specification struct {
	Schema struct {
		Resource struct {
			Entities []struct {
				Name       string         `json:"cloudFormationType"`
				Properties properties     `json:"properties"`
				Attributes map[string]any `json:"attributes"`
			} `json:"entities"`
		} `json:"resource"`
		TypeDefinition struct {
			Entities []struct {
				ID         string     `json:"$id"`
				Properties properties `json:"properties"`
			} `json:"entities"`
		} `json:"typeDefinition"`
	} `json:"schema"`
}

type properties map[string]struct {
	Type propertyType `json:"type"`
}

type propertyType struct {
	// Type is ref, array, map, union, json or the name of a scalar.
	Type      string `json:"type"`
	Reference struct {
		ID string `json:"$ref"`
	} `json:"reference"`
	Element *propertyType  `json:"element"`
	Types   []propertyType `json:"types"`
}

func readSpecification(t *testing.T) *specification {
	t.Helper()
	emulators := os.Getenv("EMULATORS_DIR")
	if emulators == "" {
		t.Skip("EMULATORS_DIR is not set: the property names in template.yaml are not compared with AWS's own")
	}
	data, err := os.ReadFile(filepath.Join(emulators, "node_modules/@aws-cdk/aws-service-spec/db.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var s specification
	if err := json.NewDecoder(unzipped).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return &s
}

func (s *specification) resource(name string) (properties, map[string]any) {
	for _, resource := range s.Schema.Resource.Entities {
		if resource.Name == name {
			return resource.Properties, resource.Attributes
		}
	}
	return nil, nil
}

func (s *specification) definition(id string) properties {
	for _, definition := range s.Schema.TypeDefinition.Entities {
		if definition.ID == id {
			return definition.Properties
		}
	}
	return nil
}

// misspelt returns the paths in v that have no place in a value with these
// properties.
func (s *specification) misspelt(path string, of properties, v any) []string {
	m, ok := v.(object)
	if !ok {
		return []string{path + " is no object"}
	}
	var wrong []string
	for name, item := range m {
		if property, ok := of[name]; ok {
			wrong = append(wrong, s.mistyped(path+"."+name, property.Type, item)...)
		} else {
			wrong = append(wrong, path+"."+name)
		}
	}
	return wrong
}

func (s *specification) mistyped(path string, of propertyType, v any) []string {
	if isIntrinsic(v) {
		return nil
	}
	switch of.Type {
	case "ref":
		return s.misspelt(path, s.definition(of.Reference.ID), v)
	case "array":
		items, ok := v.([]any)
		if !ok {
			return []string{path + " is no list"}
		}
		var wrong []string
		for i, item := range items {
			wrong = append(wrong, s.mistyped(fmt.Sprintf("%s[%d]", path, i), *of.Element, item)...)
		}
		return wrong
	case "map":
		var wrong []string
		for name, item := range v.(object) {
			wrong = append(wrong, s.mistyped(path+"."+name, *of.Element, item)...)
		}
		return wrong
	case "union":
		return s.fitsNone(path, of.Types, v)
	case "json":
		return nil
	default:
		switch v.(type) {
		case object, []any:
			return []string{path + " is no " + of.Type}
		}
		return nil
	}
}

// fitsNone returns what is wrong with v by the type it comes nearest to. JSON
// takes anything, so where another type says more, that one counts.
func (s *specification) fitsNone(path string, types []propertyType, v any) []string {
	strict := slices.DeleteFunc(slices.Clone(types), func(of propertyType) bool { return of.Type == "json" })
	if !slices.ContainsFunc(strict, func(of propertyType) bool { return of.Type == "ref" || of.Type == "array" }) {
		strict = types
	}
	var nearest []string
	for i, of := range strict {
		wrong := s.mistyped(path, of, v)
		if len(wrong) == 0 {
			return nil
		}
		if i == 0 || len(wrong) < len(nearest) {
			nearest = wrong
		}
	}
	return nearest
}

func isIntrinsic(v any) bool {
	m, ok := v.(object)
	if !ok || len(m) != 1 {
		return false
	}
	for key := range m {
		return key == "Ref" || strings.HasPrefix(key, "Fn::")
	}
	return false
}

// unlisted are properties of SAM's functions that its published form does not list
// ("AWS::Serverless::Function" and "Schedule", AWS SAM Developer Guide).
var unlisted = []string{".AutoPublishAliasAllProperties", ".Events.EveryMinute.Properties.RetryPolicy"}

func TestPropertiesAreSpeltAsAWSSpellsThem(t *testing.T) {
	t.Parallel()
	spec, template := readSpecification(t), readTemplate(t)
	all := template["Resources"].(object)
	for name, resource := range all {
		kind := at(resource, "Type").(string)
		known, _ := spec.resource(kind)
		if known == nil {
			t.Errorf("%s: there is no %s", name, kind)
			continue
		}
		got, _ := at(resource, "Properties").(object) // a topic has none
		switch kind {
		case function:
			known = spec.function(known)
		case "AWS::Serverless::HttpApi":
			known = spec.api(known)
		}
		for _, wrong := range spec.misspelt(name, known, got) {
			if kind != function || !slices.Contains(unlisted, wrong[len(name):]) {
				t.Error(wrong)
			}
		}
	}
	references(template, func(reference string) {
		name, attribute, found := strings.Cut(reference, ".")
		kind, _ := at(all, name, "Type").(string)
		if kind == function { // SAM makes one of Lambda's, whose attributes it has
			kind = "AWS::Lambda::Function"
		}
		_, attributes := spec.resource(kind)
		if published := at(all, name, "Type") == function && attribute == "Alias"; published {
			return // SAM's own
		}
		if found && attributes[attribute] == nil {
			t.Errorf("%s has no attribute %s", name, attribute)
		}
	})
}

// function returns the properties of a SAM function, with those that SAM hands
// on to Lambda and its published form does not list.
func (s *specification) function(sam properties) properties {
	known, _ := s.resource("AWS::Lambda::Function")
	merged := maps.Clone(known)
	maps.Copy(merged, sam)
	return merged
}

// api returns the properties of a SAM HTTP API, with those of its stage of which SAM's
// published form knows one only, or none.
func (s *specification) api(sam properties) properties {
	stage, _ := s.resource("AWS::ApiGatewayV2::Stage")
	merged := maps.Clone(sam)
	merged["AccessLogSettings"], merged["RouteSettings"] = stage["AccessLogSettings"], stage["RouteSettings"]
	return merged
}
