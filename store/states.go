package store

import (
	"context"

	"github.com/tandem-sync/tandem"
)

// manyMarks is how many marks RowStates reads to tell which rows are marked. With more, all rows are said to be.
const manyMarks = 2000

// RowStates returns what is known of each of a page's rows beside its values, in a few queries. Marks of a whole source
// say nothing of a single row and do not count.
func (s *Store) RowStates(ctx context.Context, link *tandem.Link, keys []tandem.Key) (map[tandem.Key]tandem.RowState, error) {
	states := make(map[tandem.Key]tandem.RowState, len(keys))
	if len(keys) == 0 {
		return states, nil
	}
	tx := s.db.WithContext(ctx)
	stored, err := readBaselines(tx, link.Number, keys)
	if err != nil {
		return nil, wrap(err, "read baselines of link %s", link.ID)
	}
	failed, err := rowErrorsByKey(tx, link.Number, keys)
	if err != nil {
		return nil, wrap(err, "read row errors of link %s", link.ID)
	}
	err = inBatches(keys, func(batch []tandem.Key) error {
		// Keys that stand twice in the sheet: their errors are placed by position.
		rows, err := query(tx, scanRowError, selectErrors+" WHERE link_number = ? AND place >= '#' AND place < '$' AND row_key IN (?)",
			link.Number, texts(batch))
		for _, row := range rows {
			if _, has := failed[row.Key]; !has {
				failed[row.Key] = row.RowError
			}
		}
		return err
	})
	if err != nil {
		return nil, wrap(err, "read sheet problems of link %s", link.ID)
	}
	marked, all, err := s.markedKeys(ctx, link)
	if err != nil {
		return nil, wrap(err, "read marks of link %s", link.ID)
	}
	open, err := inConflict(tx, link.Number, keys)
	if err != nil {
		return nil, wrap(err, "read conflicts of link %s", link.ID)
	}
	columns := columnNames(link)
	for _, key := range keys {
		state := tandem.RowState{Marked: all || marked[key], Conflict: open[key]}
		if data, ok := stored[key]; ok {
			state.Baseline = data.values(columns)
		}
		if problem, ok := failed[key]; ok {
			state.Error = &problem
		}
		states[key] = state
	}
	return states, nil
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
