package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tandem-sync/tandem"
)

// Table is a linked table as one source of its link, together with the link's journal. It is what introspection found
// when it was opened: open it again after a change of the table, and for each cycle. It is safe for concurrent use.
type Table struct {
	store  *Store
	link   *tandem.Link
	info   *tandem.Table
	unique map[string][]string // columns of unique indexes, by the index's name
	// collations are those that key columns of text are compared in, by column.
	collations map[string]string
	problems   map[string]string // see Problems

	// fields are all columns of the table: the link's in its order, then what else a Row needs (its key, its update time),
	// then the rest, which only history takes.
	fields  []tandem.Column
	linked  int   // so many fields are the link's
	needed  int   // and so many are read for a Row
	key     []int // the key's fields, in key order
	updated int   // the field that dates a row's last change, or -1

	unkeyed int32 // see Unkeyed; counted by many at a time

	// config are the settings of the link that the table was opened for, as stored, when it is remembered: see OpenRows.
	config string
	still  stillness // see opened.go
	// agreements outlive a remembered table: see agreements.go.
	agreements *agreements
	known      *knownStatement // see known.go; set with config
}

// OpenTable reads the link's table from the catalog. It fails when the table or its key is no longer what the link was made
// for. Another linked column that is gone, or has become of another type, stays in its place, with absent values; Problems
// says why. A column for update times that is gone is not used.
func (s *Store) OpenTable(ctx context.Context, link *tandem.Link) (*Table, error) {
	found, err := s.findTable(s.db.WithContext(ctx), link.Table)
	if errors.Is(err, tandem.ErrNotFound) {
		return nil, tableChanged(link, "the table is gone")
	}
	if err != nil {
		return nil, err
	}
	if !found.Linkable {
		return nil, tableChanged(link, "it cannot be linked: %s", found.Problem)
	}
	if !slices.Equal(found.Key, link.Key) {
		return nil, tableChanged(link, "its key was %s and is now %s", strings.Join(link.Key, ", "), strings.Join(found.Key, ", "))
	}
	zone, err := time.LoadLocation(link.TimeZone)
	if err != nil {
		return nil, tandem.Errorf(tandem.CodePrecondition, "TIME_ZONE", "the spreadsheet's time zone %q is not known", link.TimeZone)
	}
	t := &Table{store: s, link: link, info: &found.Table, unique: found.unique, collations: found.collations,
		linked: len(link.Columns), updated: -1, problems: map[string]string{}}
	for _, linked := range link.Columns {
		column, why, err := t.linkedColumn(&linked)
		if err != nil {
			return nil, err
		}
		if why != "" {
			t.problems[linked.Column] = why
		}
		if column.Type.Kind == tandem.Timestamp {
			column.Zone = zone
		}
		t.fields = append(t.fields, column)
	}
	t.addFields()
	return t, nil
}

// addFields adds what a Row needs beside the link's columns, and the rest. The rest holds paused columns that are there a
// second time, so that history has them.
func (t *Table) addFields() {
	add := func(name string) int {
		for i := range t.fields {
			if t.fields[i].Name == name && t.exists(i) {
				return i
			}
		}
		t.fields = append(t.fields, *t.info.Column(name))
		return len(t.fields) - 1
	}
	for _, name := range t.info.Key {
		t.key = append(t.key, add(name))
	}
	if name := t.link.UpdateTimeColumn; t.info.Column(name) != nil {
		t.updated = add(name)
	}
	t.needed = len(t.fields)
	for _, column := range t.info.Columns {
		add(column.Name)
	}
}

// tableChanged is an error that halts the link: what it was made for is no longer there.
func tableChanged(link *tandem.Link, format string, args ...any) *tandem.Error {
	err := tandem.Errorf(tandem.CodePrecondition, tandem.HaltTableChanged, format, args...)
	err.Message = "the table " + link.Table + " is not what link " + link.ID + " was made for: " + err.Message
	return err
}

// Columns are the linked columns in the link's order.
func (t *Table) Columns() []tandem.Column { return t.fields[:t.linked] }

// Info is the whole table.
func (t *Table) Info() *tandem.Table { return t.info }

// isKey reports whether the field is part of the key.
func (t *Table) isKey(field int) bool { return slices.Contains(t.key, field) }

// exists reports whether the field can be read, and is not just the place of a paused column.
func (t *Table) exists(field int) bool { return t.fields[field].Type.Native != "" }
