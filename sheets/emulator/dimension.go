package emulator

import "slices"

// insert makes n empty rows or columns at a place of the tab. Like Google it takes over the format of the
// neighbour: the one before, or the one after.
func (b *book) insert(s *sheet, d dimension, at, n int, fromBefore bool) error {
	s.setCount(d, s.count(d)+n)
	if err := b.checkSize(); err != nil {
		return err
	}
	pattern := at
	if fromBefore {
		pattern = at - 1
	}
	if d == rowsDimension {
		b.insertRows(s, at, n, pattern)
	} else {
		b.insertColumns(s, at, n, pattern)
	}
	b.carry(s, shift{kind: inserted, dim: d, at: at, n: n})
	return nil
}

func (b *book) insertRows(s *sheet, at, n, pattern int) {
	s.ownData(b.epoch)
	styled := stylesOnly(s.line(pattern))
	if at < len(s.data) {
		s.data = slices.Insert(s.data, at, make([]*row, n)...)
	}
	if styled == nil {
		return
	}
	for r := at; r < at+n; r++ {
		s.setLine(b.epoch, r, slices.Clone(styled))
	}
}

func stylesOnly(line []cell) []cell {
	n := trimmed(line, 0, len(line), func(c *cell) bool { return c.style != 0 })
	if n == 0 {
		return nil
	}
	out := make([]cell, n)
	for i := range out {
		out[i].style = line[i].style
	}
	return out
}

func (b *book) insertColumns(s *sheet, at, n, pattern int) {
	for r := range s.data {
		line := s.line(r)
		var style styleID
		if pattern >= 0 && pattern < len(line) {
			style = line[pattern].style
		}
		if at >= len(line) && style == 0 {
			continue
		}
		cells := make([]cell, max(len(line), at), max(len(line), at)+n)
		copy(cells, line)
		fresh := make([]cell, n)
		for i := range fresh {
			fresh[i].style = style
		}
		s.setLine(b.epoch, r, slices.Insert(cells, at, fresh...))
	}
}

// remove takes n rows or columns out of the tab.
func (b *book) remove(s *sheet, d dimension, at, n int) error {
	switch {
	case at >= s.count(d):
		return invalid("Cannot delete a %s that doesn't exist. Tried to delete %s index %d but there are only %d %ss.",
			d.noun(), d.noun(), at, s.count(d), d.noun())
	case n >= s.count(d):
		return invalid("You can't delete all the %ss on the sheet.", d.noun())
	case s.frozen(d) > 0 && at <= s.frozen(d) && at+n >= s.count(d):
		return invalid("Sorry, it is not possible to delete all non-frozen %ss.", d.noun())
	}
	if f := frozenField(d); at < s.frozen(d) {
		s.grid = copyObject(s.grid)
		s.grid[f] = s.frozen(d) - (min(at+n, s.frozen(d)) - at)
		if s.frozen(d) == 0 {
			delete(s.grid, f)
		}
	}
	s.ownData(b.epoch)
	if d == rowsDimension {
		for r := at; r < min(at+n, len(s.data)); r++ {
			if s.data[r] != nil {
				s.formulas -= s.data[r].formulas
			}
		}
		if at < len(s.data) {
			s.data = slices.Delete(s.data, at, min(at+n, len(s.data)))
		}
	} else {
		for r := range s.data {
			if line := s.line(r); at < len(line) {
				s.setLine(b.epoch, r, slices.Delete(slices.Clone(line), at, min(at+n, len(line))))
			}
		}
	}
	s.setCount(d, s.count(d)-n)
	b.carry(s, shift{kind: removed, dim: d, at: at, n: n})
	return nil
}

func frozenField(d dimension) string {
	if d == rowsDimension {
		return "frozenRowCount"
	}
	return "frozenColumnCount"
}

// move puts n rows or columns from at before to, which counts places as they are before the move.
func (b *book) move(s *sheet, d dimension, at, n, to int) {
	if to >= at && to <= at+n {
		return
	}
	s.ownData(b.epoch)
	if d == rowsDimension {
		for len(s.data) < max(at+n, to) {
			s.data = append(s.data, nil)
		}
		rotate(s.data, at, n, to)
	} else {
		for r := range s.data {
			line := s.line(r)
			if len(line) <= min(at, to) {
				continue
			}
			cells := make([]cell, max(len(line), at+n, to))
			copy(cells, line)
			rotate(cells, at, n, to)
			s.setLine(b.epoch, r, cells)
		}
	}
	b.carry(s, shift{kind: moved, dim: d, at: at, n: n, to: to})
}

func rotate[T any](items []T, at, n, to int) {
	part := slices.Clone(items[at : at+n])
	if to > at {
		copy(items[at:], items[at+n:to])
		copy(items[to-n:], part)
		return
	}
	copy(items[to+n:], items[to:at])
	copy(items[to:], part)
}

// grow adds empty rows or columns at the end.
func (b *book) grow(s *sheet, d dimension, n int) error {
	s.setCount(d, s.count(d)+n)
	return b.checkSize()
}
