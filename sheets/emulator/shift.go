package emulator

// dimension is rows or columns.
type dimension int

const (
	rowsDimension dimension = iota
	columnsDimension
)

func (d dimension) String() string {
	if d == rowsDimension {
		return "ROWS"
	}
	return "COLUMNS"
}

func (d dimension) noun() string {
	if d == rowsDimension {
		return "row"
	}
	return "column"
}

type shiftKind int

const (
	inserted shiftKind = iota
	removed
	moved
)

// shift is where things go when rows or columns are inserted, removed or moved. Everything that stands at a
// place of a tab (formulas, merges, names, metadata) is carried by it.
type shift struct {
	kind  shiftKind
	dim   dimension
	at, n int
	to    int     // for moved, in places before the move
	band  *bounds // for insertRange and deleteRange: only what lies within these bounds of the other dimension
}

type shiftRecord struct {
	sheet int
	shift
}

// point is the new place of one row or column; false when it is gone.
func (h shift) point(i int) (int, bool) {
	switch h.kind {
	case inserted:
		if i >= h.at {
			return i + h.n, true
		}
	case removed:
		if i >= h.at+h.n {
			return i - h.n, true
		}
		return h.at, i < h.at
	case moved:
		return h.movedPoint(i), true
	}
	return i, true
}

func (h shift) movedPoint(i int) int {
	end := h.at + h.n
	switch {
	case i >= h.at && i < end && h.to > h.at:
		return i + h.to - end
	case i >= h.at && i < end:
		return i - h.at + h.to
	case h.to > h.at && i >= end && i < h.to:
		return i - h.n
	case h.to <= h.at && i >= h.to && i < h.at:
		return i + h.n
	}
	return i
}

// span is the new place of a range, which grows with what is inserted in it; false when all of it is gone.
func (h shift) span(start, end int) (int, int, bool) {
	switch h.kind {
	case inserted:
		if start != open && start >= h.at {
			start += h.n
		}
		if end != open && end > h.at {
			end += h.n
		}
	case removed:
		start, end = removedEdge(start, h.at, h.n), removedEdge(end, h.at, h.n)
		if start != open && end != open && start >= end {
			return start, end, false
		}
	case moved:
		if start != open && end != open && end > start {
			a, b := h.movedPoint(start), h.movedPoint(end-1)
			return min(a, b), max(a, b) + 1, true
		}
	}
	return start, end, true
}

func removedEdge(edge, at, n int) int {
	switch {
	case edge <= at:
		return edge
	case edge < at+n:
		return at
	}
	return edge - n
}

// bounds carries a rectangle along.
func (h shift) bounds(b bounds) (bounds, bool) {
	var ok bool
	if h.dim == rowsDimension {
		if h.band != nil && !(h.band.c0 <= b.c0 && b.c1 <= h.band.c1 && b.c1 != open) {
			return b, true
		}
		b.r0, b.r1, ok = h.span(b.r0, b.r1)
	} else {
		if h.band != nil && !(h.band.r0 <= b.r0 && b.r1 <= h.band.r1 && b.r1 != open) {
			return b, true
		}
		b.c0, b.c1, ok = h.span(b.c0, b.c1)
	}
	return b, ok
}

// carry moves everything of the book that stands on tab s. Cells themselves have been moved already.
func (b *book) carry(s *sheet, h shift) {
	b.shifts = append(b.shifts, shiftRecord{s.id, h})
	s.merges = carriedBounds(s.merges, h)
	if s.filterAt != nil {
		if at, ok := h.bounds(*s.filterAt); ok {
			s.filterAt = &at
		} else {
			s.filterAt, s.filter = nil, nil
		}
	}
	b.carryNames(s, h)
	s.protected = carriedProtection(s, h)
	if h.band == nil {
		s.groups[h.dim] = carriedGroups(s.groups[h.dim], h)
		s.dims[h.dim] = carriedProperties(s.dims[h.dim], h)
		b.carryMetadata(s, h)
	}
	b.carryFormulas(s, h)
}

func carriedBounds(old []bounds, h shift) []bounds {
	var out []bounds
	for _, at := range old {
		if at, ok := h.bounds(at); ok && at.height()*at.width() > 1 {
			out = append(out, at)
		}
	}
	return out
}

func (b *book) carryNames(s *sheet, h shift) {
	var out []namedRange
	for _, n := range b.names {
		if n.sheet == s.id {
			at, ok := h.bounds(n.at)
			if !ok {
				continue
			}
			n.at = at
		}
		out = append(out, n)
	}
	b.names = out
}

func carriedProtection(s *sheet, h shift) []object {
	var out []object
	for _, p := range s.protected {
		r := child(p, "range")
		if r == nil {
			out = append(out, p)
			continue
		}
		if at, ok := h.bounds(readBounds(r)); ok {
			p = copyObject(p)
			p["range"] = at.document(s.id)
			out = append(out, p)
		}
	}
	return out
}

func carriedGroups(old []group, h shift) []group {
	var out []group
	for _, g := range old {
		var ok bool
		if g.start, g.end, ok = h.span(g.start, g.end); ok {
			out = append(out, g)
		}
	}
	return out
}

func carriedProperties(old map[int]object, h shift) map[int]object {
	if len(old) == 0 {
		return nil
	}
	out := make(map[int]object, len(old))
	for i, p := range old {
		if i, ok := h.point(i); ok {
			out[i] = p
		}
	}
	return out
}
