package emulator

import (
	"slices"
)

func sortRange(b *book, r object) (object, error) {
	if s := b.sheet(integerOr(child(r, "range"), "sheetId", 0)); s != nil && readBounds(child(r, "range")).r0 >= s.rows {
		return nil, invalid("range.startRowIndex is larger than current grid size (%d)", s.rows)
	}
	a, err := b.gridRange(child(r, "range"), "range")
	if err != nil {
		return nil, err
	}
	for _, m := range a.sheet.merges {
		if m.overlaps(a.bounds) && m.height() > 1 {
			return nil, invalid("You can't sort a range containing vertical merges. There is a vertical merge at %s", a1Bounds(m))
		}
	}
	return nil, b.sort(a.sheet, a.bounds, list(r, "sortSpecs"))
}

type sortKey struct {
	column     int
	descending bool
}

func (b *book) sort(s *sheet, at bounds, specs []any) error {
	var keys []sortKey
	for i, item := range specs {
		spec, _ := item.(object)
		if spec["backgroundColor"] != nil || spec["foregroundColor"] != nil || spec["backgroundColorStyle"] != nil || spec["foregroundColorStyle"] != nil {
			return unsupported("sorting by colour")
		}
		k := sortKey{column: integerOr(spec, "dimensionIndex", 0), descending: text(spec, "sortOrder") == "DESCENDING"}
		if k.column < at.c0 || k.column >= at.c1 {
			return invalid("sortSpecs[%d].dimensionIndex[%d] must be within the range.", i, k.column)
		}
		keys = append(keys, k)
	}
	b.arrange(s, at, s.sortedOrder(at, keys))
	return nil
}

// sortedOrder returns the rows of a range in their new order. Numbers come before text, text before booleans,
// errors after; blanks are last whichever way the sort goes. Rows that are equal keep their order, and rows that
// are hidden keep their place.
func (s *sheet) sortedOrder(at bounds, keys []sortKey) []int {
	order := make([]int, 0, at.height())
	hidden := map[int]bool{}
	for r := at.r0; r < at.r1; r++ {
		if len(s.dims[rowsDimension]) > 0 && flag(s.dimensionProperties(rowsDimension, r), "hiddenByUser") {
			hidden[r] = true
		} else {
			order = append(order, r)
		}
	}
	slices.SortStableFunc(order, func(x, y int) int {
		for _, k := range keys {
			n := compareForSort(s.at(x, k.column), s.at(y, k.column), k.descending)
			if n != 0 {
				return n
			}
		}
		return 0
	})
	for r := at.r0; r < at.r1 && len(hidden) > 0; r++ {
		if hidden[r] {
			order = slices.Insert(order, r-at.r0, r)
		}
	}
	return order
}

func compareForSort(x, y *cell, descending bool) int {
	xe, ye := !shown(x), !shown(y)
	switch {
	case xe && ye:
		return 0
	case xe:
		return 1
	case ye:
		return -1
	}
	n := compareValues(x.value(), y.value())
	if descending {
		return -n
	}
	return n
}

// arrange puts the rows of a range in the given order. Rows that lie in the range as a whole are only pointed at
// anew: sorting millions of cells copies none of them.
func (b *book) arrange(s *sheet, at bounds, order []int) {
	b.shifts = append(b.shifts, shiftRecord{sheet: open})
	s.ownData(b.epoch)
	for len(s.data) < min(at.r1, s.rows) {
		s.data = append(s.data, nil)
	}
	old := slices.Clone(s.data[at.r0:at.r1])
	for i, from := range order {
		source := old[from-at.r0]
		r := at.r0 + i
		if at.c0 == 0 && (source == nil || len(source.cells) <= at.c1) && (old[i] == nil || len(old[i].cells) <= at.c1) {
			s.data[r] = source
		} else {
			b.mixRow(s, r, old[i], source, at)
		}
		if source != nil && source.formulas > 0 {
			b.displaceRow(s, r, at, r-from)
		}
	}
	s.recount()
}

// mixRow makes a row of source's cells within the range and stay's outside of it.
func (b *book) mixRow(s *sheet, r int, stay, source *row, at bounds) {
	width := at.c0
	if stay != nil {
		width = max(width, len(stay.cells))
	}
	if source != nil {
		width = max(width, min(at.c1, len(source.cells)))
	}
	cells := make([]cell, width)
	if stay != nil {
		copy(cells, stay.cells)
	}
	for c := at.c0; c < min(at.c1, width); c++ {
		cells[c] = cell{}
		if source != nil && c < len(source.cells) {
			cells[c] = source.cells[c]
		}
	}
	fresh := &row{epoch: b.epoch, cells: cells}
	for i := range cells {
		if cells[i].formula() != nil {
			fresh.formulas++
		}
	}
	s.data[r] = fresh
}

func (b *book) displaceRow(s *sheet, r int, at bounds, down int) {
	if down == 0 {
		return
	}
	for c := at.c0; c < min(at.c1, len(s.line(r))); c++ {
		if f := s.at(r, c).formula(); f != nil {
			moved := f.displaced(down, 0)
			b.edit(s, r, c, func(c *cell) { c.put(c.value(), moved) })
		}
	}
}

func (s *sheet) recount() {
	s.formulas = 0
	for _, line := range s.data {
		if line != nil {
			s.formulas += line.formulas
		}
	}
}
