package sheets

import (
	"context"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// A row that a person typed without a key gets one by an update without a key: Position and Before say which row is meant,
// After holds the key. Nothing but its values tells such a row, so the batch writes down all that its linked cells hold and
// is judged by it: where the key landed on a row that held anything else, it is taken away again.

// isNaming reports whether a change gives a row its key.
func isNaming(change *tandem.Change) bool { return change.Kind == tandem.Update && change.Key == "" }

// place returns where the row of a change was last seen, counted from 0.
func (p *preparation) place(i int) (int, bool) {
	if isNaming(&p.changes[i]) {
		at, ok := p.unnamed[i]
		return at, ok
	}
	at, ok := p.known.place(p.changes[i].Key)
	return at, ok
}

// guessUnnamed takes rows that are to get a key for standing where they stood, each place once.
func (p *preparation) guessUnnamed() {
	p.unnamed = map[int]int{}
	size, _ := p.t.sizes()
	used := map[int]bool{}
	for i := range p.changes {
		at := p.changes[i].Position - 1
		if !isNaming(&p.changes[i]) || used[at] {
			continue
		}
		if at > p.t.header && at < size.rows {
			p.unnamed[i], used[at] = at, true
		}
	}
}

// isThere reports whether the row that a change is to give a key was just read at its place.
func (p *preparation) isThere(i int) bool {
	at, ok := p.place(i)
	row := p.rows[at].row
	return ok && p.t.isUnnamed(&p.changes[i], &row)
}

// unnamedMissing reports whether a row that is to get a key is not where it was looked for.
func (p *preparation) unnamedMissing() bool {
	for i := range p.changes {
		if isNaming(&p.changes[i]) && !p.gone[i] && !p.isThere(i) {
			return true
		}
	}
	return false
}

// findUnnamed looks for the rows that are to get a key by their values, in one read of the whole tab. A row is taken for
// one change only; of rows that are alike each change takes the one at its place, else the nearest one.
func (p *preparation) findUnnamed(ctx context.Context) error {
	scan, err := p.t.Scan(ctx)
	if err != nil {
		return err
	}
	p.known, p.read = p.t.remembered(), true
	p.unnamed, p.gone = map[int]int{}, map[int]bool{}
	free := map[int]*tandem.Row{}
	for i := range scan.Bad {
		if scan.Bad[i].Keyless {
			free[scan.Bad[i].Row.Position] = &scan.Bad[i].Row
		}
	}
	take := func(i, position int) {
		p.unnamed[i] = position - 1
		delete(free, position)
	}
	for i := range p.changes {
		change := &p.changes[i]
		if row := free[change.Position]; isNaming(change) && row != nil && p.t.isUnnamed(change, row) {
			take(i, change.Position)
		}
	}
	for i := range p.changes {
		if _, found := p.unnamed[i]; found || !isNaming(&p.changes[i]) {
			continue
		}
		if position := p.nearest(&p.changes[i], free); position > 0 {
			take(i, position)
		} else {
			p.gone[i] = true
		}
	}
	return nil
}

// nearest returns the position of the free row that a change may mean and that stands nearest to where it stood, 0 when
// there is none.
func (p *preparation) nearest(change *tandem.Change, free map[int]*tandem.Row) int {
	best, distance := 0, 0
	for position, row := range free {
		away := max(position-change.Position, change.Position-position)
		if best > 0 && (away > distance || away == distance && position > best) {
			continue
		}
		if p.t.isUnnamed(change, row) {
			best, distance = position, away
		}
	}
	return best
}

// isUnnamed reports whether a row has no key, and holds what a change expects of the row that it gives one.
func (t *Tab) isUnnamed(change *tandem.Change, row *tandem.Row) bool {
	if len(row.Values) == 0 || !t.isKeyless(row) {
		return false
	}
	blank := true
	for n := range t.columns {
		have := row.Values[n]
		blank = blank && (have.IsEmpty() || have.IsAbsent())
		if n < len(change.Before) && !change.Before[n].IsAbsent() && !have.IsAbsent() && !t.columns[n].Equal(change.Before[n], have) {
			return false
		}
	}
	return !blank
}

// addNaming takes a change that gives a row its key into the batch, with what tells the row.
func (p *preparation) addNaming(i int) {
	at, ok := p.place(i)
	if !ok || !p.isThere(i) {
		p.applied[i] = tandem.Applied{Outcome: tandem.Moved}
		return
	}
	change, found, l := &p.changes[i], p.rows[at], p.known.layout
	parts := make([]tandem.Value, len(p.t.keys))
	for n, k := range p.t.keys {
		if k < len(change.After) {
			parts[n] = change.After[k]
		}
		if parts[n].IsAbsent() || parts[n].IsEmpty() || parts[n].IsInvalid() {
			p.refuse(i, k, "no value of %s is given for the row %d, which is to get a key", p.t.name(k), at+1)
			return
		}
	}
	key := tandem.MakeKey(parts...)
	if p.known.stands(key) || p.named[key] {
		p.applied[i] = tandem.Applied{Outcome: tandem.Moved, Row: p.standing(key)}
		return
	}
	o := op{Kind: tandem.Update, Row: at, KeyCells: make([]*api.ExtendedValue, len(p.t.keys))}
	telling := false
	for n := range p.t.columns {
		written := n < len(change.After) && !change.After[n].IsAbsent()
		column := l.at[n]
		if column < 0 || written || p.isKey(n) {
			continue
		}
		c := found.cells[column]
		if entered(c) == nil && isFormula(c) {
			continue // a result that a formula elsewhere put here
		}
		value := entered(c)
		o.Holds = append(o.Holds, cell{At: column, Old: value})
		telling = telling || value != nil && value.FormulaValue == nil
	}
	if !telling {
		p.refuse(i, p.t.keys[0], "nothing was typed into the row %d: all that it shows comes from formulas; type its key %q yourself, or clear the row", at+1, key)
		return
	}
	if p.named == nil {
		p.named = map[tandem.Key]bool{}
	}
	p.named[key] = true
	p.addUpdate(i, o, found)
}
