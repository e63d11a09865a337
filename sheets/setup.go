package sheets

import (
	"context"
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// setupKey names the developer metadata of a tab that Setup has been through, with a fingerprint of what it was set up
// for.
const setupKey = "tandem-setup"

// Setup gives the tab what writing to it needs: the headers, on an empty tab; the format text for linked text columns, so
// that what people type there stays text; and the hidden tab. It is idempotent: where all is there already it makes one
// small read and no write.
//
// Cells of text columns that hold numbers or dates keep their formats, since what people see in them is their value.
func (t *Tab) Setup(ctx context.Context) error {
	found, err := t.locate(ctx)
	if err != nil {
		return err
	}
	if err := t.checkZone(found.zone); err != nil {
		return err
	}
	wanted := t.setupValue()
	done := slices.ContainsFunc(found.tab.DeveloperMetadata, func(m *api.DeveloperMetadata) bool {
		return m.MetadataKey == setupKey && m.MetadataValue == wanted
	})
	if done && found.image != nil {
		return nil
	}
	var requests, formats []*api.Request
	image := found.image
	if image == nil {
		size := sizeOf(found.tab.Properties)
		image = &imageTab{id: imageID(t.link.SpreadsheetID), size: gridSize{size.rows + 1000, size.columns + spare + 1 + len(t.keys)}}
		requests = addImage(image)
	}
	if !done {
		content, err := t.readContent(ctx)
		if err != nil {
			return err
		}
		if content.blank {
			if err := t.confirmBlank(ctx, sizeOf(found.tab.Properties)); err != nil {
				return err
			}
		}
		requests = append(requests, t.setupMark(wanted)...)
		formats = t.setupRequests(found, content)
	}
	err = t.postSetup(ctx, append(formats, requests...))
	if isProtected(err) && len(requests) > 0 {
		// People protected some of what would get the format text. It does without; rows that cannot be written say so.
		err = t.postSetup(ctx, requests)
	}
	if err != nil {
		return t.failed(err, "set up tab %q", t.title())
	}
	t.known.mu.Lock()
	defer t.known.mu.Unlock()
	t.known.image = image
	return nil
}

// confirmBlank looks by another method whether the top of a tab that was read as empty is: headers written over those of people
// would give every column another meaning.
func (t *Tab) confirmBlank(ctx context.Context, size gridSize) error {
	cells, err := t.readGrid(ctx, []area{{span{0, min(size.rows, t.header+1000)}, span{0, size.columns}}}, "userEnteredValue")
	if err != nil {
		return err
	}
	for _, part := range cells.parts {
		for _, row := range part.RowData {
			for _, cell := range row.Values {
				if entered(cell) != nil {
					return tandem.Errorf(tandem.CodeUnavailable, "TORN_READ", "tab %q was read as empty, and is not", t.title())
				}
			}
		}
	}
	return nil
}

func (t *Tab) postSetup(ctx context.Context, requests []*api.Request) error {
	_, err := t.client.service.Spreadsheets.BatchUpdate(t.link.SpreadsheetID, &api.BatchUpdateSpreadsheetRequest{Requests: requests}).
		Fields("spreadsheetId").Context(counting(ctx, &t.calls)).Do()
	return err
}

// setupValue fingerprints what the tab is set up for.
func (t *Tab) setupValue() string {
	texts := []tandem.Value{}
	for i := range t.columns {
		if asText(t.columns[i].Type) {
			texts = append(texts, tandem.Text(t.name(i)))
		}
	}
	return tandem.Digest(texts)
}

// setupMark replaces the mark that says what the tab was set up for.
func (t *Tab) setupMark(value string) []*api.Request {
	mark := createMetadata(0, t.link.SheetID, value)
	mark.CreateDeveloperMetadata.DeveloperMetadata.MetadataKey = setupKey
	lookup := &api.DeveloperMetadataLookup{MetadataKey: setupKey,
		MetadataLocation: &api.DeveloperMetadataLocation{SheetId: t.link.SheetID, ForceSendFields: []string{"SheetId"}}}
	return []*api.Request{
		{DeleteDeveloperMetadata: &api.DeleteDeveloperMetadataRequest{DataFilter: &api.DataFilter{DeveloperMetadataLookup: lookup}}},
		mark,
	}
}

// setupContent is what counts of a tab's cells where the tab is set up.
type setupContent struct {
	blank  bool
	header []any
	// valued are the rows of each column of the tab, below the header, that hold a number or a boolean: people see in them
	// what their formats make of it.
	valued [][]span
}

func (t *Tab) readContent(ctx context.Context) (content *setupContent, err error) {
	err = t.readWhole(ctx, nil, func() { content = &setupContent{blank: true} }, func(at int, c *cells) error {
		if at == t.header {
			content.header = c.values()
		}
		for column := range c.kinds {
			kind, _ := c.at(column)
			content.blank = content.blank && kind == cellEmpty
			if at > t.header && (kind == cellNumber || kind == cellTrue || kind == cellFalse) {
				content.add(column, at)
			}
		}
		return nil
	})
	return content, err
}

func (s *setupContent) add(column, row int) {
	for len(s.valued) <= column {
		s.valued = append(s.valued, nil)
	}
	rows := s.valued[column]
	if n := len(rows); n > 0 && rows[n-1].end == row {
		rows[n-1].end++
		return
	}
	s.valued[column] = append(rows, span{row, row + 1})
}

// setupRequests writes the headers of an empty tab and formats the text columns.
func (t *Tab) setupRequests(found *located, content *setupContent) []*api.Request {
	var requests []*api.Request
	header := content.header
	if content.blank {
		size := sizeOf(found.tab.Properties)
		if len(t.columns) > size.columns || t.header+2 > size.rows {
			grow := &api.GridProperties{RowCount: int64(max(size.rows, t.header+2)), ColumnCount: int64(max(size.columns, len(t.columns)))}
			requests = append(requests, &api.Request{UpdateSheetProperties: &api.UpdateSheetPropertiesRequest{Fields: "gridProperties(rowCount,columnCount)",
				Properties: &api.SheetProperties{SheetId: t.link.SheetID, GridProperties: grow, ForceSendFields: []string{"SheetId"}}}})
		}
		row := &api.RowData{}
		for i := range t.columns {
			name := t.name(i)
			header = append(header, name)
			row.Values = append(row.Values, &api.CellData{UserEnteredValue: &api.ExtendedValue{StringValue: &name}})
		}
		requests = append(requests, &api.Request{UpdateCells: &api.UpdateCellsRequest{Fields: "userEnteredValue",
			Start: coordinate(t.link.SheetID, t.header, 0), Rows: []*api.RowData{row}}})
	}
	l, err := t.layoutOf(header)
	if err != nil {
		return requests // the scan that follows says what is wrong with the headers
	}
	for i := range t.columns {
		if l.at[i] >= 0 && asText(t.columns[i].Type) {
			requests = append(requests, t.formatText(l.at[i], content)...)
		}
	}
	return requests
}

// formatText gives a column the format text below the header, but for cells that hold a number or a boolean.
func (t *Tab) formatText(column int, content *setupContent) []*api.Request {
	var requests []*api.Request
	format := func(rows span) {
		if rows.first < rows.end {
			requests = append(requests, &api.Request{RepeatCell: &api.RepeatCellRequest{Fields: "userEnteredFormat.numberFormat",
				Range: grid(t.link.SheetID, area{rows, span{column, column + 1}}),
				Cell:  &api.CellData{UserEnteredFormat: &api.CellFormat{NumberFormat: numberFormats[formatText]}}}})
		}
	}
	from := t.header + 1
	if column < len(content.valued) {
		for _, rows := range content.valued[column] {
			format(span{from, rows.first})
			from = rows.end
		}
	}
	format(span{from, endless})
	return requests
}
