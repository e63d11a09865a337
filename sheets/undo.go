package sheets

import (
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// undoUpdate gives the cells that an update wrote astray what they held before.
func (now *current) undoUpdate(fix *Batch, s *stray, taken claims) {
	o := s.what()
	row, partly := now.find(s, s.after(), s.written(), o.Row, taken), false
	if row < 0 {
		// A person changed a cell of it since; the other cells that were written are still ours to give back.
		if row, partly = now.findKeyed(s, taken), true; row < 0 {
			return
		}
	}
	back, needed := op{Kind: tandem.Update, Key: o.Key, Row: row}, false
	for _, c := range o.Cells {
		if partly && !now.shows(s, row, &c) {
			continue
		}
		image := s.image(c.At)
		undo := cell{At: now.column(s, c.At), Old: c.New, New: entered(image)}
		if undo.New != nil && undo.New.FormulaValue != nil {
			undo.paste = &place{o.Row + s.batch.Offset, c.At}
			undo.text = now.formulaFor(s, c.At, row)
		}
		if c.formats() {
			undo.number = numberFormatOf(image)
			undo.unset = undo.number == nil
		}
		needed = needed || !sameContent(undo.Old, undo.New)
		back.Cells = append(back.Cells, undo)
	}
	if needed {
		taken.row(row, &back)
		fix.Ops = append(fix.Ops, back)
	}
}

// findKeyed returns the only row that has the key of the row on which an update landed, -1 when none has, or several have.
func (now *current) findKeyed(s *stray, taken claims) int {
	keys, written := map[int]*api.ExtendedValue{}, s.written()
	for _, at := range s.keys() {
		if keys[at] = shownValue(s.image(at)); keys[at] == nil || written[at] || s.rekeyed(written) {
			return -1
		}
	}
	rows := now.candidates(s, keys, nil)
	if len(keys) == 0 || len(rows) != 1 || taken.has(now, s, rows[0]) {
		return -1
	}
	return rows[0]
}

// shows reports whether a row still holds what was written into a cell.
func (now *current) shows(s *stray, row int, c *cell) bool {
	have := entered(now.cell(row, now.column(s, c.At)))
	return sameContent(have, c.New) || bothFormulas(have, c.New)
}

// undoDelete puts a row back, unless it is there again, or was and a person has deleted it since.
func (now *current) undoDelete(fix *Batch, s *stray, strays []stray) {
	o := s.what()
	cells, keyed, blank := map[int]*api.ExtendedValue{}, false, true
	for _, at := range s.keys() {
		cells[at] = shownValue(s.image(at))
		keyed = keyed || cells[at] != nil
	}
	for at := range s.batch.Width {
		shown := shownValue(s.image(at))
		blank = blank && shown == nil
		if !keyed {
			cells[at] = shown
		}
	}
	if blank || now.find(s, cells, nil, o.Row, nil) >= 0 || now.standsCrooked(s, strays) || keyed && s.putBack(strays) {
		return
	}
	back := op{Kind: restore, Row: now.placeFor(fix, s), image: o.Row + s.batch.Offset, texts: map[int]string{}}
	for at := 0; at < s.batch.Width && at < len(s.headers); at++ {
		to := now.column(s, at)
		switch c := s.image(at); {
		case isFormula(c) && to < now.width:
			back.formulas = append(back.formulas, to)
			if text := now.formulaFor(s, at, back.Row); text != "" {
				back.texts[to] = text
			}
		case c != nil && !isFormula(c):
			back.Cells = append(back.Cells, cell{At: to, New: entered(c)})
		}
		if to >= now.width {
			continue
		}
		n := len(back.moved)
		if n > 0 && back.moved[n-1].from.end == at && back.moved[n-1].to+at-back.moved[n-1].from.first == to {
			back.moved[n-1].from.end++
			continue
		}
		back.moved = append(back.moved, move{span{at, at + 1}, to})
	}
	fix.Ops = append(fix.Ops, back)
}

// putBack reports whether a deleted row was put back under its key by a repair that set other cells of it astray. While
// that repair is not undone, nobody but a person can have taken the row away again.
func (s *stray) putBack(strays []stray) bool {
	for i := range strays {
		r := &strays[i]
		if o := r.what(); o.Kind != restore || o.image != s.what().Row+s.batch.Offset {
			continue
		}
		return !slices.ContainsFunc(r.batch.Columns, func(h heading) bool {
			return slices.Contains(r.batch.Keys, h.At) && r.headers[h.At] != h.Header
		})
	}
	return false
}

// placeFor returns where a deleted row stood, as nearly as can be told.
func (now *current) placeFor(fix *Batch, s *stray) int {
	row := s.what().Row
	for i := range s.batch.Ops {
		if o := &s.batch.Ops[i]; o.Kind == tandem.Delete && o.Row < s.what().Row {
			row--
		}
	}
	for i := range fix.Ops {
		if fix.Ops[i].Kind == restore {
			row++
		}
	}
	return min(max(row, now.first), max(now.rows, now.first))
}

// undoInsert deletes a row that was added, or put back, with its cells in the wrong columns, or whose key somebody else
// added too.
func (now *current) undoInsert(fix *Batch, s *stray, strays []stray, taken claims) {
	o := s.what()
	if o.Kind == restore && now.stands(s) {
		return
	}
	row := now.find(s, s.after(), s.written(), -1, taken)
	if o.Kind == restore {
		if k := now.crooked(s, strays); k != nil && (row < 0 || !k.untouched(now, row)) {
			now.straighten(fix, s, k, taken) // somebody has typed into it: it must not go
			return
		}
	}
	if row < 0 || len(o.Cells) == 0 {
		return
	}
	gone := op{Kind: tandem.Delete, Key: o.Key, Row: row}
	for _, c := range o.Cells {
		gone.Cells = append(gone.Cells, cell{At: now.column(s, c.At), Old: c.New})
	}
	taken.row(row, &gone)
	fix.Ops = append(fix.Ops, gone)
}

// stands reports whether a row that was put back has its cells under the headers they were meant for, although some
// header changed.
func (now *current) stands(s *stray) bool {
	meant := map[int]string{}
	for _, h := range s.batch.Columns {
		meant[h.At] = h.Header
	}
	for _, at := range s.what().formulas {
		if s.headers[at] != meant[at] {
			return false // what a formula shows does not tell where it stands
		}
	}
	cells := map[int]*api.ExtendedValue{}
	for _, c := range s.what().Cells {
		cells[c.At] = c.New
	}
	before := &stray{batch: s.batch, op: s.op, headers: make([]string, len(s.headers)), images: s.images}
	copy(before.headers, s.headers)
	for at, header := range meant {
		if at < len(before.headers) {
			before.headers[at] = header
		}
	}
	return now.find(before, cells, s.written(), -1, nil) >= 0
}
