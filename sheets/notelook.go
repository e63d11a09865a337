package sheets

import (
	"context"
	"slices"

	"github.com/tandem-sync/tandem"
)

// read reads the cells that the notes are about; with all, also where notes of ours stand besides.
func (p *notePlan) read(ctx context.Context, all bool) error {
	t, l := p.t, p.known.layout
	columns := l.linked
	rows, err := p.guesses()
	if err != nil {
		return err
	}
	p.notes = nil
	if all {
		size, _ := t.sizes()
		if p.notes, err = t.readNotes(ctx, span{0, max(size.columns, l.linked.end)}); err != nil {
			return err
		}
		if err := p.stillThere(ctx); err != nil {
			return err
		}
		more := 0
		for _, at := range sortedPlaces(p.notes) {
			if at.row > t.header && isOurs(p.notes[at]) && more < 2*clearLimit {
				columns = span{min(columns.first, at.column), max(columns.end, at.column+1)}
				rows = append(rows, at.row)
				more++
			}
		}
		rows = withNeighbours(rows, t.header, size.rows)
	}
	slices.Sort(rows)
	rows = slices.Compact(rows)
	if p.found, err = t.readNoted(ctx, rows, columns, l); err != nil {
		return err
	}
	return p.check()
}

// stillThere reads the keys once more, after the notes: only where none has moved do both belong together.
func (p *notePlan) stillThere(ctx context.Context) error {
	now, err := p.t.freshReading(ctx)
	if err != nil {
		return err
	}
	before := p.known
	p.known, p.fresh = now, true
	if !now.layout.same(before.layout) || !slices.Equal(now.places, before.places) {
		return errTorn
	}
	return nil
}

// withNeighbours adds the rows next to rows: a row that is inserted beside one of ours comes with its colour.
func withNeighbours(rows []int, header, end int) []int {
	for _, at := range rows {
		for n := max(at-2, header+1); n <= at+2 && n < end; n++ {
			rows = append(rows, n)
		}
	}
	return rows
}

// guesses returns the rows that the notes are about, of those that are wanted up to the limit.
func (p *notePlan) guesses() (rows []int, err error) {
	add := func(list []tandem.Note, limit int) {
		for i := range list {
			if at, ok := p.guess(&list[i]); ok && limit > 0 {
				rows = append(rows, at)
				limit--
			} else if !ok && list[i].Key != "" && !p.fresh && p.t.client.opt.Now().Sub(p.known.at) > freshFor {
				err = errTorn // it may have come meanwhile
			}
		}
	}
	add(p.want, noteLimit)
	add(p.shown, len(p.shown))
	return rows, err
}

// check fails with errTorn when rows are not where they were when the keys were read, or notes not where they were found.
func (p *notePlan) check() error {
	for _, list := range [][]tandem.Note{p.want, p.shown} {
		for i := range list {
			if at, ok := p.known.place(list[i].Key); ok && list[i].Key != "" {
				if row, read := p.found.rows[at]; read && row.Key != list[i].Key {
					return errTorn
				}
			}
		}
	}
	for at, note := range p.notes {
		if p.found.has(at) && isOurs(note) && p.found.cells[at].note != note {
			return errTorn
		}
	}
	return nil
}
