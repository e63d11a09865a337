package store

import (
	"context"
	"fmt"

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
