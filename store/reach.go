package store

import (
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// reach is rows of one table to which the same happens.
type reach struct {
	table  *Table
	effect effect
	keys   [][]any             // of the rows
	roots  map[string][]*write // the writes that bring it about, by the row's key as read
}

// reaching returns the deletes, and the updates that change columns to which a foreign key may refer.
func (t *Table) reaching(writes []*write) []*reach {
	byEffect := map[string]*reach{}
	var all []*reach
	for _, w := range writes {
		e := effect{deletes: w.kind == tandem.Delete}
		if w.refusal != nil || w.now == nil {
			continue
		}
		for _, field := range w.fields {
			if name := t.fields[field].Name; t.mayBeReferred(name) {
				e.columns = append(e.columns, name)
			}
		}
		if !e.deletes && len(e.columns) == 0 {
			continue
		}
		r := byEffect[e.String()]
		if r == nil {
			r = &reach{table: t, effect: e, roots: map[string][]*write{}}
			byEffect[e.String()] = r
			all = append(all, r)
		}
		r.keys = append(r.keys, t.rawKey(w.now.raw))
		at := t.rowText(w.now.raw)
		r.roots[at] = append(r.roots[at], w)
	}
	return all
}

// mayBeReferred reports whether foreign keys may refer to the column: it is part of the key or of another unique index,
// which introspection does not know all of on SQLite.
func (t *Table) mayBeReferred(column string) bool {
	if t.store.dialect.scheme == "sqlite" {
		return true
	}
	for _, columns := range t.unique {
		if slices.Contains(columns, column) {
			return true
		}
	}
	return false
}

// rowText tells rows apart by the key that the driver read.
func (t *Table) rowText(raw []any) string {
	parts := make([]string, len(t.key))
	for i, field := range t.key {
		parts[i] = rawText(raw[field])
	}
	return strings.Join(parts, "\x00")
}

// each reads rows of a child together with the rows of the parent that they refer to: n columns of the child c.
func (r *reach) each(tx *gorm.DB, f *foreignKey, child, columns, group, lock string, n int, visit func(roots []*write, raw []any) error) error {
	t, d := r.table, r.table.store.dialect
	inner := make([]string, 0, len(t.key)+len(f.references))
	for _, field := range t.key {
		inner = append(inner, t.fields[field].Name)
	}
	on := make([]string, len(f.columns))
	for i, column := range f.columns {
		reference := f.references[i]
		if real := t.columnFold(reference); real != "" {
			reference = real
		}
		if !slices.Contains(inner, reference) {
			inner = append(inner, reference)
		}
		on[i] = "p." + d.quote(reference) + " = c." + d.quote(column) // in this order, since it is compared as the parent is
	}
	for batch := range slices.Chunk(r.keys, t.batch(len(t.key))) {
		where, args := t.among(batch)
		sql := "SELECT " + r.keyList() + ", " + columns + " FROM " + child + " c JOIN (SELECT " + d.quoteAll(inner) + " FROM " + t.table() + " WHERE " + where + ") p ON " +
			strings.Join(on, " AND ") + group + lock
		err := rawQuery(tx, sql, args, func(row scanner) error {
			raw, err := scanFields(row, len(t.key)+n)
			if err != nil {
				return err
			}
			full := make([]any, len(t.fields))
			for i, field := range t.key {
				full[field] = raw[i]
			}
			return visit(r.roots[t.rowText(full)], raw[len(t.key):])
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keyList reads the parent's key as its rows were read.
func (r *reach) keyList() string {
	t, d := r.table, r.table.store.dialect
	names := make([]string, len(t.key))
	for i, field := range t.key {
		names[i] = d.exact(&t.fields[field], "p."+d.quote(t.fields[field].Name))
	}
	return strings.Join(names, ", ")
}

// columnFold returns a column's name as the table spells it.
func (t *Table) columnFold(name string) string {
	for i := range t.info.Columns {
		if strings.EqualFold(t.info.Columns[i].Name, name) {
			return t.info.Columns[i].Name
		}
	}
	return ""
}

// childTable names a child in SQL.
func (d *dialect) childTable(f *foreignKey) string {
	if f.elsewhere != "" {
		return d.quote(f.elsewhere) + "." + d.quote(f.child)
	}
	return d.quote(f.child)
}
