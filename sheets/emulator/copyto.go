package emulator

import (
	"strconv"

	"google.golang.org/api/sheets/v4"
)

var copyToOf = schemaOf[sheets.CopySheetToAnotherSpreadsheetRequest]()

// copyTo is spreadsheets.sheets.copyTo.
func (c *call) copyTo() (any, error) {
	body, err := c.body(copyToOf)
	if err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	target := c.emulator.document(text(body, "destinationSpreadsheetId"))
	if target == nil {
		return nil, notFound()
	}
	id, err := strconv.Atoi(c.params["sheetId"])
	if err != nil {
		return nil, invalid("Invalid value at 'sheet_id' (TYPE_INT32), \"%s\"", c.params["sheetId"])
	}
	from := d.state()
	source, err := from.sheetOrError(id)
	if err != nil {
		return nil, err
	}
	var copied *sheet
	b, err := target.change(func(b *book) error {
		if copied, err = b.addSheet(object{"title": b.copyTitle(source.title)}, false); err != nil {
			return err
		}
		if target == d {
			from = b
			source = b.sheet(id)
		}
		b.copySheet(copied, from, source)
		return b.checkSize()
	})
	if err != nil {
		return nil, err
	}
	return copied.properties(b.index(copied)), nil
}
