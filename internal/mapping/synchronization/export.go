package synchronization

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"entrawebex/internal/change"
	"entrawebex/internal/mapping"
	"entrawebex/internal/mapping/expression"
	"entrawebex/internal/scoping"
)

// fileText is a mapping file as it is written. What it says is right: ParseFile has
// read it.
type fileText struct {
	Users  sectionText `yaml:"users"`
	Groups sectionText `yaml:"groups"`
}

type sectionText struct {
	Actions  actionsText `yaml:"actions"`
	Scope    yaml.Node   `yaml:"scope"`
	Mappings []lineText  `yaml:"mappings"`
}

type actionsText struct {
	Create *bool `yaml:"create"`
	Update *bool `yaml:"update"`
	Delete *bool `yaml:"delete"`
}

type lineText struct {
	Target      string    `yaml:"target"`
	Source      string    `yaml:"source"`
	Expression  string    `yaml:"expression"`
	Constant    yaml.Node `yaml:"constant"`
	Matching    int       `yaml:"matching"`
	Required    bool      `yaml:"required"`
	Default     yaml.Node `yaml:"default"`
	DefaultWhen string    `yaml:"defaultWhen"`
	Apply       string    `yaml:"apply"`
	WhenNull    string    `yaml:"whenNull"`
}

type clauseText struct {
	Attribute string    `yaml:"attribute"`
	Operator  string    `yaml:"operator"`
	Value     yaml.Node `yaml:"value"`
}

// The names of the schema, as Microsoft's page on Graph's provisioning API has them for
// an application with SCIM
// (https://learn.microsoft.com/entra/identity/app-provisioning/application-provisioning-configuration-api).
const (
	entraDirectory = "Azure Active Directory"
	webexDirectory = "Cisco Webex"
	ruleName       = "USERGROUP_OUTBOUND_USERGROUP"
	userObject     = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	groupObject    = "urn:ietf:params:scim:schemas:core:2.0:Group"
)

// Export makes a synchronization schema of a mapping file, as JSON, and says of each of
// the file's lines what became of it. The error is that of mapping.ParseFile.
func Export(name string, data []byte) ([]byte, []Finding, error) {
	if _, err := mapping.ParseFile(name, data); err != nil {
		return nil, nil, err
	}
	var text fileText
	if err := yaml.Unmarshal(data, &text); err != nil {
		return nil, nil, fmt.Errorf("read the mapping file: %w", err)
	}
	e := exporter{}
	e.finding(Differs, "", "", "the schema names directories and objects as Microsoft documents them: in the portal's schema editor put "+
		"attributeMappings, scope and flowTypes into the object mappings that are there")
	users := e.object(change.User, text.Users)
	groups := e.object(change.Group, text.Groups)
	groups.AttributeMappings = append(groups.AttributeMappings, attributeMapping{
		FlowBehavior: "FlowWhenChanged", FlowType: "Always", Target: "members", Source: attributeSource("members"),
	})
	e.finding(Differs, "groups", "members", "added: Entra wants a line for who is in a group")
	if e.functions {
		e.finding(Differs, "", "", "functions are written as expression, without the parameters that Graph makes of it: "+
			"POST …/schema/parseExpression answers them, and the portal makes them where an expression is pasted")
	}
	schema := Schema{
		Directories: []directory{{Name: entraDirectory, Objects: []objectDefinition{}}, {Name: webexDirectory, Objects: e.definitions}},
		Rules: []rule{{
			Name: ruleName, Priority: 1, SourceDirectory: entraDirectory, TargetDirectory: webexDirectory,
			ObjectMappings: []objectMapping{users, groups},
		}},
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		return nil, nil, fmt.Errorf("write the schema: %w", err)
	}
	return out.Bytes(), e.findings, nil
}

// exporter gathers what there is to say beside the object mappings.
type exporter struct {
	findings    []Finding
	definitions []objectDefinition
	functions   bool // there is one
}

