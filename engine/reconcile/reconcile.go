// Package reconcile decides, row by row, what has to be written where so that a table and a tab agree again. It is pure:
// the same input gives the same decision, there is no I/O, clock or randomness in it.
//
// The merge is three-way and by cell. The baseline is what both sides last agreed on; a cell that only one side changed
// since then is taken, a cell that both changed to the same value agrees, and a cell that both changed differently goes
// by policy. What cannot be decided without losing something is left alone and said as a problem.
package reconcile

import (
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
)

// Policy is what a link's settings mean for the merge. Columns and Settings stand in the same order as row values.
type Policy struct {
	Columns   []tandem.Column
	Settings  []tandem.LinkColumn
	Default   tandem.Policy
	Preferred tandem.Source
}

// Row is one row as the three parties know it; nil values mean that the row is not there.
type Row struct {
	Key      tandem.Key
	Base     []tandem.Value
	Database []tandem.Value
	Sheet    []tandem.Value

	// DatabaseTime is when the database's row changed, zero if not known.
	DatabaseTime time.Time
	// SheetFrom and SheetTo enclose the moment at which the sheet's row changed; zero if not known.
	SheetFrom, SheetTo time.Time
	// Winner settles everything for one side, whatever changed: a person's answer to a halt. Empty otherwise.
	Winner tandem.Source
}

// Decision is what Decide found for one row. Both changes may be set: a row whose sides changed different cells is written
// on both.
type Decision struct {
	Row      Row
	Database *tandem.Change
	Sheet    *tandem.Change
	// Agreed are cells that both sides hold already but the baseline does not; nil when there are none.
	Agreed []tandem.Value
	// Forget is set when the row is gone on both sides.
	Forget bool
	// Problem is why a part of the row, or all of it, was left alone.
	Problem *Problem
	// Settled is the side that won, when at least one cell (or the whole row) had been changed differently on both.
	Settled tandem.Source
}

// Problem names a cell that cannot be carried to the other side.
type Problem struct {
	Source tandem.Source
	Column int // index of the column; -1 for the whole row
	Text   string
}

// Quiet reports whether nothing has to be done for the row.
func (d *Decision) Quiet() bool {
	return d.Database == nil && d.Sheet == nil && d.Agreed == nil && !d.Forget && d.Problem == nil
}

// Removes reports whether carrying the decision out deletes a row, or empties a cell that the baseline holds, because of
// what source did. The guard counts these.
func (d *Decision) Removes(source tandem.Source) bool {
	change := d.Database
	if source == tandem.Database {
		change = d.Sheet
	}
	if change == nil {
		return false
	}
	if change.Kind == tandem.Delete {
		return true
	}
	for i, value := range change.After {
		if change.Kind == tandem.Update && !value.IsAbsent() && value.IsEmpty() && i < len(change.Before) && !change.Before[i].IsEmpty() {
			return true
		}
	}
	return false
}

// Decide merges one row.
func (p *Policy) Decide(row Row) Decision {
	d := Decision{Row: row}
	switch {
	case row.Database == nil && row.Sheet == nil:
		d.Forget = row.Base != nil
	case row.Database == nil:
		p.missing(&d, tandem.Database)
	case row.Sheet == nil:
		p.missing(&d, tandem.Sheet)
	default:
		p.merge(&d)
	}
	return d
}

// missing decides a row that only one side has: new there, or deleted here.
func (p *Policy) missing(d *Decision, gone tandem.Source) {
	here := gone.Other()
	values := d.values(here)
	if d.Row.Base != nil && p.deletionHolds(d, gone) {
		change := &tandem.Change{Kind: tandem.Delete, Key: d.Row.Key, Before: values}
		d.set(here, change)
		return
	}
	if i := firstInvalid(values, p); i >= 0 {
		d.Problem = &Problem{Source: here, Column: i, Text: p.invalidText(i, values[i])}
		return
	}
	after := make([]tandem.Value, len(values))
	for i, value := range values {
		if !p.flows(i) || p.notWritable(i, gone) {
			continue
		}
		after[i] = p.forTarget(i, value, gone)
	}
	d.set(gone, &tandem.Change{Kind: tandem.Insert, Key: d.Row.Key, After: after})
}

