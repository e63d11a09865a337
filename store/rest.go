package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// What a deleted row held in columns outside the link stands nowhere else: not in the sheet, and in no baseline. It goes with the
// mark of the deletion, and with the deletion into history, so that a revert restores the whole row; so does a cycle that takes the
// deletion back.

// restColumns belong to schema version 7.
var restColumns = []ownColumn{{"tandem_marks", "rest", "{text}"}}

// rest returns what a row that was deleted held in columns outside the link; nil when the link has all columns.
func (t *Table) rest(w *write) map[string]tandem.Value {
	if w.kind != tandem.Delete || w.now == nil {
		return nil
	}
	var rest map[string]tandem.Value
	for i := t.linked; i < len(t.fields); i++ {
		if value, has := w.applied.Whole[t.fields[i].Name]; has {
			if rest == nil {
				rest = map[string]tandem.Value{}
			}
			rest[t.fields[i].Name] = value
		}
	}
	return rest
}

// readRests returns what rows held whose deletion is marked. Of a row that was deleted several times the last mark counts.
func readRests(tx *gorm.DB, link int64, keys []string) (map[string]map[string]tandem.Value, error) {
	rests := map[string]map[string]tandem.Value{}
	err := inBatches(keys, func(keys []string) error {
		_, err := query(tx, func(row scanner) (key string, err error) {
			var text *string
			if err := row.Scan(&key, &text); err != nil {
				return key, err
			}
			rest, err := fromJSON[map[string]tandem.Value](text)
			if err == nil && rest != nil {
				rests[key] = *rest
			}
			return key, err
		}, "SELECT row_key, rest FROM tandem_marks WHERE link_number = ? AND row_key IN (?) AND rest IS NOT NULL ORDER BY id", link, keys)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read what deleted rows held outside the link: %w", err)
	}
	return rests, nil
}

// addRests completes the entries of rows that were deleted from the table.
func (b *booking) addRests() error {
	deleted := map[string][]*tandem.Entry{}
	for i := range b.history {
		if e := &b.history[i]; e.Kind == tandem.Delete && e.Source == tandem.Database {
			deleted[string(e.Key)] = append(deleted[string(e.Key)], e)
		}
	}
	rests, err := readRests(b.tx, b.link, slices.Sorted(maps.Keys(deleted)))
	for key, rest := range rests {
		for _, e := range deleted[key] {
			whole := maps.Clone(rest)
			maps.Copy(whole, e.Before)
			e.Before = whole
		}
	}
	return err
}

// giveBack adds to inserts what the rows held outside the link when they were deleted, as far as the deletion is still marked: it
// is being taken back. Keys are those of the writes.
func (t *Table) giveBack(tx *gorm.DB, writes []*write, keys []tandem.Key) error {
	if t.linked == len(t.fields) {
		return nil
	}
	inserts := map[string]*write{}
	for i, w := range writes {
		if w.kind == tandem.Insert && w.refusal == nil && keys[i] != "" {
			inserts[string(keys[i])] = w
		}
	}
	rests, err := readRests(tx, t.link.Number, slices.Sorted(maps.Keys(inserts)))
	for key, rest := range rests {
		w := inserts[key]
		if w == nil {
			continue // the collation's idea of the key
		}
		for i := t.linked; i < len(t.fields); i++ {
			if arg, ok := t.restArg(i, rest[t.fields[i].Name]); ok {
				w.fields, w.args = append(w.fields, i), append(w.args, arg)
			}
		}
	}
	return err
}

// restArg is the argument by which a column outside the link gets back what it held. It is not there for columns that the table
// fills in, or that can no longer hold it.
func (t *Table) restArg(i int, value tandem.Value) (arg any, ok bool) {
	c := &t.fields[i]
	if value.IsAbsent() || value.IsInvalid() || c.Generated || c.Type.Kind == tandem.Unknown || !t.exists(i) {
		return nil, false
	}
	arg, err := t.store.dialect.encode(c, value)
	return arg, err == nil && (arg != nil || c.Nullable)
}
