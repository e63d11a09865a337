package sheets

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

const (
	// metadataKey names the developer metadata of batches. Its value is the ten minutes in which the batch was sent, so
	// that old ones can be told and removed; a batch that must never take effect has burnt after it. Both are short
	// because a tab holds 30,000 characters of metadata.
	metadataKey    = "tandem"
	burnt          = "!" // no digit of a period
	metadataPeriod = 10 * time.Minute
	metadataAge    = time.Hour
)

func metadataValue(now time.Time) string {
	return strconv.FormatInt(now.Unix()/int64(metadataPeriod/time.Second), 36)
}

// isStale reports whether operation metadata is over an hour old, so that no answer is awaited any more.
func isStale(value string, now time.Time) bool {
	if n := len(value); n > 0 && value[n-1:] == burnt {
		value = value[:n-1]
	}
	period, err := strconv.ParseInt(value, 36, 64)
	if err != nil {
		return false
	}
	end := time.Unix((period+1)*int64(metadataPeriod/time.Second), 0)
	return now.Sub(end) >= metadataAge
}

// staleValues returns the values of operation metadata that is old enough to be removed, up to a day's worth.
func staleValues(all []*api.DeveloperMetadata, now time.Time) []string {
	var values []string
	for _, m := range all {
		if m.MetadataKey == metadataKey && len(values) < 144 && isStale(m.MetadataValue, now) && !slices.Contains(values, m.MetadataValue) {
			values = append(values, m.MetadataValue)
		}
	}
	return values
}

func createMetadata(id, sheet int64, value string) *api.Request {
	location := &api.DeveloperMetadataLocation{SheetId: sheet, ForceSendFields: []string{"SheetId"}}
	return &api.Request{CreateDeveloperMetadata: &api.CreateDeveloperMetadataRequest{DeveloperMetadata: &api.DeveloperMetadata{
		MetadataId: id, MetadataKey: metadataKey, MetadataValue: value, Visibility: "DOCUMENT", Location: location}}}
}

// call is a batch as one call of the API.
type call struct {
	batch    *Batch
	sheet    int64
	image    int64
	requests []*api.Request
	of       [][]int // by request: which ops it carries out; nil for our own bookkeeping
	ranges   []string
}

// requests turns a batch into one call: first what proves it, then the copies of what it overwrites, then the writes.
// alone names ops that share no request with others.
func (t *Tab) requests(b *Batch, image *imageTab, stale []string, alone map[int]bool) *call {
	c := &call{batch: b, sheet: t.link.SheetID}
	c.add(nil, createMetadata(b.metadataID(), c.sheet, metadataValue(t.client.opt.Now())))
	for _, value := range stale {
		c.add(nil, &api.Request{DeleteDeveloperMetadata: &api.DeleteDeveloperMetadataRequest{DataFilter: &api.DataFilter{
			DeveloperMetadataLookup: &api.DeveloperMetadataLookup{MetadataKey: metadataKey, MetadataValue: value}}}})
	}
	if image == nil {
		image = &imageTab{id: imageID(t.link.SpreadsheetID), size: b.imageSize()}
		c.add(nil, addImage(image)...)
	}
	c.image = image.id
	c.clearImages(image.size)
	c.copyImages()
	c.writeCells(alone)
	c.deleteRows()
	c.appendRows()
	c.restoreRows()
	c.showTail()
	return c
}

func (c *call) add(ops []int, requests ...*api.Request) {
	for _, r := range requests {
		c.requests = append(c.requests, r)
		c.of = append(c.of, ops)
	}
}

// grid names a block of a tab. An endless side is left open.
func grid(sheet int64, a area) *api.GridRange {
	r := &api.GridRange{SheetId: sheet, StartRowIndex: int64(a.rows.first), StartColumnIndex: int64(a.columns.first), ForceSendFields: []string{"SheetId"}}
	if a.rows.end != endless {
		r.EndRowIndex = int64(a.rows.end)
	}
	if a.columns.end != endless {
		r.EndColumnIndex = int64(a.columns.end)
	}
	return r
}

// clearImages makes the hidden tab large enough and empties the part that the batch uses.
func (c *call) clearImages(have gridSize) {
	need := c.batch.imageSize()
	c.grow("ROWS", need.rows-have.rows)
	c.grow("COLUMNS", need.columns-have.columns)
	whole := grid(c.image, area{span{c.batch.Offset, endless}, span{0, endless}})
	c.add(nil, &api.Request{UnmergeCells: &api.UnmergeCellsRequest{Range: whole}},
		&api.Request{UpdateCells: &api.UpdateCellsRequest{Range: whole, Fields: "*"}})
}

// grow makes the hidden tab larger by so many rows or columns. Its size is never set: other processes, and other links of the
// spreadsheet, may have made it larger than is known here.
func (c *call) grow(dimension string, by int) {
	if by > 0 {
		c.add(nil, &api.Request{AppendDimension: &api.AppendDimensionRequest{SheetId: c.image, Dimension: dimension, Length: int64(by)}})
	}
}

