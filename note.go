package tandem

import "time"

// Note is a message of Tandem's own on one cell of a tab: on a cell that could not be carried over, which is coloured too,
// or, without a colour, on the header's first cell.
type Note struct {
	Key      Key    `json:"key,omitempty"`      // the row
	Position int    `json:"position,omitempty"` // where the row stands, when it has no usable key; from 1. The header's is its own row
	Header   bool   `json:"header,omitempty"`   // on the header's first linked cell
	Column   string `json:"column,omitempty"`   // the table's column; "" for the first key column
	Text     string `json:"text"`
	// Before is the colour that the cell had, as package sheets stores it; it comes back with the note's removal.
	Before string `json:"before,omitempty"`
}

// Typed is a row that a person typed without a key and that is in the table already, under a key that the database made.
// It stays until the key stands in the sheet.
type Typed struct {
	Key      Key       // made by the database
	Values   []Value   // as typed, in the order of the link's columns
	Position int       // where the row stood, from 1
	At       time.Time // when it was taken over
}

// Events of a link that people are told of.
const (
	AlertHalted    = "HALTED"
	AlertStalled   = "STALLED"
	AlertRecovered = "RECOVERED"
)

// Alert is an event of a link that is posted to its alert URL, until it arrived or is a day old.
type Alert struct {
	ID       int64
	Link     string
	URL      string // the link's; empty: the server's
	Event    string
	Reason   string // of a halt
	Message  string // in words
	At       time.Time
	Attempts int
}
