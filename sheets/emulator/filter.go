package emulator

// A basic filter is kept as data. The emulator hides no rows for it; reads through the API see hidden rows anyway.

func setBasicFilter(b *book, r object) (object, error) {
	f := child(r, "filter")
	if f["tableId"] != nil {
		return nil, unsupported("a basic filter on a table")
	}
	a, err := b.gridRange(child(f, "range"), "filter.range")
	if err != nil {
		return nil, err
	}
	kept := copyObject(f)
	delete(kept, "range")
	at := readBounds(child(f, "range"))
	if at == everything {
		at = a.bounds
	}
	a.sheet.filter, a.sheet.filterAt = paired(kept), &at
	if specs := list(f, "sortSpecs"); len(specs) > 0 {
		below := at.closed(a.sheet)
		below.r0++
		return nil, b.sort(a.sheet, below, specs)
	}
	return nil, nil
}

func clearBasicFilter(b *book, r object) (object, error) {
	s, err := b.sheetOrError(integerOr(r, "sheetId", 0))
	if err != nil {
		return nil, err
	}
	s.filter, s.filterAt = nil, nil
	return nil, nil
}

func (s *sheet) filterDocument() object {
	o := copyObject(s.filter)
	o["range"] = s.filterAt.document(s.id)
	return o
}
