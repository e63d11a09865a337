package tandem

import "time"

// Backlog is what waits for a link, and where it stands.
type Backlog struct {
	Link      string
	State     State
	Marks     int       // to look at rows and tabs, of which a row may have several
	Rows      int       // that are marked
	Writes    int       // writes to the sheet that callers of the API wait for
	Oldest    time.Time // when the oldest of both was asked for; zero when nothing waits
	RowErrors int
	Conflicts int // open
}
