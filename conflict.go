package tandem

import "time"

// Conflict is a row whose sides changed differently since they last agreed, and that waits for a person: nothing of what
// is in conflict is written on either side meanwhile. A row has at most one.
type Conflict struct {
	Key Key `json:"key"`
	// Columns are the cells in conflict, by the table's column. Empty: the whole row, deleted on one side and changed on the
	// other.
	Columns []string `json:"columns,omitempty"`
	// Base, Database and Sheet are the linked columns of the row as both sides last agreed on it and as each side holds it;
	// nil where there is none.
	Base     map[string]Value `json:"base,omitempty"`
	Database map[string]Value `json:"database,omitempty"`
	Sheet    map[string]Value `json:"sheet,omitempty"`
	// DatabaseTime is when the database's row changed; SheetFrom and SheetTo enclose the moment at which the sheet's did.
	// Zero where it is not known.
	DatabaseTime  time.Time `json:"databaseTime,omitzero"`
	SheetFrom     time.Time `json:"sheetFrom,omitzero"`
	SheetTo       time.Time `json:"sheetTo,omitzero"`
	DatabaseActor string    `json:"databaseActor,omitempty"`
	SheetActor    string    `json:"sheetActor,omitempty"`
	// Rest is what a row that is gone from the database held in columns outside the link, where Tandem itself deleted it.
	Rest map[string]Value `json:"rest,omitempty"`
	// Reason is why a rule could not settle it, in words; empty where the policy leaves conflicts to people.
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	// Digest fingerprints what the sides hold in what is in conflict: a person decides about exactly that.
	Digest string `json:"digest,omitempty"`
	// Resolution is a person's decision that the next cycle carries out; nil while there is none.
	Resolution *Resolution `json:"resolution,omitempty"`
	// Winner is the side whose values were taken, in history; empty while the conflict is open.
	Winner Source `json:"winner,omitempty"`
}

// Resolution is a person's decision about a conflict. It holds as long as the sides hold what the person saw.
type Resolution struct {
	Digest string `json:"digest"` // of the Conflict that was decided
	// Take settles every cell in conflict that Columns does not name, or the whole row. Empty: those stay open.
	Take Source `json:"take,omitempty"`
	// Columns settle single cells, by the table's column.
	Columns map[string]Choice `json:"columns,omitempty"`
	Actor   string            `json:"actor,omitempty"`
	At      time.Time         `json:"at,omitzero"`
}

// Choice settles one cell: one side's value, or, when Take is empty, another one, which both sides are given.
type Choice struct {
	Take  Source `json:"take,omitempty"`
	Value Value  `json:"value,omitzero"`
}

// Rule settles conflicts of a column by a CEL expression, where the policy is ByRules. See docs/rules.md.
type Rule struct {
	// Column is the table's column. Empty: every column without a rule of its own, and rows deleted on one side and changed
	// on the other.
	Column     string `json:"column,omitempty"`
	Expression string `json:"expression"`
}

// Verdict is what a rule set makes of one recorded conflict of a cell, beside what was made of it.
type Verdict struct {
	Key    Key
	Column string // "" for a whole row
	Was    Source
	// Would is the side that the rules take; empty when they give another value, leave it to people, or fail.
	Would   Source
	Value   Value  // set when the rules give a value that neither side holds
	Manual  bool   // the rules leave it to people
	Problem string // why the rules could not decide, in words
	At      time.Time
}

// OpenConflict is what the worker has to know of a conflict that is recorded already.
type OpenConflict struct {
	Digest     string
	Resolution *Resolution
}
