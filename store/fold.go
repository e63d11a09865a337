package store

import (
	"context"

	"github.com/tandem-sync/tandem"
)

// Folds reports whether the database holds some keys equal that are spelled differently.
func (t *Table) Folds() bool { return false }

// Canonical returns, for each of the keys, the spelling that stands for all that the database holds equal to it: the
// table's own where it has such a row, else the first one among keys. Keys that stand for themselves are left out.
func (t *Table) Canonical(ctx context.Context, keys []tandem.Key) (map[tandem.Key]tandem.Key, error) {
	return nil, nil
}

// Problems says, by column, why a linked column cannot flow: it is gone from the table, or its type is another one now.
func (t *Table) Problems() map[string]string { return nil }

// LinkOrder returns a number for each link, such that the tables of links with a lower one do not reference those of
// links with a higher one, cycles aside.
func (s *Store) LinkOrder(ctx context.Context) (map[string]int, error) { return nil, nil }
