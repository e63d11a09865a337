package sheets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"time"

	"google.golang.org/api/googleapi"
	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// Sample is the first rows of a tab, read before it is known which of its columns will be linked.
type Sample struct {
	// Spreadsheet has all tabs; only the one that was read has headers.
	Spreadsheet *tandem.Spreadsheet

	client       *Client
	began, ended time.Time
	tab          *tandem.TabInfo   // nil when the spreadsheet has no such tab
	first, next  int               // the first row that was read and the first that is not of the sample, counted from 0
	cells        [][]*api.CellData // of the rows from the one to the other, which tells in most cases that there are more
}

// sampleCells is how many cells a sample holds below the header row, and above it at most. Each takes some hundred bytes.
const sampleCells = 200_000

const sampleFields = googleapi.Field("sheets(properties(sheetId),data(startRow,rowData(values(effectiveValue,formattedValue))))")

// Sample reads a spreadsheet's tabs, and of the one with a title the rows down to so many below its header row, which is counted
// from 1; of a wide tab fewer. It makes two calls, one where there is no such tab, and writes nothing.
func (c *Client) Sample(ctx context.Context, id, title string, headerRow, rows int) (*Sample, error) {
	answer, err := c.service.Spreadsheets.Get(id).Fields("properties(title,locale,timeZone)", sheetFields).Context(ctx).Do()
	if err != nil {
		return nil, c.translate(err, "read spreadsheet %s", id)
	}
	s := &Sample{client: c, began: c.opt.Now(), Spreadsheet: spreadsheetOf(id, answer)}
	for i := range s.Spreadsheet.Tabs {
		if s.Spreadsheet.Tabs[i].Title == title {
			s.tab = &s.Spreadsheet.Tabs[i]
		}
	}
	if s.tab == nil || s.tab.Rows < int64(headerRow) {
		return s, nil
	}
	rows = min(rows, max(1, sampleCells/max(1, int(s.tab.Columns))))
	s.first, s.next = max(0, headerRow-1-rows), min(headerRow+rows, int(s.tab.Rows))
	if err := s.read(ctx); err != nil {
		return nil, err
	}
	for _, cell := range s.row(headerRow - 1) {
		s.tab.Headers = append(s.tab.Headers, headerText(plainCell(cell)))
	}
	return s, nil
}

// spreadsheetOf returns what an answer says of a spreadsheet's tabs, but for their headers. Our own hidden tab is left out.
func spreadsheetOf(id string, answer *api.Spreadsheet) *tandem.Spreadsheet {
	sheet := &tandem.Spreadsheet{ID: id}
	if p := answer.Properties; p != nil {
		sheet.Title, sheet.Locale, sheet.TimeZone = p.Title, p.Locale, p.TimeZone
	}
	for _, s := range answer.Sheets {
		if s.Properties.Title != imageTitle && s.Properties.GridProperties != nil {
			sheet.Tabs = append(sheet.Tabs, tabInfo(s.Properties))
		}
	}
	return sheet
}

// read reads the rows of the sample, and the one below, in one call, with what people see in them.
func (s *Sample) read(ctx context.Context) error {
	block := area{span{s.first, min(s.next+1, int(s.tab.Rows))}, span{0, int(s.tab.Columns)}}.in(s.tab.Title)
	answer, err := s.client.service.Spreadsheets.Get(s.Spreadsheet.ID).Ranges(block).Fields(sampleFields).Context(ctx).Do()
	s.ended = s.client.opt.Now()
	var sheet *api.Sheet
	if err == nil {
		sheet = sheetByID(answer, s.tab.SheetID)
	}
	if isUnknownRange(err) || err == nil && sheet == nil {
		return s.moved()
	}
	if err != nil {
		return s.client.translate(err, "read tab %q", s.tab.Title)
	}
	for _, part := range sheet.Data {
		for at, row := range part.RowData {
			for at += int(part.StartRow) - s.first; len(s.cells) <= at; {
				s.cells = append(s.cells, nil)
			}
			s.cells[at] = row.Values
		}
	}
	return nil
}

