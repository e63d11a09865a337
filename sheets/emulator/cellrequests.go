package emulator

import (
	"strings"

	"google.golang.org/api/sheets/v4"
)

var cellDataOf = schemaOf[sheets.CellData]()

// updateRows writes CellData rows from a corner of the grid. A nil mask writes every field that may be written.
func (b *book) updateRows(s *sheet, at bounds, rows []any, m mask) error {
	for i, item := range rows {
		line, _ := item.(object)
		for j, v := range list(line, "values") {
			r, c := at.r0+i, at.c0+j
			if c >= s.cols {
				return invalid("Attempting to write column: %d, beyond the last requested column of: %d", c, s.cols-1)
			}
			if r >= s.rows {
				return invalid("Attempting to write row: %d, beyond the last requested row of: %d", r, s.rows-1)
			}
			data, _ := v.(object)
			if err := b.setCell(s, r, c, data, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// setCell takes from data what the mask names. A field that the mask names and data lacks is cleared.
func (b *book) setCell(s *sheet, r, c int, data object, m mask) error {
	for _, name := range []string{"pivotTable", "dataSourceTable", "dataSourceFormula", "chipRuns"} {
		if data[name] != nil && m.wants(name) {
			return unsupported("CellData.%s", name)
		}
	}
	var entered value
	var f *formula
	if m.wants("userEnteredValue") {
		var err error
		if entered, f, err = b.extendedValue(child(data, "userEnteredValue")); err != nil {
			return err
		}
	}
	b.edit(s, r, c, func(target *cell) {
		if m.wants("userEnteredValue") {
			target.put(entered, f)
		}
		if below, ok := m.sub("userEnteredFormat"); ok {
			target.style = b.restyle(target.style, child(data, "userEnteredFormat"), below)
		}
		if m.wants("note") || m.wants("dataValidation") || m.wants("textFormatRuns") {
			target.alter(func(x *extras) { setExtras(x, data, m) })
		}
	})
	return nil
}

func setExtras(x *extras, data object, m mask) {
	if m.wants("note") {
		x.note = text(data, "note")
	}
	if m.wants("dataValidation") {
		x.validation = child(data, "dataValidation")
	}
	if m.wants("textFormatRuns") {
		x.runs = nil
		for _, run := range list(data, "textFormatRuns") {
			x.runs = append(x.runs, paired(run.(object)))
		}
	}
}

func (b *book) restyle(id styleID, format object, m mask) styleID {
	if m != nil {
		m = maskTwins(m)
	}
	next := paired(m.apply(b.style(id).format, format))
	for name, v := range next {
		if o, ok := v.(object); ok && len(o) == 0 && !isColor(name) {
			delete(next, name)
		}
	}
	return b.intern(next)
}

// extendedValue reads an ExtendedValue. Numbers and texts are taken as they are, never parsed.
func (b *book) extendedValue(o object) (value, *formula, error) {
	switch {
	case o["formulaValue"] != nil:
		source := text(o, "formulaValue")
		if !strings.HasPrefix(source, "=") {
			return value{}, nil, invalid("Formula values must start with '='.")
		}
		if len([]rune(source)) > maxCellText {
			return value{}, nil, tooLong()
		}
		return value{}, b.canonical(parseFormula(source)), nil
	case o["numberValue"] != nil:
		n, _ := o["numberValue"].(float64)
		return numberValue(n), nil, nil
	case o["boolValue"] != nil:
		return boolValue(flag(o, "boolValue")), nil, nil
	case o["stringValue"] != nil:
		t := text(o, "stringValue")
		if len(t) > maxCellText && len([]rune(t)) > maxCellText {
			return value{}, nil, tooLong()
		}
		if t == "" {
			return value{}, nil, nil
		}
		return textValue(t), nil, nil
	case o["errorValue"] != nil:
		return value{}, nil, invalid("errorValue is read-only.")
	}
	return value{}, nil, nil
}

func tooLong() error {
	return invalid("Your input contains more than the maximum of %d characters in a single cell.", maxCellText)
}

func updateCells(b *book, r object) (object, error) {
	m, err := readMask(r, cellDataOf)
	if err != nil {
		return nil, err
	}
	if start := child(r, "start"); start != nil {
		s, err := b.sheetOrError(integerOr(start, "sheetId", 0))
		if err != nil {
			return nil, err
		}
		at := bounds{r0: integerOr(start, "rowIndex", 0), c0: integerOr(start, "columnIndex", 0)}
		return nil, b.updateRows(s, at, list(r, "rows"), m)
	}
	a, err := b.gridRange(child(r, "range"), "range")
	if err != nil {
		return nil, err
	}
	return nil, b.updateRange(a, list(r, "rows"), m)
}

// updateRange also clears, for the fields of the mask, the cells of the range that the rows do not reach.
func (b *book) updateRange(a area, rows []any, m mask) error {
	if len(rows) > a.height() {
		return invalid("Attempting to write row: %d, beyond the last requested row of: %d", a.r1, a.r1-1)
	}
	for i := range a.height() {
		var given []any
		if i < len(rows) {
			line, _ := rows[i].(object)
			given = list(line, "values")
		}
		if len(given) > a.width() {
			return invalid("Attempting to write column: %d, beyond the last requested column of: %d", a.c1, a.c1-1)
		}
		for j := range a.width() {
			r, c := a.r0+i, a.c0+j
			var data object
			if j < len(given) {
				data, _ = given[j].(object)
			} else if a.sheet.at(r, c).blank() {
				continue
			}
			if err := b.setCell(a.sheet, r, c, data, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// appendCells writes below the last row of the tab that has data. The grid grows downwards, never sideways.
func appendCells(b *book, r object) (object, error) {
	s, err := b.sheetOrError(integerOr(r, "sheetId", 0))
	if err != nil {
		return nil, err
	}
	m, err := readMask(r, cellDataOf)
	if err != nil {
		return nil, err
	}
	rows := list(r, "rows")
	at := bounds{r0: s.lastRow()}
	if err := b.growTo(s, at.r0+len(rows), 0); err != nil {
		return nil, err
	}
	return nil, b.updateRows(s, at, rows, m)
}

func repeatCell(b *book, r object) (object, error) {
	a, err := b.gridRange(child(r, "range"), "range")
	if err != nil {
		return nil, err
	}
	m, err := readMask(r, cellDataOf)
	if err != nil {
		return nil, err
	}
	data := child(r, "cell")
	source := text(child(data, "userEnteredValue"), "formulaValue")
	for i := a.r0; i < a.r1; i++ {
		for j := a.c0; j < a.c1; j++ {
			if err := b.setCell(a.sheet, i, j, data, m); err != nil {
				return nil, err
			}
			if source != "" && m.wants("userEnteredValue") && (i > a.r0 || j > a.c0) {
				f := b.canonical(parseFormula(source)).displaced(i-a.r0, j-a.c0)
				b.edit(a.sheet, i, j, func(c *cell) { c.put(value{}, f) })
			}
		}
	}
	return nil, nil
}

func setDataValidation(b *book, r object) (object, error) {
	a, err := b.gridRange(child(r, "range"), "range")
	if err != nil {
		return nil, err
	}
	rule := child(r, "rule")
	if rule != nil {
		if child(rule, "condition") == nil || text(child(rule, "condition"), "type") == "" {
			return nil, invalid("A condition must be specified for the data validation rule.")
		}
		kept := copyObject(rule)
		for _, name := range []string{"strict", "showCustomUi"} {
			if !flag(kept, name) {
				delete(kept, name)
			}
		}
		rule = kept
	}
	for i := a.r0; i < a.r1; i++ {
		for j := a.c0; j < a.c1; j++ {
			if rule == nil && a.sheet.at(i, j).more == nil {
				continue
			}
			b.edit(a.sheet, i, j, func(c *cell) { c.alter(func(x *extras) { x.validation = rule }) })
		}
	}
	return nil, nil
}
