package store

import (
	"context"

	"github.com/tandem-sync/tandem"
)

// Backlogs returns what waits for each link and where it stands, by link, in one query. It counts in indexes only, so its
// cost is that of the marks that wait, not of the rows that are linked.
func (s *Store) Backlogs(ctx context.Context) ([]tandem.Backlog, error) {
	all, err := query(s.db.WithContext(ctx), func(row scanner) (b tandem.Backlog, err error) {
		var state string
		var marked, wanted moment
		if err = row.Scan(&b.Link, &state, &b.Marks, &marked, &b.Writes, &wanted, &b.RowErrors, &b.Conflicts); err != nil {
			return b, err
		}
		b.State, b.Oldest = tandem.State(state), marked.Time
		if b.Oldest.IsZero() || !wanted.IsZero() && wanted.Before(b.Oldest) {
			b.Oldest = wanted.Time
		}
		return b, nil
	}, `SELECT l.id, l.state, COALESCE(m.n, 0), first_mark.marked_at, COALESCE(w.n, 0), first_write.created_at, COALESCE(e.n, 0), COALESCE(c.n, 0)
		FROM tandem_links l
		LEFT JOIN (SELECT link_number, COUNT(*) AS n, MIN(id) AS first_id FROM tandem_marks GROUP BY link_number) m ON m.link_number = l.number
		LEFT JOIN tandem_marks first_mark ON first_mark.id = m.first_id
		LEFT JOIN (SELECT link_number, COUNT(*) AS n, MIN(seq) AS first_seq FROM tandem_writes WHERE done = 0 GROUP BY link_number) w ON w.link_number = l.number
		LEFT JOIN tandem_writes first_write ON first_write.seq = w.first_seq
		LEFT JOIN (SELECT link_number, COUNT(*) AS n FROM tandem_row_errors GROUP BY link_number) e ON e.link_number = l.number
		LEFT JOIN (SELECT link_number, COUNT(*) AS n FROM tandem_conflicts GROUP BY link_number) c ON c.link_number = l.number
		ORDER BY l.id`)
	return all, wrap(err, "read what waits for links")
}
