package emulator

import (
	"maps"
	"slices"
	"strconv"
)

// valueInput is one ValueRange to be written.
type valueInput struct {
	area    area // as asked for: open bounds stay open
	rows    []any
	columns bool
	typed   bool // USER_ENTERED: parsed as if a person had typed it
}

func readInputOption(option string) (typed bool, err error) {
	switch option {
	case "RAW":
		return false, nil
	case "USER_ENTERED":
		return true, nil
	case "", "INPUT_VALUE_OPTION_UNSPECIFIED":
		return false, invalid("'valueInputOption' is required but not specified")
	}
	return false, enumError("value_input_option", "ValueInputOption", option)
}

// size is the number of rows and columns of the given values, nulls counted.
func (in valueInput) size() (height, width int) {
	for _, line := range in.rows {
		cells, _ := line.([]any)
		width = max(width, len(cells))
	}
	height = len(in.rows)
	if in.columns {
		return width, height
	}
	return height, width
}

// each visits the values that are not null, by place within the range.
func (in valueInput) each(visit func(r, c int, v any) error) error {
	for i, line := range in.rows {
		cells, _ := line.([]any)
		for j, v := range cells {
			switch v.(type) {
			case nil:
				continue
			case []any, object:
				return invalid("Invalid values[%d][%d]: %s", i, j, protoText(v, ""))
			}
			r, c := i, j
			if in.columns {
				r, c = j, i
			}
			if err := visit(r, c, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// target is where the values go: the range, grown to fit them when only one cell was named.
func (in valueInput) target() (bounds, error) {
	s := in.area.sheet
	at := in.area.bounds.closed(s)
	if at.r0 >= s.rows || at.c0 >= s.cols {
		return at, exceedsGrid(s, in.area.bounds)
	}
	height, width := in.size()
	if at.height() == 1 && at.width() == 1 {
		at.r1, at.c1 = at.r0+max(height, 1), at.c0+max(width, 1)
		if at.r1 > s.rows || at.c1 > s.cols {
			return at, exceedsGrid(s, at)
		}
		return at, nil
	}
	at = at.clipped(s)
	if height > at.height() {
		return at, invalid("Requested writing within range [%s], but tried writing to row [%d]", a1Range(s, at), at.r1+1)
	}
	if width > at.width() {
		return at, invalid("Requested writing within range [%s], but tried writing to column [%s]", a1Range(s, at), columnName(at.c1))
	}
	return at, nil
}

// update is the outcome of a write: UpdateValuesResponse without its spreadsheet.
type update struct {
	sheet         *sheet
	at            bounds // what the answer shows with includeValuesInResponse
	written       bounds
	rows, columns int
	cells         int
}

// write puts the values in place. Cells that are given as null are skipped and not counted.
func (b *book) write(in valueInput) (update, error) {
	at, err := in.target()
	if err != nil {
		return update{}, err
	}
	s := in.area.sheet
	out := update{sheet: s, at: at}
	rows, columns := map[int]bool{}, map[int]bool{}
	err = in.each(func(r, c int, v any) error {
		rows[r], columns[c] = true, true
		out.cells++
		if out.cells == 1 {
			out.written = bounds{at.r0 + r, at.r0 + r + 1, at.c0 + c, at.c0 + c + 1}
		}
		out.written = bounds{min(out.written.r0, at.r0+r), max(out.written.r1, at.r0+r+1),
			min(out.written.c0, at.c0+c), max(out.written.c1, at.c0+c+1)}
		if err := s.refuses(bounds{at.r0 + r, at.r0 + r + 1, at.c0 + c, at.c0 + c + 1}); err != nil {
			return err
		}
		return b.enter(s, at.r0+r, at.c0+c, v, in.typed)
	})
	if err != nil {
		return update{}, err
	}
	if out.cells == 0 {
		out.written = bounds{at.r0, at.r0 + 1, at.c0, at.c0 + 1}
	}
	out.rows, out.columns = len(rows), len(columns)
	return out, nil
}

// enter puts one JSON value into a cell, parsed when typed.
func (b *book) enter(s *sheet, r, c int, v any, typed bool) error {
	var in input
	switch v := v.(type) {
	case float64:
		in.value = numberValue(v)
	case bool:
		in.value = boolValue(v)
	case string:
		if len(v) > maxCellText && len([]rune(v)) > maxCellText {
			return invalid("Your input contains more than the maximum of %d characters in a single cell.", maxCellText)
		}
		if typed {
			in = b.parseInput(v, b.style(s.at(r, c).style).number)
		} else if v != "" {
			in.value = textValue(v)
		}
	}
	b.edit(s, r, c, func(cell *cell) { b.accept(cell, in) })
	return nil
}

// accept puts parsed input into a cell. The number format that the input implies is set unless the cell has one
// of the same kind.
func (b *book) accept(c *cell, in input) {
	c.put(in.value, b.canonical(in.formula))
	if in.format.kind == "" {
		return
	}
	have := b.style(c.style).number
	if have.kind == "" || isDateFormat(have) != isDateFormat(in.format) {
		c.style = b.withNumberFormat(c.style, in.format)
	}
}

// protoText is a value as Google's errors print it: in the text form of protocol buffers.
func protoText(v any, indent string) string {
	inner := indent + "  "
	switch v := v.(type) {
	case []any:
		out := indent + "list_value {\n"
		for _, x := range v {
			out += inner + "values {\n" + protoText(x, inner+"  ") + inner + "}\n"
		}
		return out + indent + "}\n"
	case object:
		out := indent + "struct_value {\n"
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out += inner + "fields {\n" + inner + "  key: " + quoted(name) + "\n" + inner + "  value {\n" +
				protoText(v[name], inner+"    ") + inner + "  }\n" + inner + "}\n"
		}
		return out + indent + "}\n"
	case string:
		return indent + "string_value: " + quoted(v) + "\n"
	case bool:
		return indent + "bool_value: " + quoted(v) + "\n"
	case float64:
		return indent + "number_value: " + strconv.FormatFloat(v, 'f', -1, 64) + "\n"
	}
	return indent + "null_value: NULL_VALUE\n"
}

// document is the UpdateValuesResponse.
func (u update) document(b *book, columns, include bool, how rendering) object {
	o := object{"spreadsheetId": b.id, "updatedRange": a1Range(u.sheet, u.written)}
	for name, n := range map[string]int{"updatedRows": u.rows, "updatedColumns": u.columns, "updatedCells": u.cells} {
		if n > 0 {
			o[name] = n
		}
	}
	if include {
		o["updatedData"] = valueRange{b, area{b.sheet(u.sheet.id), u.at}, columns, how}
	}
	return o
}

// clearValues empties the cells of a range of the grid. Formats, notes and validation stay.
func (b *book) clearValues(s *sheet, at bounds) {
	for r := at.r0; r < min(at.r1, len(s.data)); r++ {
		line := s.line(r)
		if trimmed(line, at.c0, at.c1, (*cell).hasValue) == 0 {
			continue
		}
		for c := at.c0; c < min(at.c1, len(line)); c++ {
			if line[c].hasValue() {
				b.edit(s, r, c, (*cell).clear)
			}
		}
	}
}
