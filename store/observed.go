package store

import (
	"context"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// SetObserved stores what the worker found out about a link's columns (why one is paused, its type, its header now) and
// the title of its tab. What the user set stays, and so does the link's version. It fails with tandem.ErrFenced.
//
// Columns are matched by their name in the table; those that the link does not have are passed over. An empty type, header
// or title says that nothing was found out, an empty reason that the column flows.
func (s *Store) SetObserved(ctx context.Context, lease tandem.Lease, link string, columns []tandem.LinkColumn, tab string) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error {
		if err := s.checkLease(tx, lease); err != nil {
			return err
		}
		stored, err := findLink(tx, link, s.dialect.forUpdate)
		if err != nil || !observe(&stored, columns, tab) {
			return err
		}
		config, err := toJSON(configOf(&stored))
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE tandem_links SET config = ? WHERE number = ?", config, stored.Number).Error
	})
	return wrap(err, "store what was seen of link %s", link)
}

// observe puts what was found out into link, and reports whether anything of it is new.
func observe(link *tandem.Link, columns []tandem.LinkColumn, tab string) bool {
	seen := make(map[string]tandem.LinkColumn, len(columns))
	for _, column := range columns {
		seen[column.Column] = column
	}
	changed := tab != "" && tab != link.Tab
	if changed {
		link.Tab = tab
	}
	for i := range link.Columns {
		now, ok := seen[link.Columns[i].Column]
		if !ok {
			continue
		}
		next := link.Columns[i]
		next.Paused, next.PausedBy = now.Paused, now.PausedBy
		if now.Type != "" {
			next.Type = now.Type
		}
		if now.Header != "" {
			next.Header = now.Header
		}
		if next != link.Columns[i] {
			link.Columns[i] = next
			changed = true
		}
	}
	return changed
}
