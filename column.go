package tandem

import (
	"strconv"
	"time"
)

// Column is a column of a database table as introspection found it.
type Column struct {
	Name          string
	Type          Type
	Nullable      bool
	HasDefault    bool
	AutoIncrement bool
	Generated     bool // computed by the database, never written
	KeyPosition   int  // 1, 2, … in the primary key; 0 when not in it
	// Zone is where the sheet shows a Timestamp; nil for all other kinds and outside a link.
	Zone *time.Location
}

// Equal reports whether a and b are the same content of column c. It is the only equality of the product; SQL's is never
// used. NULL and the empty text are equal, since a cell cannot tell them apart. Floats are equal when equal to 15
// significant digits, and timestamps when they show alike in the sheet (the hour that clocks repeat in autumn).
func (c *Column) Equal(a, b Value) bool {
	if a == b || a.IsEmpty() && b.IsEmpty() {
		return true
	}
	if a.state != present || b.state != present {
		return false
	}
	switch {
	case c.Type.Kind == Float:
		return significant(a.text) == significant(b.text)
	case c.Type.Kind == Timestamp && c.Zone != nil:
		return c.wallClock(a.text) == c.wallClock(b.text)
	}
	return false
}

// Class returns a text that is the same for all values that Equal holds equal, and no others.
func (c *Column) Class(v Value) string {
	switch {
	case v.IsEmpty() || v.IsAbsent():
		return ""
	case v.IsInvalid():
		return "!" + v.text
	case c.Type.Kind == Float:
		return "=" + significant(v.text)
	case c.Type.Kind == Timestamp && c.Zone != nil:
		return "=" + c.wallClock(v.text)
	}
	return "=" + v.text
}

func significant(text string) string {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(n, 'g', 15, 64)
}

func (c *Column) wallClock(text string) string {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text
	}
	return at.In(c.Zone).Format("2006-01-02T15:04:05.999999999")
}

// Table is a table of the database that can, or cannot, be linked.
type Table struct {
	Name     string
	Columns  []Column
	Key      []string // the primary key's columns in key order
	Rows     int64    // the database's estimate
	Linkable bool
	Problem  string // why it cannot be linked, in words; empty when it can
}

// Column returns the column called name, or nil.
func (t *Table) Column(name string) *Column {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// Spreadsheet is a Google spreadsheet as it can be seen without reading cells.
type Spreadsheet struct {
	ID, Title, Locale, TimeZone string
	Tabs                        []TabInfo
}

// TabInfo is one tab of a spreadsheet.
type TabInfo struct {
	SheetID       int64
	Title         string
	Rows, Columns int64
	Hidden        bool
	Headers       []string // the texts of the header row, "" where a cell is empty
}

// ParseMoment reads the canonical text of a Timestamp, or of a DateTime taken as UTC.
func ParseMoment(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at, nil
	}
	return time.Parse("2006-01-02T15:04:05.999999999", text)
}
