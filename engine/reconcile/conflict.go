package reconcile

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/tandem-sync/tandem"
)

// cellCharacters is how much text a cell of a sheet holds, in UTF-16 units.
const cellCharacters = 50000

// Contest is a cell, or a whole row, that both sides changed differently and that was settled.
type Contest struct {
	Column int           // index of the column; -1 for the whole row
	Winner tandem.Source // the side that was taken; empty when both sides are given another value
	Manual bool          // by a person
}

// ruling is what is made of a cell, or of a whole row, that both sides changed differently.
type ruling struct {
	winner tandem.Source // is taken;
	value  tandem.Value  // else both sides are given this, unless it is absent;
	reason string        // else it is left to people: why the rules could not settle it, "" where they were not asked to
}

func (r *ruling) open() bool { return r.winner == "" && r.value.IsAbsent() }

// openCell is a cell that is left to people.
type openCell struct {
	column int
	reason string
}

// moments are when the sides of a conflict changed, and who wins where that does not decide.
type moments struct {
	database  time.Time
	from, to  time.Time // of the sheet
	preferred tandem.Source
}

func (p *Policy) moments(row *Row) moments {
	return moments{database: row.DatabaseTime, from: row.SheetFrom, to: row.SheetTo, preferred: p.Preferred}
}

// lastWrite returns the side that changed last.
func (m *moments) lastWrite() tandem.Source {
	switch {
	case m.database.IsZero() || m.from.IsZero() || m.to.IsZero():
		return m.preferred
	case m.database.After(m.to):
		return tandem.Database
	case m.database.Before(m.from):
		return tandem.Sheet
	}
	return m.preferred
}

// settle rules on a cell that both sides changed differently, without people.
func (p *Policy) settle(row *Row, i int) ruling {
	when := p.moments(row)
	switch p.policy(i) {
	case tandem.DatabaseWins:
		return ruling{winner: tandem.Database}
	case tandem.SheetWins:
		return ruling{winner: tandem.Sheet}
	case tandem.Manual:
		return ruling{}
	case tandem.ByRules:
		return p.Rules.cell(p.Settings[i].Column, p.base(row, i), row.Database[i], row.Sheet[i], when)
	}
	return ruling{winner: when.lastWrite()}
}

// settleRow returns the side whose state a row takes that gone deleted and the other side changed; empty when that is
// left to people. Only the link's own policy counts. A deletion's time is not known, so an update beats it where the last
// write wins.
func (p *Policy) settleRow(d *Decision, gone tandem.Source) tandem.Source {
	r, manual := ruling{winner: gone.Other()}, false
	switch p.Default {
	case tandem.DatabaseWins:
		r.winner = tandem.Database
	case tandem.SheetWins:
		r.winner = tandem.Sheet
	case tandem.Manual:
		r = ruling{}
	case tandem.ByRules:
		r = p.Rules.row(p.named(d.Row.Base), p.named(d.Row.Database), p.named(d.Row.Sheet), p.moments(&d.Row))
	}
	if r.open() {
		digest := p.rowDigest(&d.Row)
		if given := d.Row.Resolution; given != nil && given.Digest == digest && isSource(given.Take) {
			r, manual = ruling{winner: given.Take}, true
		} else {
			d.Conflict = p.conflict(&d.Row, nil, r.reason, digest)
			return ""
		}
	}
	d.contest(p, Contest{Column: -1, Winner: r.winner, Manual: manual})
	return r.winner
}

// resolve carries out a person's decision about cells that were left to people, where it is about exactly these, and
// records what stays open. What it decides lands together with the baseline of these cells, so what is left is a conflict
// of its own, with a digest of its own.
func (p *Policy) resolve(w *writes, open []openCell) {
	row := &w.decision.Row
	if given := row.Resolution; given != nil && given.Digest == p.cellDigest(row, open) {
		left := open[:0]
		for _, cell := range open {
			r := p.chosen(given, row, cell)
			if r.open() {
				left = append(left, openCell{cell.column, r.reason})
				continue
			}
			w.settled(cell.column, r, true)
		}
		open = left
	}
	if len(open) == 0 {
		return
	}
	var names, reasons []string
	for _, cell := range open {
		name := p.Settings[cell.column].Column
		names = append(names, name)
		if cell.reason != "" {
			reasons = append(reasons, name+": "+cell.reason)
		}
	}
	w.decision.Conflict = p.conflict(row, names, strings.Join(reasons, "; "), p.cellDigest(row, open))
}

