package emulator

func (c *call) batchGetByFilter() (any, error) {
	body, err := c.body(batchGetByFilterOf)
	if err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	how, err := readRendering(text(body, "valueRenderOption"), text(body, "dateTimeRenderOption"))
	if err != nil {
		return nil, err
	}
	columns, err := readMajor(text(body, "majorDimension"), "major_dimension")
	if err != nil {
		return nil, err
	}
	b := d.state()
	var matched []any
	for i, item := range list(body, "dataFilters") {
		areas, err := b.filterAreas(item.(object))
		if err != nil {
			return nil, prefixed(err, "Invalid dataFilter[%d]: ", i)
		}
		for _, a := range areas {
			v, err := b.readValues(a, columns, how)
			if err != nil {
				return nil, err
			}
			matched = append(matched, object{"valueRange": v, "dataFilters": []any{echoed(item.(object))}})
		}
	}
	answer := object{"spreadsheetId": b.id}
	if matched != nil {
		answer["valueRanges"] = matched
	}
	return answer, nil
}

func (c *call) batchUpdateByFilter() (any, error) {
	body, err := c.body(batchUpdateByFilterOf)
	if err != nil {
		return nil, err
	}
	var filters []any
	answer, err := c.updateMany(body, func(b *book, o object, typed bool) ([]valueInput, error) {
		columns, err := readMajor(text(o, "majorDimension"), "data.major_dimension")
		if err != nil {
			return nil, err
		}
		areas, err := b.filterAreas(child(o, "dataFilter"))
		var out []valueInput
		for _, a := range areas {
			out = append(out, valueInput{area: a, rows: list(o, "values"), columns: columns, typed: typed})
			filters = append(filters, echoed(child(o, "dataFilter")))
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	for i, r := range list(answer.(object), "responses") {
		delete(r.(object), "spreadsheetId")
		r.(object)["dataFilter"] = filters[i]
	}
	return answer, nil
}

func (c *call) batchClearByFilter() (any, error) {
	body, err := c.body(batchClearByFilterOf)
	if err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	var cleared []any
	b, err := d.change(func(b *book) error {
		for i, item := range list(body, "dataFilters") {
			areas, err := b.filterAreas(item.(object))
			if err != nil {
				return prefixed(err, "Invalid dataFilters[%d]: ", i)
			}
			for _, a := range areas {
				at := a.clipped(a.sheet)
				b.clearValues(a.sheet, at)
				cleared = append(cleared, a1Range(a.sheet, at))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer := object{"spreadsheetId": b.id}
	if cleared != nil {
		answer["clearedRanges"] = cleared
	}
	return answer, nil
}
