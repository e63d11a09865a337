package emulator

// open stands for a bound that was not given: the range goes to the edge of the grid.
const open = -1

// bounds is a rectangle of cells, half open, from 0. Any bound may be open.
type bounds struct{ r0, r1, c0, c1 int }

var everything = bounds{open, open, open, open}

// area is a rectangle on a tab.
type area struct {
	sheet *sheet
	bounds
}

// closed puts the grid's edges for open bounds.
func (b bounds) closed(s *sheet) bounds {
	if b.r0 == open {
		b.r0 = 0
	}
	if b.c0 == open {
		b.c0 = 0
	}
	if b.r1 == open {
		b.r1 = s.rows
	}
	if b.c1 == open {
		b.c1 = s.cols
	}
	return b
}

func (b bounds) clipped(s *sheet) bounds {
	b = b.closed(s)
	b.r1, b.c1 = min(b.r1, s.rows), min(b.c1, s.cols)
	return b
}

func (b bounds) height() int { return b.r1 - b.r0 }
func (b bounds) width() int  { return b.c1 - b.c0 }
func (b bounds) empty() bool { return b.r1 <= b.r0 || b.c1 <= b.c0 }

func (b bounds) covers(o bounds) bool {
	return b.r0 <= o.r0 && b.r1 >= o.r1 && b.c0 <= o.c0 && b.c1 >= o.c1
}

func (b bounds) intersect(o bounds) bounds {
	return bounds{max(b.r0, o.r0), min(b.r1, o.r1), max(b.c0, o.c0), min(b.c1, o.c1)}
}

func (b bounds) overlaps(o bounds) bool { return !b.intersect(o).empty() }

// readBounds takes a GridRange's indexes; absent ones are open.
func readBounds(o object) bounds {
	return bounds{integerOr(o, "startRowIndex", open), integerOr(o, "endRowIndex", open),
		integerOr(o, "startColumnIndex", open), integerOr(o, "endColumnIndex", open)}
}

// gridRange reads a GridRange of a request. Unlike A1 ranges it is never clipped: it must lie in the grid.
func (b *book) gridRange(o object, field string) (area, error) {
	if o == nil {
		return area{}, invalid("No %s specified.", field)
	}
	s, err := b.sheetOrError(integerOr(o, "sheetId", 0))
	if err != nil {
		return area{}, err
	}
	asked := readBounds(o)
	full := asked.closed(s)
	switch {
	case full.r0 < 0 || full.c0 < 0 || asked.r1 < open || asked.c1 < open:
		return area{}, invalid("GridRange indexes must be at least zero.")
	case full.r1 < full.r0 && asked.r1 != open:
		return area{}, invalid("endRowIndex[%d] must be greater than or equal to startRowIndex[%d]", full.r1, full.r0)
	case full.c1 < full.c0 && asked.c1 != open:
		return area{}, invalid("endColumnIndex[%d] must be greater than or equal to startColumnIndex[%d]", full.c1, full.c0)
	}
	if full.r0 > s.rows || full.c0 > s.cols || full.r1 > s.rows || full.c1 > s.cols || full.r0 >= s.rows && asked.r1 == open || full.c0 >= s.cols && asked.c1 == open {
		return area{}, exceedsGrid(s, asked)
	}
	return area{s, full}, nil
}

func exceedsGrid(s *sheet, asked bounds) error {
	return invalid("Range (%s) exceeds grid limits. Max rows: %d, max columns: %d", a1Range(s, asked), s.rows, s.cols)
}

// document is the GridRange as Google answers it: no sheetId for tab 0, no open bounds.
func (b bounds) document(sheetID int) object {
	o := object{}
	if sheetID != 0 {
		o["sheetId"] = sheetID
	}
	for name, n := range map[string]int{"startRowIndex": b.r0, "endRowIndex": b.r1, "startColumnIndex": b.c0, "endColumnIndex": b.c1} {
		if n != open {
			o[name] = n
		}
	}
	return o
}
