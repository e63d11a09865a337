package tandem

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Row is one record of one source. Values stand in the order of the link's columns.
type Row struct {
	Key    Key     `json:"key"`
	Values []Value `json:"values"`
	// Position is the row's number in the sheet as a person sees it, from 1; 0 for rows of the database. It is where the
	// row was when it was read, nothing more.
	Position int `json:"position,omitempty"`
	// Problems says, by index into Values, why an invalid value is none.
	Problems map[int]string `json:"problems,omitempty"`
	// Updated is when the row last changed, where the source knows; else zero.
	Updated time.Time `json:"updated,omitzero"`
}

// Digest returns a short fingerprint of values, the same on both sources and in every process.
func Digest(rows ...[]Value) string {
	var digested []byte
	for _, values := range rows {
		digested = appendDigested(digested, values, false)
	}
	return digestText(digested)
}

// appendDigested appends what is hashed of a row. With merged, NULL and the empty text count as one.
func appendDigested(to []byte, values []Value, merged bool) []byte {
	to = binary.BigEndian.AppendUint64(append(to, 0xff), uint64(len(values)))
	for i := range values {
		state := values[i].state
		if merged && values[i].IsEmpty() {
			state = null
		}
		to = binary.BigEndian.AppendUint64(append(to, byte(state)), uint64(len(values[i].text)))
		to = append(to, values[i].text...)
	}
	return to
}

func digestText(digested []byte) string {
	sum := sha256.Sum256(digested)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// Etag returns the row's entity tag, the same on both sources: it changes whenever a linked value does. NULL and the empty
// text count as one, since a cell shows them alike.
func (r *Row) Etag() string {
	var space [1024]byte
	return digestText(appendDigested(space[:0], r.Values, true))
}

// ChangeKind says what a write does to a row.
type ChangeKind string

// What can be done to a row.
const (
	Insert ChangeKind = "INSERT"
	Update ChangeKind = "UPDATE"
	Delete ChangeKind = "DELETE"
)

// Change is a wanted write of one row to one source.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Key is the row as it stands now. An insert whose key the database makes has none. In the sheet, an update without one
	// gives a row its key: Position says where the row stood, Before what it holds.
	Key      Key `json:"key,omitempty"`
	Position int `json:"position,omitempty"`
	// Before is what the row is expected to hold; when the source holds something else the row is not written. Nil for
	// inserts, where the row must not be there.
	Before []Value `json:"before,omitempty"`
	// After is what is written, in the order of the link's columns; absent columns are left alone. A value in a key column
	// that differs from Key renames the row in place. Nil for deletes.
	After []Value `json:"after,omitempty"`
	// Whole, of an insert into the sheet, has the row refused when the tab lacks a column that After has a value for. Else that
	// column is left out: it is paused, and the row need not wait for it.
	Whole bool `json:"whole,omitempty"`
	// Rest, of an insert into the table that takes a deletion back, is what the row held in columns outside the link.
	Rest map[string]Value `json:"rest,omitempty"`
}

// Outcome says what became of a Change.
type Outcome uint8

// The outcomes.
const (
	Landed  Outcome = iota // the source holds it
	Moved                  // the row was not as expected (or gone, or there already): nothing was written
	Refused                // the source will not take it, see Err: nothing was written
)

// Applied is what became of one Change.
type Applied struct {
	Outcome Outcome
	// Row is the row as the source holds it now, read back after the write; nil when it holds none.
	Row *Row
	// Err says why a change was refused, in words for the person who wrote it; Column is the column concerned, if known.
	Err    *Error
	Column string
	// Whole is a deleted or overwritten row with the columns outside the link, by name, for history (database only).
	Whole map[string]Value
}

// Cause says how a change came into being.
type Cause string

// The causes, as history shows them.
const (
	CauseAPI         Cause = "API"
	CauseSQL         Cause = "SQL"
	CauseSheet       Cause = "SHEET"
	CauseInitialSync Cause = "INITIAL_SYNC"
	CausePutBack     Cause = "PUT_BACK"
	CauseConflict    Cause = "CONFLICT" // a person's decision about a conflict
	CauseRevert      Cause = "REVERT"
	// CauseAgain marks rows that have to be looked at once more. It says nothing of when they changed, or who did it.
	CauseAgain Cause = "AGAIN"
)

// Mark says "look at this key", or, with an empty Key, "look at the whole source". It carries no data: state decides.
type Mark struct {
	ID     int64
	Source Source
	Key    Key
	At     time.Time // when the change was captured, or the edit time that a hint gave
	Cause  Cause
	Actor  string // who wrote, where known: "token:ops", an address from a hint
	// Rows, of a mark of the sheet without a Key, are the numbers of the rows that a hint named, as people count them.
	Rows []int
	// Rest is what a row held in columns outside the link that Tandem itself deleted from the table: history is all that keeps it.
	Rest map[string]Value
}

// Entry is one applied change in a link's history.
type Entry struct {
	Seq    int64            `json:"seq"`
	Key    Key              `json:"key"`
	Kind   ChangeKind       `json:"kind"`
	Source Source           `json:"source"` // where it came from; it was written to the other side
	Cause  Cause            `json:"cause"`
	Actor  string           `json:"actor,omitempty"`
	Before map[string]Value `json:"before,omitempty"` // whole row
	After  map[string]Value `json:"after,omitempty"`  // whole row
	At     time.Time        `json:"at"`               // when it was applied
	// Removes is set when the change deleted a row or emptied a cell; the guard counts these over a rolling hour.
	Removes bool `json:"removes,omitempty"`
	// Conflict is what the change settled, with the side that won; nil when only one side had changed.
	Conflict *Conflict `json:"conflict,omitempty"`
}

// RowError is a row that could not be carried to the other side; it holds up no other row.
type RowError struct {
	Key      Key
	Position int    // row number in the sheet, when the row has no usable key
	Source   Source // the side whose row could not be carried over
	Column   string // "" when the whole row is concerned
	Message  string
	Since    time.Time
	// Digest fingerprints both sides' rows as they were: while they stay, only a retry at Retry may tell more.
	Digest string
	// Retry is when to try again although nothing changed (a foreign key may have arrived); zero means never.
	Retry    time.Time
	Attempts int
}
