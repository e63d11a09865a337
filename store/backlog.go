package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Backlogs returns what waits for each link and where it stands, by link, in two queries. Its cost is that of the marks that
// wait, not of the rows that are linked. Nothing waits for a link that was never synced: its initial sync looks at every row.
func (s *Store) Backlogs(ctx context.Context) ([]tandem.Backlog, error) {
	tx, marks := s.db.WithContext(ctx), map[int64]int{}
	var numbers []int64
	all, err := query(tx, func(row scanner) (b tandem.Backlog, err error) {
		var number int64
		var state string
		var marked, wanted moment
		if err = row.Scan(&number, &b.Link, &state, &b.Marks, &marked, &b.Writes, &wanted, &b.RowErrors, &b.Conflicts); err != nil {
			return b, err
		}
		numbers, marks[number] = append(numbers, number), b.Marks
		b.State, b.Oldest = tandem.State(state), marked.Time
		if b.Oldest.IsZero() || !wanted.IsZero() && wanted.Before(b.Oldest) {
			b.Oldest = wanted.Time
		}
		return b, nil
	}, `SELECT l.number, l.id, l.state, COALESCE(m.n, 0), first_mark.marked_at, COALESCE(w.n, 0), first_write.created_at, COALESCE(e.n, 0), COALESCE(c.n, 0)
		FROM tandem_links l
		LEFT JOIN (SELECT link_number, COUNT(*) AS n, MIN(id) AS first_id FROM tandem_marks GROUP BY link_number) m ON m.link_number = l.number AND l.state <> 'NEW'
		LEFT JOIN tandem_marks first_mark ON first_mark.id = m.first_id
		LEFT JOIN (SELECT link_number, COUNT(*) AS n, MIN(seq) AS first_seq FROM tandem_writes WHERE done = 0 GROUP BY link_number) w ON w.link_number = l.number
		LEFT JOIN tandem_writes first_write ON first_write.seq = w.first_seq
		LEFT JOIN (SELECT link_number, COUNT(*) AS n FROM tandem_row_errors GROUP BY link_number) e ON e.link_number = l.number
		LEFT JOIN (SELECT link_number, COUNT(*) AS n FROM tandem_conflicts GROUP BY link_number) c ON c.link_number = l.number
		ORDER BY l.id`)
	if err == nil {
		err = markedRows(tx, marks)
	}
	for i := range all {
		all[i].Rows = marks[numbers[i]]
	}
	return all, wrap(err, "read what waits for links")
}

// countedMarks is how many marks are looked at, one by one, to tell how many rows they are of.
const countedMarks = 20_000

// markedRows puts, in place of how many marks a link has, how many rows they are of: a row is marked each time that it is
// written. A hint from the sheet counts as the row that it mostly is of; a mark to look at a whole side is of no row. Where
// too many marks wait to be told apart often, their number stays.
func markedRows(tx *gorm.DB, marks map[int64]int) error {
	links := slices.SortedFunc(maps.Keys(marks), func(a, b int64) int { return cmp.Compare(marks[a], marks[b]) })
	links = slices.DeleteFunc(links, func(link int64) bool { return marks[link] == 0 })
	in := 0
	for n, link := range links {
		if in += marks[link]; in > countedMarks {
			links = links[:n]
			break
		}
	}
	return inBatches(links, func(batch []int64) error {
		_, err := query(tx, func(row scanner) (link int64, err error) {
			var rows int
			err = row.Scan(&link, &rows)
			marks[link] = rows
			return link, err
		}, `SELECT link_number, COUNT(DISTINCT COALESCE(NULLIF(row_key, ''), places)) FROM tandem_marks WHERE link_number IN (?) GROUP BY link_number`, batch)
		return err
	})
}
