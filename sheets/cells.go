package sheets

import (
	"maps"
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// writeCells writes the changed cells of updated rows: cells that touch, in rows that touch, share a request.
func (c *call) writeCells(alone map[int]bool) {
	var strips []strip
	for i := range c.batch.Ops {
		o := &c.batch.Ops[i]
		if o.Kind != tandem.Update {
			continue
		}
		cells := slices.Clone(o.Cells)
		slices.SortFunc(cells, func(a, b cell) int { return a.At - b.At })
		for _, cell := range cells {
			if cell.paste != nil {
				c.pasteBack(i, o.Row, cell)
				continue
			}
			n := len(strips)
			if n > 0 && strips[n-1].takes(i, o.Row, cell) {
				strips[n-1].cells = append(strips[n-1].cells, cell)
				continue
			}
			strips = append(strips, strip{op: i, row: o.Row, cells: []writtenCell{cell}, alone: alone[i]})
		}
	}
	slices.SortStableFunc(strips, func(a, b strip) int {
		if a.cells[0].At != b.cells[0].At {
			return a.cells[0].At - b.cells[0].At
		}
		return a.row - b.row
	})
	for n := 0; n < len(strips); {
		m := n + 1
		for m < len(strips) && strips[m].continues(&strips[m-1]) {
			m++
		}
		c.writeBlock(strips[n:m])
		n = m
	}
}

type writtenCell = cell

// strip is a run of cells within one row that is written with the same field mask.
type strip struct {
	op, row int
	cells   []writtenCell
	alone   bool
}

func (s *strip) takes(op, row int, next cell) bool {
	last := s.cells[len(s.cells)-1]
	return s.op == op && s.row == row && last.At+1 == next.At && last.formats() == next.formats()
}

func (s *strip) continues(above *strip) bool {
	return s.row == above.row+1 && s.cells[0].At == above.cells[0].At && len(s.cells) == len(above.cells) &&
		s.cells[0].formats() == above.cells[0].formats() && !s.alone && !above.alone
}

// formats reports whether the cell's number format is written too.
func (c cell) formats() bool { return c.Format != "" || c.number != nil || c.unset }

func (c *call) writeBlock(strips []strip) {
	update := &api.UpdateCellsRequest{Fields: "userEnteredValue", Start: coordinate(c.sheet, strips[0].row, strips[0].cells[0].At)}
	if strips[0].cells[0].formats() {
		update.Fields = "userEnteredValue,userEnteredFormat.numberFormat"
	}
	var ops []int
	for _, s := range strips {
		row := &api.RowData{}
		for _, cell := range s.cells {
			row.Values = append(row.Values, cell.data())
		}
		update.Rows = append(update.Rows, row)
		ops = append(ops, s.op)
	}
	c.add(ops, &api.Request{UpdateCells: update})
}

func (c cell) data() *api.CellData {
	data := &api.CellData{UserEnteredValue: c.New}
	switch {
	case c.Format != "":
		data.UserEnteredFormat = &api.CellFormat{NumberFormat: numberFormats[c.Format]}
	case c.number != nil:
		data.UserEnteredFormat = &api.CellFormat{NumberFormat: c.number}
	}
	return data
}

// pasteBack puts a formula back from its image: pasted, its references fit its place again.
func (c *call) pasteBack(op, row int, cell cell) {
	one := func(row, column int) area { return area{span{row, row + 1}, span{column, column + 1}} }
	c.add([]int{op}, &api.Request{CopyPaste: &api.CopyPasteRequest{PasteType: "PASTE_NORMAL",
		Source: grid(c.image, one(cell.paste.row, cell.paste.column)), Destination: grid(c.sheet, one(row, cell.At))}})
	if cell.text != "" {
		c.writeFormula(op, row, cell.At, cell.text)
	}
}

// writeFormula gives a cell a formula whose pasted copy would name the wrong columns.
func (c *call) writeFormula(op, row, column int, text string) {
	data := &api.CellData{UserEnteredValue: &api.ExtendedValue{FormulaValue: &text}}
	c.add([]int{op}, &api.Request{UpdateCells: &api.UpdateCellsRequest{Fields: "userEnteredValue",
		Start: coordinate(c.sheet, row, column), Rows: []*api.RowData{{Values: []*api.CellData{data}}}}})
}

// appendRows adds new rows below the last one that holds anything.
func (c *call) appendRows() {
	request := &api.AppendCellsRequest{SheetId: c.sheet, Fields: "userEnteredValue,userEnteredFormat.numberFormat", ForceSendFields: []string{"SheetId"}}
	var ops []int
	foreign, formats := false, map[int]format{}
	for i := range c.batch.Ops {
		o := &c.batch.Ops[i]
		if o.Kind != tandem.Insert {
			continue
		}
		row := &api.RowData{}
		for _, cell := range o.Cells {
			for len(row.Values) <= cell.At {
				row.Values = append(row.Values, nil)
			}
			row.Values[cell.At] = cell.data()
			if cell.Format != "" {
				formats[cell.At] = cell.Format
			}
		}
		for at := range row.Values {
			if row.Values[at] == nil {
				row.Values[at], foreign = &api.CellData{}, true
			}
		}
		request.Rows = append(request.Rows, row)
		ops = append(ops, i)
	}
	if ops == nil {
		return
	}
	if foreign {
		request.Fields = "userEnteredValue"
	}
	c.add(ops, &api.Request{AppendCells: request})
	if foreign {
		c.formatBelow(formats)
	}
}

// formatBelow gives columns their number formats below the last known row. It stands in for formats within appendCells,
// which would take the formats of other people's columns in between away.
func (c *call) formatBelow(formats map[int]format) {
	for _, at := range slices.Sorted(maps.Keys(formats)) {
		below := area{span{c.batch.End, endless}, span{at, at + 1}}
		c.add(nil, &api.Request{RepeatCell: &api.RepeatCellRequest{Range: grid(c.sheet, below), Fields: "userEnteredFormat.numberFormat",
			Cell: &api.CellData{UserEnteredFormat: &api.CellFormat{NumberFormat: numberFormats[formats[at]]}}}})
	}
}

// restoreRows inserts rows that were deleted by accident and fills them from their images.
func (c *call) restoreRows() {
	for i := range c.batch.Ops {
		o := &c.batch.Ops[i]
		if o.Kind != restore {
			continue
		}
		c.add([]int{i}, &api.Request{InsertDimension: &api.InsertDimensionRequest{Range: dimension(c.sheet, span{o.Row, o.Row + 1})}})
		for _, m := range o.moved {
			from := area{span{o.image, o.image + 1}, m.from}
			to := area{span{o.Row, o.Row + 1}, span{m.to, m.to + 1}}
			c.add([]int{i}, &api.Request{CopyPaste: &api.CopyPasteRequest{PasteType: "PASTE_NORMAL",
				Source: grid(c.image, from), Destination: grid(c.sheet, to)}})
		}
		for _, at := range slices.Sorted(maps.Keys(o.texts)) {
			c.writeFormula(i, o.Row, at, o.texts[at])
		}
	}
}
