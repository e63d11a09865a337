package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// addHistory appends entries to a link's history. Call it where checkLease was called first, in the same transaction, and
// nowhere else: only so a link's entries become visible in the order of their seq, which who follows them relies on; see
// history_watch.go.
func (s *Store) addHistory(tx *gorm.DB, link int64, entries []tandem.Entry) error {
	rows := make([][]any, len(entries))
	for i, entry := range entries {
		conflict, err := toJSON(entry.Conflict)
		if err != nil {
			return err
		}
		at := entry.At
		if at.IsZero() {
			at = s.moment()
		}
		rows[i] = []any{link, string(entry.Key), string(entry.Kind), string(entry.Source), string(entry.Cause), clip(entry.Actor),
			namedText(entry.Before), namedText(entry.After), flag(entry.Removes), moment{at}, conflict}
	}
	err := insertRows(tx, `INSERT INTO tandem_changes (link_number, row_key, kind, source, cause, actor, before_row, after_row,
		removes, applied_at, conflict) VALUES`, rows, "")
	if err != nil {
		return fmt.Errorf("add history: %w", err)
	}
	return nil
}

// namedText is a row by column as it is stored, without its absent values; nil for no row.
func namedText(row map[string]tandem.Value) any {
	if row == nil {
		return nil
	}
	data := append(make([]byte, 0, 40*len(row)), '{')
	for _, name := range slices.Sorted(maps.Keys(row)) {
		if row[name].IsAbsent() {
			continue
		}
		if len(data) > 1 {
			data = append(data, ',')
		}
		data = appendValue(append(appendText(data, name), ':'), row[name])
	}
	return string(append(data, '}'))
}

func flag(set bool) int {
	if set {
		return 1
	}
	return 0
}

// selectEntries is what scanEntry reads.
const selectEntries = `SELECT seq, row_key, kind, source, cause, actor, before_row, after_row, removes, applied_at, conflict
	FROM tandem_changes`

func scanEntry(row scanner) (entry tandem.Entry, err error) {
	var (
		kind, source, cause string
		key, before, after  *string
		conflict            *string
		at                  moment
	)
	err = row.Scan(&entry.Seq, &key, &kind, &source, &cause, &entry.Actor, &before, &after, &entry.Removes, &at, &conflict)
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
	entry.Conflict, err = fromJSON[tandem.Conflict](conflict)
	return entry, err
}

// Entries returns up to limit entries of a link's history after a seq, oldest first.
func (s *Store) Entries(ctx context.Context, link string, after int64, limit int) ([]tandem.Entry, error) {
	entries, err := query(s.db.WithContext(ctx), scanEntry, selectEntries+` WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?) AND seq > ?
		ORDER BY seq LIMIT ?`, link, after, limit)
	return entries, wrap(err, "read history of link %s", link)
}

// Changes returns up to limit entries of a link's history that filter selects, newest first. Before is the seq that a page
// goes on below; 0 begins with the newest.
func (s *Store) Changes(ctx context.Context, link string, filter tandem.ChangeFilter, before int64, limit int) ([]tandem.Entry, error) {
	where, args := selection(link, filter)
	if before > 0 {
		where, args = where+" AND seq < ?", append(args, before)
	}
	entries, err := query(s.db.WithContext(ctx), scanEntry, selectEntries+where+" ORDER BY seq DESC LIMIT ?", append(args, limit)...)
	return entries, wrap(err, "read history of link %s", link)
}

// selection is the condition for the entries of a link that filter selects.
func selection(link string, filter tandem.ChangeFilter) (where string, args []any) {
	where, args = " WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?)", []any{link}
	and := func(condition string, values ...any) {
		where, args = where+" AND "+condition, append(args, values...)
	}
	if len(filter.Seqs) > 0 {
		and("seq IN (?)", filter.Seqs)
	}
	if filter.Key != "" {
		// The index finds the row, HEX tells "a" from "a ", which MySQL's comparison of texts holds equal.
		and("row_key = ? AND HEX(row_key) = HEX(?)", string(filter.Key), string(filter.Key))
	}
	if !filter.Since.IsZero() {
		and("applied_at >= ?", moment{filter.Since})
	}
	if !filter.Until.IsZero() {
		and("applied_at < ?", moment{filter.Until})
	}
	if filter.Actor != "" {
		and("actor = ?", clip(filter.Actor))
	}
	if filter.Cause != "" {
		and("cause = ?", string(filter.Cause))
	}
	if filter.Source != "" {
		and("source = ?", string(filter.Source))
	}
	return where, args
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
