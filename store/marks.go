package store

import (
	"context"
	"time"
	"unicode/utf8"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// Due returns what waits for each link that something waits for, in one query for all links. It counts nothing: a number is 1
// where anything waits. The worker asks many times a second, and must not pay for the length of the queue: MIN in place of
// LIMIT would, on MariaDB.
func (s *Store) Due(ctx context.Context, now time.Time) ([]tandem.Due, error) {
	all, err := query(s.db.WithContext(ctx), func(row scanner) (d tandem.Due, err error) {
		return d, row.Scan(&d.Link, &d.First, &d.Marks, &d.Writes, &d.Operations, &d.Retries)
	}, `SELECT id, COALESCE(oldest, 0), oldest IS NOT NULL, writes, operations, retries FROM (
			SELECT l.id AS id,
				(SELECT m.id FROM tandem_marks m WHERE m.link_number = l.number ORDER BY m.id LIMIT 1) AS oldest,
				EXISTS (SELECT 1 FROM tandem_writes w WHERE w.link_number = l.number AND w.done = 0) AS writes,
				EXISTS (SELECT 1 FROM tandem_operations o WHERE o.link_number = l.number AND o.done = 0) AS operations,
				l.number IN (SELECT e.link_number FROM tandem_row_errors e WHERE e.retry_at <= ?) AS retries
			FROM tandem_links l
		) d WHERE oldest IS NOT NULL OR writes + operations + retries > 0 ORDER BY id`, moment{now})
	return all, wrap(err, "read what is due")
}

// rawMark is a mark as stored; raw says that a trigger wrote the key.
type rawMark struct {
	tandem.Mark
	raw bool
}

const selectMarks = "SELECT id, source, row_key, raw_key, marked_at, cause, actor, places, rest FROM tandem_marks"

func scanMark(row scanner) (mark rawMark, err error) {
	var (
		source, cause string
		key, places   *string
		rest          *string
		at            moment
	)
	if err = row.Scan(&mark.ID, &source, &key, &mark.raw, &at, &cause, &mark.Actor, &places, &rest); err != nil {
		return mark, err
	}
	held, err := fromJSON[map[string]tandem.Value](rest)
	if err != nil {
		return mark, err
	}
	if held != nil {
		mark.Rest = *held
	}
	rows, err := fromJSON[[]int](places)
	if err != nil {
		return mark, err
	}
	if rows != nil {
		mark.Rows = *rows
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

// Marks is Store.Marks for the table's link. During an initial sync the marks of everything that was committed before are
// among them, however capture works: a row without a baseline that only the sheet has may be one that was just deleted.
func (t *Table) Marks(ctx context.Context, limit int) ([]tandem.Mark, error) {
	if t.store.binlog != nil && t.link.State == tandem.StateInitialSync {
		if err := t.store.catchUp(ctx); err != nil {
			return nil, err
		}
	}
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
	return s.addMarksTo(tx, number, marks)
}

// addMarksTo is addMarks for the number of a link that is there.
func (s *Store) addMarksTo(tx *gorm.DB, number int64, marks []tandem.Mark) error {
	rows := make([][]any, len(marks))
	for i, mark := range marks {
		at := mark.At
		if at.IsZero() {
			at = s.moment()
		}
		rows[i] = []any{number, string(mark.Source), string(mark.Key), 0, moment{at}, string(mark.Cause), clip(mark.Actor), namedText(mark.Rest)}
	}
	return insertRows(tx, "INSERT INTO tandem_marks (link_number, source, row_key, raw_key, marked_at, cause, actor, rest) VALUES", rows, "")
}

// clip cuts names that others chose to the 255 characters of a {name}.
func clip(name string) string {
	if utf8.RuneCountInString(name) <= 255 {
		return name
	}
	return string([]rune(name)[:254]) + "…"
}
