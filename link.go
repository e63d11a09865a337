package tandem

import "time"

// State is where a link stands.
type State string

// The states of a link. Nothing flows in StateNew, StatePaused and StateHalted.
const (
	StateNew         State = "NEW"
	StateInitialSync State = "INITIAL_SYNC"
	StateActive      State = "ACTIVE"
	StatePaused      State = "PAUSED"
	StateHalted      State = "HALTED"
)

// Policy says which side wins a cell that both changed differently.
type Policy string

// The policies. An empty policy of a column means the link's.
const (
	LastWriteWins Policy = "LAST_WRITE_WINS"
	DatabaseWins  Policy = "DATABASE_WINS"
	SheetWins     Policy = "SHEET_WINS"
	Manual        Policy = "MANUAL" // a person decides; nothing is overwritten meanwhile
	ByRules       Policy = "RULES"  // the link's rules decide
)

// Owner says which side may change a column.
type Owner string

// The owners of a column. A change by the side that does not own it is put back; ignored columns are left alone.
const (
	OwnerShared   Owner = "SHARED"
	OwnerDatabase Owner = "DATABASE"
	OwnerSheet    Owner = "SHEET"
	OwnerIgnored  Owner = "IGNORED"
)

// Link pairs one table with one tab.
type Link struct {
	ID          string
	Number      int64 // short, unique for ever, chosen by the store; names triggers
	DisplayName string

	Table         string
	SpreadsheetID string
	SheetID       int64
	Tab           string // the tab's title when the link was last seen; SheetID is what counts
	HeaderRow     int    // from 1
	TimeZone      string // the spreadsheet's, where timestamps are shown; IANA name

	Columns          []LinkColumn
	Key              []string // the table's key columns in key order
	Policy           Policy
	PreferredSource  Source
	UpdateTimeColumn string // column of the table that dates a row's last change; "" for none
	DeleteLimit      DeleteLimit
	Rules            []Rule // for ByRules
	HideErrors       bool   // row errors are not shown in the sheet
	HideStatus       bool   // the header's first cell carries no note
	AlertURL         string // told of halts, stalls and recoveries; "" for the server's

	State  State
	Halt   *Halt
	Status Status

	Version          int64 // grows with every change of what the user sets
	Created, Updated time.Time
}

// LinkColumn pairs a column of the table with a header of the tab.
type LinkColumn struct {
	Column string `json:"column"`
	Header string `json:"header"`
	Owner  Owner  `json:"owner,omitempty"`  // empty means shared
	Policy Policy `json:"policy,omitempty"` // empty means the link's
	Paused string `json:"paused,omitempty"` // why nothing flows in this column, in words; empty when it flows
	// PausedBy is the side that the column is missing on, or is another one on, while it is paused.
	PausedBy Source `json:"pausedBy,omitempty"`
	// Type is the column's type as it was linked, as the database spells it; a column of another kind of type is paused until
	// it is linked anew. Empty in links of older versions.
	Type string `json:"type,omitempty"`
}

// DeleteLimit is how many rows may be deleted or emptied within an hour, from each side: a cycle that would exceed both
// Count and Percent of the rows (or 1,000 rows, or every row of more than ten) halts the link. The zero value means the
// default of 10 rows and 20 %.
type DeleteLimit struct {
	Count   int `json:"count"`
	Percent int `json:"percent"`
}

// Halt is why a link stopped itself, and what it was about to do.
type Halt struct {
	Reason   string    `json:"reason"`  // TOO_MANY_DELETES, TAB_GONE, KEY_COLUMN_GONE, TABLE_CHANGED, …
	Message  string    `json:"message"` // in words, with the call that overrides it
	Source   Source    `json:"source"`  // the side whose removals caused it
	Rows     []Key     `json:"rows"`    // the first 100 rows concerned
	RowCount int       `json:"rowCount"`
	At       time.Time `json:"at"`
}

// Reasons of a halt.
const (
	HaltTooManyDeletes = "TOO_MANY_DELETES"
	HaltTabGone        = "TAB_GONE"
	HaltKeyColumnGone  = "KEY_COLUMN_GONE"
	HaltTableChanged   = "TABLE_CHANGED"
	HaltTimeZone       = "TIME_ZONE_CHANGED"
)

// Status is what a link last did.
type Status struct {
	EqualAsOf time.Time // both sides were seen to be equal, apart from row errors, as of this moment
	ScannedAt time.Time // when the last whole read of the tab that was taken into account began
	LastError string    // why the last cycle failed; "" when it did not
	Pending   int       // rows that were marked and not yet looked at
	RowErrors int
	Conflicts int // open
	LastHint  Hint
}

// Approval is a person's answer to a halt; the next cycle carries it out for the rows that the halt named.
type Approval struct {
	Source  Source // whose removals are meant
	PutBack bool   // true restores the rows on Source from the other side, false lets the removals through
	Keys    map[Key]bool
}

// Lease is the right to work on something for a while. Every commit checks Fence, so a holder that was slow and lost the
// lease to another can no longer write.
type Lease struct {
	Name    string // "links/anime", "spreadsheets/1AbC…"
	Holder  string
	Fence   int64
	Expires time.Time
}
