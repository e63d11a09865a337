package emulator

// object is a JSON object as it came from, or goes to, a client. Once stored in a book it is never changed in
// place: readers may still hold it.
type object = map[string]any

func child(o object, name string) object {
	c, _ := o[name].(object)
	return c
}

func text(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

func flag(o object, name string) bool {
	b, _ := o[name].(bool)
	return b
}

func list(o object, name string) []any {
	l, _ := o[name].([]any)
	return l
}

// integer tells a field that is absent from one that is zero, which proto JSON otherwise hides.
func integer(o object, name string) (int, bool) {
	switch n := o[name].(type) {
	case float64:
		return int(n), true
	case int:
		return n, true
	}
	return 0, false
}

func integerOr(o object, name string, fallback int) int {
	if n, ok := integer(o, name); ok {
		return n
	}
	return fallback
}

func copyObject(o object) object {
	c := make(object, len(o))
	for k, v := range o {
		c[k] = v
	}
	return c
}

// merged lays changes over base, objects field by field, anything else whole.
func merged(base, changes object) object {
	out := copyObject(base)
	for k, v := range changes {
		if sub, ok := v.(object); ok {
			if old, ok := out[k].(object); ok {
				out[k] = merged(old, sub)
				continue
			}
		}
		out[k] = v
	}
	return out
}
