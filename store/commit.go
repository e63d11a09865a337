package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Commit stores one chunk of a cycle in one transaction that checks the lease: the writes to the linked table, and the
// baseline, history, conflict, typed row and row error of every settlement whose write landed or that has none. Of a
// settlement whose write did not land nothing is stored, not even a row error: what becomes of it is for the next Commit.
// The results are aligned with the settlements. After tandem.ErrFenced, or any other error, nothing was stored; it is also
// the answer to a table that was opened before the link's settings changed.
func (s *Store) Commit(ctx context.Context, lease tandem.Lease, table *Table, commit tandem.Commit) ([]tandem.Applied, error) {
	var applied []tandem.Applied
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		link, err := findLink(tx, commit.Link, "")
		if err != nil {
			return err
		}
		if table.link.Version != link.Version {
			return tandem.ErrFenced // decided by settings that are no longer the link's
		}
		applied, err = applyWrites(tx, table, commit.Settlements)
		if err != nil {
			return err
		}
		columns := make([]string, 0, len(table.Columns()))
		for _, column := range table.Columns() {
			columns = append(columns, column.Name)
		}
		b := newBooking(s, tx, link.Number, columns)
		if err := b.settle(commit.Settlements, applied); err != nil {
			return err
		}
		return b.close(commit)
	})
	if err != nil {
		return nil, wrap(err, "commit to link %s", commit.Link)
	}
	if len(commit.Writes) > 0 {
		s.finished.announce()
	}
	s.announceHistory(&commit)
	return applied, nil
}

// Commit is Store.Commit for the table's link.
func (t *Table) Commit(ctx context.Context, lease tandem.Lease, commit tandem.Commit) ([]tandem.Applied, error) {
	return t.store.Commit(ctx, lease, t, commit)
}

// applyWrites carries out the settlements' writes in one call. The results are aligned with the settlements.
func applyWrites(tx *gorm.DB, table *Table, settlements []tandem.Settlement) ([]tandem.Applied, error) {
	applied := make([]tandem.Applied, len(settlements))
	var changes []tandem.Change
	var places []int
	for i, settlement := range settlements {
		stores := settlement.Write != nil || settlement.Baseline != nil || settlement.Conflict != nil || settlement.Typed != nil
		switch {
		case stores && len(settlement.Key) > maxKeyBytes:
			applied[i] = tandem.Applied{Outcome: tandem.Refused, Err: tandem.Errorf(tandem.CodeInvalid, "KEY_TOO_LONG",
				"the key has %d bytes; rows are kept in step up to %d (700 characters)", len(settlement.Key), maxKeyBytes)}
		case settlement.Write != nil:
			changes = append(changes, *settlement.Write)
			places = append(places, i)
		}
	}
	if len(changes) == 0 {
		return applied, nil
	}
	results, err := table.apply(tx, changes)
	if err != nil {
		return nil, err
	}
	if len(results) != len(changes) {
		return nil, fmt.Errorf("%d changes were given %d results", len(changes), len(results))
	}
	for i, result := range results {
		applied[places[i]] = result
	}
	return applied, nil
}

// booking gathers what settlements change in our tables, so that it is stored in few statements.
type booking struct {
	s       *Store
	tx      *gorm.DB
	link    int64
	columns []string // of the link, in the order of the settlements' values
	agreed  *agreedColumns

	put     map[tandem.Key]movedBaseline
	drop    map[tandem.Key]bool
	moved   bool // baselines were written or dropped
	history []tandem.Entry
	errors  map[string]tandem.RowError // by place
	clear   map[string]bool            // places

	conflicts bookedRows[tandem.Conflict]
	typed     bookedRows[typedRow]
}

func newBooking(s *Store, tx *gorm.DB, link int64, columns []string) *booking {
	return &booking{s: s, tx: tx, link: link, columns: columns, agreed: newAgreedColumns(columns), put: map[tandem.Key]movedBaseline{}, drop: map[tandem.Key]bool{},
		errors: map[string]tandem.RowError{}, clear: map[string]bool{}}
}

