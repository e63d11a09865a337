package emulator

import "slices"

// group is a DimensionGroup. Groups of a tab never cross: a new one lies over or under those it meets.
type group struct {
	start, end int
	depth      int
	collapsed  bool
}

func (s *sheet) groupDocuments(d dimension) []any {
	var out []any
	for _, g := range s.groups[d] {
		r := object{"dimension": d.String(), "startIndex": g.start, "endIndex": g.end}
		if s.id != 0 {
			r["sheetId"] = s.id
		}
		o := object{"range": r, "depth": g.depth}
		if g.collapsed {
			o["collapsed"] = true
		}
		out = append(out, o)
	}
	return out
}

// depths turns groups into the depth of each row or column, from which groups are made again.
func (s *sheet) depths(d dimension) []int {
	out := make([]int, s.count(d))
	for _, g := range s.groups[d] {
		for i := g.start; i < min(g.end, len(out)); i++ {
			out[i] = max(out[i], g.depth)
		}
	}
	return out
}

func (s *sheet) setDepths(d dimension, depths []int) {
	old := s.groups[d]
	var out []group
	deepest := 0
	for _, n := range depths {
		deepest = max(deepest, n)
	}
	for depth := 1; depth <= deepest; depth++ {
		for i := 0; i < len(depths); i++ {
			if depths[i] < depth {
				continue
			}
			g := group{start: i, depth: depth}
			for i < len(depths) && depths[i] >= depth {
				i++
			}
			g.end = i
			g.collapsed = slices.ContainsFunc(old, func(o group) bool {
				return o.collapsed && o.start == g.start && o.end == g.end && o.depth == g.depth
			})
			out = append(out, g)
		}
	}
	s.groups[d] = out
}

func (b *book) changeDepths(r object, by int) (*sheet, dimension, error) {
	s, d, start, end, err := b.dimensionRange(child(r, "range"))
	if err != nil {
		return nil, 0, err
	}
	if end > s.count(d) {
		return nil, 0, invalid("range.endIndex[%d] is too large: there are only %d %ss.", end, s.count(d), d.noun())
	}
	depths := s.depths(d)
	touched := false
	for i := start; i < end; i++ {
		if depths[i]+by >= 0 {
			depths[i] += by
			touched = true
		}
	}
	if !touched {
		return nil, 0, invalid("There is no group at the given range to delete.")
	}
	s.setDepths(d, depths)
	return s, d, nil
}

func addDimensionGroup(b *book, r object) (object, error) {
	s, d, err := b.changeDepths(r, 1)
	if err != nil {
		return nil, err
	}
	s.grid = copyObject(s.grid)
	if d == rowsDimension {
		s.grid["rowGroupControlAfter"] = true
	} else {
		s.grid["columnGroupControlAfter"] = true
	}
	return object{"dimensionGroups": s.groupDocuments(d)}, nil
}

func deleteDimensionGroup(b *book, r object) (object, error) {
	s, d, err := b.changeDepths(r, -1)
	if err != nil {
		return nil, err
	}
	reply := object{}
	if groups := s.groupDocuments(d); len(groups) > 0 {
		reply["dimensionGroups"] = groups
	}
	return reply, nil
}

func updateDimensionGroup(b *book, r object) (object, error) {
	g := child(r, "dimensionGroup")
	s, d, start, end, err := b.dimensionRange(child(g, "range"))
	if err != nil {
		return nil, err
	}
	depth := integerOr(g, "depth", 0)
	groups := slices.Clone(s.groups[d])
	for i := range groups {
		if groups[i].start == start && groups[i].end == end && groups[i].depth == depth {
			groups[i].collapsed = flag(g, "collapsed")
			s.groups[d] = groups
			return nil, nil
		}
	}
	return nil, invalid("No group found with the given range and depth.")
}
