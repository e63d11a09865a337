package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// addHistory appends entries to a link's history. Only who holds the link's lease does, so a link's entries become
// visible in the order of their seq.
func (s *Store) addHistory(tx *gorm.DB, link int64, entries []tandem.Entry) error {
	rows := make([][]any, len(entries))
	for i, entry := range entries {
		before, after := known(entry.Before), known(entry.After)
		texts := [2]*string{}
		for j, row := range []map[string]tandem.Value{before, after} {
			if row == nil {
				continue
			}
			text, err := toJSON(&row)
			if err != nil {
				return err
			}
			texts[j] = text
		}
		at := entry.At
		if at.IsZero() {
			at = s.moment()
		}
		rows[i] = []any{link, string(entry.Key), string(entry.Kind), string(entry.Source), string(entry.Cause), clip(entry.Actor),
			texts[0], texts[1], flag(entry.Removes), moment{at}}
	}
	err := insertRows(tx, `INSERT INTO tandem_changes (link_number, row_key, kind, source, cause, actor, before_row, after_row,
		removes, applied_at) VALUES`, rows, "")
	if err != nil {
		return fmt.Errorf("add history: %w", err)
	}
	return nil
}

func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

func scanEntry(row scanner) (entry tandem.Entry, err error) {
	var (
		kind, source, cause string
		key, before, after  *string
		at                  moment
	)
	err = row.Scan(&entry.Seq, &key, &kind, &source, &cause, &entry.Actor, &before, &after, &entry.Removes, &at)
	if err != nil {
		return entry, err
	}
	if key != nil {
		entry.Key = tandem.Key(*key)
	}
	entry.Kind, entry.Source, entry.Cause, entry.At = tandem.ChangeKind(kind), tandem.Source(source), tandem.Cause(cause), at.Time
	for _, side := range []struct {
		text *string
		into *map[string]tandem.Value
	}{{before, &entry.Before}, {after, &entry.After}} {
		row, err := fromJSON[map[string]tandem.Value](side.text)
		if err != nil {
			return entry, err
		}
		if row != nil {
			*side.into = *row
		}
	}
	return entry, nil
}

// Entries returns up to limit entries of a link's history after a seq, oldest first.
func (s *Store) Entries(ctx context.Context, link string, after int64, limit int) ([]tandem.Entry, error) {
	entries, err := query(s.db.WithContext(ctx), scanEntry, `SELECT seq, row_key, kind, source, cause, actor, before_row, after_row,
		removes, applied_at FROM tandem_changes WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?) AND seq > ?
		ORDER BY seq LIMIT ?`, link, after, limit)
	return entries, wrap(err, "read history of link %s", link)
}

// Removals counts the rows that were deleted or emptied since a moment, by the side that did.
func (s *Store) Removals(ctx context.Context, link string, since time.Time) (map[tandem.Source]int, error) {
	type count struct {
		source string
		n      int
	}
	counts, err := query(s.db.WithContext(ctx), func(row scanner) (c count, err error) {
		return c, row.Scan(&c.source, &c.n)
	}, `SELECT source, COUNT(*) FROM tandem_changes WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)
		AND removes = 1 AND applied_at >= ? GROUP BY source`, link, moment{since})
	if err != nil {
		return nil, wrap(err, "count removals of link %s", link)
	}
	removals := make(map[tandem.Source]int, len(counts))
	for _, c := range counts {
		removals[tandem.Source(c.source)] = c.n
	}
	return removals, nil
}
