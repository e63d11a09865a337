package emulator

import (
	"slices"
	"strings"
	"time"
)

// otherProperties are those of SheetProperties that the emulator only keeps.
func otherProperties(p object) object {
	out := copyObject(p)
	for _, name := range []string{"sheetId", "title", "index", "sheetType", "gridProperties", "hidden"} {
		delete(out, name)
	}
	if !flag(out, "rightToLeft") {
		delete(out, "rightToLeft")
	}
	return paired(out)
}

// setGrid takes over GridProperties; counts that are absent stay as they are.
func (s *sheet) setGrid(b *book, g object, _ mask) error {
	if g == nil {
		return nil
	}
	rows, cols := integerOr(g, "rowCount", s.rows), integerOr(g, "columnCount", s.cols)
	grid := object{}
	for name, v := range g {
		switch v := v.(type) {
		case bool:
			if v {
				grid[name] = true
			}
		case float64:
			grid[name] = int(v)
		case int:
			grid[name] = v
		}
	}
	delete(grid, "rowCount")
	delete(grid, "columnCount")
	for _, name := range []string{"frozenRowCount", "frozenColumnCount"} {
		if grid[name] == 0 {
			delete(grid, name)
		}
	}
	switch frozenRows, frozenCols := integerOr(grid, "frozenRowCount", 0), integerOr(grid, "frozenColumnCount", 0); {
	case rows <= 0:
		return invalid("rowCount must be greater than 0")
	case cols <= 0:
		return invalid("columnCount must be greater than 0")
	case frozenRows >= rows && frozenRows > 0:
		return invalid("You can't freeze all visible rows on the sheet.")
	case frozenCols >= cols && frozenCols > 0:
		return invalid("You can't freeze all visible columns on the sheet.")
	}
	shrunk := []shift{}
	if rows < s.rows {
		shrunk = append(shrunk, shift{kind: removed, dim: rowsDimension, at: rows, n: s.rows - rows})
	}
	if cols < s.cols {
		shrunk = append(shrunk, shift{kind: removed, dim: columnsDimension, at: cols, n: s.cols - cols})
	}
	s.rows, s.cols, s.grid = rows, cols, grid
	for _, h := range shrunk {
		s.truncate(b.epoch)
		b.carry(s, h)
	}
	return nil
}

func updateSheetProperties(b *book, r object) (object, error) {
	m, err := readMask(r, sheetPropertiesOf)
	if err != nil {
		return nil, err
	}
	changes := child(r, "properties")
	s, err := b.tabOrError(integerOr(changes, "sheetId", 0))
	if err != nil {
		return nil, err
	}
	before := b.index(s)
	p := maskTwins(m).apply(s.properties(before), changes)
	if err := b.retitle(s, text(p, "title")); err != nil {
		return nil, err
	}
	if flag(p, "hidden") && !s.hidden && b.visibleCount() == 1 {
		return nil, invalid("You can't hide all the sheets in a document.")
	}
	s.hidden = flag(p, "hidden")
	if m.wants("gridProperties") {
		if err := s.setGrid(b, child(p, "gridProperties"), m); err != nil {
			return nil, err
		}
		if err := b.checkSize(); err != nil {
			return nil, err
		}
	}
	s.props = otherProperties(p)
	if m.wants("index") {
		b.moveSheet(s, before, integerOr(p, "index", 0))
	}
	return nil, nil
}

func (b *book) retitle(s *sheet, title string) error {
	switch {
	case title == s.title:
		return nil
	case strings.TrimSpace(title) == "":
		return invalid("The sheet name cannot be empty.")
	case b.exactTitle(title) != nil:
		return duplicateTitle(title)
	case len([]rune(title)) > maxTitle:
		return titleTooLong()
	}
	b.renameInFormulas(s, title)
	s.title = title
	return nil
}

// moveSheet counts places as they are before the move, as Google documents for index.
func (b *book) moveSheet(s *sheet, from, to int) {
	to = max(0, min(to, len(b.sheets)))
	if to > from {
		to--
	}
	b.sheets = slices.Delete(slices.Clone(b.sheets), from, from+1)
	b.sheets = slices.Insert(b.sheets, min(to, len(b.sheets)), s)
}

func updateSpreadsheetProperties(b *book, r object) (object, error) {
	m, err := readMask(r, spreadsheetPropertiesOf)
	if err != nil {
		return nil, err
	}
	changes := child(r, "properties")
	if m == nil {
		m = mask{}
		for name := range changes {
			m[name] = nil
		}
	}
	p := m.apply(b.props, changes)
	if err := checkProperties(p); err != nil {
		return nil, err
	}
	b.props = p
	b.newNames = true
	return nil, nil
}

func checkProperties(p object) error {
	if _, err := time.LoadLocation(text(p, "timeZone")); err != nil || text(p, "timeZone") == "" {
		return invalid("Invalid time zone: %s", text(p, "timeZone"))
	}
	if text(p, "title") == "" {
		return invalid("The spreadsheet title cannot be empty.")
	}
	if l := text(p, "locale"); len(l) < 2 || strings.ContainsAny(l, " /") {
		return invalid("Unsupported locale: %s", l)
	}
	return nil
}
