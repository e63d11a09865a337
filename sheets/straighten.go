package sheets

import (
	"maps"
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// crooked is a row that was put back while somebody inserted a column, so that some of its cells stand under headers that
// are not theirs, and that a person has typed into since: it can no longer be taken away and put back anew.
type crooked struct {
	gone *stray // the deletion that the row was put back after; its images are what the row is made of
	// from and meant tell by column of the tab now: which column of the image was pasted there, and which belongs there.
	from, meant map[int]int
}

// crooked tells how a restored row was pasted, nil when the deletion that it came after is undone.
func (now *current) crooked(s *stray, strays []stray) *crooked {
	gone := s.restores(strays)
	if gone == nil {
		return nil
	}
	k := &crooked{gone: gone, from: map[int]int{}, meant: map[int]int{}}
	for _, m := range s.what().moved {
		for at := m.from.first; at < m.from.end; at++ {
			k.from[now.column(s, m.to+at-m.from.first)] = at
		}
	}
	for at := 0; at < gone.batch.Width && at < len(gone.headers); at++ {
		k.meant[now.column(gone, at)] = at
	}
	return k
}

// straighten moves the cells of a crooked row under their headers, but for those that a person has changed.
func (now *current) straighten(fix *Batch, s *stray, k *crooked, taken claims) {
	row := k.find(now)
	if row < 0 || taken.has(now, s, row) {
		return
	}
	back := op{Kind: tandem.Update, Row: row}
	columns := map[int]bool{}
	for _, of := range []map[int]int{k.from, k.meant} {
		for at := range of {
			columns[at] = at < now.width
		}
	}
	for _, at := range slices.Sorted(maps.Keys(columns)) {
		if c, ok := k.cell(at, now.cell(row, at)); ok && columns[at] {
			if c.paste != nil {
				c.text = now.formulaFor(k.gone, c.paste.column, row)
			}
			back.Cells = append(back.Cells, c)
		}
	}
	if len(back.Cells) > 0 {
		taken.row(row, &back)
		fix.Ops = append(fix.Ops, back)
	}
}

// standsCrooked reports whether a deleted row was put back crooked and is still there, or was taken away by a repair that
// went astray, so that it will be there again: put back once more, it would stand there twice.
func (now *current) standsCrooked(gone *stray, strays []stray) bool {
	for i := range strays {
		r := &strays[i]
		if r.what().Kind != restore || r.restores(strays) != gone {
			continue
		}
		if k := now.crooked(r, strays); k.find(now) >= 0 {
			return true
		}
		for j := range strays {
			if strays[j].what().undid == r.what() {
				return true
			}
		}
	}
	return false
}

// restores returns the deletion that a repair put a row back after, nil when it is undone.
func (s *stray) restores(strays []stray) *stray {
	for i := range strays {
		if o := strays[i].what(); o.Kind == tandem.Delete && o.Row+strays[i].batch.Offset == s.what().image {
			return &strays[i]
		}
	}
	return nil
}

// find returns the row that has the key where it was pasted and most else of what was pasted, -1 when none has. A key that
// does not stand in its own column tells too little: half of the other cells must be there then.
func (k *crooked) find(now *current) int {
	straight, cells := true, 0
	keys := map[int]bool{}
	for at, of := range k.from {
		if slices.Contains(k.gone.keys(), of) {
			keys[at] = true
			straight = straight && k.meant[at] == of
		}
		if c := k.gone.image(of); c != nil && !isFormula(c) {
			cells++
		}
	}
	best, most := -1, 0
	if len(keys) != len(k.gone.keys()) {
		return best
	}
	for row := now.first; row < now.end; row++ {
		same := 0
		for at, of := range k.from {
			image, have := k.gone.image(of), now.cell(row, at)
			switch {
			case image == nil || isFormula(image) && !keys[at]:
			case sameContent(shownValue(have), shownValue(image)):
				same++
			case keys[at]:
				same = -len(k.from) - 1
			}
		}
		if same > most && (straight || 2*same >= cells) {
			best, most = row, same
		}
	}
	return best
}

// cell returns what puts one cell right; ok is false when it is right, or is no longer what was pasted there.
func (k *crooked) cell(at int, have *api.CellData) (c cell, ok bool) {
	var was, will *api.CellData
	from, pasted := k.from[at]
	meant, belongs := k.meant[at]
	if pasted {
		was = k.gone.image(from)
	}
	if belongs {
		will = k.gone.image(meant)
	}
	if pasted && belongs && from == meant || was == nil && will == nil {
		return c, false
	}
	if !isPasted(have, was) {
		return c, false
	}
	c = cell{At: at, Old: entered(have), New: entered(will)}
	if will != nil {
		c.paste = &place{k.gone.what().Row + k.gone.batch.Offset, meant}
	} else {
		c.unset = numberFormatOf(was) != nil
	}
	return c, true
}

// isPasted reports whether a cell still holds what was pasted into it. Pasted formulas read otherwise, and are formulas.
func isPasted(have, was *api.CellData) bool {
	return isFormula(was) == isFormula(have) && (isFormula(was) || sameContent(entered(have), entered(was)))
}

// untouched reports whether a row holds what was pasted into it and nothing else.
func (k *crooked) untouched(now *current, row int) bool {
	for at := range now.width {
		var was *api.CellData
		if of, ok := k.from[at]; ok {
			was = k.gone.image(of)
		}
		if !isPasted(now.cell(row, at), was) {
			return false
		}
	}
	return true
}
