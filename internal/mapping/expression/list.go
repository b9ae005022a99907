package expression

import (
	"errors"
	"strings"
)

// lists are the functions of several values.
func lists() []definition {
	return []definition{
		{
			signature: "AppRoleAssignmentsComplex([appRoleAssignments])", least: 1, most: 1, compile: roles("displayName"),
			does: "The app roles of a user as SCIM's roles, none of them primary; a role that was taken away in Entra stays in the target.",
		},
		{
			signature: "AssertiveAppRoleAssignmentsComplex([appRoleAssignments])", least: 1, most: 1, compile: roles("display"),
			does: "The app roles of a user as SCIM's roles, none of them primary, in place of all that the target has.",
		},
		{
			signature: "Count(attribute)", least: 1, most: 1, compile: always(count),
			does: "The number of values; 0 of null.",
		},
		{
			signature: "Item(attribute, index)", least: 2, most: 2, places: []int{1}, compile: always(item),
			does: "One of several values, counted from 1; null if there are fewer.",
		},
		{
			signature: "Join(separator, source1, source2, …)", least: 2, most: unlimited, compile: always(join),
			does: "The sources, and each of several values, with the separator between them. What is null or empty is left out, with its separator.",
		},
		{
			signature: "RemoveDuplicates(attribute)", least: 1, most: 1, compile: always(removeDuplicates),
			does: "The values, each once, the first of the same staying. Case matters.",
		},
		{
			signature: "SingleAppRoleAssignment([appRoleAssignments])", least: 1, most: 1, compile: singleRole,
			does: "The app role of a user; one of them if there are several.",
		},
		{
			signature: "Split(source, delimiter)", least: 2, most: 2, compile: always(split),
			does: "The parts of the source between the delimiters, without the spaces around them.",
		},
	}
}

func count(e *evaluation, args arguments) (any, error) {
	values, err := e.values(args.at(0))
	return int64(len(values)), err
}

func item(e *evaluation, args arguments) (any, error) {
	values, err := e.values(args.at(0))
	if err != nil {
		return nil, err
	}
	index, err := e.integer(args.at(1), "index")
	if err != nil {
		return nil, err
	}
	if index < 1 {
		return nil, errors.New("index counts from 1")
	}
	if index > int64(len(values)) {
		return null(), nil
	}
	return values[index-1], nil
}

func join(e *evaluation, args arguments) (any, error) {
	separator, _, err := e.text(args.at(0))
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for _, a := range args[1:] {
		values, err := e.values(a)
		if err != nil {
			return nil, err
		}
		for _, v := range values {
			text, _, err := asText(v)
			if err != nil {
				return nil, err
			}
			if text == "" {
				continue
			}
			if b.Len() > 0 {
				b.WriteString(separator)
			}
			b.WriteString(text)
			if b.Len() > MaxResult {
				return nil, errTooLong
			}
		}
	}
	return b.String(), nil
}

func removeDuplicates(e *evaluation, args arguments) (any, error) {
	v, err := args.at(0).value(e)
	values, several := v.([]any)
	if err != nil || !several {
		return v, err
	}
	seen := make(map[string]bool, len(values))
	unique := make([]any, 0, len(values))
	for _, v := range values {
		text, _, err := asText(v)
		if err != nil {
			return nil, err
		}
		if !seen[text] {
			seen[text] = true
			unique = append(unique, v)
		}
	}
	return unique, nil
}

func split(e *evaluation, args arguments) (any, error) {
	source, there, err := e.text(args.at(0))
	if err != nil || !there {
		return nil, err
	}
	delimiter, _, err := e.text(args.at(1))
	if err != nil {
		return nil, err
	}
	if delimiter == "" {
		return nil, errors.New("the delimiter is empty")
	}
	if source == "" {
		return []any{}, nil
	}
	parts := strings.Split(source, delimiter)
	values := make([]any, len(parts))
	for i, part := range parts {
		values[i] = strings.TrimSpace(part)
	}
	return values, nil
}

// ofRoles is the mistake of a function of app roles that is given anything else.
func ofRoles(args arguments) error {
	const name = "appRoleAssignments"
	if a, is := args[0].node.(attribute); !is || !strings.EqualFold(a.name, name) {
		return misplaced{errors.New("takes the app roles of a user; write [" + name + "]"), args[0].offset}
	}
	return nil
}

// roles compiles a function that makes SCIM's roles of the names of app roles,
// with a member of that name for what people see.
// https://learn.microsoft.com/entra/identity/app-provisioning/customize-application-attributes#provisioning-a-role-to-a-scim-app
func roles(display string) func(arguments) (compute, error) {
	return func(args arguments) (compute, error) {
		return func(e *evaluation) (any, error) {
			v, err := args[0].value(e)
			if err != nil || isNull(v) {
				return nil, err
			}
			names, err := e.values(args[0])
			if err != nil {
				return nil, err
			}
			list := make([]any, len(names))
			for i, name := range names {
				list[i] = map[string]any{"primary": false, "type": "WindowsAzureActiveDirectoryRole", display: name, "value": name}
			}
			return list, nil
		}, ofRoles(args)
	}
}

func singleRole(args arguments) (compute, error) {
	return func(e *evaluation) (any, error) {
		names, err := e.values(args[0])
		if err != nil || len(names) == 0 {
			return nil, err
		}
		return names[0], nil
	}, ofRoles(args)
}
