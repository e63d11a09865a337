package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
)

// A key is compared in SQL in the database's own terms, so that its index is used: as a number, an instant or a text in the
// column's collation, never as the text of a tandem.Key. In Go it is compared as that text, exactly.

// keyArgs returns the arguments that find a key's row.
func (t *Table) keyArgs(key tandem.Key) ([]any, error) {
	parts, err := key.Parts(len(t.key))
	if err != nil {
		return nil, err
	}
	args := make([]any, len(parts))
	for i, part := range parts {
		c := &t.fields[t.key[i]]
		if part == "" {
			return nil, fmt.Errorf("the key has no %s", c.Name)
		}
		if args[i], err = t.store.dialect.encode(c, tandem.Text(part)); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return args, nil
}

// keyOf returns the key of what the driver read; "" when it has none that a cell can hold.
func (t *Table) keyOf(raw []any) tandem.Key {
	parts := make([]tandem.Value, len(t.key))
	for i, field := range t.key {
		parts[i] = t.value(raw, field)
	}
	return tandem.MakeKey(parts...)
}

// rawKey returns a row's key as arguments, from what the driver gave rather than from values, which may be invalid.
func (t *Table) rawKey(raw []any) []any {
	d, args := t.store.dialect, make([]any, len(t.key))
	for i, field := range t.key {
		c := &t.fields[field]
		args[i] = raw[field]
		if data, ok := raw[field].([]byte); ok && c.Type.Kind != tandem.Bytes && d.scheme != "sqlite" { // whose bytes are a blob
			args[i] = string(data)
		}
		if c.Type.Kind == tandem.Int { // as a number: as a text it would be compared as a float
			if arg, err := d.encode(c, d.decode(c, raw[field])); err == nil {
				args[i] = arg
			}
		}
	}
	return args
}

// beyond is the condition for keys after one, spelled so that every database uses the key's index:
// a >= 1 AND (a > 1 OR a = 1 AND (b > 2 OR b = 2 AND c > 3)).
func (t *Table) beyond(key []any) (string, []any) {
	column := func(i int) string { return t.orderBy(t.key[i]) }
	place := func(i int) string { return t.store.dialect.place(&t.fields[t.key[i]]) }
	arg := func(i int) any { return t.orderArg(t.key[i], key[i]) }
	last := len(key) - 1
	where, args := column(last)+" > "+place(last), []any{arg(last)}
	for i := last - 1; i >= 0; i-- {
		where = column(i) + " > " + place(i) + " OR " + column(i) + " = " + place(i) + " AND (" + where + ")"
		args = append([]any{arg(i), arg(i)}, args...)
	}
	if last > 0 {
		where = column(0) + " >= " + place(0) + " AND (" + where + ")"
		args = append([]any{arg(0)}, args...)
	}
	return where, args
}

// orderBy is what a key column is sorted and compared by. An ENUM sorts by its number but compares as a text, so that its
// pages go by the number.
func (t *Table) orderBy(field int) string {
	name := t.store.dialect.quote(t.fields[field].Name)
	if len(t.fields[field].Type.Values) > 0 {
		return name + "+0"
	}
	return t.keyRef(field)
}

// keyRef is a key column as it is compared.
func (t *Table) keyRef(field int) string {
	c, d := &t.fields[field], t.store.dialect
	return d.collated(d.quote(c.Name), c, t.collations[c.Name])
}

func (t *Table) orderArg(field int, arg any) any {
	if values := t.fields[field].Type.Values; len(values) > 0 {
		return int64(slices.Index(values, fmt.Sprint(arg)) + 1)
	}
	return arg
}

// among is the condition for rows with one of keys. A composite key is spelled out: MariaDB reads the whole table for
// (a, b) IN (…).
func (t *Table) among(keys [][]any) (string, []any) {
	d := t.store.dialect
	var parts []string
	var args []any
	for _, key := range keys {
		var equal []string
		for i, field := range t.key {
			c := &t.fields[field]
			if len(t.key) == 1 {
				equal = append(equal, d.place(c))
			} else {
				equal = append(equal, t.keyRef(field)+" = "+d.place(c))
			}
			args = append(args, key[i])
		}
		parts = append(parts, strings.Join(equal, " AND "))
	}
	if len(t.key) == 1 && len(keys) == 1 {
		return t.keyRef(t.key[0]) + " = " + parts[0], args
	}
	if len(t.key) == 1 {
		return t.keyRef(t.key[0]) + " IN (" + strings.Join(parts, ",") + ")", args
	}
	return "(" + strings.Join(parts, " OR ") + ")", args
}
