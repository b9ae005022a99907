// Package mapping computes what Webex should hold from what Entra holds: which
// attribute becomes which, by rules that are data.
//
// Values travel as a flat map from SCIM path to value, such as
// {"name.givenName": "Ada", `emails[type eq "work"].value`: "ada@example.com"}.
package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Mapping is the attribute mapping of one kind of object.
type Mapping struct {
	rules    []rule
	matching path
}

type rule struct {
	target   path
	source   expression
	required bool
	email    bool
}

// file is the form a mapping is written in.
type file struct {
	Users []struct {
		Target     string `yaml:"target"`
		Source     string `yaml:"source"`
		Expression string `yaml:"expression"`
		Constant   any    `yaml:"constant"`
		Matching   int    `yaml:"matching"`
		Required   bool   `yaml:"required"`
		Format     string `yaml:"format"`
	} `yaml:"users"`
}

const maxFile = 1 << 20 // bytes

// Parse reads the mapping of users from YAML. It says which rule is wrong and
// what is wrong with it.
func Parse(data []byte) (Mapping, error) {
	if len(data) > maxFile {
		return Mapping{}, fmt.Errorf("parse mapping: %d bytes, more than %d", len(data), maxFile)
	}
	var f file
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	if err := decoder.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return Mapping{}, fmt.Errorf("parse mapping: %w", err)
	}
	var m Mapping
	for i, u := range f.Users {
		target, err := parsePath(u.Target)
		if err != nil {
			return Mapping{}, fmt.Errorf("parse mapping: users rule %d: %w", i+1, err)
		}
		if slices.ContainsFunc(m.rules, func(r rule) bool { return r.target.text == u.Target }) {
			return Mapping{}, fmt.Errorf("parse mapping: %s is mapped twice", u.Target)
		}
		r := rule{target: target, required: u.Required, email: u.Format == "email"}
		switch {
		case u.Source != "" && u.Expression == "" && u.Constant == nil:
			r.source = attribute(u.Source)
		case u.Source == "" && u.Expression != "" && u.Constant == nil:
			if r.source, err = parseExpression(u.Expression); err != nil {
				return Mapping{}, fmt.Errorf("parse mapping: %s: %w", u.Target, err)
			}
		case u.Source == "" && u.Expression == "" && u.Constant != nil:
			r.source = constant{u.Constant}
		default:
			return Mapping{}, fmt.Errorf("parse mapping: %s: give one of source, expression and constant", u.Target)
		}
		if u.Format != "" && !r.email {
			return Mapping{}, fmt.Errorf("parse mapping: %s: unknown format %q; there is email", u.Target, u.Format)
		}
		if u.Matching > 0 {
			m.matching = target
		}
		m.rules = append(m.rules, r)
	}
	if m.matching.text != "userName" {
		return Mapping{}, errors.New("parse mapping: users need one rule with matching: 1, and its target is userName")
	}
	return m, nil
}

// Select returns the Graph attributes the mapping reads, sorted: what to name
// in $select.
func (m Mapping) Select() []string {
	names := []string{"id", "accountEnabled"}
	for _, r := range m.rules {
		for _, name := range r.source.reads(nil) {
			if name = graphName(name); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Map computes the values an account should have. Attributes are Graph's, and
// IsSoftDeleted, which the caller computes. An attribute without a value is
// left out: clearing it in Entra clears nothing in Webex, as with Entra's own
// service. The error names the attribute at fault and never its value.
func (m Mapping) Map(attributes map[string]any) (map[string]any, error) {
	values := make(map[string]any, len(m.rules))
	for _, r := range m.rules {
		v, err := r.source.value(attributes)
		if err != nil {
			return nil, fmt.Errorf("map %s: %w", r.target.text, err)
		}
		if v == nil || v == "" {
			if r.required {
				return nil, fmt.Errorf("map %s: Entra has no value for %s", r.target.text,
					strings.Join(r.source.reads(nil), ", "))
			}
			continue
		}
		if r.email && !isAddress(v) {
			return nil, fmt.Errorf("map %s: the value is not an e-mail address", r.target.text)
		}
		values[r.target.text] = v
	}
	return values, nil
}

// Resource returns the SCIM resource that has these values.
func (m Mapping) Resource(values map[string]any) map[string]any {
	resource := map[string]any{}
	for _, r := range m.rules {
		if v, ok := values[r.target.text]; ok {
			r.target.set(resource, v)
		}
	}
	return resource
}

// Values returns what a SCIM resource has at the mapped paths.
func (m Mapping) Values(resource map[string]any) map[string]any {
	values := make(map[string]any, len(m.rules))
	for _, r := range m.rules {
		if v, ok := r.target.get(resource); ok {
			values[r.target.text] = v
		}
	}
	return values
}

// PatchOperation is one operation of a SCIM PATCH (RFC 7644 section 3.5.2).
type PatchOperation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// Diff returns the smallest PATCH that turns have into want, and the paths it
// changes. What want does not name is left alone. An element of a multi-valued
// attribute of which have knows nothing is added as a whole: a replace would
// have no target.
func (m Mapping) Diff(have, want map[string]any) (patch []PatchOperation, changed []string) {
	known, added := map[string]bool{}, map[string]map[string]any{}
	for _, r := range m.rules {
		if _, ok := have[r.target.text]; ok {
			known[r.target.element()] = true
		}
	}
	for _, r := range m.rules {
		v, ok := want[r.target.text]
		if !ok || reflect.DeepEqual(have[r.target.text], v) {
			continue
		}
		changed = append(changed, r.target.text)
		element := r.target.element()
		if element == "" || known[element] {
			patch = append(patch, PatchOperation{Op: "replace", Path: r.target.text, Value: v})
			continue
		}
		if at, ok := added[element]; ok {
			at[r.target.sub] = v
			continue
		}
		added[element] = map[string]any{r.target.key: r.target.keyValue, r.target.sub: v}
		patch = append(patch, PatchOperation{Op: "add", Path: r.target.container(), Value: []any{added[element]}})
	}
	return patch, changed
}

func isAddress(v any) bool {
	const maxUserName = 254 // characters; Webex's schema of userName
	s, ok := v.(string)
	if !ok || len(s) > maxUserName {
		return false
	}
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

// graphName is an attribute's name in Graph, given its name in Entra's
// attribute mappings.
func graphName(name string) string {
	switch name {
	case "objectId":
		return "id"
	case "IsSoftDeleted":
		return "accountEnabled"
	case "originalUserPrincipalName":
		return "userPrincipalName"
	default:
		return name
	}
}

func source(attributes map[string]any, name string) any {
	switch name {
	case "userPrincipalName":
		upn, _ := attributes[name].(string)
		return guestAddress(upn)
	case "IsSoftDeleted":
		return attributes[name]
	default:
		return attributes[graphName(name)]
	}
}

// guestAddress turns a guest's alias_domain#EXT#@tenant into alias@domain, as
// Entra's own service does ("How provisioning works: B2B (guest) users"), and
// returns every other name as it is.
func guestAddress(upn string) string {
	home, _, guest := strings.Cut(upn, "#EXT#@")
	at := strings.LastIndexByte(home, '_') // a domain has no underscore, an alias may
	if !guest || at < 0 {
		return upn
	}
	return home[:at] + "@" + home[at+1:]
}
