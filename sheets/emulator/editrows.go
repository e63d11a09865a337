package emulator

func (x *RowSpan) span(b *book) (s *sheet, at, n int, err error) {
	if s, err = b.tab(x.Sheet); err != nil {
		return
	}
	at, n = x.Start-1, max(x.Count, 1)
	if at < 0 || at >= s.rows {
		err = invalid("There is no row %d in sheet %q.", x.Start, s.title)
	}
	return
}

func (x *RowSpan) insert(b *book) ([]int, undo, error) {
	s, at, n, err := x.span(b)
	if err != nil {
		return nil, undo{}, err
	}
	return nil, undoInsert(s, rowsDimension, at, n), b.insert(s, rowsDimension, at, n, at > 0)
}

func undoInsert(s *sheet, d dimension, at, n int) undo {
	return undo{sheet: s.id, apply: func(b *book, s *sheet, place placer) error {
		if at, ok := place(d, at); ok {
			return b.remove(s, d, at, n)
		}
		return nil
	}}
}

func (x *RowSpan) delete(b *book) ([]int, undo, error) {
	s, at, n, err := x.span(b)
	if err != nil {
		return nil, undo{}, err
	}
	n = min(n, s.rows-at)
	return nil, b.undoRemove(s, rowsDimension, at, n), b.remove(s, rowsDimension, at, n)
}

// undoRemove puts rows or columns back with what was in them.
func (b *book) undoRemove(s *sheet, d dimension, at, n int) undo {
	lost := bounds{at, at + n, 0, s.cols}
	if d == columnsDimension {
		lost = bounds{0, len(s.data), at, at + n}
	}
	k := b.copyCells(area{s, lost})
	return undo{sheet: s.id, apply: func(b *book, s *sheet, place placer) error {
		to, ok := place(d, at)
		if !ok {
			to = min(to, s.count(d)-1)
		}
		if err := b.insert(s, d, to, n, to > 0); err != nil {
			return err
		}
		for i, line := range k.cells {
			for j, c := range line {
				r, col := to+i, j
				if d == columnsDimension {
					r, col = i, to+j
				}
				if !c.blank() && r < s.rows && col < s.cols {
					b.edit(s, r, col, func(target *cell) { *target = c })
				}
			}
		}
		return nil
	}}
}

func (x *MoveRows) do(b *book) ([]int, undo, error) {
	span := RowSpan{Sheet: x.Sheet, Start: x.Start, Count: x.Count}
	s, at, n, err := span.span(b)
	if err != nil {
		return nil, undo{}, err
	}
	to := x.Before - 1
	if to < 0 || to > s.rows || at+n > s.rows {
		return nil, undo{}, invalid("Rows %d to %d cannot be moved before row %d of %d.", x.Start, x.Start+n-1, x.Before, s.rows)
	}
	if to > at && to < at+n {
		return nil, undo{}, invalid("Rows cannot be moved into themselves.")
	}
	b.move(s, rowsDimension, at, n, to)
	landed, back := to, at+n
	if to > at {
		landed, back = to-n, at
	}
	taken := undo{sheet: s.id, apply: func(b *book, s *sheet, place placer) error {
		from, ok1 := place(rowsDimension, landed)
		home, ok2 := place(rowsDimension, back)
		if ok1 && ok2 && from+n <= s.rows {
			b.move(s, rowsDimension, from, n, home)
		}
		return nil
	}}
	return nil, taken, nil
}

func (x *Sort) do(b *book) ([]int, undo, error) {
	s, err := b.tab(x.Sheet)
	if err != nil {
		return nil, undo{}, err
	}
	c, err := s.column(b, x.Column)
	if err != nil {
		return nil, undo{}, err
	}
	at := bounds{1, s.lastRow(), 0, s.cols}
	if at.empty() {
		return nil, undo{sheet: s.id, apply: func(*book, *sheet, placer) error { return nil }}, nil
	}
	order := s.sortedOrder(at, []sortKey{{column: c, descending: x.Descending}})
	b.arrange(s, at, order)
	inverse := make([]int, len(order))
	for i, from := range order {
		inverse[from-at.r0] = at.r0 + i
	}
	taken := undo{sheet: s.id, apply: func(b *book, s *sheet, place placer) error {
		// Rows added or removed since leave no order to go back to.
		if first, ok := place(rowsDimension, at.r0); ok && first == at.r0 {
			if last, ok := place(rowsDimension, at.r1-1); ok && last == at.r1-1 {
				b.arrange(s, bounds{at.r0, at.r1, 0, s.cols}, inverse)
			}
		}
		return nil
	}}
	return nil, taken, nil // like any change of structure, a sort tells no rows
}

func (x *InsertColumn) do(b *book) ([]int, undo, error) {
	s, err := b.tab(x.Sheet)
	if err != nil {
		return nil, undo{}, err
	}
	at, err := s.column(b, x.Before)
	if err != nil {
		if c := columnIndex(x.Before); c != s.cols {
			return nil, undo{}, err
		}
		at = s.cols
	}
	if at == s.cols {
		err = b.grow(s, columnsDimension, 1)
	} else {
		err = b.insert(s, columnsDimension, at, 1, at > 0)
	}
	if err != nil {
		return nil, undo{}, err
	}
	if x.Header != "" {
		err = b.enter(s, 0, at, x.Header, true)
	}
	return nil, undoInsert(s, columnsDimension, at, 1), err
}

func (x *DeleteColumn) do(b *book) ([]int, undo, error) {
	s, err := b.tab(x.Sheet)
	if err != nil {
		return nil, undo{}, err
	}
	at, err := s.column(b, x.Column)
	if err != nil {
		return nil, undo{}, err
	}
	return nil, b.undoRemove(s, columnsDimension, at, 1), b.remove(s, columnsDimension, at, 1)
}