// deletionHolds reports whether a row that the baseline knows, and gone no longer has, is deleted on the other side too
// (true), or put back (false).
func (p *Policy) deletionHolds(d *Decision, gone tandem.Source) bool {
	if d.Row.Winner != "" {
		return d.Row.Winner == gone
	}
	if owner := p.rowOwner(); owner != "" {
		return owner == gone
	}
	if p.same(d.Row.Base, d.values(gone.Other())) {
		return true
	}
	// Deleted here, changed there. A deletion's time is not known, so an update beats it unless a side always wins.
	wins := p.Default == tandem.DatabaseWins && gone == tandem.Database || p.Default == tandem.SheetWins && gone == tandem.Sheet
	d.Settled = gone.Other()
	if wins {
		d.Settled = gone
	}
	return wins
}

// merge decides a row that both sides have, cell by cell.
func (p *Policy) merge(d *Decision) {
	toDatabase := make([]tandem.Value, len(p.Columns))
	toSheet := make([]tandem.Value, len(p.Columns))
	var anyDatabase, anySheet bool
	for i := range p.Columns {
		db, sheet := d.Row.Database[i], d.Row.Sheet[i]
		if !p.flows(i) || db.IsAbsent() || sheet.IsAbsent() {
			continue
		}
		if p.Columns[i].Equal(db, sheet) && !db.IsInvalid() {
			p.agree(d, i, db)
			continue
		}
		if p.invalid(d, i) {
			continue
		}
		if p.winner(d, i) == tandem.Sheet {
			toDatabase[i], anyDatabase = p.forTarget(i, sheet, tandem.Database), true
		} else {
			toSheet[i], anySheet = p.forTarget(i, db, tandem.Sheet), true
		}
	}
	if anyDatabase {
		d.Database = &tandem.Change{Kind: tandem.Update, Key: d.Row.Key, Before: d.Row.Database, After: toDatabase}
	}
	if anySheet {
		d.Sheet = &tandem.Change{Kind: tandem.Update, Key: d.Row.Key, Before: d.Row.Sheet, After: toSheet}
	}
}

func (p *Policy) agree(d *Decision, i int, value tandem.Value) {
	if base := p.base(d, i); !base.IsAbsent() && p.Columns[i].Equal(base, value) {
		return
	}
	if d.Agreed == nil {
		d.Agreed = make([]tandem.Value, len(p.Columns))
	}
	d.Agreed[i] = value
}

// invalid records a problem where one side's cell cannot be carried over: nothing is written over it, and it is written
// nowhere. A cell that the other side owns is put back instead.
func (p *Policy) invalid(d *Decision, i int) bool {
	for _, source := range []tandem.Source{tandem.Database, tandem.Sheet} {
		value := d.values(source)[i]
		if !value.IsInvalid() {
			continue
		}
		if p.owner(i) == source.Other() && !d.values(source.Other())[i].IsInvalid() {
			continue
		}
		if d.Problem == nil {
			d.Problem = &Problem{Source: source, Column: i, Text: p.invalidText(i, value)}
		}
		return true
	}
	return false
}

// winner returns the side whose cell is taken for column i, where both hold different values.
func (p *Policy) winner(d *Decision, i int) tandem.Source {
	if d.Row.Winner != "" {
		return d.Row.Winner
	}
	if owner := p.owner(i); owner != "" {
		return owner
	}
	base := p.base(d, i)
	if !base.IsAbsent() {
		databaseChanged := !p.Columns[i].Equal(base, d.Row.Database[i])
		sheetChanged := !p.Columns[i].Equal(base, d.Row.Sheet[i])
		if databaseChanged != sheetChanged {
			if databaseChanged {
				return tandem.Database
			}
			return tandem.Sheet
		}
	}
	winner := p.conflict(d, i)
	if d.Settled == "" {
		d.Settled = winner
	}
	return winner
}