func (s *Sample) moved() error {
	return tandem.Errorf(tandem.CodeUnavailable, "TAB_RENAMED", "the tab %q was renamed, or became smaller, while it was read; try again", s.tab.Title)
}

// Blank reports whether nothing stands in the rows that were read, or there is no such tab.
func (s *Sample) Blank() bool {
	for _, row := range s.cells {
		for _, cell := range row {
			if value := plainCell(cell); value != nil && value != "" {
				return false
			}
		}
	}
	return true
}

// For returns the rows as the tab of a link, whose columns it takes as Client.Open does. Where the tab goes on below the sample, and
// its next row is empty, it takes one call to find out whether another one holds anything; nothing is read beyond the first that
// does. An empty tab has no rows.
func (s *Sample) For(ctx context.Context, link *tandem.Link, columns []tandem.Column) (*tandem.Sample, error) {
	sample := &tandem.Sample{Scan: &Scan{Began: s.began, Ended: s.ended, Whole: true}, Complete: true, Checks: make([]tandem.ColumnCheck, len(columns))}
	if s.Blank() {
		return sample, nil
	}
	t := newTab(s.client, link, columns, &memory{title: s.tab.Title})
	l, err := t.layoutOf(plainCells(s.row(t.header)))
	if err != nil {
		return nil, err
	}
	var lines []line
	for at := t.header + 1; at < s.next; at++ {
		if cells := t.cellsOf(l, s.row(at)); l.holdsAnyOf(cells) {
			lines = append(lines, line{at, cells})
		}
	}
	found := t.sortOut(l, lines)
	sample.Scan.Rows, sample.Scan.Bad = found.rows, found.bad
	sample.Scan.Missing, sample.Scan.Title = l.missing, s.tab.Title
	s.check(t, l, sample)
	if below := t.cellsOf(l, s.row(s.next)); l.holdsAnyOf(below) && !l.isUnticked(below) {
		sample.Complete = false
	} else if s.next+1 < int(s.tab.Rows) {
		sample.Complete, err = s.endsHere(ctx, t, l)
	}
	return sample, err
}

// row returns the cells of a row, counted from 0.
func (s *Sample) row(at int) []*api.CellData {
	if at -= s.first; at < len(s.cells) {
		return s.cells[at]
	}
	return nil
}

func plainCells(row []*api.CellData) []any {
	cells := make([]any, len(row))
	for i := range row {
		cells[i] = plainCell(row[i])
	}
	return cells
}

// cellsOf returns a row as it is decoded: a number or a boolean in a text column goes with what people see of it.
func (t *Tab) cellsOf(l *layout, row []*api.CellData) []any {
	cells := plainCells(row)
	for i, at := range l.at {
		if at < 0 || at >= len(cells) || !isPlain(&t.columns[i]) {
			continue
		}
		switch value := cells[at].(type) {
		case float64, bool:
			cells[at] = shownCell{value, row[at].FormattedValue}
		}
	}
	return cells
}

// holdsAnyOf is holdsAny for a row in values of its own.
func (l *layout) holdsAnyOf(cells []any) bool {
	for i := range l.at {
		if cell := l.cell(cells, i); cell != nil && cell != "" {
			return true
		}
	}
	return false
}

var errMore = errors.New("a row that holds something")

// endsHere reports whether no row below those that were read holds anything in a linked column.
func (s *Sample) endsHere(ctx context.Context, t *Tab, l *layout) (bool, error) {
	builder := newRowBuilder(t, l)
	below := fmt.Sprintf("%s!%d:%d", quoteTitle(s.tab.Title), s.next+2, s.tab.Rows)
	err := t.readValues(ctx, "v4/spreadsheets/{spreadsheetId}/values/{range}", map[string]string{"range": below}, url.Values{}, func(body io.Reader) error {
		return scanValues(body, func(_ int, c *cells) error {
			if !l.holdsAny(c) || l.onlyUnticked(c, builder) && t.keysEmpty(c, l) {
				return nil
			}
			return errMore
		})
	})
	switch {
	case errors.Is(err, errMore):
		return false, nil
	case isUnknownRange(err):
		return false, s.moved()
	case err != nil:
		return false, s.client.translate(err, "read tab %q", s.tab.Title)
	}
	return true, nil
}
