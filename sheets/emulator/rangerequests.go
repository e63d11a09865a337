package emulator

func insertRange(b *book, r object) (object, error) {
	a, err := b.gridRange(child(r, "range"), "range")
	if err != nil {
		return nil, err
	}
	d, err := readDimension(text(r, "shiftDimension"))
	if err != nil {
		return nil, err
	}
	return nil, b.shiftRange(a, d, true)
}

func deleteRange(b *book, r object) (object, error) {
	a, err := b.gridRange(child(r, "range"), "range")
	if err != nil {
		return nil, err
	}
	d, err := readDimension(text(r, "shiftDimension"))
	if err != nil {
		return nil, err
	}
	return nil, b.shiftRange(a, d, false)
}

// shiftRange moves the cells beside a range away from it or into it. The grid keeps its size when cells are
// taken out, and grows when cells with content would fall off the edge.
func (b *book) shiftRange(a area, d dimension, insert bool) error {
	s := a.sheet
	if b.crossesArray(a, d) {
		return invalid("You cannot insert or delete cells over an array formula.")
	}
	whole := bounds{a.r0, s.rows, a.c0, a.c1}
	if d == columnsDimension {
		whole = bounds{a.r0, a.r1, a.c0, s.cols}
	}
	for _, m := range s.merges {
		if m.overlaps(whole) && !whole.covers(m) {
			return invalid("You can't insert or delete cells here because it would split a merged cell.")
		}
	}
	n := a.height()
	if d == columnsDimension {
		n = a.width()
	}
	if insert {
		if err := b.makeRoom(a, d, n); err != nil {
			return err
		}
		whole = bounds{a.r0, min(whole.r1, s.rows-0), a.c0, whole.c1}
	}
	k := b.copyCells(area{s, whole})
	b.blankOut(s, whole)
	for i, line := range k.cells {
		for j, from := range line {
			r, c := whole.r0+i, whole.c0+j
			at := a.r0
			place := &r
			if d == columnsDimension {
				at, place = a.c0, &c
			}
			if insert {
				*place += n
			} else if *place < at+n {
				continue
			} else {
				*place -= n
			}
			if from.blank() || r >= s.rows || c >= s.cols {
				continue
			}
			b.edit(s, r, c, func(c *cell) { *c = from })
		}
	}
	h := shift{kind: removed, dim: d, at: a.r0, n: n, band: &a.bounds}
	if insert {
		h.kind = inserted
	}
	if d == columnsDimension {
		h.at = a.c0
	}
	b.carry(s, h)
	return nil
}

func (b *book) makeRoom(a area, d dimension, n int) error {
	s := a.sheet
	need := 0
	if d == rowsDimension {
		for r := len(s.data) - 1; r >= a.r0 && need == 0; r-- {
			if trimmed(s.line(r), a.c0, a.c1, (*cell).hasValue) > 0 {
				need = r + 1 + n
			}
		}
		return b.growTo(s, need, 0)
	}
	for r := a.r0; r < min(a.r1, len(s.data)); r++ {
		if used := trimmed(s.line(r), a.c0, s.cols, (*cell).hasValue); used > 0 {
			need = max(need, a.c0+used+n)
		}
	}
	return b.growTo(s, 0, need)
}

func (b *book) blankOut(s *sheet, at bounds) {
	for r := at.r0; r < min(at.r1, len(s.data)); r++ {
		for c := at.c0; c < min(at.c1, len(s.line(r))); c++ {
			if !s.at(r, c).blank() {
				b.edit(s, r, c, func(c *cell) { *c = cell{} })
			}
		}
	}
}
