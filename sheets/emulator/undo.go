package emulator

import "slices"

// placer tells where a row or column that stood at i when the edit was made stands now; false when it is gone.
type placer func(d dimension, i int) (int, bool)

// undo takes back one edit of a person.
type undo struct {
	sheet         int // the tab it acts on; open for none in particular
	apply         func(b *book, s *sheet, place placer) error
	before, after *book         // the states around the edit
	shifts        []shiftRecord // the structural changes that the edit made
	seen          int           // how many structural changes were known right after the edit
}

// maxUndos is how many edits can be taken back. Each holds on to a state of the book.
const maxUndos = 100

// undoable remembers an edit that was just done.
func (d *document) undoable(u undo, before, after *book) {
	u.before, u.after, u.shifts, u.seen = before, after, after.shifts, len(d.history)
	d.undos = append(d.undos, u)
	if len(d.undos) > maxUndos {
		d.undos = slices.Delete(d.undos, 0, 1)
	}
}

// undone lets the undo before the one just done know that now is the state it knows as the one after its edit.
func (d *document) undone(restored, now *book) {
	if n := len(d.undos) - 1; n >= 0 && restored != nil && d.undos[n].after == restored {
		d.undos[n].after, d.undos[n].seen = now, len(d.history)
	}
}

// remember keeps the cells of a range so that an undo can put them back.
func (b *book) remember(s *sheet, at bounds) undo {
	k := b.copyCells(area{s, at})
	return undo{sheet: s.id, apply: func(b *book, s *sheet, place placer) error {
		for i, line := range k.cells {
			r, ok := place(rowsDimension, at.r0+i)
			if !ok {
				continue
			}
			for j, old := range line {
				if c, ok := place(columnsDimension, at.c0+j); ok {
					b.edit(s, r, c, func(c *cell) { *c = old })
				}
			}
		}
		return nil
	}}
}

// undoLast takes the last edit back on b. When nothing happened since, the state before it simply returns,
// with all that an inverse could not bring back; else the inverse is applied where things stand now.
func (d *document) undoLast(b *book) (restored *book, err error) {
	if len(d.undos) == 0 {
		return nil, invalid("There is nothing to undo.")
	}
	last := d.undos[len(d.undos)-1]
	d.undos = d.undos[:len(d.undos)-1]
	if last.after == d.state() {
		epoch, now := b.epoch, b.now
		*b = *last.before.clone(now)
		b.epoch = epoch
		b.shifts = inverses(last.shifts)
		return last.before, nil
	}
	s := b.sheet(last.sheet)
	if s == nil && last.sheet != open {
		return nil, invalid("There is nothing to undo: the sheet is gone.")
	}
	return nil, last.apply(b, s, func(dim dimension, i int) (int, bool) {
		ok := true
		for _, h := range d.history[min(last.seen, len(d.history)):] {
			if h.sheet == last.sheet && h.dim == dim && h.n > 0 && h.band == nil && ok {
				i, ok = h.point(i)
			}
		}
		return i, ok
	})
}

// inverses are the structural changes that take the given ones back, so that older undos find their places.
func inverses(done []shiftRecord) []shiftRecord {
	var out []shiftRecord
	for i := len(done) - 1; i >= 0; i-- {
		h := done[i]
		switch h.kind {
		case inserted:
			h.kind = removed
		case removed:
			h.kind = inserted
		case moved:
			if h.to > h.at {
				h.at, h.to = h.to-h.n, h.at
			} else {
				h.at, h.to = h.to, h.at+h.n
			}
		}
		out = append(out, h)
	}
	return out
}