func (e *exporter) finding(o Outcome, object, attribute, text string) {
	e.findings = append(e.findings, Finding{o, object, attribute, text})
}

// object makes an object mapping of a section.
func (e *exporter) object(kind change.Kind, s sectionText) objectMapping {
	source, target := "User", userObject
	if kind == change.Group {
		source, target = "Group", groupObject
	}
	m := objectMapping{Name: "Provision Microsoft Entra ID " + source + "s", SourceObject: source, TargetObject: target}
	on := true
	if m.FlowTypes = s.Actions.flowTypes(); m.FlowTypes == "" {
		on, m.FlowTypes = false, actionsText{}.flowTypes()
		e.finding(TakenOver, string(kind)+"s", "actions", "all are off: the object mapping is disabled")
	}
	m.Enabled = &on
	var whole bool
	if m.Scope, whole = e.scope(kind, s.Scope); !whole {
		on = false
		e.finding(Differs, string(kind)+"s", "actions", "the object mapping is disabled, since a part of the filter is missing, and without it others would be in scope")
	}
	definition := objectDefinition{Name: target}
	for _, l := range s.Mappings {
		made, attribute := e.line(kind, l)
		m.AttributeMappings = append(m.AttributeMappings, made)
		definition.Attributes = append(definition.Attributes, attribute)
	}
	e.definitions = append(e.definitions, definition)
	return m
}

// flowTypes are the actions that are on, in Entra's words.
func (a actionsText) flowTypes() string {
	var words []string
	for _, action := range []struct {
		is   *bool
		word string
	}{{a.Create, "Add"}, {a.Update, "Update"}, {a.Delete, "Delete"}} {
		if action.is == nil || *action.is {
			words = append(words, action.word)
		}
	}
	return strings.Join(words, ", ")
}

// line makes an attribute mapping of a line, and the definition of its target.
func (e *exporter) line(kind change.Kind, l lineText) (attributeMapping, attributeDefinition) {
	target, _ := mapping.TargetOf(kind, l.Target) // which is known
	definition := attributeDefinition{Name: target.Path, Type: "String", Required: l.Required || target.Needed}
	m := attributeMapping{
		FlowBehavior: "FlowWhenChanged", FlowType: "Always", MatchingPriority: l.Matching, Target: target.Path,
		Source: e.source(l, target), DefaultValue: textOf(l.Default, target),
	}
	if target.Boolean {
		definition.Type = "Boolean"
	}
	if l.Apply == "creation" {
		m.FlowType = "ObjectAddOnly"
	}
	var notes []string
	if l.DefaultWhen == "always" && !definition.Required {
		notes = append(notes, "defaultWhen: always is lost: in Entra a default is for creation alone")
	}
	if l.WhenNull == "clear" {
		notes = append(notes, "whenNull: clear is lost: Entra clears nothing")
	}
	if x, err := expression.Parse(m.Source.Expression); err == nil {
		for _, name := range x.Attributes() {
			if theirs := entraName(name); theirs != "" {
				notes = append(notes, fmt.Sprintf("Entra's name of %s is %s; write that", name, theirs))
			}
		}
	}
	if len(notes) == 0 {
		e.finding(TakenOver, string(kind)+"s", l.Target, m.Source.Expression)
	}
	for _, n := range notes {
		e.finding(Differs, string(kind)+"s", l.Target, n)
	}
	return m, definition
}

// source is where the values of a line come from.
func (e *exporter) source(l lineText, target mapping.Target) *source {
	if l.Source != "" {
		return attributeSource(l.Source)
	}
	if l.Expression == "" {
		return constantSource(*textOf(l.Constant, target))
	}
	switch key, value := plainly(l.Expression); key {
	case "source":
		return attributeSource(value)
	case "constant":
		return constantSource(value)
	}
	name, _, _ := strings.Cut(l.Expression, "(")
	e.functions = true // whose parameters have names that the signatures do not tell: Find for Replace's oldValue
	return &source{Expression: l.Expression, Name: strings.TrimSpace(name), Type: "Function", Parameters: []struct{}{}}
}

