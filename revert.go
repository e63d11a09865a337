package tandem

import "time"

// ChangeFilter selects entries of a link's history. Empty fields select everything.
type ChangeFilter struct {
	Seqs   []int64   // these entries
	Key    Key       // of this row
	Since  time.Time // applied at this moment or later
	Until  time.Time // applied before this moment
	Actor  string
	Cause  Cause
	Source Source
}

// RevertRequest asks for the selected changes to be undone, as new changes on both sides.
type RevertRequest struct {
	Filter ChangeFilter
	// Force undoes a change although a newer one of the same cells would be lost.
	Force        bool
	ValidateOnly bool
	Actor        string
}

// RevertResult says what became of the selected changes of one row.
type RevertResult struct {
	Key  Key
	Seqs []int64 // the changes, oldest first
	// Kind is what was done to undo them: an insert restores a deleted row. Empty when nothing was left to do.
	Kind ChangeKind
	Row  *Row   // the table's row afterwards; nil when there is none
	Err  *Error // why the row was left alone
}
