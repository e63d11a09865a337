// Package tandem holds the words that every part of Tandem shares: rows, keys, values and their types, links
// between a table and a tab, changes, operations, and errors. It does no I/O and imports nothing of ours.
//
// A link pairs one database table with one tab of a Google spreadsheet. Each of the two is a Source. A row is known by
// its Key on both, never by its position.
package tandem

// Source names one side of a link.
type Source string

// The two sides of a link, as they stand in resource names.
const (
	Database Source = "database"
	Sheet    Source = "sheet"
)

// Other returns the opposite side.
func (s Source) Other() Source {
	if s == Database {
		return Sheet
	}
	return Database
}