func attributeSource(name string) *source {
	return &source{Expression: "[" + name + "]", Name: name, Type: "Attribute", Parameters: []struct{}{}}
}

func constantSource(value string) *source {
	quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	return &source{Expression: quoted, Name: value, Type: "Constant", Parameters: []struct{}{}}
}

// textOf is a value of the file as Entra has it, a text; nil if there is none.
func textOf(n yaml.Node, target mapping.Target) *string {
	if n.IsZero() {
		return nil
	}
	s := n.Value
	switch {
	case target.Boolean && strings.EqualFold(s, "true"):
		s = "True"
	case target.Boolean && strings.EqualFold(s, "false"):
		s = "False"
	}
	return &s
}

// entraName is what Entra's mappings call an attribute that the file has by Graph's
// name; empty if that is the same.
func entraName(name string) string {
	return map[string]string{
		"id": "objectId", "mobilePhone": "mobile", "faxNumber": "facsimileTelephoneNumber", "officeLocation": "physicalDeliveryOfficeName",
		"onPremisesImmutableId": "immutableId", "onPremisesSyncEnabled": "dirSyncEnabled",
	}[name]
}

// scope makes a filter of the groups of clauses, whose comments are their titles, and
// reports whether it is all of them: a group with a clause that Entra does not have is
// left out.
func (e *exporter) scope(kind change.Kind, n yaml.Node) (f *filter, whole bool) {
	if len(n.Content) == 0 {
		return nil, true
	}
	whole = true
	f = &filter{InputGroups: []filterGroup{}, CategoryGroups: []filterGroup{}}
	for _, one := range n.Content {
		group := filterGroup{Name: strings.TrimPrefix(one.HeadComment, "# ")}
		var notes, clauses []string
		var lost []string
		for _, clause := range one.Content {
			var c clauseText
			if err := clause.Decode(&c); err != nil {
				continue // it is read
			}
			if scoping.IsRelation(c.Attribute) {
				lost = append(lost, c.Value.Value)
			}
			made, why := c.clause()
			group.Clauses = append(group.Clauses, made)
			clauses = append(clauses, strings.Join(append([]string{made.Source, made.Operator}, made.Target.Values...), " "))
			if why != "" {
				notes = append(notes, why)
			}
		}
		if len(lost) > 0 {
			whole = false
			e.finding(Lost, string(kind)+"s", "scope", strings.Join(clauses, " AND ")+" is left out: Entra does not filter by membership (IsMemberOf); assign "+
				strings.Join(lost, ", ")+" to the enterprise application there")
			continue
		}
		f.Groups = append(f.Groups, group)
		if len(notes) == 0 {
			e.finding(TakenOver, string(kind)+"s", "scope", strings.Join(clauses, " AND "))
		}
		for _, n := range notes {
			e.finding(Differs, string(kind)+"s", "scope", n)
		}
	}
	return f, whole
}

// clause is one in Entra's form, and why it is not the same there; empty if it is.
func (c clauseText) clause() (filterClause, string) {
	operator, unary := operatorOf(c.Operator)
	made := filterClause{Operator: operator, Source: c.Attribute, Target: operand{Values: []string{}}}
	if !unary {
		made.Target.Values = append(made.Target.Values, c.Value.Value)
	}
	_, err := strconv.Atoi(c.Value.Value)
	switch {
	case slices.Contains([]string{"userType", "otherMails", "proxyAddresses", "businessPhones", "imAddresses"}, c.Attribute):
		return made, "Entra does not filter by " + c.Attribute + "; take another attribute there"
	case strings.HasPrefix(operator, "Greater_Than") && err != nil:
		return made, "Entra's " + operator + " compares integers alone, and no dates; take another clause there"
	case entraName(c.Attribute) != "":
		return made, fmt.Sprintf("Entra's name of %s is %s; write that", c.Attribute, entraName(c.Attribute))
	default:
		return made, ""
	}
}
