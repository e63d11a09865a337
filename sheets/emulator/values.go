package emulator

// rendering is how values are to be shown: ValueRenderOption and DateTimeRenderOption.
type rendering struct {
	values      string // FORMATTED_VALUE, UNFORMATTED_VALUE, FORMULA
	formatDates bool
}

func readRendering(valueOption, dateOption string) (rendering, error) {
	out := rendering{values: valueOption, formatDates: dateOption == "FORMATTED_STRING"}
	switch valueOption {
	case "":
		out.values = "FORMATTED_VALUE"
	case "FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA":
	default:
		return out, enumError("value_render_option", "ValueRenderOption", valueOption)
	}
	switch dateOption {
	case "", "SERIAL_NUMBER", "FORMATTED_STRING":
		return out, nil
	}
	return out, enumError("date_time_render_option", "DateTimeRenderOption", dateOption)
}

func enumError(field, kind, got string) error {
	m := "Invalid value at '" + field + "' (type.googleapis.com/google.apps.sheets.v4." + kind + "), \"" + got + "\""
	return invalidFields(m, violation(field, m))
}

// readMajor reads a majorDimension; true is COLUMNS.
func readMajor(major, field string) (bool, error) {
	switch major {
	case "", "ROWS", "DIMENSION_UNSPECIFIED":
		return false, nil
	case "COLUMNS":
		return true, nil
	}
	return false, enumError(field, "Dimension", major)
}

// render is what a reader of values gets for one cell.
func (b *book) render(c *cell, how rendering) any {
	if f := c.formula(); f != nil && how.values == "FORMULA" {
		return f.source
	}
	switch c.kind {
	case emptyCell:
		return ""
	case errorCell:
		return errorTexts[c.text]
	case numberCell:
		if how.values == "FORMATTED_VALUE" {
			return b.display(c)
		}
		if how.formatDates && isDateFormat(b.style(c.style).number) {
			return b.display(c)
		}
		return c.num
	case boolCell:
		if how.values == "FORMATTED_VALUE" {
			return b.display(c)
		}
		return c.num != 0
	}
	if how.values == "FORMATTED_VALUE" {
		return b.display(c)
	}
	return c.text
}

// display is the text that a person sees in the cell.
func (b *book) display(c *cell) string {
	n := b.style(c.style).number
	if n.kind == "" && c.more != nil {
		n = c.more.shownAs
	}
	return displayText(c.value(), n, b.locale())
}

// valueRange is a ValueRange answer. It renders while it is written: a range may hold millions of cells.
type valueRange struct {
	book    *book
	area    area // closed and clipped
	columns bool
	how     rendering
}

func (b *book) readValues(a area, columns bool, how rendering) (valueRange, error) {
	start := a.bounds.closed(a.sheet)
	if start.r0 >= a.sheet.rows || start.c0 >= a.sheet.cols {
		return valueRange{}, exceedsGrid(a.sheet, a.bounds)
	}
	return valueRange{b, area{a.sheet, a.clipped(a.sheet)}, columns, how}, nil
}

func (v valueRange) encode(e *encoder) {
	major := "ROWS"
	if v.columns {
		major = "COLUMNS"
	}
	e.raw(`{"range":`)
	e.string(a1Range(v.area.sheet, v.area.bounds))
	e.raw(`,"majorDimension":"` + major + `"`)
	if v.columns {
		v.encodeColumns(e)
	} else {
		v.encodeRows(e)
	}
	e.raw("}")
}

func shown(c *cell) bool {
	return c.hasValue() && !(c.kind == textCell && c.text == "" && c.formula() == nil)
}

func (v valueRange) encodeRows(e *encoder) {
	s, at := v.area.sheet, v.area.bounds
	last := min(at.r1, len(s.data)) - 1
	for last >= at.r0 && trimmed(s.line(last), at.c0, at.c1, shown) == 0 {
		last--
	}
	if last < at.r0 {
		return
	}
	e.raw(`,"values":[`)
	for r := at.r0; r <= last; r++ {
		if r > at.r0 {
			e.raw(",")
		}
		line := s.line(r)
		n := trimmed(line, at.c0, at.c1, shown)
		e.raw("[")
		for c := at.c0; c < at.c0+n; c++ {
			if c > at.c0 {
				e.raw(",")
			}
			e.value(v.book.render(&line[c], v.how))
		}
		e.raw("]")
	}
	e.raw("]")
}

func (v valueRange) encodeColumns(e *encoder) {
	s, at := v.area.sheet, v.area.bounds
	heights := make([]int, at.width())
	last := 0
	for r := at.r0; r < min(at.r1, len(s.data)); r++ {
		line := s.line(r)
		for c := at.c0; c < min(at.c1, len(line)); c++ {
			if shown(&line[c]) {
				heights[c-at.c0] = r + 1 - at.r0
				last = max(last, c+1-at.c0)
			}
		}
	}
	if last == 0 {
		return
	}
	e.raw(`,"values":[`)
	for i, height := range heights[:last] {
		if i > 0 {
			e.raw(",")
		}
		e.raw("[")
		for r := at.r0; r < at.r0+height; r++ {
			if r > at.r0 {
				e.raw(",")
			}
			e.value(v.book.render(s.at(r, at.c0+i), v.how))
		}
		e.raw("]")
	}
	e.raw("]")
}
