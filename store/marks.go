package store

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Due returns what waits for each link that something waits for, in one query for all links.
func (s *Store) Due(ctx context.Context, now time.Time) ([]tandem.Due, error) {
	type count struct {
		link string
		what string
		n    int
	}
	counts, err := query(s.db.WithContext(ctx), func(row scanner) (c count, err error) {
		return c, row.Scan(&c.link, &c.what, &c.n)
	}, `SELECT l.id, w.what, w.n FROM tandem_links l JOIN (
			SELECT link_number, 'marks' AS what, COUNT(*) AS n FROM tandem_marks GROUP BY link_number
			UNION ALL SELECT link_number, 'writes', COUNT(*) FROM tandem_writes WHERE done = 0 GROUP BY link_number
			UNION ALL SELECT link_number, 'operations', COUNT(*) FROM tandem_operations WHERE done = 0 GROUP BY link_number
			UNION ALL SELECT link_number, 'retries', COUNT(*) FROM tandem_row_errors WHERE retry_at <= ? GROUP BY link_number
		) w ON w.link_number = l.number ORDER BY l.id`, moment{now})
	if err != nil {
		return nil, wrap(err, "read what is due")
	}
	var all []tandem.Due
	for _, c := range counts {
		if len(all) == 0 || all[len(all)-1].Link != c.link {
			all = append(all, tandem.Due{Link: c.link})
		}
		due := &all[len(all)-1]
		switch c.what {
		case "marks":
			due.Marks = c.n
		case "writes":
			due.Writes = c.n
		case "operations":
			due.Operations = c.n
		case "retries":
			due.Retries = c.n
		}
	}
	return all, nil
}

// rawMark is a mark as stored; raw says that a trigger wrote the key.
type rawMark struct {
	tandem.Mark
	raw bool
}

const selectMarks = "SELECT id, source, row_key, raw_key, marked_at, cause, actor FROM tandem_marks"

func scanMark(row scanner) (mark rawMark, err error) {
	var (
		source, cause string
		key           *string
		at            moment
	)
	if err = row.Scan(&mark.ID, &source, &key, &mark.raw, &at, &cause, &mark.Actor); err != nil {
		return mark, err
	}
	mark.Source, mark.Cause, mark.At = tandem.Source(source), tandem.Cause(cause), at.Time
	if key != nil {
		mark.Key = tandem.Key(*key)
	}
	return mark, nil
}

// decode gives a trigger's key its canonical form. A key that cannot be read becomes a mark of the whole source: to look
// at too much costs time, to overlook a change costs a row.
func (m rawMark) decode(table *Table) tandem.Mark {
	if m.raw && m.Key != "" {
		key, err := table.decodeRawKey(string(m.Key))
		if err != nil {
			key = ""
		}
		m.Key = key
	}
	return m.Mark
}

// Marks returns up to limit marks of a link, oldest first. They stay until a Commit names their ids: a mark that commits
// late may have a lower id than one that was read, so "all up to an id" must never be taken as seen.
func (s *Store) Marks(ctx context.Context, link string, table *Table, limit int) ([]tandem.Mark, error) {
	raw, err := query(s.db.WithContext(ctx), scanMark,
		selectMarks+" WHERE link_number = (SELECT number FROM tandem_links WHERE id = ?) ORDER BY id LIMIT ?", link, limit)
	if err != nil {
		return nil, wrap(err, "read marks of link %s", link)
	}
	marks := make([]tandem.Mark, len(raw))
	for i, mark := range raw {
		marks[i] = mark.decode(table)
	}
	return marks, nil
}

// Marks is Store.Marks for the table's link.
func (t *Table) Marks(ctx context.Context, limit int) ([]tandem.Mark, error) {
	return t.store.Marks(ctx, t.link.ID, t, limit)
}

// AddMarks says that rows of a link are to be looked at.
func (s *Store) AddMarks(ctx context.Context, link string, marks []tandem.Mark) error {
	err := s.transaction(ctx, func(tx *gorm.DB) error { return s.addMarks(tx, link, marks) })
	if err == nil {
		s.wake(link)
	}
	return wrap(err, "mark rows of link %s", link)
}

// addMarks adds marks within the transaction of what they speak of; the caller wakes the link after it.
func (s *Store) addMarks(tx *gorm.DB, link string, marks []tandem.Mark) error {
	number, err := linkNumber(tx, link)
	if err != nil {
		return err
	}
	rows := make([][]any, len(marks))
	for i, mark := range marks {
		at := mark.At
		if at.IsZero() {
			at = s.moment()
		}
		rows[i] = []any{number, string(mark.Source), string(mark.Key), 0, moment{at}, string(mark.Cause), clip(mark.Actor)}
	}
	return insertRows(tx, "INSERT INTO tandem_marks (link_number, source, row_key, raw_key, marked_at, cause, actor) VALUES", rows, "")
}

// clip cuts names that others chose to the 255 characters of a {name}.
func clip(name string) string {
	if utf8.RuneCountInString(name) <= 255 {
		return name
	}
	return string([]rune(name)[:254]) + "…"
}
