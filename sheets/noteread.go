package sheets

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// noteReads is how many calls the rows of notes are read in at most, each naming up to rangeLimit blocks.
const noteReads = 6

// notedRows are rows as they were read together with their notes and colours.
type notedRows struct {
	layout  *layout
	columns span
	rows    map[int]tandem.Row // Key is "" where it cannot be used
	cells   map[place]noted    // cells with a note or a colour
	locked  []*api.GridRange   // where we may not write
}

// cellsFields also asks for what is protected from us.
const cellsFields = googleapi.Field("sheets(properties(sheetId,title,gridProperties(rowCount,columnCount))," +
	"protectedRanges(range,unprotectedRanges,requestingUserCanEdit,warningOnly),data(startRow,startColumn,rowData(values(" + notedFields + "))))")

// readNoted reads rows, and the header row, within columns. It fails with errTorn when the linked columns are not where
// expected says, if that is given.
func (t *Tab) readNoted(ctx context.Context, rows []int, columns span, expected *layout) (*notedRows, error) {
	size, _ := t.sizes()
	areas := []area{{span{t.header, t.header + 1}, span{0, max(size.columns, columns.end)}}}
	for _, run := range runs(rows, 3, noteReads*(rangeLimit-1)) {
		areas = append(areas, area{run, columns})
	}
	found := &notedRows{columns: columns, rows: map[int]tandem.Row{}, cells: map[place]noted{}}
	var parts []*api.GridData
	for first := 0; first < len(areas); first += rangeLimit {
		sheet, err := t.readSheet(ctx, areas[first:min(first+rangeLimit, len(areas))], cellsFields)
		if err != nil {
			return nil, err
		}
		if first == 0 {
			found.locked = lockedRanges(sheet.ProtectedRanges)
		}
		parts = append(parts, sheet.Data...)
	}
	cells := &gridCells{parts: parts}
	byRow := cells.index()
	l, err := t.layoutOf(headerCells(byRow[t.header], t.header))
	if err != nil {
		return nil, err
	}
	if expected != nil && !l.same(expected) {
		return nil, errTorn
	}
	found.layout = l
	for _, at := range rows {
		found.rows[at] = t.notedRow(l, &gridCells{parts: byRow[at]}, at)
	}
	found.collect(parts)
	return found, nil
}

// has reports whether a cell below the header row was read.
func (f *notedRows) has(at place) bool {
	_, read := f.rows[at.row]
	return read && at.column >= f.columns.first && at.column < f.columns.end
}

// collect keeps the cells that have a note or a colour.
func (f *notedRows) collect(parts []*api.GridData) {
	for _, part := range parts {
		for r, row := range part.RowData {
			for c, cell := range row.Values {
				if n := notedOf(cell); n != (noted{}) {
					f.cells[place{int(part.StartRow) + r, int(part.StartColumn) + c}] = n
				}
			}
		}
	}
}

func headerCells(parts []*api.GridData, row int) []any {
	var cells []any
	for _, part := range parts {
		if at := row - int(part.StartRow); part.StartColumn == 0 && at >= 0 && at < len(part.RowData) && len(part.RowData[at].Values) > len(cells) {
			cells = cells[:0]
			for _, c := range part.RowData[at].Values {
				cells = append(cells, plainCell(c))
			}
		}
	}
	return cells
}

// notedRow decodes the linked cells of a row.
func (t *Tab) notedRow(l *layout, parts *gridCells, at int) tandem.Row {
	cells := make([]any, l.linked.end)
	for i, column := range l.at {
		if column < 0 {
			continue
		}
		c := parts.cell(at, column)
		if cells[column] = plainCell(c); !isAmbiguous(cells[column], &t.columns[i]) {
			continue
		}
		switch cells[column].(type) {
		case float64, bool:
			cells[column] = shownCell{cells[column], c.FormattedValue}
		}
	}
	row := t.row(l, line{at, cells})
	row.Key, _ = t.key(&row, l)
	return row
}

func lockedRanges(all []*api.ProtectedRange) []*api.GridRange {
	var locked []*api.GridRange
	for _, p := range all {
		// Exceptions within a protected range are left to Google's answer.
		if p.Range != nil && !p.RequestingUserCanEdit && !p.WarningOnly && len(p.UnprotectedRanges) == 0 {
			locked = append(locked, p.Range)
		}
	}
	return locked
}

func (f *notedRows) isLocked(at place) bool {
	return slices.ContainsFunc(f.locked, func(r *api.GridRange) bool {
		row, column := int64(at.row), int64(at.column)
		return row >= r.StartRowIndex && (row < r.EndRowIndex || r.EndRowIndex == 0) &&
			column >= r.StartColumnIndex && (column < r.EndColumnIndex || r.EndColumnIndex == 0)
	})
}

// readNotes reads every note within columns, below the header row and in it, in one call that asks for nothing else.
func (t *Tab) readNotes(ctx context.Context, columns span) (map[place]string, error) {
	sheet, err := t.readSheet(ctx, []area{{span{t.header, endless}, columns}},
		"sheets(properties(sheetId,title,gridProperties(rowCount,columnCount)),data(startRow,startColumn,rowData(values(note))))")
	if err != nil {
		return nil, err
	}
	found := notedRows{cells: map[place]noted{}}
	found.collect(sheet.Data)
	notes := make(map[place]string, len(found.cells))
	for at, cell := range found.cells {
		notes[at] = cell.note
	}
	return notes, nil
}

// readSheet reads areas of the tab in one call.
func (t *Tab) readSheet(ctx context.Context, areas []area, fields googleapi.Field) (*api.Sheet, error) {
	var sheet *api.Sheet
	err := t.withTitle(ctx, func(title string) error {
		ranges := make([]string, len(areas))
		for i, a := range areas {
			ranges[i] = a.in(title)
		}
		answer, err := t.client.service.Spreadsheets.Get(t.link.SpreadsheetID).Ranges(ranges...).Fields(fields).Context(counting(ctx, &t.calls)).Do()
		if err != nil {
			return err
		}
		sheet = sheetByID(answer, t.link.SheetID)
		return nil
	})
	switch {
	case isUnknownRange(err):
		if _, err := t.locate(ctx); err != nil {
			return nil, err
		}
		return nil, errTorn // the tab has become smaller
	case err != nil:
		return nil, t.failed(err, "read notes of tab %q", t.title())
	case sheet == nil:
		if _, err := t.locate(ctx); err != nil {
			return nil, err
		}
		return nil, errTorn // another tab carries the title now
	}
	t.known.mu.Lock()
	t.known.size = sizeOf(sheet.Properties)
	t.known.mu.Unlock()
	return sheet, nil
}

// sortedPlaces returns the places of a map in the order of the sheet.
func sortedPlaces[V any](m map[place]V) []place {
	return slices.SortedFunc(maps.Keys(m), func(a, b place) int {
		if a.row != b.row {
			return a.row - b.row
		}
		return a.column - b.column
	})
}
