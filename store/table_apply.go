package store

import (
	"fmt"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// apply writes changes within the caller's transaction and tells what became of each, aligned with changes. Rows are
// locked and compared with what each change expects by tandem.Column.Equal, never by SQL; one that differs, is gone or is
// there already has Moved. A row that the table will not take is Refused alone: the others land. An error means that the
// transaction failed as a whole.
func (t *Table) apply(tx *gorm.DB, changes []tandem.Change) ([]tandem.Applied, error) {
	keys := make([]tandem.Key, len(changes))
	for i := range changes {
		keys[i] = t.target(&changes[i])
	}
	there, err := t.lock(tx, keys)
	if err != nil {
		return nil, err
	}
	applied := make([]tandem.Applied, len(changes))
	writes := make([]*write, 0, len(changes))
	places := make([]int, 0, len(changes))
	for i := range changes {
		now := there[keys[i]]
		if done, result := t.settled(&changes[i], keys[i], now); done {
			applied[i] = result
			continue
		}
		w := t.write(&changes[i], keys[i], now, false)
		t.giveBack(w, changes[i].Rest)
		writes, places = append(writes, w), append(places, i)
	}
	err = t.unmarked(tx, writes, func() error { return t.carryOut(tx, writes) })
	if err != nil {
		return nil, err
	}
	for i, w := range writes {
		applied[places[i]] = w.applied
	}
	return applied, nil
}

// unmarked carries writes out and, where triggers cannot be told to ignore them, takes away the link's marks of the rows written:
// what landed was read back, and is not news. The mark of a deletion that was carried out long ago would speak against a row
// that came under its key since.
func (t *Table) unmarked(tx *gorm.DB, writes []*write, carryOut func() error) error {
	if len(writes) == 0 || t.store.dialect.quiet(t.link.Number) != "" {
		return carryOut()
	}
	last, _, err := queryOne(tx, scanNumber, "SELECT COALESCE(MAX(id), 0) FROM tandem_marks")
	if err != nil {
		return fmt.Errorf("read the last mark: %w", err)
	}
	if err := carryOut(); err != nil {
		return err
	}
	written := map[tandem.Key]bool{}
	for _, w := range writes {
		if w.applied.Outcome != tandem.Landed || w.kind != tandem.Delete && w.applied.Row == nil {
			continue
		}
		if w.now != nil {
			written[w.now.row.Key] = true
		}
		if w.applied.Row != nil {
			written[w.applied.Row.Key] = true
		}
	}
	marks, err := query(tx, scanMark, selectMarks+" WHERE link_number = ? AND id > ?", t.link.Number, last)
	if err != nil {
		return fmt.Errorf("read marks of rows just written: %w", err)
	}
	var own []int64
	for _, mark := range marks {
		if mark.raw && written[mark.decode(t).Key] {
			own = append(own, mark.ID)
		}
	}
	return inBatches(own, func(ids []int64) error { return tx.Exec("DELETE FROM tandem_marks WHERE id IN (?)", ids).Error })
}

// target is the key of the row that a change is about: for an insert the one that it brings, "" when the database makes it.
func (t *Table) target(change *tandem.Change) tandem.Key {
	if change.Kind != tandem.Insert {
		return change.Key
	}
	parts := make([]tandem.Value, len(t.key))
	for i, field := range t.key {
		if field < len(change.After) {
			parts[i] = change.After[field]
		}
	}
	return tandem.MakeKey(parts...)
}

// settled decides the changes that need no write, because the row is not as expected.
func (t *Table) settled(change *tandem.Change, key tandem.Key, now *held) (bool, tandem.Applied) {
	if change.Kind == tandem.Insert {
		if now == nil {
			return false, tandem.Applied{}
		}
		if now.row.Key != key {
			// Moving on would try again for ever: the row that is there never gets the key that was expected.
			return true, refused(t.sameKey(key, now), &now.row)
		}
		return true, tandem.Applied{Outcome: tandem.Moved, Row: &now.row}
	}
	if now == nil {
		return true, tandem.Applied{Outcome: tandem.Moved}
	}
	for i, expected := range change.Before {
		if i < t.linked && t.exists(i) && !expected.IsAbsent() && !t.fields[i].Equal(expected, now.row.Values[i]) {
			return true, tandem.Applied{Outcome: tandem.Moved, Row: &now.row}
		}
	}
	return false, tandem.Applied{}
}

// sameKey refuses a key that the collation takes for another row's.
func (t *Table) sameKey(key tandem.Key, now *held) *refusal {
	return t.conflict(tandem.CodeAlreadyExists, "ROW_EXISTS", t.info.Key[0],
		"the table holds this key as %q and takes %q for the same", now.row.Key, key)
}

// refused is the result of a write that the table does not take; row is what it holds instead, if anything.
func refused(r *refusal, row *tandem.Row) tandem.Applied {
	return tandem.Applied{Outcome: tandem.Refused, Row: row, Err: r.err, Column: r.column}
}

// held is a row as it stood when it was locked.
type held struct {
	row tandem.Row
	raw []any
}

// whole returns every column of the row, by name.
func (t *Table) whole(h *held) map[string]tandem.Value {
	all := make(map[string]tandem.Value, len(t.fields))
	for i := range t.fields {
		if t.exists(i) {
			all[t.fields[i].Name] = t.value(h.raw, i)
		}
	}
	return all
}

// lock locks the rows of keys until the transaction ends and returns those that are there, by the key that was asked for.
func (t *Table) lock(tx *gorm.DB, keys []tandem.Key) (map[tandem.Key]*held, error) {
	return t.hold(tx, keys, len(t.fields), t.store.dialect.forUpdate)
}

// hold reads so many fields of the rows of keys, in a few queries, by the key that was asked for.
func (t *Table) hold(tx *gorm.DB, keys []tandem.Key, fields int, lock string) (map[tandem.Key]*held, error) {
	asked := make(map[tandem.Key]bool, len(keys))
	unique := make([]tandem.Key, 0, len(keys))
	for _, key := range keys {
		if key != "" && !asked[key] {
			asked[key] = true
			unique = append(unique, key)
		}
	}
	there := make(map[tandem.Key]*held, len(unique))
	folded := false
	err := t.each(tx, unique, fields, lock, func(raw []any) {
		h := &held{row: t.row(raw), raw: raw}
		folded = folded || !asked[h.row.Key]
		there[h.row.Key] = h
	})
	if err != nil {
		return nil, fmt.Errorf("read rows of table %q: %w", t.info.Name, err)
	}
	if !folded {
		return there, nil
	}
	// The collation found rows under other texts than were asked for: which for which, only the database can tell.
	var missing []tandem.Key
	for _, key := range unique {
		if there[key] == nil {
			missing = append(missing, key)
		}
	}
	canonical, err := t.canonical(tx, missing)
	if err != nil {
		return nil, fmt.Errorf("compare keys of table %q: %w", t.info.Name, err)
	}
	for key, spelled := range canonical {
		if h := there[spelled]; h != nil {
			there[key] = h
		}
	}
	return there, nil
}
