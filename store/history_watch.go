package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Why reading a link's history by "seq > the last one" loses nothing, although a seq is given at an insert and visible at a
// commit: history is added in Commit and nowhere else, and Commit begins by locking the row of the link's lease, whatever
// the process. So of two transactions that add to one link's history the second is given its seqs after the first has
// become visible. Between links there is no such order, and nobody may read the history of several by one seq.

// pruneTables belong to schema version 5. A row says up to which seq a link's history was pruned, if it ever was.
var pruneTables = []ownTable{
	{
		name:    "tandem_pruned",
		columns: []string{"link_number {number}", "seq {number}"},
		primary: "link_number",
	},
}

// notePruned says that changes up to a seq are no longer whole. It belongs into the transaction that removes them: who reads
// history and then finds that nothing was pruned has read all there was.
func (s *Store) notePruned(tx *gorm.DB, link, seq int64) error {
	err := tx.Exec("INSERT INTO tandem_pruned (link_number, seq) VALUES (?,0)"+s.dialect.upsert([]string{"link_number"}, nil), link).Error
	if err != nil {
		return err
	}
	return tx.Exec("UPDATE tandem_pruned SET seq = ? WHERE link_number = ? AND seq < ?", seq, link, seq).Error
}

// BareLink is Link without what is counted: marks, row errors and conflicts.
func (s *Store) BareLink(ctx context.Context, id string) (tandem.Link, error) {
	link, err := findLink(s.db.WithContext(ctx), id, "")
	return link, wrap(err, "read link %s", id)
}

// TableColumns returns the columns of a table, and tandem.ErrNotFound when there is none of that name. Rows are not counted.
func (s *Store) TableColumns(ctx context.Context, name string) ([]tandem.Column, error) {
	found, err := s.findTable(s.db.WithContext(ctx), name)
	if err != nil {
		return nil, err
	}
	return found.Columns, nil
}

// HistoryEnds returns how far the histories of links reach, by the link's number. A link that is gone is not among them.
func (s *Store) HistoryEnds(ctx context.Context, links []int64) (map[int64]tandem.HistoryEnd, error) {
	ends := make(map[int64]tandem.HistoryEnd, len(links))
	tx := s.db.WithContext(ctx)
	err := inBatches(links, func(batch []int64) error {
		args := make([]any, len(batch))
		for i, link := range batch {
			args[i] = link
		}
		return rawQuery(tx, `SELECT l.number,
			COALESCE((SELECT c.seq FROM tandem_changes c WHERE c.link_number = l.number ORDER BY c.seq DESC LIMIT 1), 0),
			COALESCE((SELECT p.seq FROM tandem_pruned p WHERE p.link_number = l.number), 0)
			FROM tandem_links l WHERE l.number IN (`+questionMarks(len(batch))+")", args, func(row scanner) error {
			var link int64
			var end tandem.HistoryEnd
			if err := row.Scan(&link, &end.Newest, &end.Pruned); err != nil {
				return err
			}
			end.Newest = max(end.Newest, end.Pruned)
			ends[link] = end
			return nil
		})
	})
	return ends, wrap(err, "read how far histories reach")
}

// maxEntriesBytes is about how much EntriesAfter returns at most; one entry in any case.
const maxEntriesBytes = 1 << 20

// errEnough ends a query before its last row.
var errEnough = errors.New("enough")

// EntriesAfter returns up to limit entries of a link's history that follow a seq, oldest first and without a gap, and
// tandem.ErrPruned when some of those that followed were pruned.
func (s *Store) EntriesAfter(ctx context.Context, link, after int64, limit int) ([]tandem.Entry, error) {
	tx := s.db.WithContext(ctx)
	var entries []tandem.Entry
	size := 0
	err := rawQuery(tx, selectEntries+" WHERE link_number = ? AND seq > ? ORDER BY seq LIMIT ?", []any{link, after, limit}, func(row scanner) error {
		if size >= maxEntriesBytes {
			return errEnough
		}
		entry, err := scanEntry(row)
		for _, side := range []map[string]tandem.Value{entry.Before, entry.After} {
			for name, value := range side {
				size += len(name) + len(value.Text())
			}
		}
		entries = append(entries, entry)
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, wrap(err, "read history of link number %d", link)
	}
	pruned, _, err := queryOne(tx, scanNumber, "SELECT seq FROM tandem_pruned WHERE link_number = ?", link)
	if err != nil {
		return nil, wrap(err, "read how far the history of link number %d was pruned", link)
	}
	if pruned > after {
		return nil, fmt.Errorf("read history of link number %d after %d: %w", link, after, tandem.ErrPruned)
	}
	return entries, nil
}

// HistoryAdded returns a channel that is closed when this process has next added to the history of a link, whichever. Take
// it before looking. What other processes add is not announced.
func (s *Store) HistoryAdded() <-chan struct{} { return s.added.next() }

// announceHistory tells those who wait that a commit added history.
func (s *Store) announceHistory(commit *tandem.Commit) {
	adds := func(settlement tandem.Settlement) bool { return len(settlement.History) > 0 }
	if slices.ContainsFunc(commit.Settlements, adds) {
		s.added.announce()
	}
}
