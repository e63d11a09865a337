package emulator

// clip is a copied rectangle of cells.
type clip struct {
	cells  [][]cell
	merges []bounds // from the rectangle's corner
	r0, c0 int      // where it was copied
	sheet  *sheet
}

func (b *book) copyCells(a area) clip {
	k := clip{r0: a.r0, c0: a.c0, sheet: a.sheet}
	for r := a.r0; r < a.r1; r++ {
		line := make([]cell, a.width())
		if from := a.sheet.line(r); a.c0 < len(from) {
			copy(line, from[a.c0:min(a.c1, len(from))])
		}
		k.cells = append(k.cells, line)
	}
	for _, m := range a.sheet.merges {
		if a.covers(m) {
			k.merges = append(k.merges, bounds{m.r0 - a.r0, m.r1 - a.r0, m.c0 - a.c0, m.c1 - a.c0})
		}
	}
	return k
}

func (k clip) transposed() clip {
	out := clip{r0: k.r0, c0: k.c0, sheet: k.sheet}
	if len(k.cells) == 0 {
		return k
	}
	for c := range k.cells[0] {
		line := make([]cell, len(k.cells))
		for r := range k.cells {
			line[r] = k.cells[r][c]
		}
		out.cells = append(out.cells, line)
	}
	for _, m := range k.merges {
		out.merges = append(out.merges, bounds{m.c0, m.c1, m.r0, m.r1})
	}
	return out
}

// stamp writes one copied cell onto another, by the kind of paste.
func (b *book) stamp(target *cell, from cell, kind string, down, right int) {
	f := from.formula()
	if f != nil {
		f = f.displaced(down, right)
	}
	switch kind {
	case "PASTE_VALUES":
		target.put(from.value(), nil)
	case "PASTE_FORMULA":
		target.put(from.value(), f)
	case "PASTE_FORMAT":
		target.style = from.style
	case "PASTE_DATA_VALIDATION":
		target.alter(func(x *extras) { x.validation = from.extras().validation })
	case "PASTE_NO_BORDERS":
		borders := b.style(target.style).format["borders"]
		b.stamp(target, from, "PASTE_NORMAL", down, right)
		format := copyObject(b.style(from.style).format)
		delete(format, "borders")
		if borders != nil {
			format["borders"] = borders
		}
		target.style = b.intern(format)
	default:
		*target = from
		if from.spilled {
			target.clear()
		}
		if f != nil {
			target.put(from.value(), f)
		}
	}
}

var pasteKinds = map[string]bool{"": true, "PASTE_NORMAL": true, "PASTE_VALUES": true, "PASTE_FORMAT": true,
	"PASTE_NO_BORDERS": true, "PASTE_FORMULA": true, "PASTE_DATA_VALIDATION": true}

func checkPasteKind(kind string) error {
	if kind == "PASTE_CONDITIONAL_FORMATTING" {
		return unsupported("The paste type %s", kind)
	}
	if !pasteKinds[kind] {
		return enumError("paste_type", "PasteType", kind)
	}
	return nil
}

// paste puts the clip at a corner; the caller has made room.
func (b *book) paste(s *sheet, r0, c0 int, k clip, kind string) {
	for i, line := range k.cells {
		for j, from := range line {
			if from.blank() && s.at(r0+i, c0+j).blank() {
				continue
			}
			b.edit(s, r0+i, c0+j, func(c *cell) { b.stamp(c, from, kind, r0-k.r0, c0-k.c0) })
		}
	}
	if kind != "" && kind != "PASTE_NORMAL" && kind != "PASTE_NO_BORDERS" {
		return
	}
	var merges []bounds
	covered := bounds{r0, r0 + len(k.cells), c0, c0}
	if len(k.cells) > 0 {
		covered.c1 += len(k.cells[0])
	}
	for _, m := range s.merges {
		if !covered.covers(m) {
			merges = append(merges, m)
		}
	}
	for _, m := range k.merges {
		merges = append(merges, bounds{m.r0 + r0, m.r1 + r0, m.c0 + c0, m.c1 + c0})
	}
	s.merges = merges
}

// copyPaste repeats the source over a destination that is a multiple of it. The grid grows when the copy needs it.
func copyPaste(b *book, r object) (object, error) {
	from, err := b.gridRange(child(r, "source"), "source")
	if err != nil {
		return nil, err
	}
	o := child(r, "destination")
	s, err := b.sheetOrError(integerOr(o, "sheetId", 0))
	if err != nil {
		return nil, err
	}
	kind := text(r, "pasteType")
	if err := checkPasteKind(kind); err != nil {
		return nil, err
	}
	k := b.copyCells(from)
	if text(r, "pasteOrientation") == "TRANSPOSE" {
		k = k.transposed()
	}
	if len(k.cells) == 0 {
		return nil, nil
	}
	height, width := len(k.cells), len(k.cells[0])
	to := readBounds(o).closed(s)
	down, across := max(1, to.height()/height), max(1, to.width()/width)
	if to.r0 > s.rows || to.c0 > s.cols {
		return nil, exceedsGrid(s, to)
	}
	if err := b.growTo(s, to.r0+down*height, to.c0+across*width); err != nil {
		return nil, err
	}
	for i := range down {
		for j := range across {
			b.paste(s, to.r0+i*height, to.c0+j*width, k, kind)
		}
	}
	return nil, nil
}

func cutPaste(b *book, r object) (object, error) {
	from, err := b.gridRange(child(r, "source"), "source")
	if err != nil {
		return nil, err
	}
	o := child(r, "destination")
	s, err := b.sheetOrError(integerOr(o, "sheetId", 0))
	if err != nil {
		return nil, err
	}
	kind := text(r, "pasteType")
	if err := checkPasteKind(kind); err != nil {
		return nil, err
	}
	r0, c0 := integerOr(o, "rowIndex", 0), integerOr(o, "columnIndex", 0)
	if r0 >= s.rows || c0 >= s.cols {
		return nil, exceedsGrid(s, bounds{r0, r0 + 1, c0, c0 + 1})
	}
	k := b.copyCells(from)
	if err := b.growTo(s, r0+from.height(), c0+from.width()); err != nil {
		return nil, err
	}
	b.erase(from.sheet, from.bounds)
	k.r0, k.c0 = r0, c0 // a formula that is cut keeps what it refers to
	b.paste(s, r0, c0, k, kind)
	return nil, nil
}

// erase leaves nothing in a range: no value, format, note or merge.
func (b *book) erase(s *sheet, at bounds) {
	for r := at.r0; r < min(at.r1, len(s.data)); r++ {
		for c := at.c0; c < min(at.c1, len(s.line(r))); c++ {
			if !s.at(r, c).blank() {
				b.edit(s, r, c, func(c *cell) { *c = cell{} })
			}
		}
	}
	var merges []bounds
	for _, m := range s.merges {
		if !at.covers(m) {
			merges = append(merges, m)
		}
	}
	s.merges = merges
}
