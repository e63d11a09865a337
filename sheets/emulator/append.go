package emulator

// table finds what values.append calls a table: the connected block of data within a range, the last one when
// there are several. Diagonal neighbours count as connected. False when the range holds no data.
func (s *sheet) table(at bounds) (bounds, bool) {
	for r := min(at.r1, len(s.data)) - 1; r >= at.r0; r-- {
		if n := trimmed(s.line(r), at.c0, at.c1, shown); n > 0 {
			c := at.c0 + n - 1
			return s.connected(bounds{r, r + 1, c, c + 1}), true
		}
	}
	return bounds{}, false
}

// connected grows a block until no cell with data touches it.
func (s *sheet) connected(at bounds) bounds {
	for {
		grown := at
		for r := max(at.r0-1, 0); r < min(at.r1+1, s.rows); r++ {
			line := s.line(r)
			if at.c0 > 0 && at.c0-1 < len(line) && shown(&line[at.c0-1]) {
				grown.c0 = at.c0 - 1
			}
			if at.c1 < len(line) && shown(&line[at.c1]) {
				grown.c1 = at.c1 + 1
			}
		}
		from, to := max(at.c0-1, 0), min(at.c1+1, s.cols)
		for grown.r0 > 0 && trimmed(s.line(grown.r0-1), from, to, shown) > 0 {
			grown.r0--
		}
		for grown.r1 < s.rows && trimmed(s.line(grown.r1), from, to, shown) > 0 {
			grown.r1++
		}
		if grown == at {
			return at
		}
		at = grown
	}
}

// appended is the outcome of values.append.
type appended struct {
	update
	table    bounds
	hasTable bool
}

// append writes below the table that the range points at, growing the grid as needed. insertRows puts new rows
// in rather than writing over what lies below.
func (b *book) append(in valueInput, insertRows bool) (appended, error) {
	s := in.area.sheet
	at := in.area.bounds.closed(s)
	if at.r0 >= s.rows || at.c0 >= s.cols {
		return appended{}, exceedsGrid(s, in.area.bounds)
	}
	at = at.clipped(s)
	out := appended{}
	out.table, out.hasTable = s.table(at)
	height, width := in.size()
	start := bounds{r0: at.r0, c0: at.c0}
	if out.hasTable {
		start = bounds{r0: out.table.r1, c0: out.table.c0}
		if insertRows && start.r0 < s.rows && height > 0 {
			if err := b.insert(s, rowsDimension, start.r0, height, true); err != nil {
				return appended{}, err
			}
		}
	}
	start.r1, start.c1 = start.r0+max(height, 1), start.c0+max(width, 1)
	if err := b.growTo(s, start.r0+height, start.c0+width); err != nil {
		return appended{}, err
	}
	in.area.bounds = start
	if start.r0 >= s.rows { // nothing to write, below the last row
		out.update = update{sheet: s, at: start, written: start}
		return out, nil
	}
	done, err := b.write(in)
	out.update = done
	out.at = done.written
	return out, err
}

// growTo adds rows and columns at the end until the grid has that many.
func (b *book) growTo(s *sheet, rows, cols int) error {
	if rows > s.rows {
		if err := b.grow(s, rowsDimension, rows-s.rows); err != nil {
			return err
		}
	}
	if cols > s.cols {
		return b.grow(s, columnsDimension, cols-s.cols)
	}
	return nil
}