// conflict settles a cell that both sides changed differently.
func (p *Policy) conflict(d *Decision, i int) tandem.Source {
	policy := p.Settings[i].Policy
	if policy == "" {
		policy = p.Default
	}
	switch policy {
	case tandem.DatabaseWins:
		return tandem.Database
	case tandem.SheetWins:
		return tandem.Sheet
	}
	at, from, to := d.Row.DatabaseTime, d.Row.SheetFrom, d.Row.SheetTo
	switch {
	case at.IsZero() || from.IsZero() || to.IsZero():
		return p.Preferred
	case at.After(to):
		return tandem.Database
	case at.Before(from):
		return tandem.Sheet
	}
	return p.Preferred
}

// flows reports whether column i takes part at all.
func (p *Policy) flows(i int) bool {
	return p.Settings[i].Owner != tandem.OwnerIgnored && p.Settings[i].Paused == ""
}

// owner returns the side that alone may change column i, or "".
func (p *Policy) owner(i int) tandem.Source {
	switch {
	case p.Columns[i].Generated || p.Settings[i].Owner == tandem.OwnerDatabase:
		return tandem.Database
	case p.Settings[i].Owner == tandem.OwnerSheet:
		return tandem.Sheet
	}
	return ""
}

// rowOwner returns the side that owns every column that is not part of the key, and so decides which rows there are.
func (p *Policy) rowOwner() tandem.Source {
	var owner tandem.Source
	for i := range p.Columns {
		if p.Columns[i].KeyPosition > 0 || !p.flows(i) {
			continue
		}
		of := p.owner(i)
		if of == "" || owner != "" && owner != of {
			return ""
		}
		owner = of
	}
	return owner
}

// notWritable reports whether a new row's column i is left to target's defaults: target alone may change it.
func (p *Policy) notWritable(i int, target tandem.Source) bool {
	return p.Columns[i].KeyPosition == 0 && p.owner(i) == target || target == tandem.Database && p.Columns[i].Generated
}

// forTarget returns value as it is written to target: an empty cell becomes NULL where the column allows it, else ”.
func (p *Policy) forTarget(i int, value tandem.Value, target tandem.Source) tandem.Value {
	column := &p.Columns[i]
	if target == tandem.Database && value.IsNull() && !column.Nullable && column.Type.Kind == tandem.String {
		return tandem.Text("")
	}
	return value
}

func (p *Policy) base(d *Decision, i int) tandem.Value {
	if d.Row.Base == nil {
		return tandem.Absent
	}
	return d.Row.Base[i]
}

// same reports whether values still are what the baseline holds, in every column that flows.
func (p *Policy) same(base, values []tandem.Value) bool {
	for i := range p.Columns {
		if p.flows(i) && !values[i].IsAbsent() && !p.Columns[i].Equal(base[i], values[i]) {
			return false
		}
	}
	return true
}

// Same reports whether values hold what base does in every column that takes part; a nil side is only equal to nil.
func (p *Policy) Same(base, values []tandem.Value) bool {
	if base == nil || values == nil {
		return base == nil && values == nil
	}
	return p.same(base, values)
}

func (p *Policy) invalidText(i int, value tandem.Value) string {
	return fmt.Sprintf("%s: %q is not a value of the column's type (%s)", p.Settings[i].Column, value.Text(), p.Columns[i].Type.Kind)
}

func firstInvalid(values []tandem.Value, p *Policy) int {
	for i, value := range values {
		if value.IsInvalid() && p.flows(i) {
			return i
		}
	}
	return -1
}

func (d *Decision) values(source tandem.Source) []tandem.Value {
	if source == tandem.Database {
		return d.Row.Database
	}
	return d.Row.Sheet
}

func (d *Decision) set(source tandem.Source, change *tandem.Change) {
	if source == tandem.Database {
		d.Database = change
	} else {
		d.Sheet = change
	}
}
