// Package cloud is AWS as far as a stack of template.yaml needs it, over HTTP, for tests:
// what CloudFormation and Lambda tell of the stack, its secrets, and who may do what, by
// the policies of the template itself. Queues and tables are emulators' behind it.
package cloud

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Object is a YAML mapping. An intrinsic function is one with a single key, as in the
// template's JSON form: !Ref X is {"Ref": "X"}, !GetAtt X.Y is {"Fn::GetAtt": "X.Y"}.
type Object = map[string]any

// ReadTemplate reads a template of CloudFormation, in which no key may be twice.
func ReadTemplate(path string) (Object, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	v, err := value(document.Content[0])
	template, _ := v.(Object)
	return template, err
}

func value(n *yaml.Node) (any, error) {
	if tag := n.ShortTag(); !strings.HasPrefix(tag, "!!") {
		n.Tag = ""
		if tag != "!Ref" {
			tag = "!Fn::" + tag[1:]
		}
		v, err := value(n)
		return Object{tag[1:]: v}, err
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := Object{}
		for pair := range slices.Chunk(n.Content, 2) {
			if _, twice := m[pair[0].Value]; twice {
				return nil, fmt.Errorf("line %d: %s is there twice", pair[0].Line, pair[0].Value)
			}
			v, err := value(pair[1])
			if err != nil {
				return nil, err
			}
			m[pair[0].Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		var list []any
		for _, item := range n.Content {
			v, err := value(item)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	default:
		var scalar any
		if err := n.Decode(&scalar); err != nil {
			return nil, fmt.Errorf("line %d: %w", n.Line, err)
		}
		return scalar, nil
	}
}

// At returns what stands at a path of keys; nil if there is nothing.
func At(v any, keys ...string) any {
	for _, key := range keys {
		m, _ := v.(Object)
		v = m[key]
	}
	return v
}

// List is v if it is a list, else a list of it.
func List(v any) []any {
	if items, ok := v.([]any); ok {
		return items
	}
	return []any{v}
}

// The place where every stack is.
const (
	Region  = "eu-central-1"
	Account = "000000000000"
)

// Stack is a stack that was made of a template.
type Stack struct {
	Template   Object
	Name       string
	Parameters map[string]string
	// Made are what Ref gives of resources that were made with names of their own.
	Made map[string]string
}

var substitution = regexp.MustCompile(`\$\{([^}]+)\}`)

// Resolve returns the text that a value of the template has in the stack.
func (s *Stack) Resolve(v any) string {
	v = s.chosen(v)
	if name, ok := At(v, "Ref").(string); ok {
		return s.ref(name)
	}
	if name, ok := At(v, "Fn::GetAtt").(string); ok {
		return s.attribute(name)
	}
	if text, ok := At(v, "Fn::Sub").(string); ok {
		return substitution.ReplaceAllStringFunc(text, func(match string) string {
			name := match[2 : len(match)-1]
			if strings.Contains(name, ".") {
				return s.attribute(name)
			}
			return s.ref(name)
		})
	}
	return fmt.Sprint(v)
}

// chosen is v, or of a choice what the stack's conditions choose.
func (s *Stack) chosen(v any) any {
	choice, ok := At(v, "Fn::If").([]any)
	switch {
	case !ok:
		return v
	case s.holds(At(s.Template, "Conditions", fmt.Sprint(choice[0]))):
		return s.chosen(choice[1])
	default:
		return s.chosen(choice[2])
	}
}

// holds reports whether a condition does.
func (s *Stack) holds(condition any) bool {
	if not, ok := At(condition, "Fn::Not").([]any); ok {
		return !s.holds(not[0])
	}
	same, ok := At(condition, "Fn::Equals").([]any)
	return ok && s.Resolve(same[0]) == s.Resolve(same[1])
}

func (s *Stack) ref(name string) string {
	if text, ok := s.Parameters[name]; ok {
		return text
	}
	if text, ok := s.Made[name]; ok {
		return text
	}
	if parameter := At(s.Template, "Parameters", name); parameter != nil {
		return fmt.Sprint(At(parameter, "Default"))
	}
	if pseudo, ok := strings.CutPrefix(name, "AWS::"); ok {
		return map[string]string{"StackName": s.Name, "Region": Region, "AccountId": Account, "Partition": "aws", "URLSuffix": "amazonaws.com"}[pseudo]
	}
	resource := At(s.Template, "Resources", name)
	switch At(resource, "Type") {
	case "AWS::SecretsManager::Secret":
		return s.arn("secretsmanager", "secret:"+name)
	case "AWS::IAM::ManagedPolicy":
		return "arn:aws:iam::" + Account + ":policy/" + s.Name + "-" + name
	}
	for _, key := range []string{"FunctionName", "LogGroupName", "QueueName"} {
		if given := At(resource, "Properties", key); given != nil {
			return s.Resolve(given)
		}
	}
	return s.Name + "-" + name
}

func (s *Stack) arn(service, resource string) string {
	return "arn:aws:" + service + ":" + Region + ":" + Account + ":" + resource
}

// attribute is what Fn::GetAtt gives of X.Y.
func (s *Stack) attribute(name string) string {
	name, attribute, _ := strings.Cut(name, ".")
	ref := s.ref(name)
	switch At(s.Template, "Resources", name, "Type") {
	case "AWS::SQS::Queue":
		queue := ref[strings.LastIndex(ref, "/")+1:]
		if attribute == "QueueName" {
			return queue
		}
		return s.arn("sqs", queue)
	case "AWS::DynamoDB::Table":
		return s.arn("dynamodb", "table/"+ref)
	case "AWS::Serverless::Function":
		return s.arn("lambda", "function:"+ref)
	case "AWS::Lambda::EventSourceMapping":
		return s.arn("lambda", "event-source-mapping:"+ref)
	default:
		return ref + "." + attribute
	}
}

// Outputs are the stack's.
func (s *Stack) Outputs() map[string]string {
	outputs := map[string]string{}
	all, _ := s.Template["Outputs"].(Object)
	for name, output := range all {
		outputs[name] = s.Resolve(At(output, "Value"))
	}
	return outputs
}

// Environment are the variables of a function, by its name in the template.
func (s *Stack) Environment(function string) map[string]string {
	variables := map[string]string{}
	for _, from := range []any{
		At(s.Template, "Globals", "Function", "Environment", "Variables"),
		At(s.Template, "Resources", function, "Properties", "Environment", "Variables"),
	} {
		given, _ := from.(Object)
		for name, v := range given {
			variables[name] = s.Resolve(v)
		}
	}
	return variables
}

// Call is an action on a resource, as IAM names both.
type Call struct{ Action, Resource string }

// Allowed are what the role or managed policy of that name in the template allows.
func (s *Stack) Allowed(policy string) []Call {
	var allowed []Call
	for _, document := range s.documents(policy) {
		for _, statement := range List(At(document, "Statement")) {
			statement = s.chosen(statement)
			for _, action := range List(At(statement, "Action")) {
				for _, resource := range List(At(statement, "Resource")) {
					if text, ok := action.(string); ok {
						allowed = append(allowed, Call{text, s.Resolve(resource)})
					}
				}
			}
		}
	}
	return allowed
}

// documents are those of a role or managed policy: its own, and those that are attached to
// it in this stack.
func (s *Stack) documents(policy string) []any {
	properties := At(s.Template, "Resources", policy, "Properties")
	documents := []any{At(properties, "PolicyDocument")}
	if inline, ok := At(properties, "Policies").([]any); ok {
		for _, one := range inline {
			documents = append(documents, At(one, "PolicyDocument"))
		}
	}
	resources, _ := s.Template["Resources"].(Object)
	for _, resource := range resources {
		condition, conditional := At(resource, "Condition").(string)
		if At(resource, "Type") != "AWS::IAM::Policy" || conditional && !s.holds(At(s.Template, "Conditions", condition)) {
			continue
		}
		for _, role := range List(At(resource, "Properties", "Roles")) {
			if At(role, "Ref") == policy {
				documents = append(documents, At(resource, "Properties", "PolicyDocument"))
			}
		}
	}
	return documents
}

// Covers reports whether what is allowed covers a call. A * stands at the end only.
func (c Call) Covers(call Call) bool {
	prefix, open := strings.CutSuffix(c.Resource, "*")
	return c.Action == call.Action && (c.Resource == call.Resource || open && strings.HasPrefix(call.Resource, prefix))
}