// keysOf returns the key that a settled row had and the one that it has now. They differ when the write renamed the
// row, or when the database made the key of a new row (from is then empty).
func keysOf(settlement *tandem.Settlement, applied *tandem.Applied) (from, to tandem.Key) {
	from, to = settlement.Key, settlement.Key
	if settlement.Write == nil {
		return from, to
	}
	from = settlement.Write.Key
	if settlement.Write.Kind == tandem.Insert {
		from = settlement.Key
	}
	if applied.Row != nil {
		to = applied.Row.Key
	}
	return from, to
}

func (b *booking) settle(settlements []tandem.Settlement, applied []tandem.Applied) error {
	stored, err := b.readMerged(settlements, applied)
	if err != nil {
		return err
	}
	if err := b.readBooked(settlements, applied); err != nil {
		return err
	}
	for i := range settlements {
		if applied[i].Outcome != tandem.Landed {
			continue
		}
		settlement := &settlements[i]
		from, to := keysOf(settlement, &applied[i])
		b.moveBaseline(settlement, from, to, stored)
		b.moveBooked(settlement, from, to)
		for _, entry := range settlement.History {
			b.history = append(b.history, b.entry(entry, settlement, &applied[i], to))
		}
		if settlement.ClearError || settlement.Forget {
			b.clear[errorPlace(from, 0)] = true
			b.clear[errorPlace(to, 0)] = true
		}
		if settlement.Error != nil {
			problem := *settlement.Error
			problem.Key = to
			b.errors[errorPlace(to, problem.Position)] = problem
		}
	}
	return b.write()
}

// readMerged reads the baselines that a settlement keeps a part of, as they are before this commit.
func (b *booking) readMerged(settlements []tandem.Settlement, applied []tandem.Applied) (map[tandem.Key]baseline, error) {
	var keys []tandem.Key
	for i := range settlements {
		from, to := keysOf(&settlements[i], &applied[i])
		partial := from != to && settlements[i].Baseline == nil
		for _, value := range settlements[i].Baseline {
			partial = partial || value.IsAbsent()
		}
		if partial && applied[i].Outcome == tandem.Landed && from != "" {
			keys = append(keys, from)
		}
	}
	return readBaselines(b.tx, b.link, keys)
}

// movedBaseline is a row's baseline after a commit: values in the order of the link's columns or, where something of what was
// stored stays, all of it by column.
type movedBaseline struct {
	values []tandem.Value
	merged baseline
}

func (b *booking) moveBaseline(settlement *tandem.Settlement, from, to tandem.Key, stored map[tandem.Key]baseline) {
	if settlement.Forget {
		for _, key := range []tandem.Key{from, to} {
			b.drop[key] = true
			delete(b.put, key)
		}
		return
	}
	kept := stored[from]
	if earlier, ok := b.put[to]; ok && from == to {
		if kept = earlier.merged; kept == nil {
			kept = b.merge(nil, earlier.values)
		}
	}
	if from != to && from != "" {
		b.drop[from] = true
	}
	moved := movedBaseline{values: settlement.Baseline}
	if kept != nil {
		moved = movedBaseline{merged: b.merge(kept, settlement.Baseline)}
	}
	changed := settlement.Baseline != nil || from != to && len(kept) > 0
	if changed && to != "" && len(to) <= maxKeyBytes {
		b.put[to] = moved
	}
}

// merge returns kept with those of the values that are not absent.
func (b *booking) merge(kept baseline, values []tandem.Value) baseline {
	merged := make(baseline, len(b.columns))
	maps.Copy(merged, kept)
	for i, value := range values {
		if !value.IsAbsent() && i < len(b.columns) {
			merged[b.columns[i]] = value
		}
	}
	return merged
}

