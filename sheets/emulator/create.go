package emulator

// createSpreadsheet is spreadsheets.create.
func (c *call) createSpreadsheet() (any, error) {
	body, err := c.body(createOf)
	if err != nil {
		return nil, err
	}
	b := newBook(c.emulator.newSpreadsheetID(), c.emulator.randomID)
	b.now = c.emulator.now()
	if err := b.fill(body); err != nil {
		return nil, err
	}
	c.emulator.add(b)
	return c.view(view{book: b, mask: c.fields}), nil
}

// fill makes a new book what a create request describes.
func (b *book) fill(body object) error {
	for name, v := range child(body, "properties") {
		if name != "defaultFormat" && name != "spreadsheetTheme" {
			b.props[name] = v
		}
	}
	if text(b.props, "title") == "" {
		b.props["title"] = "Untitled spreadsheet"
	}
	if err := checkProperties(b.props); err != nil {
		return err
	}
	tabs := list(body, "sheets")
	if len(tabs) == 0 {
		b.sheets = []*sheet{{id: 0, title: "Sheet1", rows: defaultRows, cols: defaultCols, grid: object{}, props: object{}}}
	}
	for i, item := range tabs {
		tab, _ := item.(object)
		tab = withGridSize(tab)
		if _, err := b.addSheet(child(tab, "properties"), i == 0); err != nil {
			return prefixed(err, "Invalid sheets[%d]: ", i)
		}
		if err := b.fillSheet(b.sheets[len(b.sheets)-1], tab); err != nil {
			return prefixed(err, "Invalid sheets[%d]: ", i)
		}
	}
	for _, item := range list(body, "namedRanges") {
		if _, err := addNamedRange(b, object{"namedRange": item}); err != nil {
			return err
		}
	}
	for _, item := range list(body, "developerMetadata") {
		if _, err := createDeveloperMetadata(b, object{"developerMetadata": item}); err != nil {
			return err
		}
	}
	b.recalculate()
	return b.checkSize()
}

// withGridSize replaces a grid of no rows or columns by the default one, as spreadsheets.create does.
func withGridSize(tab object) object {
	g := child(child(tab, "properties"), "gridProperties")
	if g == nil || g["rowCount"] != 0.0 && g["columnCount"] != 0.0 {
		return tab
	}
	g = copyObject(g)
	for _, name := range []string{"rowCount", "columnCount"} {
		if g[name] == 0.0 {
			delete(g, name)
		}
	}
	tab = copyObject(tab)
	p := copyObject(child(tab, "properties"))
	p["gridProperties"] = g
	tab["properties"] = p
	return tab
}

func (b *book) fillSheet(s *sheet, tab object) error {
	for name := range tab {
		switch name {
		case "properties", "data", "merges", "protectedRanges", "basicFilter", "developerMetadata", "rowGroups", "columnGroups":
		default:
			return unsupported("spreadsheets.create with sheets.%s", name)
		}
	}
	for _, item := range list(tab, "data") {
		d, _ := item.(object)
		start := bounds{r0: integerOr(d, "startRow", 0), c0: integerOr(d, "startColumn", 0)}
		if err := b.updateRows(s, start, list(d, "rowData"), nil); err != nil {
			return err
		}
	}
	for _, item := range list(tab, "merges") {
		m := copyObject(item.(object))
		m["sheetId"] = s.id
		if _, err := mergeCells(b, object{"range": m, "mergeType": "MERGE_ALL"}); err != nil {
			return err
		}
	}
	for _, item := range list(tab, "protectedRanges") {
		p := copyObject(item.(object))
		r := copyObject(child(p, "range"))
		r["sheetId"] = s.id
		p["range"] = r
		if _, err := addProtectedRange(b, object{"protectedRange": p}); err != nil {
			return err
		}
	}
	if f := child(tab, "basicFilter"); f != nil {
		f = copyObject(f)
		r := copyObject(child(f, "range"))
		r["sheetId"] = s.id
		f["range"] = r
		if _, err := setBasicFilter(b, object{"filter": f}); err != nil {
			return err
		}
	}
	return nil
}
