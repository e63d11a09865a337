package emulator

import (
	"google.golang.org/api/sheets/v4"
)

func (b *book) clearNamed(name string) (string, error) {
	a, err := b.parseRange(name)
	if err != nil {
		return "", err
	}
	start := a.bounds.closed(a.sheet)
	if start.r0 >= a.sheet.rows || start.c0 >= a.sheet.cols {
		return "", exceedsGrid(a.sheet, a.bounds)
	}
	at := a.clipped(a.sheet)
	if err := a.sheet.refuses(at); err != nil {
		return "", err
	}
	b.clearValues(a.sheet, at)
	return a1Range(a.sheet, at), nil
}

func (c *call) clearRange() (any, error) {
	if _, err := c.body(schemaOf[sheets.ClearValuesRequest]()); err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	var cleared string
	b, err := d.change(func(b *book) error {
		cleared, err = b.clearNamed(c.params["range"])
		return err
	})
	if err != nil {
		return nil, err
	}
	return object{"spreadsheetId": b.id, "clearedRange": cleared}, nil
}

func (c *call) batchClearValues() (any, error) {
	body, err := c.body(batchClearValuesOf)
	if err != nil {
		return nil, err
	}
	d, err := c.document()
	if err != nil {
		return nil, err
	}
	var cleared []any
	b, err := d.change(func(b *book) error {
		for i, item := range list(body, "ranges") {
			name, _ := item.(string)
			done, err := b.clearNamed(name)
			if err != nil {
				return prefixed(err, "Invalid ranges[%d]: ", i)
			}
			cleared = append(cleared, done)
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
