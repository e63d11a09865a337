package sheets

import (
	"context"
	"errors"
	"slices"

	"github.com/tandem-sync/tandem"
)

// takeBackTries is how often the rows are looked for on which notes landed astray. Once it gives up, only the hidden tab knows
// what they had.
const takeBackTries = 30

// takeBack returns the batch that gives the cells on which strays landed what they had, nil when there is none to give:
// what shows no longer what the stray wrote was changed by a person since.
func (t *Tab) takeBack(ctx context.Context, strays []noteStray) (*noteBatch, error) {
	for range takeBackTries {
		b, err := t.takeBackOnce(ctx, strays)
		if !errors.Is(err, errTorn) {
			return b, err
		}
	}
	return nil, tandem.Errorf(tandem.CodeUnavailable, "ROWS_MOVING", "rows keep moving while they are read")
}

func (t *Tab) takeBackOnce(ctx context.Context, strays []noteStray) (*noteBatch, error) {
	if _, image := t.sizes(); image == nil {
		if _, err := t.locate(ctx); err != nil {
			return nil, err
		}
	}
	known, err := t.freshReading(ctx)
	if err != nil {
		return nil, err
	}
	size, _ := t.sizes()
	columns := span{0, max(size.columns, known.layout.linked.end)}
	notes, err := t.readNotes(ctx, columns)
	if err != nil {
		return nil, err
	}
	targets := make([]place, len(strays))
	var rows []int
	for i := range strays {
		targets[i] = strays[i].target(t, known, notes)
		if targets[i].row > t.header && targets[i].row < size.rows {
			rows = append(rows, targets[i].row)
		}
	}
	slices.Sort(rows)
	found, err := t.readNoted(ctx, slices.Compact(rows), columns, known.layout)
	if err != nil {
		return nil, err
	}
	var ops []noteOp
	taken := map[place]bool{}
	for i := len(strays) - 1; i >= 0; i-- { // what a cell shows is what the last one wrote
		s, at := &strays[i], targets[i]
		row, read := found.rows[at.row]
		if at.row != t.header && !read || taken[at] {
			continue
		}
		if s.key != "" && row.Key != s.key {
			if _, stands := known.place(s.key); stands {
				return nil, errTorn
			}
			continue // the row is gone
		}
		if s.key == "" && row.Key != "" && s.op.Row != t.header {
			continue // nobody can tell where it went
		}
		if o, ok := s.undo(at, found.cells[at]); ok {
			o.undoes, taken[at] = i, true
			ops = append(ops, t.identify(o, found, known))
		}
	}
	if len(ops) == 0 {
		return nil, nil
	}
	return t.newNoteBatch(found, ops), nil
}

// target returns the cell on which the stray landed, where it stands now.
func (s *noteStray) target(t *Tab, known *reading, notes map[place]string) place {
	column := (&current{headers: known.layout.headers}).column(&stray{headers: s.headers}, s.op.At)
	if at, ok := known.place(s.key); ok && s.key != "" {
		return place{at, column}
	}
	if s.op.Note != nil && *s.op.Note != "" {
		// A row without a key is told by what was written there.
		if here := (place{s.op.Row, column}); notes[here] == *s.op.Note {
			return here
		}
		for _, at := range sortedPlaces(notes) {
			if at.column == column && notes[at] == *s.op.Note && !s.meant(at, known) {
				return at
			}
		}
	}
	return place{s.op.Row, column}
}

// meant reports whether the stray was meant for a cell's row.
func (s *noteStray) meant(at place, known *reading) bool {
	row, ok := known.place(s.op.Key)
	return ok && s.op.Key != "" && row == at.row
}

// undo gives a cell back what it had, as far as it shows what the stray wrote.
func (s *noteStray) undo(at place, now noted) (noteOp, bool) {
	o := noteOp{Row: at.row, At: at.column, WasNote: now.note, WasColour: now.colour}
	if s.op.Note != nil && now.note == *s.op.Note && now.note != s.was.note {
		o.Note = &s.was.note
	}
	if s.op.Colour != nil && sameColour(now.colour, *s.op.Colour) && !sameColour(now.colour, s.was.colour) {
		o.Colour = &s.was.colour
	}
	return o, o.Note != nil || o.Colour != nil
}