// copyImages copies what is about to be written over to the hidden tab, each cell to the same place, so that the text of
// formulas stays. The answer shows nothing but these copies.
func (c *call) copyImages() {
	b := c.batch
	header := area{span{b.Header, b.Header + 1}, span{0, endless}}
	c.copyImage(header, "PASTE_NORMAL")
	c.show(area{header.rows, span{0, b.Width + 1}})
	var written, deleted []int
	columns := map[int]span{}
	for i := range b.Ops {
		o := &b.Ops[i]
		switch o.Kind {
		case tandem.Update:
			written = append(written, o.Row)
			s := b.copied(o)
			if other, ok := columns[o.Row]; ok {
				s = span{min(s.first, other.first), max(s.end, other.end)}
			}
			columns[o.Row] = s
		case tandem.Delete:
			deleted = append(deleted, o.Row)
		}
	}
	for _, run := range runs(written, 1, endless) {
		s := columns[run.first]
		for row := run.first; row < run.end; row++ {
			if other, ok := columns[row]; ok {
				s = span{min(s.first, other.first), max(s.end, other.end)}
			}
		}
		c.copyImage(area{run, s}, "PASTE_NORMAL")
		c.copyKeys(run)
		c.show(area{run, s})
	}
	for _, run := range runs(deleted, 0, endless) {
		c.copyImage(area{run, span{0, endless}}, "PASTE_NORMAL")
		c.copyKeys(run)
		c.show(area{run, span{0, b.Width}})
	}
	stamp := &api.RowData{Values: []*api.CellData{{UserEnteredValue: &api.ExtendedValue{StringValue: &b.ID}}}}
	c.add(nil, &api.Request{UpdateCells: &api.UpdateCellsRequest{Fields: "userEnteredValue", Rows: []*api.RowData{stamp},
		Start: coordinate(c.image, b.Header+b.Offset, b.stampColumn())}})
}

// copyKeys copies the results of key cells that are formulas: copied as formulas they would give something else.
func (c *call) copyKeys(rows span) {
	if !c.batch.Copied {
		return
	}
	for _, at := range c.batch.Keys {
		c.copyImage(area{rows, span{at, at + 1}}, "PASTE_VALUES")
	}
}

func (c *call) copyImage(source area, kind string) {
	if source.columns.end == c.batch.Width {
		source.columns.end = endless // the tab is narrower
	}
	to := area{span{source.rows.first + c.batch.Offset, source.rows.first + c.batch.Offset + 1}, span{source.columns.first, source.columns.first + 1}}
	c.add(nil, &api.Request{CopyPaste: &api.CopyPasteRequest{Source: grid(c.sheet, source), Destination: grid(c.image, to), PasteType: kind}})
}

// show asks for the images of an area in the answer.
func (c *call) show(a area) {
	a.rows.first += c.batch.Offset
	if a.rows.end != endless {
		a.rows.end += c.batch.Offset
	}
	c.ranges = append(c.ranges, a.in(imageTitle))
}

func coordinate(sheet int64, row, column int) *api.GridCoordinate {
	return &api.GridCoordinate{SheetId: sheet, RowIndex: int64(row), ColumnIndex: int64(column), ForceSendFields: []string{"SheetId"}}
}

// deleteRows deletes from the bottom up, so that no deletion moves a row that is still to go.
func (c *call) deleteRows() {
	byRow, rows := map[int]int{}, []int(nil)
	for i := range c.batch.Ops {
		if c.batch.Ops[i].Kind == tandem.Delete {
			byRow[c.batch.Ops[i].Row] = i
			rows = append(rows, c.batch.Ops[i].Row)
		}
	}
	if len(rows) > 0 && len(rows) >= c.batch.Rows-c.batch.Header-1 {
		// A sheet does not give away its last row below the frozen ones.
		c.add(nil, &api.Request{AppendDimension: &api.AppendDimensionRequest{SheetId: c.sheet, Dimension: "ROWS", Length: 1, ForceSendFields: []string{"SheetId"}}})
	}
	blocks := runs(rows, 0, endless)
	slices.Reverse(blocks)
	for _, block := range blocks {
		var ops []int
		for row := block.first; row < block.end; row++ {
			ops = append(ops, byRow[row])
		}
		c.add(ops, &api.Request{DeleteDimension: &api.DeleteDimensionRequest{Range: dimension(c.sheet, block)}})
	}
}

func dimension(sheet int64, rows span) *api.DimensionRange {
	return &api.DimensionRange{SheetId: sheet, Dimension: "ROWS", StartIndex: int64(rows.first), EndIndex: int64(rows.end),
		ForceSendFields: []string{"SheetId", "StartIndex", "EndIndex"}}
}

// showTail copies the key cells of the last rows, so that the answer tells where new rows went, and whether somebody else
// added the same key.
func (c *call) showTail() {
	if !c.batch.has(tandem.Insert) {
		return
	}
	for n, at := range c.batch.Keys {
		source := area{span{c.batch.Tail, endless}, span{at, at + 1}}
		to := area{span{c.batch.Tail + c.batch.Offset, c.batch.Tail + c.batch.Offset + 1}, span{c.batch.tailColumn(n), c.batch.tailColumn(n) + 1}}
		c.add(nil, &api.Request{CopyPaste: &api.CopyPasteRequest{Source: grid(c.sheet, source), Destination: grid(c.image, to), PasteType: "PASTE_VALUES"}})
		c.show(area{source.rows, to.columns})
	}
}

// imageID is the hidden tab's id within a spreadsheet when we make it.
func imageID(spreadsheet string) int64 {
	return (&Batch{ID: imageTitle + "/" + spreadsheet}).metadataID()
}

// addImage makes the hidden tab, protected from everyone but us.
func addImage(image *imageTab) []*api.Request {
	return []*api.Request{
		{AddSheet: &api.AddSheetRequest{Properties: &api.SheetProperties{SheetId: image.id, Title: imageTitle, Hidden: true,
			GridProperties: &api.GridProperties{RowCount: int64(image.size.rows), ColumnCount: int64(image.size.columns)}}}},
		{AddProtectedRange: &api.AddProtectedRangeRequest{ProtectedRange: &api.ProtectedRange{Range: &api.GridRange{SheetId: image.id},
			Description: fmt.Sprintf("Tandem keeps here what it is about to write over. The tab %s may be deleted when Tandem is no longer used.", imageTitle)}}},
	}
}
