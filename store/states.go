package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// manyMarks is how many marks RowStates reads to tell which rows are marked, where they cannot be looked up by key. With more,
// all rows are said to be.
const manyMarks = 2000

// What a line of RowStates' query tells.
const (
	hasBaseline = iota
	hasConflict
	hasMark
	hasError
)

// RowStates returns what is known of each of a page's rows beside its values, in a few queries. Marks of a whole source
// say nothing of a single row and do not count.
func (s *Store) RowStates(ctx context.Context, link *tandem.Link, keys []tandem.Key) (map[tandem.Key]tandem.RowState, error) {
	states := make(map[tandem.Key]tandem.RowState, len(keys))
	if len(keys) == 0 {
		return states, nil
	}
	for _, key := range keys {
		states[key] = tandem.RowState{}
	}
	known, err := s.knownOf(ctx, link)
	if err != nil {
		return nil, err
	}
	tx, failed := s.db.WithContext(ctx), false
	err = inBatches(keys, func(batch []tandem.Key) error {
		wrong, err := s.addStates(tx, link, known, batch, states)
		failed = failed || wrong
		return err
	})
	if err != nil {
		return nil, wrap(err, "read what is known of rows of link %s", link.ID)
	}
	if failed {
		if err := addErrors(tx, link, keys, states); err != nil {
			return nil, wrap(err, "read row errors of link %s", link.ID)
		}
	}
	if known == nil {
		err = s.addMarked(ctx, link, states)
	}
	return states, wrap(err, "read marks of link %s", link.ID)
}

// knownOf returns the link's table where its marks can be looked up by key, else nil.
func (s *Store) knownOf(ctx context.Context, link *tandem.Link) (*Table, error) {
	now, table, err := s.OpenRows(ctx, link.ID, false)
	if err != nil || now.Number != link.Number || !table.known.joined {
		return nil, ctx.Err() // a table that is gone has no marks that could be told
	}
	return table, nil
}

// addStates adds what is known of some rows, but for their errors: it reports whether there are any.
func (s *Store) addStates(tx *gorm.DB, link *tandem.Link, known *Table, keys []tandem.Key, states map[tandem.Key]tandem.RowState) (failed bool, err error) {
	sql, args := statesQuery(link.Number, keys, known != nil)
	columns := newAgreedColumns(columnNames(link))
	err = rawQuery(tx, sql, args, func(row scanner) error {
		var what int
		var key string
		var data *string
		if err := row.Scan(&what, &key, &data); err != nil {
			return err
		}
		state := states[tandem.Key(key)]
		switch what {
		case hasBaseline:
			if state.Baseline, err = columns.quick(data); err != nil {
				return fmt.Errorf("baseline of row %q: %w", key, err)
			}
		case hasConflict:
			state.Conflict = true
		case hasMark:
			state.Marked = true
		case hasError:
			failed = true
			return nil
		}
		states[tandem.Key(key)] = state
		return nil
	})
	return failed, err
}

// statesQuery asks for baselines, conflicts, marks and errors of rows at once. A line says what it tells, of which row, and
// the baseline.
func statesQuery(link int64, keys []tandem.Key, marks bool) (sql string, args []any) {
	add := func() {
		for _, key := range keys {
			args = append(args, string(key))
		}
	}
	list := "(" + strings.Repeat("?,", len(keys)-1) + "?)"
	sql = fmt.Sprintf("SELECT %d, row_key, data FROM tandem_baselines WHERE link_number = %d AND row_key IN %s", hasBaseline, link, list)
	add()
	sql += fmt.Sprintf(" UNION ALL SELECT %d, row_key, NULL FROM tandem_conflicts WHERE link_number = %d AND row_key IN %s", hasConflict, link, list)
	add()
	if marks {
		sql += fmt.Sprintf(" UNION ALL SELECT %d, row_key, NULL FROM tandem_marks WHERE link_number = %d AND row_key IN %s", hasMark, link, list)
		add()
	}
	// Keys that stand twice in the sheet: their errors are placed by position.
	sql += fmt.Sprintf(` UNION ALL SELECT %[1]d, '', NULL FROM tandem_row_errors WHERE link_number = %[2]d AND place IN %[3]s
		UNION ALL SELECT %[1]d, '', NULL FROM tandem_row_errors WHERE link_number = %[2]d AND place >= '#' AND place < '$' AND row_key IN %[3]s`,
		hasError, link, list)
	for _, key := range keys {
		args = append(args, errorPlace(key, 0))
	}
	add()
	return sql, args
}

// addErrors adds the rows' errors. Of a row with several, that of its own key is told.
func addErrors(tx *gorm.DB, link *tandem.Link, keys []tandem.Key, states map[tandem.Key]tandem.RowState) error {
	failed, err := rowErrorsByKey(tx, link.Number, keys)
	if err != nil {
		return err
	}
	err = inBatches(keys, func(batch []tandem.Key) error {
		rows, err := query(tx, scanRowError, selectErrors+" WHERE link_number = ? AND place >= '#' AND place < '$' AND row_key IN (?)",
			link.Number, texts(batch))
		for _, row := range rows {
			if _, has := failed[row.Key]; !has {
				failed[row.Key] = row.RowError
			}
		}
		return err
	})
	for key, problem := range failed {
		if state, asked := states[key]; asked {
			state.Error = &problem
			states[key] = state
		}
	}
	return err
}

// addMarked adds which rows marks name, where the marks' keys have to be read to tell.
func (s *Store) addMarked(ctx context.Context, link *tandem.Link, states map[tandem.Key]tandem.RowState) error {
	marked, all, err := s.markedKeys(ctx, link)
	for key, state := range states {
		if state.Marked = all || marked[key]; state.Marked {
			states[key] = state
		}
	}
	return err
}

// markedKeys returns the keys that marks name; all is set when they are too many to be read.
func (s *Store) markedKeys(ctx context.Context, link *tandem.Link) (marked map[tandem.Key]bool, all bool, err error) {
	raw, err := query(s.db.WithContext(ctx), scanMark, selectMarks+" WHERE link_number = ? ORDER BY id LIMIT ?", link.Number, manyMarks+1)
	if err != nil || len(raw) == 0 {
		return nil, false, err
	}
	if len(raw) > manyMarks {
		return nil, true, nil
	}
	table, err := s.OpenTable(ctx, link)
	if err != nil {
		return nil, false, err
	}
	marked = make(map[tandem.Key]bool, len(raw))
	for _, mark := range raw {
		marked[mark.decode(table).Key] = true
	}
	return marked, false, nil
}
