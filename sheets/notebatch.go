package sheets

import (
	"cmp"
	"crypto/rand"
	"slices"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// noteBatch is what one atomic call does to notes and colours, with all that is needed to judge where it landed. Values
// and other formats are never written.
type noteBatch struct {
	ID      string      `json:"id"`
	Headers []string    `json:"headers"` // the header row as it was read
	Width   int         `json:"width"`   // columns kept free for images
	Rows    int         `json:"rows"`    // of the tab's grid
	Ops     []noteOp    `json:"ops"`
	Notes   []keyedNote `json:"notes,omitempty"` // all that a write on a wrong cell may hit
}

// keyedNote is a note that stood in a column of the tab in the row of a key.
type keyedNote struct {
	Key    string `json:"key"` // its keyMark
	Column int    `json:"column"`
	Note   string `json:"note"`
}

// noteOp gives one cell a note, a colour, or both; nil leaves alone, "" is none.
type noteOp struct {
	Row    int     `json:"row"`
	At     int     `json:"at"`
	Note   *string `json:"note,omitempty"`
	Colour *string `json:"colour,omitempty"`
	// Key tells the row. Holds does where it has none that can be used: its linked cells, by index, errors left out.
	Key       tandem.Key           `json:"key,omitempty"`
	Holds     map[int]tandem.Value `json:"holds,omitempty"`
	WasNote   string               `json:"wasNote,omitempty"`
	WasColour string               `json:"wasColour,omitempty"`

	undoes int // of a batch that takes back: the index of the stray
}

// newNoteBatch makes a batch of ops on a tab as it was read.
func (t *Tab) newNoteBatch(found *notedRows, ops []noteOp) *noteBatch {
	slices.SortFunc(ops, func(x, y noteOp) int { // neighbours share a request
		return cmp.Or(x.At-y.At, x.Row-y.Row)
	})
	size, _ := t.sizes()
	return &noteBatch{ID: "notes/" + rand.Text(), Headers: found.layout.headers, Width: size.columns + spare, Rows: size.rows, Ops: ops}
}

// identify notes what tells the row of an op.
func (t *Tab) identify(o noteOp, found *notedRows, known *reading) noteOp {
	if o.Row == t.header {
		return o
	}
	row := found.rows[o.Row]
	if at, once := known.place(row.Key); row.Key != "" && once && at == o.Row {
		o.Key = row.Key
		return o
	}
	o.Holds = map[int]tandem.Value{}
	for i, value := range row.Values {
		if _, problem := row.Problems[i]; !problem && !value.IsAbsent() {
			o.Holds[i] = value
		}
	}
	return o
}

// is reports whether a row is the one that the op was meant for.
func (o *noteOp) is(row *tandem.Row) bool {
	if o.Key != "" {
		return row.Key == o.Key
	}
	for i, value := range o.Holds {
		if row.Values[i] != value {
			return false
		}
	}
	return true
}

// cover stands for the batch where the hidden tab is filled as for any write.
func (b *noteBatch) cover(header, keys int) *Batch {
	return &Batch{ID: b.ID, Header: header, Keys: make([]int, keys), Width: b.Width, Rows: b.Rows}
}

// noteRequests turns the batch into one call. Before anything is written, the rows concerned are copied to the hidden tab
// with their formats, and their values over these: formulas would show something else there.
func (t *Tab) noteRequests(b *noteBatch, image *imageTab, stale []string) *call {
	c := &call{batch: b.cover(t.header, len(t.keys)), sheet: t.link.SheetID}
	c.begin(t, image, stale)
	copyRows := func(rows span, ops []int) {
		n := len(c.of)
		for _, kind := range []string{"PASTE_NORMAL", "PASTE_VALUES"} {
			c.copyImage(area{rows, span{0, endless}}, kind)
		}
		for ; n < len(c.of); n++ {
			c.of[n] = ops // rows that are gone
		}
		c.show(area{rows, span{0, b.Width}})
	}
	header := span{t.header, t.header + 1}
	copyRows(header, nil)
	byRow, rows := map[int][]int{}, []int(nil)
	for i := range b.Ops {
		byRow[b.Ops[i].Row] = append(byRow[b.Ops[i].Row], i)
		if b.Ops[i].Row != t.header {
			rows = append(rows, b.Ops[i].Row)
		}
	}
	for _, run := range runs(rows, 1, endless) {
		var ops []int
		for row := run.first; row < run.end; row++ {
			ops = append(ops, byRow[row]...)
		}
		copyRows(run, ops)
	}
	stamp := &api.RowData{Values: []*api.CellData{{UserEnteredValue: &api.ExtendedValue{StringValue: &b.ID}}}}
	c.add(nil, &api.Request{UpdateCells: &api.UpdateCellsRequest{Fields: "userEnteredValue", Rows: []*api.RowData{stamp},
		Start: coordinate(c.image, t.header, c.batch.stampColumn())}})
	c.show(area{header, span{c.batch.stampColumn(), c.batch.stampColumn() + 1}})
	c.writeNotes(b.Ops)
	return c
}

// begin adds what proves that the batch took effect, and makes room for the images.
func (c *call) begin(t *Tab, image *imageTab, stale []string) {
	c.add(nil, createMetadata(c.batch.metadataID(), c.sheet, metadataValue(t.client.opt.Now())))
	for _, value := range stale {
		c.add(nil, &api.Request{DeleteDeveloperMetadata: &api.DeleteDeveloperMetadataRequest{DataFilter: &api.DataFilter{
			DeveloperMetadataLookup: &api.DeveloperMetadataLookup{MetadataKey: metadataKey, MetadataValue: value}}}})
	}
	if image == nil {
		image = &imageTab{id: imageID(t.link.SpreadsheetID), size: c.batch.imageSize()}
		c.add(nil, addImage(image)...)
	}
	c.image = image.id
	c.clearImages(image.size)
}

// writeNotes writes the cells; those below one another that are written alike share a request.
func (c *call) writeNotes(ops []noteOp) {
	for first := 0; first < len(ops); {
		end := first + 1
		for end < len(ops) && ops[end].below(&ops[end-1]) {
			end++
		}
		update := &api.UpdateCellsRequest{Fields: ops[first].fields(), Start: coordinate(c.sheet, ops[first].Row, ops[first].At)}
		var of []int
		for i := first; i < end; i++ {
			update.Rows = append(update.Rows, &api.RowData{Values: []*api.CellData{ops[i].cell()}})
			of = append(of, i)
		}
		c.add(of, &api.Request{UpdateCells: update})
		first = end
	}
}

func (o *noteOp) below(above *noteOp) bool {
	return o.At == above.At && o.Row == above.Row+1 && o.fields() == above.fields()
}

// fields is the field mask of what the op writes.
func (o *noteOp) fields() string {
	const note, colour = "note", "userEnteredFormat.backgroundColorStyle"
	switch {
	case o.Colour == nil:
		return note
	case o.Note == nil:
		return colour
	}
	return note + "," + colour
}

// cell is what the op writes; what its mask names and the cell lacks is cleared.
func (o *noteOp) cell() *api.CellData {
	cell := &api.CellData{}
	if o.Note != nil {
		cell.Note = *o.Note
	}
	if o.Colour != nil {
		if style := styleOf(*o.Colour); style != nil {
			cell.UserEnteredFormat = &api.CellFormat{BackgroundColorStyle: style}
		}
	}
	return cell
}
