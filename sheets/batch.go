package sheets

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

const (
	// batchBytes and batchRows bound one write; Google advises 2 MB a request.
	batchBytes = 1_800_000
	batchRows  = 5000
)

// Batch is what one atomic call is going to write, with all that is needed to judge where it landed: it can be stored as
// JSON before it is sent and settled by another process. It is made by Prepare and not changed afterwards.
type Batch struct {
	ID      string    `json:"id"`
	Header  int       `json:"header"`           // the header row, counted from 0
	Columns []heading `json:"columns"`          // the columns that the batch relies on
	Keys    []int     `json:"keys"`             // the key columns of the tab, in key order
	Width   int       `json:"width"`            // columns kept free for images of whole rows; our own cells begin behind them
	Rows    int       `json:"rows"`             // rows of the tab's grid when it was read
	End     int       `json:"end,omitempty"`    // the row after the last known one
	Tail    int       `json:"tail,omitempty"`   // from where to look for rows that were added
	Copied  bool      `json:"copied,omitempty"` // key cells hold formulas, so their results are copied instead
	Offset  int       `json:"offset,omitempty"` // how far below a row its image stands; only repairs have one
	Ops     []op      `json:"ops"`
	// Repairs of it that were sent, in their order. They stand in what is stored only.
	Repairs []Repair `json:"repairs,omitempty"`

	whole *Batch // where some ops are left out: the batch as it is stored
}

// heading is a column and the header that it must have.
type heading struct {
	At     int    `json:"at"`
	Header string `json:"header"`
}

// restore is the kind of an op that puts a row back which was deleted by accident; only repairs have it.
const restore tandem.ChangeKind = "RESTORE"

// op is one change in terms of cells.
type op struct {
	Kind     tandem.ChangeKind    `json:"kind"`
	Key      tandem.Key           `json:"key"`
	Row      int                  `json:"row"`                // counted from 0; where it went, for rows that were added
	KeyCells []*api.ExtendedValue `json:"keyCells,omitempty"` // what the key cells show
	Cells    []cell               `json:"cells,omitempty"`    // what is written; of a deletion, what is expected to go
	// Holds are cells that are not written, by which a row is told that has no key yet.
	Holds []cell `json:"holds,omitempty"`
	// Values is the row as it will be, by index of the linked column.
	Values map[int]tandem.Value `json:"values,omitempty"`
	// Unsent is set where Google had refused the op before the rest was sent.
	Unsent bool `json:"unsent,omitempty"`

	image  int    // restore: the row of the hidden tab that holds it
	moved  []move // restore: where its columns stand now
	undoes int    // repairs: the index of the stray that it undoes
	undid  *op    // repairs: the op that it undoes

	formulas []int          // restore: where its formulas stand now; Cells does not have them
	texts    map[int]string // restore: formulas that read otherwise where columns moved
}

// move copies columns of an image to where they stand now.
type move struct {
	from span
	to   int
}

// cell is one cell of an op.
type cell struct {
	At     int                `json:"at"`
	Old    *api.ExtendedValue `json:"old,omitempty"`
	New    *api.ExtendedValue `json:"new,omitempty"`
	Format format             `json:"format,omitempty"` // the number format that New needs and the cell does not have

	number *api.NumberFormat // repairs: the number format that was there, where Format replaced it
	unset  bool              // repairs: there was none
	paste  *place            // repairs: where the hidden tab holds the formula that was there
	text   string            // repairs: how that formula reads where columns moved; "" when it may be pasted as it is
}

type place struct{ row, column int }

// metadataID is what makes a batch take effect at most once: Google refuses a second piece of metadata with the same id.
func (b *Batch) metadataID() int64 {
	sum := sha256.Sum256([]byte("tandem/" + b.ID))
	return int64(binary.BigEndian.Uint32(sum[:4])&0x7fffffff | 1)
}

func (b *Batch) has(kind tandem.ChangeKind) bool {
	for i := range b.Ops {
		if b.Ops[i].Kind == kind {
			return true
		}
	}
	return false
}

// copied is which columns of an updated row are copied before it is written: those that the op is about, and one on either
// side, so that a column inserted or taken away before them does not hide the key.
func (b *Batch) copied(o *op) span {
	if b.Offset > 0 {
		return span{0, b.Width} // a repair that misses has to tell rows apart that it wrote over
	}
	s := span{slices.Min(b.Keys), slices.Max(b.Keys) + 1}
	for _, cell := range slices.Concat(o.Cells, o.Holds) {
		s = span{min(s.first, cell.At), max(s.end, cell.At+1)}
	}
	return span{max(s.first-1, 0), max(s.end, min(s.end+1, b.Width-spare))}
}

// stampColumn is the column of the hidden tab whose cell in the header row names the batch that the images belong to.
func (b *Batch) stampColumn() int { return b.Width }

// tailColumn is the column of the hidden tab that shows the n-th key column of the last rows.
func (b *Batch) tailColumn(n int) int { return b.Width + 1 + n }

// imageSize is how large the hidden tab has to be.
func (b *Batch) imageSize() gridSize {
	rows := max(b.Rows, b.Header+1)
	if b.has(tandem.Insert) {
		rows += len(b.Ops) + 1000 // people add rows too
	}
	return gridSize{rows + b.Offset, b.tailColumn(len(b.Keys))}
}

// Fits returns how many of the first changes go into one call: up to 5,000 rows and 1.8 MB.
func (t *Tab) Fits(changes []tandem.Change) int {
	size := 1000
	for n := range changes {
		size += t.size(&changes[n])
		if n == batchRows || n > 0 && size > batchBytes {
			return n
		}
	}
	return len(changes)
}

// size estimates from above how many bytes a change adds to a request.
func (t *Tab) size(change *tandem.Change) int {
	size := 700 // copying the row, and the two requests' own words
	if change.Kind == tandem.Insert {
		size = 60
	}
	for i, value := range change.After {
		size += len("{},")
		if i < len(t.columns) && !value.IsEmpty() && !value.IsAbsent() {
			size += len(`"userEnteredValue":{"numberValue":}`) + escapedLength(value.Text())
			if _, f, err := encode(value, &t.columns[i]); err == nil && f != "" {
				size += len(`,"userEnteredFormat":{"numberFormat":{"type":"DATE_TIME","pattern":"yyyy-mm-dd hh:mm:ss.000"}}`)
			}
		}
	}
	return size
}

// escapedLength is how long a text is as JSON.
func escapedLength(text string) int {
	n := len(text) + 2
	if strings.ContainsAny(text, "<>&\"\\\u2028\u2029") || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
		escaped, err := json.Marshal(text)
		if err == nil {
			return len(escaped)
		}
	}
	return n
}
