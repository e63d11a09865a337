package store

import (
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// write is one row's write, with what becomes of it.
type write struct {
	kind   tandem.ChangeKind
	now    *held // the row that is updated or deleted
	fields []int // what is set, ascending, and
	args   []any // to what
	// key finds the row: as it was, and, after carryOut, as it is.
	key     []any
	keyless bool // an insert whose key the database makes
	// contained has the write refused where it would reach rows of other tables that no link covers.
	contained bool

	refusal *refusal
	applied tandem.Applied
}

// write prepares a change of a row that is as expected. An exact write, as the API makes them, tells NULL from ” and sets
// floats to the last digit; others leave alone what shows the same in the sheet.
func (t *Table) write(change *tandem.Change, key tandem.Key, now *held, exact bool) *write {
	w := &write{kind: change.Kind, now: now, contained: !exact}
	if now != nil {
		w.key = t.rawKey(now.raw)
	}
	switch change.Kind {
	case tandem.Insert:
		t.prepareInsert(w, change.After, key, exact)
	case tandem.Update:
		t.prepareUpdate(w, change.After, exact)
	}
	return w
}

// prepareInsert collects what an INSERT sets. Empty cells of columns with a default are left to it; so are columns that the
// change does not name, and computed ones. An exact write keeps a NULL that the column allows.
func (t *Table) prepareInsert(w *write, after []tandem.Value, key tandem.Key, exact bool) {
	for i, value := range after[:min(len(after), t.linked)] {
		c := &t.fields[i]
		if value.IsAbsent() || c.Generated || !t.exists(i) {
			continue
		}
		arg, err := t.store.dialect.encode(c, value)
		if err != nil {
			w.refusal = t.invalid(c.Name, "%v", err)
			return
		}
		if arg == nil || value.IsEmpty() && !exact {
			switch {
			case exact && arg == nil && c.Nullable && !t.isKey(i):
			case c.HasDefault || c.AutoIncrement:
				continue
			case arg == nil && !c.Nullable:
				if arg = emptyOf(c); arg == nil {
					continue // the database says what is missing, unless a trigger fills it in
				}
			}
		}
		w.fields, w.args = append(w.fields, i), append(w.args, arg)
	}
	if w.keyless = key == ""; w.keyless {
		t.checkKeyless(w)
		return
	}
	var err error
	if w.key, err = t.keyArgs(key); err != nil {
		w.refusal = t.invalid("", "the key: %v", err)
	}
}

// checkKeyless refuses a row whose key nobody makes, since SQLite would store it without one.
func (t *Table) checkKeyless(w *write) {
	for _, field := range t.key {
		c := &t.fields[field]
		if !c.AutoIncrement && !c.HasDefault && !slices.Contains(w.fields, field) && t.store.dialect.scheme == "sqlite" {
			w.refusal = t.invalid(c.Name, "it may not be empty, since it is the row's key")
		}
	}
}

// prepareUpdate collects what differs from the row as it is, so that triggers, ON UPDATE columns and locks of the database
// see no more than was changed. A key column may be among it; the row is then found by its new key afterwards.
func (t *Table) prepareUpdate(w *write, after []tandem.Value, exact bool) {
	newKey := slices.Clone(w.key)
	for i, value := range after[:min(len(after), t.linked)] {
		c, current := &t.fields[i], w.now.row.Values[i]
		if value.IsAbsent() || !t.exists(i) || value == current || !exact && c.Equal(value, current) {
			continue
		}
		if c.Generated {
			w.refusal = t.invalid(c.Name, "it is computed by the database")
			return
		}
		arg, err := t.store.dialect.encode(c, value)
		if err != nil {
			w.refusal = t.invalid(c.Name, "%v", err)
			return
		}
		if arg == nil && !c.Nullable {
			arg = emptyOf(c)
		}
		if at := slices.Index(t.key, i); at >= 0 {
			if newKey[at] = arg; value.IsEmpty() {
				arg = nil
			}
		}
		if arg == nil && !c.Nullable {
			w.refusal = t.invalid(c.Name, "it may not be empty")
			return
		}
		w.fields, w.args = append(w.fields, i), append(w.args, arg)
	}
	w.key = newKey
}

// emptyOf is what an empty cell becomes in a column that does not allow NULL; nil when it cannot be empty.
func emptyOf(c *tandem.Column) any {
	switch {
	case c.Type.Kind == tandem.Bytes:
		return []byte{}
	case c.Type.Kind == tandem.String && len(c.Type.Values) == 0 && !c.Type.JSON && c.KeyPosition == 0:
		return ""
	}
	return nil
}

// deleteRows deletes many rows in one statement, and one by one where that was refused. A refused statement has no effect:
// tables whose engine would leave half of it are not linked.
func (t *Table) deleteRows(tx *gorm.DB, writes []*write) error {
	for batch := range slices.Chunk(writes, t.batch(len(t.key))) {
		err := t.deleteBatch(tx, batch)
		if err == nil {
			continue
		}
		if t.refuse(err) == nil {
			return err
		}
		for _, w := range batch {
			if err := t.attempt(w, func() error { return t.deleteBatch(tx, []*write{w}) }); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Table) deleteBatch(tx *gorm.DB, batch []*write) error {
	keys := make([][]any, len(batch))
	for i, w := range batch {
		keys[i] = w.key
	}
	where, args := t.among(keys)
	_, err := rawExec(tx, "DELETE FROM "+t.table()+" WHERE "+where, args)
	return err
}

// updateRow updates one row by the key that it was locked with. Rows are updated one by one: each sets its own columns.
func (t *Table) updateRow(tx *gorm.DB, w *write) error {
	if len(w.fields) == 0 {
		return nil
	}
	sets := make([]string, len(w.fields))
	for i, field := range w.fields {
		sets[i] = t.store.dialect.quote(t.fields[field].Name) + " = ?"
	}
	where, args := t.among([][]any{t.rawKey(w.now.raw)})
	_, err := rawExec(tx, "UPDATE "+t.table()+" SET "+strings.Join(sets, ", ")+" WHERE "+where, append(slices.Clone(w.args), args...))
	return err
}

// readBack completes the results: rows as the database made them (defaults, rounding, triggers), whole rows as they were. An
// insert that found its key taken has moved: the row came in between the lock, which holds no place, and the write. Where
// deletes take other rows of the table along, circular, one that was written may be gone again.
func (t *Table) readBack(tx *gorm.DB, writes []*write, circular bool) error {
	var keys []tandem.Key
	names := make([]tandem.Key, len(writes))
	for i, w := range writes {
		if w.kind != tandem.Delete && (w.refusal == nil || w.refusal.taken) && w.key != nil {
			names[i] = t.keyFrom(w.key)
			keys = append(keys, names[i])
		}
	}
	there, err := t.hold(tx, keys, t.needed, "")
	if err != nil {
		return err
	}
	for i, w := range writes {
		w.applied.Row = nil
		if now := there[names[i]]; now != nil {
			w.applied.Row = &now.row
		} else if circular && w.kind != tandem.Delete && w.refusal == nil {
			w.refusal = t.conflict(tandem.CodeAborted, "ROW_GONE", "", "the row went with the row that it referred to, which was deleted in the same step")
		}
		switch {
		case w.refusal == nil && w.now != nil:
			w.applied.Whole = t.whole(w.now)
		case w.refusal != nil && w.kind == tandem.Insert && w.refusal.taken:
			w.applied.Outcome = tandem.Moved
		case w.refusal != nil:
			gone := w.refusal.err.Reason == "ROW_GONE"
			w.applied = refused(w.refusal, nil)
			if w.now != nil && !gone {
				w.applied.Row = &w.now.row
			}
		}
	}
	return nil
}

// keyFrom returns the key that arguments stand for.
func (t *Table) keyFrom(args []any) tandem.Key {
	parts := make([]tandem.Value, len(args))
	for i, arg := range args {
		parts[i] = t.store.dialect.decode(&t.fields[t.key[i]], arg)
	}
	return tandem.MakeKey(parts...)
}
