package mapping

import "strings"

// Patched returns what a PATCH that Diff made makes of a SCIM resource, which
// stays as it is.
func (m Mapping) Patched(resource map[string]any, patch []PatchOperation) map[string]any {
	patched, _ := copied(resource).(map[string]any)
	for _, op := range patch {
		if op.Op == "remove" {
			m.remove(patched, op.Path)
			continue
		}
		for _, r := range m.rules {
			if v, ok := r.target.written(op); ok {
				r.target.set(patched, v)
			}
		}
	}
	return patched
}

// remove carries out a removal: of an element, or of what stands at a path.
func (m Mapping) remove(resource map[string]any, at string) {
	for _, r := range m.rules {
		picks := Picks{r.target.element(): between(at)}
		switch {
		case r.target.key != "" && at == r.target.whole(picks):
			r.target.remove(resource)
			return
		case at == r.target.picked(picks):
			r.target.unset(resource)
			return
		}
	}
}

// written is the value that an operation writes at the path; false if none.
func (p path) written(op PatchOperation) (any, bool) {
	if op.Path == p.text || p.key != "" && op.Path == p.picked(Picks{p.element(): between(op.Path)}) {
		return p.patched(op.Value), true
	}
	elements, _ := op.Value.([]any)
	if op.Path != p.container() || p.key == "" {
		return nil, false
	}
	for _, element := range elements {
		if e, _ := element.(map[string]any); e[p.key] == p.keyValue {
			v, ok := e[p.sub]
			return v, ok
		}
	}
	return nil, false
}

// between is what the path has of a filter behind its first condition.
func between(path string) string {
	_, pick, _ := strings.Cut(path, " and ")
	if end := strings.LastIndexByte(pick, ']'); end >= 0 {
		return pick[:end]
	}
	return ""
}

// copied is a JSON value that shares nothing with v which could be written to.
func copied(v any) any {
	switch v := v.(type) {
	case map[string]any:
		c := make(map[string]any, len(v))
		for name, value := range v {
			c[name] = copied(value)
		}
		return c
	case []any:
		c := make([]any, len(v))
		for i, value := range v {
			c[i] = copied(value)
		}
		return c
	default:
		return v
	}
}
