package store

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Scan returns up to limit rows after a key, in the database's order of keys: a page that stays right while rows come and
// go. Rows whose key cannot be written in a cell (an empty text, say) are left out.
func (t *Table) Scan(ctx context.Context, after tandem.Key, limit int) ([]tandem.Row, error) {
	tx := t.store.db.WithContext(ctx)
	var from []any
	if after != "" {
		args, err := t.keyArgs(after)
		if err != nil {
			return nil, tandem.Errorf(tandem.CodeInvalid, "KEY", "the key to go on after: %v", err)
		}
		from = args
	}
	rows := make([]tandem.Row, 0, min(limit, 1000))
	for len(rows) < limit {
		page, err := t.page(tx, from, limit-len(rows))
		if err != nil {
			return nil, fmt.Errorf("scan table %q: %w", t.info.Name, translate(err))
		}
		for _, raw := range page.rows {
			row := t.row(raw)
			if row.Key == "" {
				atomic.AddInt32(&t.unkeyed, 1)
				continue
			}
			rows = append(rows, row)
		}
		if page.last {
			break
		}
		from = page.next
	}
	return rows, nil
}

// Unkeyed returns how many rows Scan has passed over since the table was opened, because a part of their key cannot stand
// in a cell as a key: the empty text, or a zero date.
func (t *Table) Unkeyed() int { return int(atomic.LoadInt32(&t.unkeyed)) }

// rawPage is one page as the driver gave it.
type rawPage struct {
	rows [][]any
	next []any // the last row's key, to go on after
	last bool
}

// page reads one page of raw rows after a key, which is nil for the first.
func (t *Table) page(tx *gorm.DB, after []any, limit int) (page rawPage, err error) {
	names := make([]string, len(t.key))
	for i, field := range t.key {
		names[i] = t.orderBy(field)
	}
	sql := "SELECT " + t.selectList(t.needed) + " FROM " + t.table()
	var args []any
	if after != nil {
		var where string
		where, args = t.beyond(after)
		sql += " WHERE " + where
	} else if t.store.dialect.scheme == "sqlite" {
		// A key column of SQLite may hold NULL, which no comparison gets beyond.
		sql += " WHERE " + strings.Join(names, " IS NOT NULL AND ") + " IS NOT NULL"
	}
	sql += fmt.Sprintf(" ORDER BY %s LIMIT %d", strings.Join(names, ", "), limit)
	err = rawQuery(tx, sql, args, func(row scanner) error {
		raw, err := scanFields(row, t.needed)
		page.rows = append(page.rows, raw)
		return err
	})
	if page.last = len(page.rows) < limit; !page.last && err == nil {
		page.next = t.rawKey(page.rows[len(page.rows)-1])
	}
	return page, err
}

// Get returns the rows of keys that are there, in any order: one query for a few hundred keys. Where the database takes
// two texts for the same key (Alice and alice in most of MySQL's collations; see Folds), the row comes with the key that it
// holds, whatever was asked for: look for it under Row.Key, and ask Canonical which of the keys that is. A row that was asked
// for under several spellings may come several times.
func (t *Table) Get(ctx context.Context, keys []tandem.Key) ([]tandem.Row, error) {
	rows, err := t.get(t.store.db.WithContext(ctx), keys)
	if err != nil {
		return nil, fmt.Errorf("read rows of table %q: %w", t.info.Name, translate(err))
	}
	return rows, nil
}

// get is Get within a transaction: it sees what the transaction wrote.
func (t *Table) get(tx *gorm.DB, keys []tandem.Key) ([]tandem.Row, error) {
	found := make([]tandem.Row, 0, len(keys))
	err := t.each(tx, keys, t.needed, "", func(raw []any) {
		if row := t.row(raw); row.Key != "" {
			found = append(found, row)
		}
	})
	return found, err
}

// each visits the rows of keys that are there, reading the first n fields. A key that the table cannot hold is of no row.
func (t *Table) each(tx *gorm.DB, keys []tandem.Key, n int, lock string, visit func(raw []any)) error {
	args := make([][]any, 0, len(keys))
	for _, key := range keys {
		if arg, err := t.keyArgs(key); err == nil {
			args = append(args, arg)
		}
	}
	for batch := range slices.Chunk(args, t.batch(len(t.key))) {
		where, flat := t.among(batch)
		sql := "SELECT " + t.selectList(n) + " FROM " + t.table() + " WHERE " + where + lock
		err := rawQuery(tx, sql, flat, func(row scanner) error {
			raw, err := scanFields(row, n)
			if err == nil {
				visit(raw)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// batch is how many rows of so many arguments go into one statement.
func (t *Table) batch(arguments int) int {
	return max(1, min(300, 30000/max(arguments, 1)))
}

// Count returns how many rows the table holds.
func (t *Table) Count(ctx context.Context) (int64, error) {
	var n int64
	err := rawQuery(t.store.db.WithContext(ctx), "SELECT COUNT(*) FROM "+t.table(), nil, func(row scanner) error { return row.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count table %q: %w", t.info.Name, translate(err))
	}
	return n, nil
}

func (t *Table) table() string { return t.store.dialect.quote(t.info.Name) }

// selectList reads the first n fields, NULL in the place of a paused column that is gone.
func (t *Table) selectList(n int) string {
	d, list := t.store.dialect, make([]string, n)
	for i := range list {
		if list[i] = "NULL"; t.exists(i) {
			list[i] = d.exact(&t.fields[i], d.quote(t.fields[i].Name))
		}
	}
	return strings.Join(list, ", ")
}

// scanFields reads a row of n columns as the driver gives them.
func scanFields(row scanner, n int) ([]any, error) {
	raw, into := make([]any, n), make([]any, n)
	for i := range raw {
		into[i] = &raw[i]
	}
	return raw, row.Scan(into...)
}

// value returns one field of what the driver read. It is invalid when a write could not bring it about again.
func (t *Table) value(raw []any, field int) tandem.Value {
	if !t.exists(field) {
		return tandem.Absent
	}
	c, d := &t.fields[field], t.store.dialect
	value := d.decode(c, raw[field])
	if c.KeyPosition > 0 && d.scheme == "sqlite" && !value.IsNull() && !value.IsInvalid() {
		// SQLite holds a key as it was written: one in another spelling (a date-time with a zone) would not be found.
		if arg, err := d.encode(c, value); err != nil || c.Type.Kind != tandem.Decimal && !reflect.DeepEqual(arg, raw[field]) {
			return tandem.Invalid(rawText(raw[field]))
		}
	}
	return value
}

// row returns what the driver read as a Row; its Key is empty when it has none that a cell can hold.
func (t *Table) row(raw []any) tandem.Row {
	row := tandem.Row{Values: make([]tandem.Value, t.linked)}
	for i := range row.Values {
		row.Values[i] = t.value(raw, i)
		if row.Values[i].IsInvalid() {
			if row.Problems == nil {
				row.Problems = map[int]string{}
			}
			row.Problems[i] = why(&t.fields[i], row.Values[i])
		}
	}
	row.Key = t.keyOf(raw)
	if t.updated >= 0 {
		row.Updated, _ = tandem.ParseMoment(t.value(raw, t.updated).Text())
	}
	return row
}

// why says why an invalid value is none of its column.
func why(c *tandem.Column, value tandem.Value) string {
	if _, err := c.Type.Parse(value.Text()); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%q is not a value of type %s", shorten(value.Text()), c.Type.Kind)
}
