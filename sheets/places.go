package sheets

import (
	"context"
	"fmt"
	"slices"
	"strings"

	api "google.golang.org/api/sheets/v4"

	"github.com/tandem-sync/tandem"
)

// placeAdded finds out where new rows went: from the images of the last rows or, where people moved them out of sight,
// from the tab. Rows that are nowhere keep the place -1.
func (t *Tab) placeAdded(ctx context.Context, b *Batch, images *gridCells, astray map[int]bool) error {
	places := b.added(images)
	var lost []tandem.Key
	for i := range b.Ops {
		if o := &b.Ops[i]; o.Kind == tandem.Insert && !astray[i] {
			o.Row = -1
			if at := places[o.Key]; len(at) > 0 {
				o.Row = at[len(at)-1]
			} else {
				lost = append(lost, o.Key)
			}
		}
	}
	if len(lost) == 0 {
		return nil
	}
	scan, err := t.Find(ctx, lost)
	if err != nil {
		return err
	}
	found := map[tandem.Key]int{}
	for i := range scan.Rows {
		found[scan.Rows[i].Key] = scan.Rows[i].Position
	}
	for i := range b.Ops {
		if o := &b.Ops[i]; o.Kind == tandem.Insert && !astray[i] && o.Row < 0 {
			o.Row = found[o.Key] - 1
		}
	}
	return nil
}

// follow moves what is remembered of the rows' places along with the batch.
func (t *Tab) follow(b *Batch) {
	r := t.remembered()
	if r == nil {
		return
	}
	var gone []int
	left := map[keyMark]bool{} // keys that stand elsewhere now, or nowhere
	changed := false
	for i := range b.Ops {
		o := &b.Ops[i]
		switch key := t.writtenKey(o); {
		case o.Kind == tandem.Delete:
			gone = append(gone, o.Row)
			changed = true
		case o.Kind == tandem.Insert:
			left[markOf(o.Key)], changed = true, true
		case o.Kind != tandem.Update:
			changed = true
		case key != o.Key:
			left[markOf(o.Key)], left[markOf(key)], changed = true, true, true
		}
	}
	if !changed {
		return
	}
	slices.Sort(gone)
	next := &reading{at: r.at, layout: r.layout, end: r.end - len(gone), places: make(keyPlaces, 0, len(r.places)+len(b.Ops))}
	for _, at := range r.places {
		n, deleted := slices.BinarySearch(gone, int(at.row))
		if !deleted && (len(left) == 0 || !left[at.mark()]) {
			at.row -= int32(n)
			next.places = append(next.places, at)
		}
	}
	for i := range b.Ops {
		o := &b.Ops[i]
		switch {
		case o.Kind == tandem.Insert && o.Row < 0:
			t.forget() // nobody knows where it went
			return
		case o.Kind == tandem.Insert:
			next.places = append(next.places, placed(markOf(o.Key), o.Row))
			next.end = max(next.end, o.Row+1)
		case o.Kind == tandem.Update:
			if key := t.writtenKey(o); key != o.Key {
				n, _ := slices.BinarySearch(gone, o.Row)
				next.places = append(next.places, placed(markOf(key), o.Row-n))
			}
		}
	}
	next.places = sortPlaces(next.places)
	t.remember(next)
}

// writtenKey is the key of an op's row once it is written, "" for one that is deleted.
func (t *Tab) writtenKey(o *op) tandem.Key {
	if row := t.rowOf(o); row != nil {
		return row.Key
	}
	return ""
}

// added returns where the keys of new rows stand among the last rows, in the order of the sheet.
func (b *Batch) added(images *gridCells) map[tandem.Key][]int {
	if !b.has(tandem.Insert) {
		return nil
	}
	wanted := map[string]tandem.Key{}
	for i := range b.Ops {
		if b.Ops[i].Kind == tandem.Insert {
			wanted[signature(b.Ops[i].KeyCells)] = b.Ops[i].Key
		}
	}
	found := map[tandem.Key][]int{}
	byRow := images.index()
	for row := b.Tail; row < images.end()-b.Offset; row++ {
		parts := gridCells{parts: byRow[row+b.Offset]}
		cells := make([]*api.ExtendedValue, len(b.Keys))
		for n := range b.Keys {
			cells[n] = shownValue(parts.cell(row+b.Offset, b.tailColumn(n)))
		}
		if key, ok := wanted[signature(cells)]; ok {
			found[key] = append(found[key], row)
		}
	}
	return found
}

// signature makes the contents of cells comparable as a map key.
func signature(cells []*api.ExtendedValue) string {
	var text strings.Builder
	for _, c := range cells {
		c = orEmpty(c)
		switch {
		case c.FormulaValue != nil:
			fmt.Fprintf(&text, "f%q", *c.FormulaValue)
		case c.NumberValue != nil:
			fmt.Fprintf(&text, "n%.15g", *c.NumberValue)
		case c.BoolValue != nil:
			fmt.Fprintf(&text, "b%t", *c.BoolValue)
		case c.ErrorValue != nil:
			fmt.Fprintf(&text, "e%s", c.ErrorValue.Type)
		default:
			fmt.Fprintf(&text, "s%q", stringOf(c))
		}
		text.WriteByte(';')
	}
	return text.String()
}
