package emulator

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/api/drive/v3"
	"google.golang.org/api/sheets/v4"
)

type fieldKind uint8

const (
	kindAny fieldKind = iota
	kindString
	kindInteger
	kindNumber
	kindBool
	kindMessage
	kindList
	kindMap
)

var kindNames = [...]string{"any", "TYPE_STRING", "TYPE_INT32", "TYPE_DOUBLE", "TYPE_BOOL", "message", "list", "map"}

func (k fieldKind) String() string { return kindNames[k] }

// schema describes one type of Google's API. It is read from the types of Google's own client, so that names,
// nesting and spelling are theirs, not ours.
type schema struct {
	kind   fieldKind
	name   string
	fields map[string]*schema
	elem   *schema
	quoted bool // a 64-bit integer, which proto JSON writes as a string
}

// schemas caches what was read by reflection. Types nest, some within themselves, so an entry is put in before
// its fields are filled, all under the one lock.
type schemas struct {
	mu    sync.Mutex
	known map[reflect.Type]*schema
}

var (
	sheetsSchema  = &schemas{known: map[reflect.Type]*schema{}}
	spreadsheetOf = schemaOf[sheets.Spreadsheet]()
	driveFileOf   = schemaOf[drive.File]()
)

func schemaOf[T any]() *schema {
	sheetsSchema.mu.Lock()
	defer sheetsSchema.mu.Unlock()
	return sheetsSchema.read(reflect.TypeFor[T]())
}

func (c *schemas) read(t reflect.Type) *schema {
	switch t.Kind() {
	case reflect.Pointer:
		return c.read(t.Elem())
	case reflect.String:
		return &schema{kind: kindString}
	case reflect.Bool:
		return &schema{kind: kindBool}
	case reflect.Int64:
		return &schema{kind: kindInteger}
	case reflect.Float64:
		return &schema{kind: kindNumber}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return &schema{kind: kindAny}
		}
		return &schema{kind: kindList, elem: c.read(t.Elem())}
	case reflect.Map:
		return &schema{kind: kindMap, elem: c.read(t.Elem())}
	case reflect.Struct:
		return c.readStruct(t)
	}
	return &schema{kind: kindAny}
}

func (c *schemas) readStruct(t reflect.Type) *schema {
	if s, ok := c.known[t]; ok {
		return s
	}
	s := &schema{kind: kindMessage, name: t.Name(), fields: map[string]*schema{}}
	c.known[t] = s
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		field := c.read(f.Type)
		field.quoted = strings.Contains(options, "string") && field.kind == kindInteger
		s.fields[name] = field
	}
	return s
}

// field finds a field by either spelling that Google takes: lowerCamel or snake_case.
func (s *schema) field(name string) (string, *schema) {
	if f, ok := s.fields[name]; ok {
		return name, f
	}
	if strings.Contains(name, "_") {
		if f, ok := s.fields[camelCase(name)]; ok {
			return camelCase(name), f
		}
	}
	return name, nil
}

func camelCase(name string) string {
	parts := strings.Split(name, "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] != "" {
			parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
		}
	}
	return strings.Join(parts, "")
}

func snakeCase(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// reading checks one request body and collects everything wrong with it, for Google reports all at once.
type reading struct {
	violations []any
}

func (r *reading) wrong(field, format string, args ...any) {
	r.violations = append(r.violations, violation(field, fmt.Sprintf(format, args...)))
}

func (r *reading) err() error {
	if len(r.violations) == 0 {
		return nil
	}
	messages := make([]string, len(r.violations))
	for i, v := range r.violations {
		messages[i] = text(v.(object), "description")
	}
	return invalidFields(strings.Join(messages, "\n"), r.violations...)
}

// read returns the value in the one form the rest of the package knows: lowerCamel names, no nulls, lists as
// lists, numbers as float64. It is as lenient as Google: numbers in quotes, one object where a list is due.
func (r *reading) read(s *schema, v any, path string) any {
	switch s.kind {
	case kindMessage:
		return r.readMessage(s, v, path)
	case kindList:
		return r.readList(s, v, path)
	case kindMap:
		if o, ok := v.(object); ok {
			return o
		}
	case kindInteger, kindNumber:
		if n, ok := number(v); ok && (s.kind == kindNumber || n == math.Trunc(n)) {
			return n
		}
	case kindBool:
		switch v := v.(type) {
		case bool:
			return v
		case string:
			if b, err := strconv.ParseBool(strings.ToLower(v)); err == nil {
				return b
			}
		}
	case kindString:
		if t, ok := v.(string); ok {
			return t
		}
	default:
		return v
	}
	r.wrong(path, "Invalid value at '%s' (%s), %s", path, s.kind, quoted(v))
	return nil
}

func (r *reading) readMessage(s *schema, v any, path string) any {
	o, ok := v.(object)
	if !ok {
		r.wrong(path, "Invalid value at '%s' (type.googleapis.com/google.apps.sheets.v4.%s), %s", path, s.name, quoted(v))
		return object{}
	}
	out := make(object, len(o))
	for name, value := range o {
		known, field := s.field(name)
		if field == nil {
			if path == "" {
				r.wrong("", "Invalid JSON payload received. Unknown name %q: Cannot find field.", name)
			} else {
				r.wrong(path, "Invalid JSON payload received. Unknown name %q at '%s': Cannot find field.", name, path)
			}
			continue
		}
		if value == nil {
			continue
		}
		out[known] = r.read(field, value, join(path, snakeCase(known)))
	}
	return out
}

func (r *reading) readList(s *schema, v any, path string) any {
	items, ok := v.([]any)
	if s.elem.kind == kindList {
		return r.readRows(s, v, path)
	}
	if !ok {
		items = []any{v}
	}
	out := make([]any, 0, len(items))
	for _, item := range items {
		if nested, ok := item.([]any); ok {
			out = append(out, r.readList(s, nested, path).([]any)...)
			continue
		}
		if item == nil && s.elem.kind != kindAny {
			continue
		}
		out = append(out, r.read(s.elem, item, fmt.Sprintf("%s[%d]", path, len(out))))
	}
	return out
}

// readRows reads ValueRange.values, the one list of lists, which is not forgiving.
func (r *reading) readRows(_ *schema, v any, path string) any {
	const listValue = "Invalid value at '%s' (type.googleapis.com/google.protobuf.ListValue), %s"
	rows, ok := v.([]any)
	if !ok {
		r.wrong(path, listValue, path, quoted(v))
		return []any{}
	}
	for i, row := range rows {
		if _, ok := row.([]any); !ok && row != nil {
			at := fmt.Sprintf("%s[%d]", path, i)
			r.wrong(at, listValue, at, quoted(row))
		}
	}
	return rows
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return n, err == nil
	}
	return 0, false
}

func quoted(v any) string {
	if s, ok := v.(string); ok {
		return `"` + s + `"`
	}
	return string(appendJSON(nil, v))
}
