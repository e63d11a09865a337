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
	next := &reading{at: r.at, layout: r.layout, places: r.places, doubled: r.doubled, end: r.end}
	changed := false
	for i := range b.Ops {
		if b.Ops[i].Kind == tandem.Delete {
			gone = append(gone, b.Ops[i].Row)
		}
		changed = changed || b.Ops[i].Kind != tandem.Update || t.rowOf(&b.Ops[i]).Key != b.Ops[i].Key
	}
	if !changed {
		return
	}
	slices.Sort(gone)
	next.places = make(map[tandem.Key]int, len(r.places)+len(b.Ops))
	for key, at := range r.places {
		n, deleted := slices.BinarySearch(gone, at)
		if !deleted {
			next.places[key] = at - n
		}
	}
	next.end -= len(gone)
	for i := range b.Ops {
		o := &b.Ops[i]
		switch {
		case o.Kind == tandem.Insert && o.Row < 0:
			t.forget() // nobody knows where it went
			return
		case o.Kind == tandem.Insert:
			next.places[o.Key] = o.Row
			next.end = max(next.end, o.Row+1)
		case o.Kind == tandem.Update:
			if key := t.rowOf(o).Key; key != o.Key {
				n, _ := slices.BinarySearch(gone, o.Row)
				next.places[key] = o.Row - n
				delete(next.places, o.Key)
			}
		}
	}
	if len(r.doubled) > 0 && len(gone) > 0 {
		t.forget()
		return
	}
	t.remember(next)
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
