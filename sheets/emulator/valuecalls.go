package emulator

import (
	"google.golang.org/api/sheets/v4"
)

var (
	valueRangeOf          = schemaOf[sheets.ValueRange]()
	batchUpdateValuesOf   = schemaOf[sheets.BatchUpdateValuesRequest]()
	batchClearValuesOf    = schemaOf[sheets.BatchClearValuesRequest]()
	batchGetByFilterOf    = schemaOf[sheets.BatchGetValuesByDataFilterRequest]()
	batchUpdateByFilterOf = schemaOf[sheets.BatchUpdateValuesByDataFilterRequest]()
	batchClearByFilterOf  = schemaOf[sheets.BatchClearValuesByDataFilterRequest]()
)

func (c *call) rendering() (rendering, error) {
	return readRendering(c.param("valueRenderOption"), c.param("dateTimeRenderOption"))
}

func (c *call) responseRendering() (rendering, error) {
	return readRendering(c.param("responseValueRenderOption"), c.param("responseDateTimeRenderOption"))
}

func (c *call) getValues() (any, error) {
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	how, err := c.rendering()
	if err != nil {
		return nil, err
	}
	columns, err := readMajor(c.param("majorDimension"), "major_dimension")
	if err != nil {
		return nil, err
	}
	b := d.state()
	a, err := b.parseRange(c.params["range"])
	if err != nil {
		return nil, err
	}
	return b.readValues(a, columns, how)
}

func (c *call) batchGetValues() (any, error) {
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	how, err := c.rendering()
	if err != nil {
		return nil, err
	}
	columns, err := readMajor(c.param("majorDimension"), "major_dimension")
	if err != nil {
		return nil, err
	}
	b := d.state()
	answer := object{"spreadsheetId": b.id}
	var ranges []any
	for _, name := range c.query["ranges"] {
		a, err := b.parseRange(name)
		if err != nil {
			return nil, err
		}
		v, err := b.readValues(a, columns, how)
		if err != nil {
			return nil, err
		}
		ranges = append(ranges, v)
	}
	if ranges != nil {
		answer["valueRanges"] = ranges
	}
	return answer, nil
}

// input reads a ValueRange of a request. named is the range in the path, which the body may repeat.
func (b *book) input(o object, named string, typed bool) (valueInput, error) {
	in := valueInput{rows: list(o, "values"), typed: typed}
	var err error
	if in.columns, err = readMajor(text(o, "majorDimension"), "data.major_dimension"); err != nil {
		return in, err
	}
	name := text(o, "range")
	if named != "" {
		if name != "" && name != named {
			other, err := b.parseRange(name)
			if err != nil {
				return in, err
			}
			same, err := b.parseRange(named)
			if err != nil {
				return in, err
			}
			if a1Range(other.sheet, other.bounds) != a1Range(same.sheet, same.bounds) {
				return in, invalid("Requested writing within range [%s], but tried writing to range [%s]", named, name)
			}
		}
		name = named
	}
	in.area, err = b.parseRange(name)
	return in, err
}

func (c *call) updateValues() (any, error) {
	body, err := c.bodyAt(valueRangeOf, "data")
	if err != nil {
		return nil, err
	}
	typed, err := readInputOption(c.param("valueInputOption"))
	if err != nil {
		return nil, err
	}
	how, err := c.responseRendering()
	if err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	var in valueInput
	var done update
	b, err := d.change(func(b *book) error {
		if in, err = b.input(body, c.params["range"], typed); err != nil {
			return err
		}
		done, err = b.write(in)
		return err
	})
	if err != nil {
		return nil, err
	}
	return done.document(b, in.columns, c.flag("includeValuesInResponse"), how), nil
}

func (c *call) appendValues() (any, error) {
	body, err := c.bodyAt(valueRangeOf, "data")
	if err != nil {
		return nil, err
	}
	typed, err := readInputOption(c.param("valueInputOption"))
	if err != nil {
		return nil, err
	}
	how, err := c.responseRendering()
	if err != nil {
		return nil, err
	}
	insert := c.param("insertDataOption")
	if insert != "" && insert != "OVERWRITE" && insert != "INSERT_ROWS" {
		return nil, enumError("insert_data_option", "InsertDataOption", insert)
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	var in valueInput
	var done appended
	b, err := d.change(func(b *book) error {
		if in, err = b.input(body, c.params["range"], typed); err != nil {
			return err
		}
		done, err = b.append(in, insert == "INSERT_ROWS")
		return err
	})
	if err != nil {
		return nil, err
	}
	answer := object{"spreadsheetId": b.id, "updates": done.document(b, in.columns, c.flag("includeValuesInResponse"), how)}
	if done.hasTable {
		answer["tableRange"] = a1Range(done.sheet, done.table)
	}
	return answer, nil
}

func (c *call) batchUpdateValues() (any, error) {
	body, err := c.body(batchUpdateValuesOf)
	if err != nil {
		return nil, err
	}
	return c.updateMany(body, func(b *book, o object, typed bool) ([]valueInput, error) {
		in, err := b.input(o, "", typed)
		return []valueInput{in}, err
	})
}

// updateMany writes each of data in order, or none of them.
func (c *call) updateMany(body object, read func(b *book, o object, typed bool) ([]valueInput, error)) (any, error) {
	typed, err := readInputOption(text(body, "valueInputOption"))
	if err != nil {
		return nil, err
	}
	how, err := readRendering(text(body, "responseValueRenderOption"), text(body, "responseDateTimeRenderOption"))
	if err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	var inputs []valueInput
	var done []update
	b, err := d.change(func(b *book) error {
		for i, item := range list(body, "data") {
			ins, err := read(b, item.(object), typed)
			if err != nil {
				return prefixed(err, "Invalid data[%d]: ", i)
			}
			for _, in := range ins {
				u, err := b.write(in)
				if err != nil {
					return prefixed(err, "Invalid data[%d]: ", i)
				}
				inputs, done = append(inputs, in), append(done, u)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	answer := totals(done)
	answer["spreadsheetId"] = b.id
	var responses []any
	for i, u := range done {
		responses = append(responses, u.document(b, inputs[i].columns, flag(body, "includeValuesInResponse"), how))
	}
	if responses != nil {
		answer["responses"] = responses
	}
	return answer, nil
}

func totals(done []update) object {
	rows, columns, tabs := map[[2]int]bool{}, map[[2]int]bool{}, map[int]bool{}
	cells := 0
	for _, u := range done {
		tabs[u.sheet.id] = true
		for r := u.written.r0; r < u.written.r1 && u.cells > 0; r++ {
			rows[[2]int{u.sheet.id, r}] = true
		}
		for c := u.written.c0; c < u.written.c1 && u.cells > 0; c++ {
			columns[[2]int{u.sheet.id, c}] = true
		}
		cells += u.cells
	}
	answer := object{}
	for name, n := range map[string]int{"totalUpdatedRows": len(rows), "totalUpdatedColumns": len(columns),
		"totalUpdatedCells": cells, "totalUpdatedSheets": len(tabs)} {
		if n > 0 {
			answer[name] = n
		}
	}
	return answer
}
