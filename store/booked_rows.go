package store

import (
	"fmt"

	"github.com/tandem-sync/tandem"
)

// bookedRows are what a commit leaves of the records that one of our tables holds of single rows.
type bookedRows[T any] struct {
	held    map[tandem.Key]T // as the commit has them so far
	touched map[tandem.Key]bool
}

func newBookedRows[T any](stored map[tandem.Key]T) bookedRows[T] {
	return bookedRows[T]{held: stored, touched: map[tandem.Key]bool{}}
}

func (b *bookedRows[T]) put(key tandem.Key, record T) {
	b.held[key], b.touched[key] = record, true
}

func (b *bookedRows[T]) drop(keys ...tandem.Key) {
	for _, key := range keys {
		if key != "" {
			delete(b.held, key)
			b.touched[key] = true
		}
	}
}

// rename gives the record of a row that was renamed its new key.
func (b *bookedRows[T]) rename(from, to tandem.Key) {
	record, ok := b.held[from]
	if !ok {
		return
	}
	b.drop(from)
	if to != "" && len(to) <= maxKeyBytes {
		b.put(to, record)
	}
}

// gone are the keys of which nothing is held any more.
func (b *bookedRows[T]) gone() []tandem.Key {
	var keys []tandem.Key
	for key := range b.touched {
		if _, stays := b.held[key]; !stays {
			keys = append(keys, key)
		}
	}
	return keys
}

// readBooked reads the conflicts and typed rows that the settlements renew or rename. A conflict stays locked: a person's
// decision comes before this commit, which sees it, or after it.
func (b *booking) readBooked(settlements []tandem.Settlement, applied []tandem.Applied) error {
	var disputed, renamed []tandem.Key
	for i := range settlements {
		if applied[i].Outcome != tandem.Landed {
			continue
		}
		from, to := keysOf(&settlements[i], &applied[i])
		if from != to && from != "" {
			renamed = append(renamed, from)
		}
		if settlements[i].Conflict != nil {
			disputed = append(disputed, to)
		}
	}
	conflicts, err := readConflicts(b.tx, b.link, append(disputed, renamed...), b.s.dialect.forUpdate)
	if err != nil {
		return err
	}
	typed, err := readTyped(b.tx, b.link, renamed)
	if err != nil {
		return err
	}
	b.conflicts, b.typed = newBookedRows(conflicts), newBookedRows(typed)
	return nil
}

// moveBooked takes over what a settlement that landed says of the row's conflict and of how it was typed.
func (b *booking) moveBooked(settlement *tandem.Settlement, from, to tandem.Key) {
	if from != to && from != "" {
		b.conflicts.rename(from, to)
		b.typed.rename(from, to)
	}
	if settlement.CloseConflict || settlement.Forget {
		b.conflicts.drop(from, to)
	}
	if settlement.CloseTyped {
		b.typed.drop(from, to)
	}
	if to == "" {
		return // the database made no key, or a trigger of its own took the row away
	}
	if settlement.Conflict != nil {
		b.conflicts.put(to, b.renewed(*settlement.Conflict, to))
	}
	if settlement.Typed != nil {
		b.typed.put(to, b.typedRow(settlement.Typed, to))
	}
}

// renewed returns a conflict as it is to be stored: it is as old as the one before it, and what people decided about that
// holds when the sides still hold the same.
func (b *booking) renewed(conflict tandem.Conflict, key tandem.Key) tandem.Conflict {
	conflict.Resolution = nil
	if before, ok := b.conflicts.held[key]; ok {
		conflict.Since = before.Since
		if before.Digest == conflict.Digest {
			conflict.Resolution = before.Resolution
		}
	}
	if conflict.Since.IsZero() {
		conflict.Since = b.s.moment()
	}
	return conflict
}

func (b *booking) typedRow(typed *tandem.Typed, key tandem.Key) typedRow {
	row := typedRow{key: key, data: baseline{}, position: typed.Position, at: moment{typed.At}}
	for i, value := range typed.Values {
		if !value.IsAbsent() && i < len(b.columns) {
			row.data[b.columns[i]] = value
		}
	}
	if row.at.IsZero() {
		row.at = moment{b.s.moment()}
	}
	return row
}

// writeBooked stores what moveBooked gathered.
func (b *booking) writeBooked() error {
	for table, gone := range map[string][]tandem.Key{"tandem_conflicts": b.conflicts.gone(), "tandem_typed": b.typed.gone()} {
		err := inBatches(gone, func(batch []tandem.Key) error {
			return b.tx.Exec("DELETE FROM "+table+" WHERE link_number = ? AND row_key IN (?)", b.link, texts(batch)).Error
		})
		if err != nil {
			return fmt.Errorf("delete from %s: %w", table, err)
		}
	}
	if err := b.writeConflicts(); err != nil {
		return err
	}
	return b.writeTyped()
}

func (b *booking) writeConflicts() error {
	var rows [][]any
	for key := range b.conflicts.touched {
		conflict, ok := b.conflicts.held[key]
		if !ok {
			continue
		}
		resolution, err := toJSON(conflict.Resolution)
		if err != nil {
			return err
		}
		digest, since := conflict.Digest, moment{conflict.Since}
		conflict.Key, conflict.Resolution, conflict.Digest, conflict.Since = "", nil, "", moment{}.Time
		conflict.Base, conflict.Database, conflict.Sheet = known(conflict.Base), known(conflict.Database), known(conflict.Sheet)
		data, err := toJSON(&conflict)
		if err != nil {
			return err
		}
		rows = append(rows, []any{b.link, string(key), data, digest, since, resolution})
	}
	columns := []string{"data", "digest", "since", "resolution"}
	err := insertRows(b.tx, "INSERT INTO tandem_conflicts (link_number, row_key, data, digest, since, resolution) VALUES", rows,
		b.s.dialect.upsert([]string{"link_number", "row_key"}, columns))
	if err != nil {
		return fmt.Errorf("store conflicts: %w", err)
	}
	return nil
}

func (b *booking) writeTyped() error {
	var rows [][]any
	for key := range b.typed.touched {
		typed, ok := b.typed.held[key]
		if !ok {
			continue
		}
		data, err := toJSON(&typed.data)
		if err != nil {
			return err
		}
		rows = append(rows, []any{b.link, string(key), data, typed.position, typed.at})
	}
	err := insertRows(b.tx, "INSERT INTO tandem_typed (link_number, row_key, data, position, made_at) VALUES", rows,
		b.s.dialect.upsert([]string{"link_number", "row_key"}, []string{"data", "position", "made_at"}))
	if err != nil {
		return fmt.Errorf("store typed rows: %w", err)
	}
	return nil
}
