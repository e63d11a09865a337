package store

import (
	"database/sql/driver"
	"fmt"
	"time"
)

// moment is a time in our own tables: UTC with microseconds, NULL when zero. It is written as text of a fixed width, which
// sorts as time does in every dialect and does not depend on the session's time zone.
type moment struct{ time.Time }

const momentLayout = "2006-01-02 15:04:05.000000"

// Value writes the moment.
func (m moment) Value() (driver.Value, error) {
	if m.IsZero() {
		return nil, nil
	}
	return m.UTC().Format(momentLayout), nil
}

// Scan reads what Value and the triggers write. A driver that parses times gives them in a zone of its choice, although
// the clock they show is UTC's.
func (m *moment) Scan(source any) error {
	var text string
	switch v := source.(type) {
	case nil:
		m.Time = time.Time{}
		return nil
	case time.Time:
		m.Time = time.Date(v.Year(), v.Month(), v.Day(), v.Hour(), v.Minute(), v.Second(), v.Nanosecond(), time.UTC)
		return nil
	case string:
		text = v
	case []byte:
		text = string(v)
	default:
		return fmt.Errorf("a time cannot be read from %T", source)
	}
	at, err := time.Parse("2006-01-02 15:04:05.999999999", text)
	m.Time = at
	return err
}

// moment returns now as our tables can hold it.
func (s *Store) moment() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
