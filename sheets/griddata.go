package sheets

import (
	"context"
	"math"
	"strconv"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"
)

// rangeLimit is how many ranges one read names; they stand in its address.
const rangeLimit = 90

// gridCells are cells of one tab by their places.
type gridCells struct {
	parts  []*api.GridData
	merges []*api.GridRange
}

// cell returns a cell, row and column counted from 0, or nil when it is empty or was not read.
func (g *gridCells) cell(row, column int) *api.CellData {
	for _, part := range g.parts {
		r, c := row-int(part.StartRow), column-int(part.StartColumn)
		if r < 0 || c < 0 || r >= len(part.RowData) {
			continue
		}
		if values := part.RowData[r].Values; c < len(values) && values[c] != nil {
			return values[c]
		}
	}
	return nil
}

// end returns the row after the last one that was read with anything in it.
func (g *gridCells) end() int {
	end := 0
	for _, part := range g.parts {
		end = max(end, int(part.StartRow)+len(part.RowData))
	}
	return end
}

// index makes look-ups fast where there are many parts.
func (g *gridCells) index() map[int][]*api.GridData {
	byRow := map[int][]*api.GridData{}
	for _, part := range g.parts {
		for r := range part.RowData {
			byRow[int(part.StartRow)+r] = append(byRow[int(part.StartRow)+r], part)
		}
	}
	return byRow
}

// readGrid reads blocks of the tab with what cells is a field mask of CellData, in one call. The answer names the tab by
// its id, so what it holds is certainly the linked tab's. No areas means the whole tab.
func (t *Tab) readGrid(ctx context.Context, areas []area, cells string) (*gridCells, error) {
	fields := googleapi.Field("properties.timeZone,sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),merges,data(startRow,startColumn,rowData(values(" + cells + "))))")
	var sheet *api.Sheet
	err := t.withTitle(ctx, func(title string) error {
		ranges := make([]string, len(areas))
		for i, a := range areas {
			ranges[i] = a.in(title)
		}
		if len(areas) == 0 {
			ranges = []string{quoteTitle(title)}
		}
		answer, err := t.client.service.Spreadsheets.Get(t.link.SpreadsheetID).Ranges(ranges...).Fields(fields).Context(counting(ctx, &t.calls)).Do()
		if err != nil {
			return err
		}
		sheet = sheetByID(answer, t.link.SheetID)
		return nil
	})
	if err != nil {
		return nil, t.failed(err, "read cells of tab %q", t.title())
	}
	if sheet == nil {
		// Another tab carries the title now.
		if _, err := t.locate(ctx); err != nil {
			return nil, err
		}
		return nil, errTorn
	}
	t.known.mu.Lock()
	t.known.size = sizeOf(sheet.Properties)
	t.known.mu.Unlock()
	return &gridCells{parts: sheet.Data, merges: sheet.Merges}, nil
}

func sheetByID(answer *api.Spreadsheet, id int64) *api.Sheet {
	if answer == nil {
		return nil
	}
	for _, sheet := range answer.Sheets {
		if sheet.Properties != nil && sheet.Properties.SheetId == id {
			return sheet
		}
	}
	return nil
}

// plainCell returns a cell of grid data as an unformatted reading gives it, with what it shows where that counts.
func plainCell(c *api.CellData) any {
	if c == nil || c.EffectiveValue == nil {
		return nil
	}
	v := c.EffectiveValue
	switch {
	case v.ErrorValue != nil:
		if c.FormattedValue != "" {
			return errorCell(c.FormattedValue)
		}
		return errorCell("#" + v.ErrorValue.Type)
	case v.NumberValue != nil:
		return *v.NumberValue
	case v.BoolValue != nil:
		return *v.BoolValue
	case v.StringValue != nil:
		return *v.StringValue
	}
	return nil
}

// sameNumber compares to the 15 digits that Google keeps.
func sameNumber(a, b float64) bool {
	return a == b || math.Abs(a-b) <= math.Abs(a)*1e-13 &&
		strconv.FormatFloat(a, 'e', exactDigits-1, 64) == strconv.FormatFloat(b, 'e', exactDigits-1, 64)
}

// sameContent compares what was entered into two cells.
func sameContent(a, b *api.ExtendedValue) bool {
	a, b = orEmpty(a), orEmpty(b)
	switch {
	case a.FormulaValue != nil || b.FormulaValue != nil:
		return a.FormulaValue != nil && b.FormulaValue != nil && *a.FormulaValue == *b.FormulaValue
	case a.NumberValue != nil || b.NumberValue != nil:
		return a.NumberValue != nil && b.NumberValue != nil && sameNumber(*a.NumberValue, *b.NumberValue)
	case a.BoolValue != nil || b.BoolValue != nil:
		return a.BoolValue != nil && b.BoolValue != nil && *a.BoolValue == *b.BoolValue
	case a.ErrorValue != nil || b.ErrorValue != nil:
		return a.ErrorValue != nil && b.ErrorValue != nil && a.ErrorValue.Type == b.ErrorValue.Type
	}
	return stringOf(a) == stringOf(b)
}

// bothFormulas is all that can be said where a formula was copied to another place, which changes its text.
func bothFormulas(a, b *api.ExtendedValue) bool {
	return orEmpty(a).FormulaValue != nil && orEmpty(b).FormulaValue != nil
}

func orEmpty(v *api.ExtendedValue) *api.ExtendedValue {
	if v == nil {
		return &api.ExtendedValue{}
	}
	return v
}

func stringOf(v *api.ExtendedValue) string {
	if v.StringValue == nil {
		return ""
	}
	return *v.StringValue
}
