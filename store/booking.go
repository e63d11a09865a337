package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// booking gathers what settlements change in our tables, so that it is stored in few statements.
type booking struct {
	s       *Store
	tx      *gorm.DB
	link    int64
	columns []string // of the link, in the order of the settlements' values
	agreed  *agreedColumns

	put     map[tandem.Key]movedBaseline
	drop    map[tandem.Key]bool
	moved   bool    // baselines were written or dropped
	marks   []int64 // looked at
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
		b.marks = append(b.marks, settlement.Marks...)
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
	err := inBatches(append(b.marks, commit.Marks...), func(ids []int64) error {
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
