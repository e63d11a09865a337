package emulator

import (
	"slices"
	"strconv"

	"google.golang.org/api/sheets/v4"
)

var (
	sheetPropertiesOf       = schemaOf[sheets.SheetProperties]()
	spreadsheetPropertiesOf = schemaOf[sheets.SpreadsheetProperties]()
)

func addSheet(b *book, r object) (object, error) {
	s, err := b.addSheet(child(r, "properties"), false)
	if err != nil {
		return nil, err
	}
	if err := b.checkSize(); err != nil {
		return nil, err
	}
	return object{"properties": s.properties(b.index(s))}, nil
}

// addSheet makes a tab. The first tab of a new spreadsheet gets id 0, later ones a random id.
func (b *book) addSheet(p object, first bool) (*sheet, error) {
	if kind := text(p, "sheetType"); kind != "" && kind != "GRID" {
		return nil, unsupported("A sheet of type %s", kind)
	}
	title := text(p, "title")
	if title == "" {
		title = b.freshTitle()
	}
	if b.exactTitle(title) != nil {
		return nil, duplicateTitle(title)
	}
	if len([]rune(title)) > maxTitle {
		return nil, titleTooLong()
	}
	s := &sheet{title: title, rows: defaultRows, cols: defaultCols, grid: object{}, props: object{}, epoch: b.epoch}
	if id, ok := integer(p, "sheetId"); ok {
		if id < 0 {
			return nil, invalid("Sheet id must be non-negative.")
		}
		if b.sheet(id) != nil {
			return nil, invalid("Sheet with id %d already exists.", id)
		}
		s.id = id
	} else if !first {
		s.id = b.freshSheetID()
	}
	if err := s.setGrid(b, child(p, "gridProperties"), nil); err != nil {
		return nil, err
	}
	s.hidden = flag(p, "hidden")
	s.props = otherProperties(p)
	at := integerOr(p, "index", len(b.sheets))
	if at < 0 || at > len(b.sheets) {
		at = len(b.sheets)
	}
	b.sheets = slices.Insert(b.sheets, at, s)
	b.newNames = true
	return s, nil
}

func titleTooLong() error {
	return invalid("The sheet name cannot be greater than %d characters.", maxTitle)
}

func duplicateTitle(title string) error {
	return invalid("A sheet with the name \"%s\" already exists. Please enter another name.", title)
}

func (b *book) freshTitle() string {
	for n := len(b.sheets) + 1; ; n++ {
		if title := "Sheet" + strconv.Itoa(n); b.exactTitle(title) == nil {
			return title
		}
	}
}

func deleteSheet(b *book, r object) (object, error) {
	s, err := b.tabOrError(integerOr(r, "sheetId", 0))
	if err != nil {
		return nil, err
	}
	if len(b.sheets) == 1 {
		return nil, invalid("You can't remove all the sheets in a document.")
	}
	if !s.hidden && b.visibleCount() == 1 {
		return nil, invalid("You can't remove all the visible sheets in a document.")
	}
	b.removeSheet(s)
	return nil, nil
}

func (b *book) removeSheet(s *sheet) {
	b.sheets = slices.DeleteFunc(slices.Clone(b.sheets), func(x *sheet) bool { return x == s })
	b.names = slices.DeleteFunc(slices.Clone(b.names), func(n namedRange) bool { return n.sheet == s.id })
	b.metadata = slices.DeleteFunc(slices.Clone(b.metadata), func(e metadataEntry) bool { return e.sheet == s.id })
	b.forgetSheet(s)
}

func duplicateSheet(b *book, r object) (object, error) {
	source, err := b.tabOrError(integerOr(r, "sourceSheetId", 0))
	if err != nil {
		return nil, err
	}
	p := object{"title": text(r, "newSheetName")}
	if p["title"] == "" {
		p["title"] = b.copyTitle(source.title)
	}
	if id, ok := integer(r, "newSheetId"); ok {
		p["sheetId"] = float64(id)
	}
	p["index"] = float64(integerOr(r, "insertSheetIndex", 0))
	s, err := b.addSheet(p, false)
	if err != nil {
		return nil, err
	}
	b.copySheet(s, b, source)
	if err := b.checkSize(); err != nil {
		return nil, err
	}
	return object{"properties": s.properties(b.index(s))}, nil
}

func (b *book) copyTitle(title string) string {
	name := "Copy of " + title
	for n := 2; b.exactTitle(name) != nil; n++ {
		name = "Copy of " + title + " " + strconv.Itoa(n)
	}
	return name
}

// copySheet fills a new tab with what a tab, maybe of another book, holds. Rows are shared when that is safe: rows
// that the change under way owns are not, nor those of another book, whose epochs mean nothing here.
func (b *book) copySheet(s *sheet, from *book, source *sheet) {
	id, title, hidden := s.id, s.title, s.hidden
	*s = *source
	s.id, s.title, s.hidden = id, title, hidden
	s.epoch = b.epoch
	s.data = slices.Clone(source.data)
	for r, line := range s.data {
		if line != nil && (from != b || line.epoch == b.epoch) {
			s.data[r] = &row{epoch: b.epoch, formulas: line.formulas, cells: slices.Clone(line.cells)}
		}
	}
	s.protected = nil
	for _, p := range source.protected {
		p = copyObject(p)
		p["protectedRangeId"] = b.freshID()
		if r := child(p, "range"); r != nil {
			p["range"] = readBounds(r).document(id)
		}
		s.protected = append(s.protected, p)
	}
	if from == b {
		return
	}
	for r := range s.data {
		for i, c := range s.line(r) {
			s.data[r].cells[i].style = b.intern(from.style(c.style).format)
		}
	}
}
