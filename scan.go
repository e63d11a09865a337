package tandem

import "time"

// Scan is what one read of a tab found.
type Scan struct {
	Began, Ended time.Time
	Whole        bool     // every row of the tab, from a single read; else only the rows asked for
	Rows         []Row    // rows whose key stands once, in the order of the sheet
	Bad          []BadRow // rows without a usable key, and every row of a key that stands twice
	Title        string   // of the tab, as it is now; "" when the read did not tell
	Missing      []string // linked columns whose header is not there, or stands twice; their values are Absent
	// Digest, of a whole read, fingerprints what the linked cells hold and where their rows stand: as long as it is equal, so
	// are Rows, Bad and Missing. It is the same in every process, for the same columns of the link.
	Digest string
	// Same says that the tab still has the digest that the reader named. Then Rows and Bad are left out: that they are empty
	// says nothing of the tab, and nothing may be concluded from it.
	Same bool
}

// BadRow is a row of a tab that cannot be told by its key.
type BadRow struct {
	Row     Row    // Key is set only where the key stands more than once
	Message string // why, in words
	// Keyless is set when every key cell is empty: a row that the database may make a key for.
	Keyless bool
}

// Due is what waits for a link's next cycle. A number that is not 0 says that something waits, not how much: Status.Pending does.
type Due struct {
	Link       string
	Marks      int
	Writes     int // wanted writes of API callers
	Operations int
	Retries    int // row errors whose time to try again has come
	// First is the id of the oldest mark, 0 without one: of two links, the one with the lower id waits longer.
	First int64
}

// BaselineRow is what both sides last agreed on for one row.
type BaselineRow struct {
	Key    Key
	Values []Value
}

// Plan is a stored plan of an InitialSync.
type Plan struct {
	ID        string
	Link      string
	Signature string // of the columns, key and policies that it was made with
	Created   time.Time
}

// PlanRow is one row that a plan writes; Digest fingerprints both sides' rows and the baseline as the plan saw them.
type PlanRow struct {
	Key    Key
	Digest string
}

// RowState is what is known of one row beside its values.
type RowState struct {
	Baseline []Value // nil when the sides never agreed on the row
	Error    *RowError
	Conflict bool // waits for a person
	Marked   bool // a change waits to be looked at
}
