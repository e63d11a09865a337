package sheets

import (
	"fmt"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// add compares one change with the row as it was just read, and either takes it into the batch or says why not.
func (p *preparation) add(i int) {
	change := &p.changes[i]
	switch {
	case change.Kind == tandem.Insert:
		p.addInsert(i)
		return
	case isNaming(change):
		p.addNaming(i)
		return
	}
	at, ok := p.known.place(change.Key)
	if !ok {
		p.applied[i] = tandem.Applied{Outcome: tandem.Moved}
		return
	}
	found := p.rows[at]
	for n := range p.t.columns {
		if n < len(change.Before) && !change.Before[n].IsAbsent() && !found.row.Values[n].IsAbsent() &&
			!p.t.columns[n].Equal(change.Before[n], found.row.Values[n]) {
			p.moved(i, found.row)
			return
		}
	}
	o := op{Kind: change.Kind, Key: change.Key, Row: at}
	for _, n := range p.t.keys {
		c := found.cells[p.known.layout.at[n]]
		o.KeyCells = append(o.KeyCells, shownValue(c))
		p.batch.Copied = p.batch.Copied || isFormula(c)
	}
	if change.Kind == tandem.Delete {
		if p.refuseMergedRow(i, at) {
			return
		}
		p.addDelete(o, found)
		return
	}
	p.addUpdate(i, o, found)
}

func (p *preparation) moved(i int, row tandem.Row) {
	p.applied[i] = tandem.Applied{Outcome: tandem.Moved, Row: &row}
}

func (p *preparation) refuse(i, column int, format string, args ...any) {
	p.applied[i] = tandem.Applied{Outcome: tandem.Refused, Column: p.t.columns[column].Name,
		Err: tandem.Errorf(tandem.CodeInvalid, "CELL_REFUSED", format, args...)}
}

// addDelete expects every linked cell to be what was read; cells that show a formula's result are not compared.
func (p *preparation) addDelete(o op, found preparedRow) {
	for n := range p.t.columns {
		column := p.known.layout.at[n]
		if column < 0 || isFormula(found.cells[column]) || p.isKey(n) {
			continue
		}
		o.Cells = append(o.Cells, cell{At: column, Old: entered(found.cells[column])})
	}
	p.batch.Ops = append(p.batch.Ops, o)
}

func (p *preparation) isKey(column int) bool {
	return p.t.columns[column].KeyPosition > 0 || contains(p.t.keys, column)
}

func contains(list []int, n int) bool {
	for _, x := range list {
		if x == n {
			return true
		}
	}
	return false
}

// addUpdate takes the cells that change, and only these.
func (p *preparation) addUpdate(i int, o op, found preparedRow) {
	change, t, l := &p.changes[i], p.t, p.known.layout
	o.Values = map[int]tandem.Value{}
	for n := range t.columns {
		if l.at[n] >= 0 {
			o.Values[n] = found.row.Values[n]
		}
	}
	for n := range change.After {
		if n >= len(t.columns) || change.After[n].IsAbsent() {
			continue
		}
		after, column := change.After[n], l.at[n]
		if column < 0 {
			p.refuseMissing(i, n)
			return
		}
		if t.columns[n].Equal(found.row.Values[n], after) {
			continue
		}
		c := found.cells[column]
		if isFormula(c) {
			p.refuse(i, n, "the cell %s in column %q holds a formula, which is never written over; remove the formula, or let the sheet own the column",
				cellName(o.Row, column), t.name(n))
			return
		}
		if p.refuseMerged(i, n, o.Row, column) {
			return
		}
		value, format, err := encode(after, &t.columns[n])
		if err != nil {
			p.refuse(i, n, "%s cannot be written into the sheet: %v", t.name(n), err)
			return
		}
		if format.shownBy(numberFormatOf(c)) {
			format = ""
		}
		o.Cells = append(o.Cells, cell{At: column, Old: entered(c), New: value, Format: format})
		o.Values[n] = after
	}
	if key := p.t.rowOf(&o).Key; key != o.Key {
		if at, _ := p.known.place(key); p.known.stands(key) {
			p.refuse(i, t.keys[0], "the key %q stands in row %d already", key, at+1)
			return
		}
	}
	p.batch.Ops = append(p.batch.Ops, o)
}

func (p *preparation) refuseMissing(i, n int) {
	p.refuse(i, n, "the tab has no column %q (or has it twice), so %s cannot be written", p.t.name(n), p.t.columns[n].Name)
}

// addInsert takes a new row, unless its key is in the tab already. Columns that the tab does not have are left out: they
// are paused, and the row is not held up for them.
func (p *preparation) addInsert(i int) {
	change, t, l := &p.changes[i], p.t, p.known.layout
	o := op{Kind: tandem.Insert, Row: -1, Values: map[int]tandem.Value{}}
	for n := range t.columns {
		given := n < len(change.After) && !change.After[n].IsAbsent()
		if l.at[n] < 0 && change.Whole && given && !change.After[n].IsNull() {
			p.refuseMissing(i, n)
			return
		}
		if l.at[n] < 0 {
			continue
		}
		after := tandem.Null
		if given {
			after = change.After[n]
		}
		value, format, err := encode(after, &t.columns[n])
		if err != nil {
			p.refuse(i, n, "%s cannot be written into the sheet: %v", t.name(n), err)
			return
		}
		if format == "" && asText(t.columns[n].Type) {
			format = formatText // so that what people type there later stays text
		}
		o.Cells = append(o.Cells, cell{At: l.at[n], New: value, Format: format})
		o.Values[n] = after
	}
	parts := make([]tandem.Value, len(t.keys))
	for n, k := range t.keys {
		parts[n] = o.Values[k]
		for _, c := range o.Cells {
			if c.At == l.at[k] {
				o.KeyCells = append(o.KeyCells, c.New)
			}
		}
		if parts[n].IsEmpty() {
			p.refuse(i, k, "%s is empty; a row in the sheet needs a value in every key column", t.name(k))
			return
		}
	}
	o.Key = tandem.MakeKey(parts...)
	if p.known.stands(o.Key) {
		p.applied[i] = tandem.Applied{Outcome: tandem.Moved, Row: p.standing(o.Key)}
		return
	}
	p.batch.Ops = append(p.batch.Ops, o)
}

// standing returns the row of a key, where it was read.
func (p *preparation) standing(key tandem.Key) *tandem.Row {
	at, ok := p.known.place(key)
	if !ok {
		return nil
	}
	if found, ok := p.rows[at]; ok && found.row.Key == key {
		return &found.row
	}
	return &tandem.Row{Key: key, Values: make([]tandem.Value, len(p.t.columns)), Position: at + 1}
}

// isFormula reports whether a cell holds a formula, or a result that a formula elsewhere spilled into it.
func isFormula(c *api.CellData) bool {
	if c == nil {
		return false
	}
	if c.UserEnteredValue == nil {
		return c.EffectiveValue != nil
	}
	return c.UserEnteredValue.FormulaValue != nil
}

func entered(c *api.CellData) *api.ExtendedValue {
	if c == nil {
		return nil
	}
	return c.UserEnteredValue
}

func shownValue(c *api.CellData) *api.ExtendedValue {
	if c == nil {
		return nil
	}
	return c.EffectiveValue
}

func numberFormatOf(c *api.CellData) *api.NumberFormat {
	if c == nil || c.UserEnteredFormat == nil {
		return nil
	}
	return c.UserEnteredFormat.NumberFormat
}

// rowOf is the row of an op once it is written.
func (t *Tab) rowOf(o *op) *tandem.Row {
	if o.Kind == tandem.Delete {
		return nil
	}
	row := &tandem.Row{Values: make([]tandem.Value, len(t.columns)), Position: o.Row + 1}
	parts := make([]tandem.Value, len(t.keys))
	for n, value := range o.Values {
		if n < len(row.Values) {
			row.Values[n] = value
		}
	}
	for n, k := range t.keys {
		parts[n] = row.Values[k]
	}
	if row.Key = tandem.MakeKey(parts...); row.Key == "" {
		row.Key = o.Key
	}
	for n, value := range row.Values {
		if value.IsInvalid() {
			if row.Problems == nil {
				row.Problems = map[int]string{}
			}
			row.Problems[n] = fmt.Sprintf("%s cannot be %q", t.name(n), value.Text())
		}
	}
	return row
}