// chosen returns what a resolution makes of a cell; it stays open where the resolution does not name it, or gives a value
// that the column cannot hold.
func (p *Policy) chosen(given *tandem.Resolution, row *Row, cell openCell) ruling {
	choice, named := given.Columns[p.Settings[cell.column].Column]
	switch {
	case !named && isSource(given.Take):
		return ruling{winner: given.Take}
	case isSource(choice.Take):
		return ruling{winner: choice.Take}
	case choice.Value.IsAbsent():
		return ruling{reason: cell.reason}
	}
	column := &p.Columns[cell.column]
	if choice.Value.IsInvalid() {
		return ruling{reason: fmt.Sprintf("%q, which was given for it, is not a value of its type (%s)", choice.Value.Text(), column.Type.Kind)}
	}
	value, err := storable(column, choice.Value)
	if err != nil {
		return ruling{reason: "the value given for it cannot be stored: " + err.Error()}
	}
	return sideOf(column, value, row.Database[cell.column], row.Sheet[cell.column])
}

func isSource(s tandem.Source) bool { return s == tandem.Database || s == tandem.Sheet }

// sideOf returns the side that holds value already as the winner, else value itself.
func sideOf(column *tandem.Column, value, database, sheet tandem.Value) ruling {
	switch {
	case column.Equal(value, database):
		return ruling{winner: tandem.Database}
	case column.Equal(value, sheet):
		return ruling{winner: tandem.Sheet}
	}
	return ruling{value: value}
}

// storable returns value as column spells it, or an error in words when the column, or a cell, cannot hold it.
func storable(column *tandem.Column, value tandem.Value) (tandem.Value, error) {
	if value.IsNull() {
		if !column.Nullable && column.Type.Kind != tandem.String {
			return tandem.Absent, fmt.Errorf("the column cannot be empty")
		}
		return tandem.Null, nil
	}
	if n := len(utf16.Encode([]rune(value.Text()))); n > cellCharacters {
		return tandem.Absent, fmt.Errorf("%d characters are more than the %d that a cell holds", n, cellCharacters)
	}
	return column.Type.Parse(value.Text())
}

// conflict describes what waits for a person; no columns mean the whole row.
func (p *Policy) conflict(row *Row, columns []string, reason, digest string) *tandem.Conflict {
	return &tandem.Conflict{
		Key: row.Key, Columns: columns, Base: p.named(row.Base), Database: p.named(row.Database), Sheet: p.named(row.Sheet),
		DatabaseTime: row.DatabaseTime, SheetFrom: row.SheetFrom, SheetTo: row.SheetTo, Reason: reason, Digest: digest,
	}
}

// cellDigest fingerprints what the three parties hold in cells, whatever the rest of the row holds and however the link's
// columns are ordered.
func (p *Policy) cellDigest(row *Row, cells []openCell) string {
	held := make([][]tandem.Value, 0, len(cells))
	for _, cell := range cells {
		i := cell.column
		held = append(held, []tandem.Value{tandem.Text(p.Settings[i].Column), p.base(row, i), row.Database[i], row.Sheet[i]})
	}
	slices.SortFunc(held, func(a, b []tandem.Value) int { return strings.Compare(a[0].Text(), b[0].Text()) })
	return tandem.Digest(held...)
}

// rowDigest fingerprints what the baseline and the side that still has the row hold in every column that takes part.
func (p *Policy) rowDigest(row *Row) string {
	held := [][]tandem.Value{nil} // no cell of a row begins like this
	for i := range p.Columns {
		if !p.flows(i) {
			continue
		}
		cell := []tandem.Value{tandem.Text(p.Settings[i].Column), p.base(row, i), tandem.Absent, tandem.Absent}
		if row.Database != nil {
			cell[2] = row.Database[i]
		}
		if row.Sheet != nil {
			cell[3] = row.Sheet[i]
		}
		held = append(held, cell)
	}
	slices.SortFunc(held[1:], func(a, b []tandem.Value) int { return strings.Compare(a[0].Text(), b[0].Text()) })
	return tandem.Digest(held...)
}

// contested is the row as it was when it was decided; changes that land later replace what the Decision's Row holds.
type contested struct {
	policy *Policy
	row    Row
}

func (d *Decision) contest(p *Policy, c Contest) {
	if d.Settled == "" {
		d.Settled = c.Winner
	}
	d.Resolved = d.Resolved || c.Manual
	d.Contests = append(d.Contests, c)
	if d.contested == nil {
		d.contested = &contested{policy: p, row: d.Row}
	}
}

// Contest returns for history what source's change settles: the cells that source won, and those that both sides are
// given another value for (Winner is empty when there are only such cells). It is nil when nothing was contested.
func (d *Decision) Contest(source tandem.Source) *tandem.Conflict {
	var columns []string
	var won, any bool
	for _, c := range d.Contests {
		if c.Winner != source && c.Winner != "" {
			continue
		}
		any, won = true, won || c.Winner == source
		if c.Column >= 0 {
			columns = append(columns, d.contested.policy.Settings[c.Column].Column)
		}
	}
	if !any {
		return nil
	}
	settled := d.contested.policy.conflict(&d.contested.row, columns, "", "")
	if won {
		settled.Winner = source
	}
	return settled
}
