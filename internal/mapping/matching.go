package mapping

import "strings"

// Name is the SCIM path whose value is unique in Webex, or by which a group is known.
// It is always a matching attribute.
func (m Mapping) Name() string {
	if m.state == groupState {
		return "displayName"
	}
	return "userName"
}

// Matching are the targets by which what is in Webex already is found, in their
// precedence.
func (m Mapping) Matching() []string {
	targets := make([]string, len(m.matching))
	for i, at := range m.matching {
		targets[i] = m.rules[at].target.text
	}
	return targets
}

// Criterion is a value of a matching attribute. What meets it in Webex is taken for the
// object that is to have the value.
type Criterion struct {
	target path
	value  string
}

// Criteria are those that an object with these values is looked for by, in their
// precedence. An attribute without a value is skipped.
func (m Mapping) Criteria(values map[string]any) []Criterion {
	criteria := make([]Criterion, 0, len(m.matching))
	for _, at := range m.matching {
		target := m.rules[at].target
		if c := criterion(target, values[target.text]); c.value != "" {
			criteria = append(criteria, c)
		}
	}
	return criteria
}

// Meets are the criteria that a SCIM resource meets.
func (m Mapping) Meets(resource map[string]any) []Criterion {
	var criteria []Criterion
	for _, at := range m.matching {
		target := m.rules[at].target
		for _, v := range target.all(resource) {
			if c := criterion(target, v); c.value != "" {
				criteria = append(criteria, c)
			}
		}
	}
	return criteria
}

// criterion is one without a value if there is no text to look for. Webex takes outer
// blanks off.
func criterion(target path, value any) Criterion {
	text, _ := value.(string)
	return Criterion{target, strings.TrimSpace(text)}
}

// Target is the SCIM path of the attribute.
func (c Criterion) Target() string { return c.target.text }

// OfElement reports whether the attribute is of an element of a multi-valued one.
func (c Criterion) OfElement() bool { return c.target.key != "" }

// Filter is the filter of a search for what meets the criterion (RFC 7644 section
// 3.4.2.2). Elements of every type are searched, by the name that Cisco's table of
// searchable attributes has for them: emails.value.
func (c Criterion) Filter() string {
	return c.target.unpicked() + " eq " + literal(c.value)
}

// Key is the same for all criteria that mean the same: Webex's schema has none of the
// attributes as caseExact.
func (c Criterion) Key() string { return c.target.text + " " + strings.ToLower(c.value) }

// Met reports whether the resource meets the criterion, and whether it shows the
// attribute at all.
func (c Criterion) Met(resource map[string]any) (met, shown bool) {
	for _, v := range c.target.all(resource) {
		if criterion(c.target, v).Key() == c.Key() {
			return true, true
		}
	}
	return false, c.target.isShown(resource)
}