// entry returns a history entry as it is stored. Of a write to the database it holds the row as it was (columns outside
// the link included) and as it was read back, not as it was meant to be.
func (b *booking) entry(entry tandem.Entry, settlement *tandem.Settlement, applied *tandem.Applied, key tandem.Key) tandem.Entry {
	if entry.Key == "" || settlement.Write != nil && applied.Row != nil {
		entry.Key = key
	}
	if settlement.Write == nil || entry.Source == tandem.Database {
		return entry
	}
	if len(applied.Whole) > 0 {
		before := known(entry.Before)
		if before == nil {
			before = map[string]tandem.Value{}
		}
		maps.Copy(before, applied.Whole)
		entry.Before = before
	}
	entry.After = nil
	if applied.Row != nil {
		entry.After = baseline{}
		for i, value := range applied.Row.Values {
			entry.After[b.columns[i]] = value
		}
	}
	return entry
}

// write stores what settle gathered.
func (b *booking) write() error {
	var dropped []tandem.Key
	for key := range b.drop {
		if _, put := b.put[key]; !put {
			dropped = append(dropped, key)
		}
	}
	err := inBatches(dropped, func(batch []tandem.Key) error {
		return b.tx.Exec("DELETE FROM tandem_baselines WHERE link_number = ? AND row_key IN (?)", b.link, texts(batch)).Error
	})
	if err != nil {
		return fmt.Errorf("drop baselines: %w", err)
	}
	if err := b.writeBaselines(); err != nil {
		return fmt.Errorf("move baselines: %w", err)
	}
	b.moved = len(dropped)+len(b.put) > 0
	if err := b.writeBooked(); err != nil {
		return err
	}
	if err := b.addRests(); err != nil {
		return err
	}
	if err := b.s.addHistory(b.tx, b.link, b.history); err != nil {
		return err
	}
	return b.s.moveRowErrors(b.tx, b.link, b.errors, b.clear)
}

// writeBaselines stores the baselines that moved, in the order of their keys, in which the database stores them faster.
func (b *booking) writeBaselines() error {
	rows := make([][]any, 0, len(b.put))
	for _, key := range slices.Sorted(maps.Keys(b.put)) {
		moved := b.put[key]
		var data any
		if moved.merged != nil {
			data = namedText(moved.merged)
		} else {
			data = b.agreed.encode(moved.values)
		}
		rows = append(rows, []any{b.link, string(key), data})
	}
	return insertRows(b.tx, "INSERT INTO tandem_baselines (link_number, row_key, data) VALUES", rows,
		b.s.dialect.upsert([]string{"link_number", "row_key"}, []string{"data"}))
}

// close stores what a commit holds beside its settlements.
func (b *booking) close(commit tandem.Commit) error {
	err := inBatches(commit.Marks, func(ids []int64) error {
		return b.tx.Exec("DELETE FROM tandem_marks WHERE id IN (?)", ids).Error
	})
	if err != nil {
		return fmt.Errorf("delete marks: %w", err)
	}
	if b.moved {
		if err := countAgreed(b.tx, b.link); err != nil {
			return fmt.Errorf("count the baselines' commits: %w", err)
		}
	}
	if commit.Intent != "" {
		if err := b.tx.Exec("DELETE FROM tandem_intents WHERE id = ?", commit.Intent).Error; err != nil {
			return fmt.Errorf("close intent: %w", err)
		}
	}
	if err := b.s.finishWrites(b.tx, b.columns, commit.Writes); err != nil {
		return err
	}
	for column, at := range map[string]moment{"equal_as_of": {commit.EqualAsOf}, "scanned_at": {commit.ScannedAt}} {
		if at.IsZero() {
			continue
		}
		if err := b.tx.Exec("UPDATE tandem_links SET "+column+" = ? WHERE number = ?", at, b.link).Error; err != nil {
			return fmt.Errorf("set %s: %w", column, err)
		}
	}
	return nil
}
