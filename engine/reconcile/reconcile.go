// Package reconcile decides, row by row, what has to be written where so that a table and a tab agree again. It is pure:
// the same input gives the same decision, there is no I/O, clock or randomness in it.
//
// The merge is three-way and by cell. The baseline is what both sides last agreed on; a cell that only one side changed
// since then is taken, a cell that both changed to the same value agrees, and a cell that both changed differently goes
// by policy: one side always, the later one, the link's rules, or a person. What waits for a person is written on neither
// side. What cannot be decided without losing something is left alone and said as a problem.
package reconcile

import (
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// Row is one row as the three parties know it; nil values mean that the row is not there.
type Row struct {
	// Key is the row's as the table and the baseline know it. A sheet row whose key cell was edited holds another one in its
	// values: that is a change of the key column like any other.
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
	// Resolution is a person's decision about the row's conflict, nil when there is none. It counts only for what the person
	// saw: a resolution of another digest is ignored.
	Resolution *tandem.Resolution
}

// Decision is what Decide found for one row. Both changes may be set: a row whose sides changed different cells is written
// on both. A change's key is the one under which the row stands on that side.
type Decision struct {
	Row      Row
	Database *tandem.Change
	Sheet    *tandem.Change
	// Agreed are cells whose baseline moves whatever becomes of the changes; nil when there are none. Both sides hold them
	// already, or a person decided against what the sheet holds: from then on that is what the table's value replaces, so
	// that the decision stands even when its write has to wait.
	Agreed []tandem.Value
	// Forget is set when the row is gone on both sides.
	Forget bool
	// Problem is why a part of the row, or all of it, was left alone.
	Problem *Problem
	// Settled is the side that won, when at least one cell (or the whole row) had been changed differently on both.
	Settled tandem.Source
	// Conflict is what waits for a person; nil when nothing does.
	Conflict *tandem.Conflict
	// Follow is set when a row is inserted without a cell that the other side holds a value for, since only the side that
	// lacks the row may set it: what it makes of the cell has to be carried back once the row is there.
	Follow bool
	// Contests are what both sides changed differently and what was settled, by policy, by rule or by a person.
	Contests []Contest
	// Resolved is set when a person's resolution decided something.
	Resolved bool

	contested *contested
	lapsed    map[int]bool
}

// Problem names a cell that cannot be carried to the other side.
type Problem struct {
	Source tandem.Source
	Column int // index of the column; -1 for the whole row
	Text   string
}

// Quiet reports whether nothing has to be done for the row, and nothing of it waits for a person.
func (d *Decision) Quiet() bool {
	return d.Database == nil && d.Sheet == nil && d.Agreed == nil && !d.Forget && d.Problem == nil && d.Conflict == nil
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
	d.recall()
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

// recall takes lapsed cells of the baseline for what both sides agreed on, but where the side that lost them is still empty:
// there nothing is what was agreed on, so that the other side counts as the one that changed.
func (d *Decision) recall() {
	for i := range d.Row.Base {
		agreed, lost := d.Row.Base[i].Agreed()
		if lost == "" {
			continue
		}
		if d.lapsed == nil {
			d.lapsed, d.Row.Base = map[int]bool{}, slices.Clone(d.Row.Base)
		}
		d.lapsed[i], d.Row.Base[i] = true, agreed
		if here := d.values(lost); here != nil && d.values(lost.Other()) != nil && here[i].IsEmpty() {
			d.Row.Base[i] = tandem.Null
		}
	}
}

// missing decides a row that only one side has: new there, or deleted here.
func (p *Policy) missing(d *Decision, gone tandem.Source) {
	here := gone.Other()
	values := d.values(here)
	if d.Row.Base != nil {
		switch p.fate(d, gone) {
		case "":
			return // waits for a person
		case gone:
			d.set(here, &tandem.Change{Kind: tandem.Delete, Key: p.keyOf(values, d.Row.Key), Before: values})
			return
		}
	}
	if i := p.firstInvalid(values); i >= 0 {
		d.Problem = &Problem{Source: here, Column: i, Text: p.invalidText(i, values[i])}
		return
	}
	after := make([]tandem.Value, len(values))
	for i, value := range values {
		if !p.flows(i) {
			continue
		}
		if p.notWritable(i, gone) {
			last, _ := p.base(&d.Row, i).Agreed()
			if p.Columns[i].Generated || last.IsAbsent() || value.IsAbsent() || !p.Columns[i].Equal(last, value) {
				d.Follow = d.Follow || !value.IsAbsent() && !value.IsEmpty()
				continue
			} // the row is put back, and with it the cells that gone owns, as both sides had them
		}
		after[i] = p.forTarget(i, value, gone)
	}
	d.set(gone, &tandem.Change{Kind: tandem.Insert, Key: p.keyOf(values, d.Row.Key), After: after})
}

// fate returns the side whose state a row takes that the baseline knows and gone no longer has: gone's, and it is deleted
// on the other side too, or the other's, and it is put back. Empty: the row waits for a person.
func (p *Policy) fate(d *Decision, gone tandem.Source) tandem.Source {
	if d.Row.Winner != "" {
		return d.Row.Winner
	}
	if owner := p.rowOwner(); owner != "" {
		return owner
	}
	if p.untouched(d.Row.Base, d.values(gone.Other()), gone) {
		return gone
	}
	return p.settleRow(d, gone)
}

// merge decides a row that both sides have, cell by cell.
func (p *Policy) merge(d *Decision) {
	w := writes{policy: p, decision: d}
	var open []openCell
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
		if winner := p.undisputed(d, i); winner != "" {
			w.take(i, winner)
			continue
		}
		if settled := p.settle(&d.Row, i); settled.open() {
			open = append(open, openCell{column: i, reason: settled.reason})
		} else {
			w.settled(i, settled, false)
		}
	}
	if len(open) > 0 {
		p.resolve(&w, open)
	}
	w.close()
}

// undisputed returns the side whose cell is taken for column i, where both hold different values but only one may have
// changed it, or did; empty when both did.
func (p *Policy) undisputed(d *Decision, i int) tandem.Source {
	winner := d.Row.Winner
	if winner != "" && !p.Columns[i].Generated && !d.values(winner)[i].IsInvalid() {
		return winner
	}
	if owner := p.owner(i); owner != "" {
		return owner
	}
	base := p.base(&d.Row, i)
	if base.IsAbsent() {
		return ""
	}
	databaseChanged := !p.Columns[i].Equal(base, d.Row.Database[i])
	sheetChanged := !p.Columns[i].Equal(base, d.Row.Sheet[i])
	switch {
	case databaseChanged == sheetChanged:
		return ""
	case databaseChanged:
		return tandem.Database
	}
	return tandem.Sheet
}

func (p *Policy) agree(d *Decision, i int, value tandem.Value) {
	if base := p.base(&d.Row, i); base.IsAbsent() || d.lapsed[i] || !p.Columns[i].Equal(base, value) {
		d.agreed(i, value)
	}
}

// agreed moves the baseline of one cell.
func (d *Decision) agreed(i int, value tandem.Value) {
	if d.Agreed == nil {
		d.Agreed = make([]tandem.Value, max(len(d.Row.Database), len(d.Row.Sheet)))
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
