package emulator

// gridData is a GridData of an answer, written cell by cell.
type gridData struct {
	book *book
	area area
	mask mask
}

// fields writes the members of an object one by one, with the commas.
type fields struct {
	e     *encoder
	begun bool
}

func (f *fields) name(name string) {
	if f.begun {
		f.e.raw(`,"`)
	} else {
		f.e.raw(`"`)
	}
	f.e.raw(name)
	f.e.raw(`":`)
	f.begun = true
}

func (g gridData) encode(e *encoder) {
	f := fields{e: e}
	e.raw("{")
	if g.area.r0 > 0 && g.mask.wants("startRow") {
		f.name("startRow")
		e.value(g.area.r0)
	}
	if g.area.c0 > 0 && g.mask.wants("startColumn") {
		f.name("startColumn")
		e.value(g.area.c0)
	}
	if m, ok := g.mask.sub("rowData"); ok {
		g.encodeRows(&f, m)
	}
	if m, ok := g.mask.sub("rowMetadata"); ok {
		f.name("rowMetadata")
		g.encodeDimensions(e, rowsDimension, g.area.r0, g.area.r1, m)
	}
	if m, ok := g.mask.sub("columnMetadata"); ok {
		f.name("columnMetadata")
		g.encodeDimensions(e, columnsDimension, g.area.c0, g.area.c1, m)
	}
	e.raw("}")
}

func kept(c *cell) bool { return !c.blank() }

func (g gridData) encodeRows(f *fields, m mask) {
	s, at, e := g.area.sheet, g.area.bounds, f.e
	last := min(at.r1, len(s.data)) - 1
	for last >= at.r0 && trimmed(s.line(last), at.c0, at.c1, kept) == 0 {
		last--
	}
	if last < at.r0 {
		return
	}
	f.name("rowData")
	e.raw("[")
	below, wanted := m.sub("values")
	for r := at.r0; r <= last; r++ {
		if r > at.r0 {
			e.raw(",")
		}
		line := s.line(r)
		n := trimmed(line, at.c0, at.c1, kept)
		if n == 0 || !wanted {
			e.raw("{}")
			continue
		}
		e.raw(`{"values":[`)
		for c := at.c0; c < at.c0+n; c++ {
			if c > at.c0 {
				e.raw(",")
			}
			g.book.encodeCell(e, &line[c], below)
		}
		e.raw("]}")
	}
	e.raw("]")
}

// encodeCell writes a CellData. A cell may be one of millions, so nothing is built for it that can be written
// straight away.
func (b *book) encodeCell(e *encoder, c *cell, m mask) {
	e.raw("{")
	f := fields{e: e}
	b.encodeValues(&f, c, m)
	put := func(name string, v any) {
		if below, ok := m.sub(name); ok {
			f.name(name)
			e.value(below.filter(v))
		}
	}
	if c.style != 0 {
		put("userEnteredFormat", b.style(c.style).format)
	}
	if below, ok := m.sub("effectiveFormat"); ok && !c.blank() {
		f.name("effectiveFormat")
		if len(below) == 0 {
			e.raw(b.style(c.style).shown[c.kind])
		} else {
			e.value(below.filter(b.style(c.style).effective[c.kind]))
		}
	}
	if c.more != nil {
		c.more.encode(put)
	}
	e.raw("}")
}

func (x *extras) encode(put func(name string, v any)) {
	if x.hyperlink != "" {
		put("hyperlink", x.hyperlink)
	}
	if x.note != "" {
		put("note", x.note)
	}
	if x.runs != nil {
		put("textFormatRuns", x.runs)
	}
	if x.validation != nil {
		put("dataValidation", x.validation)
	}
}

func (b *book) encodeValues(f *fields, c *cell, m mask) {
	source := c.formula()
	if below, ok := m.sub("userEnteredValue"); ok && !c.spilled && (source != nil || c.kind != emptyCell) {
		f.name("userEnteredValue")
		if source != nil {
			f.e.value(below.filter(object{"formulaValue": source.source}))
		} else {
			c.encodeValue(f.e, below)
		}
	}
	if c.kind == emptyCell {
		return
	}
	if below, ok := m.sub("effectiveValue"); ok {
		f.name("effectiveValue")
		c.encodeValue(f.e, below)
	}
	if m.wants("formattedValue") {
		f.name("formattedValue")
		f.e.string(b.display(c))
	}
}

// encodeValue writes what the cell shows as an ExtendedValue.
func (c *cell) encodeValue(e *encoder, m mask) {
	if len(m) > 0 || c.kind == errorCell {
		e.value(m.filter(c.value().document()))
		return
	}
	switch c.kind {
	case numberCell:
		e.raw(`{"numberValue":`)
		e.number(c.num)
	case boolCell:
		e.raw(`{"boolValue":`)
		e.value(c.num != 0)
	case textCell:
		e.raw(`{"stringValue":`)
		e.string(c.text)
	}
	e.raw("}")
}

func (g gridData) encodeDimensions(e *encoder, d dimension, from, to int, m mask) {
	marked := map[int][]any{}
	for _, x := range g.book.metadata {
		if x.sheet == g.area.sheet.id && x.at != open && x.dim == d {
			marked[x.at] = append(marked[x.at], x.document())
		}
	}
	e.raw("[")
	for i := from; i < to; i++ {
		if i > from {
			e.raw(",")
		}
		p := g.area.sheet.dimensionProperties(d, i)
		if entries := marked[i]; len(entries) > 0 {
			p = copyObject(p)
			p["developerMetadata"] = entries
		}
		e.value(m.filter(p))
	}
	e.raw("]")
}
