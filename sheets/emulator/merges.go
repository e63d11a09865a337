package emulator

import "slices"

// mergeCells keeps the value of the first cell only: the first, by row, that has one.
func mergeCells(b *book, r object) (object, error) {
	a, err := b.gridRange(child(r, "range"), "range")
	if err != nil {
		return nil, err
	}
	var parts []bounds
	switch kind := text(r, "mergeType"); kind {
	case "MERGE_ALL", "":
		parts = []bounds{a.bounds}
	case "MERGE_COLUMNS":
		for c := a.c0; c < a.c1; c++ {
			parts = append(parts, bounds{a.r0, a.r1, c, c + 1})
		}
	case "MERGE_ROWS":
		for r := a.r0; r < a.r1; r++ {
			parts = append(parts, bounds{r, r + 1, a.c0, a.c1})
		}
	default:
		return nil, enumError("merge_type", "MergeCellsRequest.MergeType", kind)
	}
	merges := slices.Clone(a.sheet.merges)
	for _, m := range merges {
		if m.overlaps(a.bounds) && !a.covers(m) {
			return nil, invalid("You must select all cells in a merged range to merge or unmerge them.")
		}
	}
	merges = slices.DeleteFunc(merges, func(m bounds) bool { return a.covers(m) })
	for _, p := range parts {
		if p.height()*p.width() > 1 {
			merges = append(merges, p)
			b.gather(a.sheet, p)
		}
	}
	a.sheet.merges = merges
	return nil, nil
}

func (b *book) gather(s *sheet, at bounds) {
	first := true
	for r := at.r0; r < min(at.r1, len(s.data)); r++ {
		for c := at.c0; c < min(at.c1, len(s.line(r))); c++ {
			old := *s.at(r, c)
			if !old.hasValue() {
				continue
			}
			if r == at.r0 && c == at.c0 {
				first = false
				continue
			}
			b.edit(s, r, c, (*cell).clear)
			if first {
				b.edit(s, at.r0, at.c0, func(c *cell) { c.put(old.value(), old.formula()) })
				first = false
			}
		}
	}
}

func unmergeCells(b *book, r object) (object, error) {
	a, err := b.gridRange(child(r, "range"), "range")
	if err != nil {
		return nil, err
	}
	for _, m := range a.sheet.merges {
		if m.overlaps(a.bounds) && !a.covers(m) {
			return nil, invalid("You must select all cells in a merged range to merge or unmerge them.")
		}
	}
	a.sheet.merges = slices.DeleteFunc(slices.Clone(a.sheet.merges), func(m bounds) bool { return a.covers(m) })
	return nil, nil
}
