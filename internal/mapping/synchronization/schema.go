// Package synchronization turns the synchronization schema of Entra's provisioning
// service into a mapping file, and back: what the portal's schema editor downloads,
// and what Graph answers to
// GET /servicePrincipals/{id}/synchronization/jobs/{id}/schema
// (https://learn.microsoft.com/graph/api/resources/synchronization-synchronizationschema).
//
// Nothing is lost silently: what cannot be had on the other side is a Finding.
package synchronization

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// maxSchema is how many bytes a file with a schema may have. Most of it are the
// directories, with an entry for each attribute that either side knows.
const maxSchema = 32 << 20

// Schema is a synchronizationSchema, as far as a mapping file has to do with it.
type Schema struct {
	Directories []directory `json:"directories"`
	Rules       []rule      `json:"synchronizationRules"`
}

// directory is a directoryDefinition: what there is in a directory.
type directory struct {
	Name    string             `json:"name"`
	Objects []objectDefinition `json:"objects"`
}

type objectDefinition struct {
	Name       string                `json:"name"`
	Attributes []attributeDefinition `json:"attributes"`
}

type attributeDefinition struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required"`
}

// rule is a synchronizationRule: what flows from one directory to another.
type rule struct {
	Name            string          `json:"name"`
	Priority        int             `json:"priority"` // the lowest one goes first
	SourceDirectory string          `json:"sourceDirectoryName"`
	TargetDirectory string          `json:"targetDirectoryName"`
	ObjectMappings  []objectMapping `json:"objectMappings"`
}

type objectMapping struct {
	Name         string  `json:"name"`
	Enabled      *bool   `json:"enabled"` // nil is true
	FlowTypes    string  `json:"flowTypes"`
	SourceObject string  `json:"sourceObjectName"`
	TargetObject string  `json:"targetObjectName"`
	Scope        *filter `json:"scope"`

	AttributeMappings []attributeMapping `json:"attributeMappings"`
}

// filter is a scoping filter: groups of clauses, any of which lets an object pass.
type filter struct {
	Groups []filterGroup `json:"groups"`
	// InputGroups and CategoryGroups are further filters, "experimental", that an
	// object has to pass as well.
	InputGroups    []filterGroup `json:"inputFilterGroups"`
	CategoryGroups []filterGroup `json:"categoryFilterGroups"`
}

type filterGroup struct {
	Name    string         `json:"name"`
	Clauses []filterClause `json:"clauses"`
}

type filterClause struct {
	Operator string  `json:"operatorName"`
	Source   string  `json:"sourceOperandName"`
	Target   operand `json:"targetOperand"`
}

type operand struct {
	Values []string `json:"values"`
}

type attributeMapping struct {
	DefaultValue     *string `json:"defaultValue"`
	ExportMissing    bool    `json:"exportMissingReferences"`
	FlowBehavior     string  `json:"flowBehavior"`
	FlowType         string  `json:"flowType"`
	MatchingPriority int     `json:"matchingPriority"` // 0 for none
	Target           string  `json:"targetAttributeName"`
	Source           *source `json:"source"` // nil: nothing but the default value
}

// source is an attributeMappingSource. Its parameters are the expression once more.
type source struct {
	Expression string     `json:"expression"`
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	Parameters []struct{} `json:"parameters"`
}

// wrapper is what a schema is found in: itself, an answer of Graph with one or more
// schemas, templates or jobs, or one of these, which have it as a member.
type wrapper struct {
	Rules  json.RawMessage `json:"synchronizationRules"`
	Value  json.RawMessage `json:"value"`
	Schema json.RawMessage `json:"schema"`
}

// Decode reads a schema from JSON, bare or as Graph wraps it, in UTF-8, or in UTF-16
// as PowerShell writes a file. Names are taken in any case, since PowerShell's begin
// with a capital.
func Decode(data []byte) (Schema, error) {
	if len(data) > maxSchema {
		return Schema{}, fmt.Errorf("the file has %d bytes, and at most %d are read", len(data), maxSchema)
	}
	text, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), data)
	if err != nil {
		return Schema{}, fmt.Errorf("decode the file: %w", err)
	}
	found, err := unwrap(text, 0)
	if err != nil {
		return Schema{}, err
	}
	if len(found) != 1 {
		return Schema{}, fmt.Errorf("the file holds %d synchronization schemas, and one is wanted: download that of the provisioning job "+
			"(Provisioning, Attribute mapping, Advanced options, Edit schema)", len(found))
	}
	return found[0], nil
}

// unwrap returns the schemas in a JSON text.
func unwrap(text []byte, depth int) ([]Schema, error) {
	const deepest = 4 // a list of templates: the answer, the list, the template, its schema
	if text = bytes.TrimSpace(text); depth > deepest || len(text) == 0 || bytes.Equal(text, []byte("null")) {
		return nil, nil
	}
	if text[0] == '[' {
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, unreadable(err)
		}
		var found []Schema
		for _, one := range list {
			inside, err := unwrap(one, depth+1)
			if err != nil {
				return nil, err
			}
			found = append(found, inside...)
		}
		return found, nil
	}
	var w wrapper
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, unreadable(err)
	}
	switch {
	case w.Rules != nil:
		var s Schema
		if err := json.Unmarshal(text, &s); err != nil {
			return nil, unreadable(err)
		}
		slices.SortStableFunc(s.Rules, func(a, b rule) int { return a.Priority - b.Priority })
		return []Schema{s}, nil
	case w.Schema != nil:
		return unwrap(w.Schema, depth+1)
	default:
		return unwrap(w.Value, depth+1)
	}
}

func unreadable(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("this is no synchronization schema: %s is %s", wrong.Field, wrong.Value)
	}
	return fmt.Errorf("this is not JSON: %w", err)
}

// is reports whether two names of the schema are the same.
func is(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), b) }

// isEntra reports whether a directory is Entra's own.
func isEntra(directory string) bool {
	return is(directory, "Azure Active Directory") || is(directory, "Microsoft Entra ID")
}

// required are the target attributes, in lower case, without which Entra provisions no
// object: where one has no value, "the default value will be used. If default the value
// was not set, synchronization will record an error", says
// https://learn.microsoft.com/graph/api/resources/synchronization-attributedefinition.
func (s Schema) required(directoryName, objectName string) map[string]bool {
	names := map[string]bool{}
	for _, d := range s.Directories {
		for _, o := range d.Objects {
			if d.Name != directoryName || o.Name != objectName {
				continue
			}
			for _, a := range o.Attributes {
				if a.Required {
					names[strings.ToLower(a.Name)] = true
				}
			}
		}
	}
	return names
}
