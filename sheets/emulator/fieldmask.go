package emulator

import (
	"sort"
	"strings"
)

// mask is a parsed field mask: a tree of names. A nil mask, and a leaf, take everything below.
type mask map[string]mask

// parseMask reads every spelling that Google takes: commas, dots or slashes, nested (a,b), snake_case, "*".
// The error is nil or names the path that matches nothing in s.
func parseMask(fields string, s *schema) (mask, error) {
	if strings.TrimSpace(fields) == "" {
		return nil, nil
	}
	p := &maskParser{rest: fields}
	tree := mask{}
	if !p.list(tree) || p.rest != "" {
		return nil, maskError(fields)
	}
	if bad := canonical(tree, s, ""); bad != "" {
		return nil, maskError(bad)
	}
	if _, all := tree["*"]; all {
		return nil, nil
	}
	return tree, nil
}

func maskError(path string) error {
	return invalidFields("Request contains an invalid argument.", violation(path,
		"Error expanding 'fields' parameter. Cannot find matching fields for path '"+path+"'."))
}

type maskParser struct{ rest string }

func (p *maskParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\n") }

func (p *maskParser) list(into mask) bool {
	for {
		if !p.path(into) {
			return false
		}
		p.skip()
		if !strings.HasPrefix(p.rest, ",") {
			return true
		}
		p.rest = p.rest[1:]
	}
}

func (p *maskParser) path(into mask) bool {
	for {
		p.skip()
		n := strings.IndexAny(p.rest, ",.()/ \t\n")
		if n < 0 {
			n = len(p.rest)
		}
		if n == 0 {
			return false
		}
		name := p.rest[:n]
		p.rest = p.rest[n:]
		p.skip()
		sub, seen := into[name]
		if p.rest == "" || p.rest[0] == ',' || p.rest[0] == ')' {
			into[name] = nil
			return true
		}
		if !seen {
			sub = mask{}
			into[name] = sub
		}
		separator := p.rest[0]
		p.rest = p.rest[1:]
		if seen && sub == nil {
			sub = mask{} // the whole was asked for already; parse on and drop
		}
		if separator == '(' {
			if !p.list(sub) || !strings.HasPrefix(p.rest, ")") {
				return false
			}
			p.rest = p.rest[1:]
			return true
		}
		into = sub
	}
}

// canonical renames to lowerCamel in place and returns the first path that s does not have.
func canonical(tree mask, s *schema, path string) string {
	for s.kind == kindList {
		s = s.elem
	}
	names := make([]string, 0, len(tree))
	for name := range tree {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		sub := tree[name]
		if name == "*" || s.kind == kindMap || s.kind == kindAny {
			continue
		}
		known, field := s.field(name)
		if field == nil {
			return join(path, name)
		}
		if known != name {
			delete(tree, name)
			tree[known] = sub
		}
		if len(sub) > 0 {
			if bad := canonical(sub, field, join(path, name)); bad != "" {
				return bad
			}
			if _, all := sub["*"]; all {
				tree[known] = nil
			}
		}
	}
	return ""
}

// sub returns the mask below name and whether name is wanted at all.
func (m mask) sub(name string) (mask, bool) {
	if len(m) == 0 {
		return nil, true
	}
	s, ok := m[name]
	return s, ok
}

func (m mask) wants(name string) bool {
	_, ok := m.sub(name)
	return ok
}

// filter keeps what the mask names. Objects stay, empty if need be: an answer shows that they are there.
func (m mask) filter(v any) any {
	if len(m) == 0 {
		return v
	}
	switch v := v.(type) {
	case object:
		out := object{}
		for name, value := range v {
			if s, ok := m.sub(name); ok {
				out[name] = s.filter(value)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = m.filter(item)
		}
		return out
	}
	return v
}

// apply sets in old what the mask names to what it is in changes; absent there means cleared. A nil mask
// replaces the whole.
func (m mask) apply(old, changes object) object {
	if len(m) == 0 {
		return copyObject(changes)
	}
	out := copyObject(old)
	for name, sub := range m {
		value, present := changes[name]
		if len(sub) > 0 {
			oldChild, _ := old[name].(object)
			newChild, _ := value.(object)
			if oldChild == nil && newChild == nil {
				continue
			}
			out[name] = sub.apply(oldChild, newChild)
			continue
		}
		if present {
			out[name] = value
		} else {
			delete(out, name)
		}
	}
	return out
}
