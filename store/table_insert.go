package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// insertAll inserts rows that set the same columns in one statement for a few hundred. A batch that is refused is tried
// row by row, to find the rows that it was refused for. Rows whose key the database makes go one by one too: what a
// statement with many rows generated cannot be told row from row on every database.
func (t *Table) insertAll(tx *gorm.DB, writes []*write) error {
	for _, group := range t.alike(writes) {
		for len(group) > 0 {
			n := t.insertable(group)
			if err := t.insertBatch(tx, group[:n]); err != nil {
				return err
			}
			group = group[n:]
		}
	}
	return nil
}

// alike groups inserts that set the same columns.
func (t *Table) alike(writes []*write) [][]*write {
	at := map[string]int{}
	var groups [][]*write
	for _, w := range writes {
		columns := fmt.Sprint(w.fields, w.keyless)
		i, ok := at[columns]
		if !ok {
			i = len(groups)
			at[columns] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], w)
	}
	return groups
}

// insertable is how many of the first rows go into one statement.
func (t *Table) insertable(group []*write) int {
	if group[0].keyless {
		return 1
	}
	limit, bytes := t.batch(len(group[0].fields)), 0
	for n, w := range group {
		if n == limit || n > 0 && bytes > maxStatementBytes {
			return n
		}
		for _, arg := range w.args {
			switch v := arg.(type) {
			case string:
				bytes += len(v)
			case []byte:
				bytes += len(v)
			}
		}
	}
	return len(group)
}

// insertBatch inserts rows that set the same columns. A statement that was refused had no effect, so that each of its rows
// can be tried alone.
func (t *Table) insertBatch(tx *gorm.DB, batch []*write) error {
	if len(batch) == 1 {
		return t.attempt(batch[0], func() error { return t.insertRow(tx, batch[0]) })
	}
	sql, args := t.insertSQL(batch)
	_, err := rawExec(tx, sql, args)
	if err == nil || t.refuse(err) == nil {
		return err
	}
	for _, w := range batch {
		if err := t.attempt(w, func() error { return t.insertRow(tx, w) }); err != nil {
			return err
		}
	}
	return nil
}

// insertSQL is the statement for rows that set the same columns; there may be none, when all is left to defaults.
func (t *Table) insertSQL(batch []*write) (string, []any) {
	d, first := t.store.dialect, batch[0]
	if len(first.fields) == 0 {
		if d.scheme == "sqlite" {
			return "INSERT INTO " + t.table() + " DEFAULT VALUES", nil
		}
		return "INSERT INTO " + t.table() + " () VALUES ()", nil
	}
	names := make([]string, len(first.fields))
	for i, field := range first.fields {
		names[i] = t.fields[field].Name
	}
	args := make([]any, 0, len(batch)*len(names))
	for _, w := range batch {
		args = append(args, w.args...)
	}
	one := "(" + strings.Repeat("?,", len(names)-1) + "?)"
	return "INSERT INTO " + t.table() + " (" + d.quoteAll(names) + ") VALUES " + strings.Repeat(one+",", len(batch)-1) + one, args
}

// insertRow inserts one row and sets the key that it got.
func (t *Table) insertRow(tx *gorm.DB, w *write) error {
	d := t.store.dialect
	sql, args := t.insertSQL([]*write{w})
	if !w.keyless {
		_, err := rawExec(tx, sql, args)
		return err
	}
	if d.returning(d.server) {
		return t.insertReturning(tx, w, sql, args)
	}
	auto := slices.IndexFunc(t.key, func(field int) bool { return t.fields[field].AutoIncrement })
	if auto < 0 {
		w.refusal = t.invalid(t.info.Key[0], "the row needs a key; this database cannot say which key a default made")
		return nil
	}
	id, err := rawExec(tx, sql, args)
	if err != nil {
		return err
	}
	w.key = make([]any, len(t.key))
	for i, field := range t.key {
		if w.key[i] = any(id); i == auto {
			continue
		}
		at := slices.Index(w.fields, field)
		if at < 0 {
			return fmt.Errorf("the key column %q of an inserted row is not known", t.fields[field].Name)
		}
		w.key[i] = w.args[at]
	}
	return nil
}

// insertReturning learns the key that the database made, whatever made it: a counter, a default or a trigger.
func (t *Table) insertReturning(tx *gorm.DB, w *write, sql string, args []any) error {
	d, list := t.store.dialect, make([]string, len(t.key))
	for i, field := range t.key {
		list[i] = d.exact(&t.fields[field], d.quote(t.fields[field].Name))
	}
	var made []any
	err := rawQuery(tx, sql+" RETURNING "+strings.Join(list, ", "), args, func(row scanner) (err error) {
		made, err = scanFields(row, len(list))
		return err
	})
	if err != nil {
		return err
	}
	if made == nil { // a trigger passed it over
		w.refusal = t.conflict(tandem.CodePrecondition, "NOT_KEPT", "", "the table did not keep the row; a trigger of its own may have passed it over")
		return nil
	}
	w.key = made
	return nil
}
