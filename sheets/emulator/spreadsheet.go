package emulator

import (
	"google.golang.org/api/sheets/v4"
)

// view is what a reader wants to see of a book.
type view struct {
	book     *book
	ranges   map[*sheet][]area // nil: every tab whole
	gridData bool
	mask     mask
	url      string
}

func (b *book) viewRanges(ranges []any) (view, error) {
	v := view{book: b}
	for _, r := range ranges {
		name, _ := r.(string)
		a, err := b.parseRange(name)
		if err != nil {
			return v, err
		}
		start := a.bounds.closed(a.sheet)
		if start.r0 >= a.sheet.rows || start.c0 >= a.sheet.cols {
			return v, exceedsGrid(a.sheet, a.bounds)
		}
		if v.ranges == nil {
			v.ranges = map[*sheet][]area{}
		}
		v.ranges[a.sheet] = append(v.ranges[a.sheet], area{a.sheet, a.clipped(a.sheet)})
	}
	return v, nil
}

// namesData: the mask asks for cells, by name or with all else of a tab.
func (v view) namesData() bool {
	tabs, ok := v.mask.sub("sheets")
	return ok && tabs.wants("data")
}

// document is the Spreadsheet as asked for. Cells are written when the answer is.
func (v view) document() any {
	b := v.book
	o := object{"spreadsheetId": b.id, "properties": b.properties(), "spreadsheetUrl": v.url}
	if names := b.nameDocuments(); len(names) > 0 {
		o["namedRanges"] = names
	}
	if m := b.metadataAt(func(e metadataEntry) bool { return e.sheet == open }); len(m) > 0 {
		o["developerMetadata"] = m
	}
	if v.mask.wants("sheets") {
		below, _ := v.mask.sub("sheets")
		var tabs []any
		for i, s := range b.sheets {
			if v.ranges == nil || v.ranges[s] != nil {
				tabs = append(tabs, v.sheetDocument(s, i, below))
			}
		}
		o["sheets"] = tabs
	}
	return v.mask.filter(o)
}

func (v view) sheetDocument(s *sheet, index int, m mask) object {
	b := v.book
	o := object{"properties": s.properties(index)}
	put := func(name string, items []any) {
		if len(items) > 0 {
			o[name] = items
		}
	}
	var merges, protected []any
	for _, at := range s.merges {
		if v.shows(s, at) {
			merges = append(merges, at.document(s.id))
		}
	}
	for _, p := range s.protected {
		protected = append(protected, shownProtection(p))
	}
	put("merges", merges)
	put("protectedRanges", protected)
	put("rowGroups", s.groupDocuments(rowsDimension))
	put("columnGroups", s.groupDocuments(columnsDimension))
	put("developerMetadata", b.metadataAt(func(e metadataEntry) bool { return e.sheet == s.id && e.at == open }))
	if s.filterAt != nil {
		o["basicFilter"] = s.filterDocument()
	}
	if v.gridData {
		o["data"] = v.gridDocuments(s, m)
	}
	return o
}

// shows: a reading that names ranges is told only of the merges that touch them.
func (v view) shows(s *sheet, at bounds) bool {
	for _, a := range v.ranges[s] {
		if a.overlaps(at) {
			return true
		}
	}
	return v.ranges == nil
}

func (v view) gridDocuments(s *sheet, m mask) []any {
	below, ok := m.sub("data")
	if !ok {
		return nil
	}
	areas := v.ranges[s]
	if areas == nil {
		areas = []area{{s, s.all()}}
	}
	var out []any
	for _, a := range areas {
		out = append(out, gridData{v.book, a, below})
	}
	return out
}

var createOf = spreadsheetOf

// getSpreadsheet is spreadsheets.get.
func (c *call) getSpreadsheet() (any, error) {
	var ranges []any
	for _, r := range c.query["ranges"] {
		ranges = append(ranges, r)
	}
	return c.readSpreadsheet(func(b *book) (view, error) { return b.viewRanges(ranges) }, c.flag("includeGridData"))
}

func (c *call) readSpreadsheet(choose func(b *book) (view, error), grid bool) (any, error) {
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	v, err := choose(d.state())
	if err != nil {
		return nil, err
	}
	v.mask = c.fields
	v.gridData = grid
	if c.fields != nil {
		v.gridData = v.namesData() // a mask decides alone: includeGridData is ignored beside it
	}
	return c.view(v), nil
}

func (c *call) view(v view) any {
	v.url = c.emulator.spreadsheetURL(v.book.id)
	return v.document()
}

var byDataFilterOf = schemaOf[sheets.GetSpreadsheetByDataFilterRequest]()

// getByDataFilter is spreadsheets.getByDataFilter.
func (c *call) getByDataFilter() (any, error) {
	body, err := c.body(byDataFilterOf)
	if err != nil {
		return nil, err
	}
	choose := func(b *book) (view, error) {
		v := view{book: b}
		for i, item := range list(body, "dataFilters") {
			areas, err := b.filterAreas(item.(object))
			if err != nil {
				return v, prefixed(err, "Invalid dataFilter[%d]: ", i)
			}
			if v.ranges == nil {
				v.ranges = map[*sheet][]area{}
			}
			for _, a := range areas {
				v.ranges[a.sheet] = append(v.ranges[a.sheet], area{a.sheet, a.clipped(a.sheet)})
			}
		}
		return v, nil
	}
	return c.readSpreadsheet(choose, flag(body, "includeGridData"))
}
