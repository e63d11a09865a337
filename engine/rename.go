package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// pairRenamed finds rows whose key was edited in the sheet. Such a row was lost since the last look, and a new one that is
// like it stands exactly where it stood then, counted from the rows above and below that are still the same. A row that was
// deleted and another one added elsewhere is no such pair: what the table keeps beside the link must not pass from one to
// the other. It returns the old key of each new one.
func (c *cycle) pairRenamed(ctx context.Context, lost, fresh []*reconcile.Row, scan *tandem.Scan) (map[tandem.Key]tandem.Key, error) {
	if len(lost) == 0 || len(fresh) == 0 || !c.keysMayChange() {
		return nil, nil
	}
	before, now := c.memo.order.keys(), c.order.keys()
	stoodAt, standsAt := placesIn(before, now)
	stood, stands := anchorsIn(before, standsAt), anchorsIn(now, stoodAt)
	gone := make(map[anchors]*reconcile.Row, len(lost))
	for _, row := range lost {
		if at, ok := stoodAt[row.Key]; ok && !c.approvedAny(row.Key) {
			gone[stood[at]] = row
		}
	}
	pairs := map[tandem.Key]tandem.Key{}
	for _, row := range fresh {
		place := stands[standsAt[row.Key]]
		old := gone[place]
		switch {
		case old == nil || !c.isLike(old.Base, row.Sheet):
		case place.below == "" && !c.distinctive(old.Base, row, scan):
			// At the end of the tab new rows are typed too.
		default:
			pairs[row.Key] = old.Key
		}
	}
	return pairs, c.pairAgain(ctx, lost, fresh, pairs)
}

// pairAgain keeps the pairs of an earlier look that wait: the table refused the new key, or the row is in conflict. The record
// of that tells them, in whatever process.
func (c *cycle) pairAgain(ctx context.Context, lost, fresh []*reconcile.Row, pairs map[tandem.Key]tandem.Key) error {
	var keys []tandem.Key
	waiting := map[tandem.Key]*reconcile.Row{}
	for _, old := range lost {
		if _, asked := c.asked[old.Key]; asked || c.inError[old.Key] {
			keys, waiting[old.Key] = append(keys, old.Key), old
		}
	}
	if len(keys) == 0 {
		return nil
	}
	errs, err := c.w.opt.Store.RowErrorsByKey(ctx, c.link.ID, keys)
	if err != nil {
		return fmt.Errorf("read row errors: %w", err)
	}
	for _, row := range fresh {
		if _, paired := pairs[row.Key]; paired {
			continue
		}
		at := slices.IndexFunc(keys, func(key tandem.Key) bool {
			old := waiting[key]
			return old != nil && c.isLike(old.Base, row.Sheet) && c.waitsAs(old, row, errs[key].Digest)
		})
		if at >= 0 {
			pairs[row.Key] = keys[at]
			waiting[keys[at]] = nil
		}
	}
	return nil
}

// waitsAs reports whether what is recorded of a lost row is about the new one: its error, or its conflict.
func (c *cycle) waitsAs(old, row *reconcile.Row, digest string) bool {
	if c.memo.renames[old.Key] == row.Key || digest == tandem.Digest(old.Database, row.Sheet) {
		return true
	}
	asked, ok := c.asked[old.Key]
	if !ok {
		return false
	}
	d := c.policy.Decide(reconcile.Row{Key: old.Key, Base: old.Base, Database: old.Database, Sheet: row.Sheet})
	return d.Conflict != nil && d.Conflict.Digest == asked.Digest
}

// anchors tell a place by the nearest rows above and below that both looks show, and how far off these are; "" is the edge.
type anchors struct {
	above, below tandem.Key
	up, down     int
}

// anchorsIn returns the anchors of each place of an order, by the keys that the other look shows too.
func anchorsIn(order []tandem.Key, known map[tandem.Key]int) []anchors {
	all := make([]anchors, len(order))
	last := -1
	for at, key := range order {
		if all[at].up = at - last; last >= 0 {
			all[at].above = order[last]
		}
		if _, ok := known[key]; ok {
			last = at
		}
	}
	last = len(order)
	for at := len(order) - 1; at >= 0; at-- {
		if all[at].down = last - at; last < len(order) {
			all[at].below = order[last]
		}
		if _, ok := known[order[at]]; ok {
			last = at
		}
	}
	return all
}

func placesIn(before, now []tandem.Key) (stoodAt, standsAt map[tandem.Key]int) {
	stoodAt, standsAt = make(map[tandem.Key]int, len(before)), make(map[tandem.Key]int, len(now))
	for i, key := range before {
		stoodAt[key] = i
	}
	for i, key := range now {
		standsAt[key] = i
	}
	return stoodAt, standsAt
}

// distinctive reports whether no other row of the sheet holds what the row does, and it holds all that the old one did.
func (c *cycle) distinctive(base []tandem.Value, row *reconcile.Row, scan *tandem.Scan) bool {
	if _, differ := c.likeness(base, row.Sheet); differ > 0 {
		return false
	}
	for i := range scan.Rows {
		if _, differ := c.likeness(base, scan.Rows[i].Values); differ == 0 && scan.Rows[i].Key != row.Key {
			return false
		}
	}
	return true
}

// keysMayChange reports whether an edit of a key cell in the sheet reaches the table.
func (c *cycle) keysMayChange() bool {
	others := false // a column beside the key that the sheet may change
	for i, column := range c.policy.Columns {
		setting := c.policy.Settings[i]
		sheetMay := setting.Owner != tandem.OwnerDatabase && setting.Owner != tandem.OwnerIgnored && setting.Paused == "" && !column.Generated
		if column.KeyPosition > 0 && !sheetMay {
			return false
		}
		others = others || column.KeyPosition == 0 && sheetMay
	}
	return others
}

// isLike reports whether two rows are the same beside their keys, in all cells or in all but one. Cells that are empty in
// both tell nothing.
func (c *cycle) isLike(a, b []tandem.Value) bool {
	same, differ := c.likeness(a, b)
	return differ == 0 && same > 0 || differ == 1 && same > 1
}

// likeness counts the cells beside the key that are the same in both rows, and different.
func (c *cycle) likeness(a, b []tandem.Value) (same, differ int) {
	for i := range c.policy.Columns {
		one, _ := a[i].Agreed()
		other, _ := b[i].Agreed()
		switch {
		case c.policy.Columns[i].KeyPosition > 0 || one.IsAbsent() || other.IsAbsent() || one.IsEmpty() && other.IsEmpty():
		case c.policy.Columns[i].Equal(one, other):
			same++
		default:
			differ++
		}
	}
	return same, differ
}

// rename takes the sheet's row of a new key for the row that had the old one.
func (c *cycle) rename(row *reconcile.Row, to tandem.Key, values []tandem.Value) {
	row.Sheet = values
	c.renames[row.Key] = to
	known := c.marks[row.Key]
	if known.sheet.Key == "" {
		known.sheet = c.marks[to].sheet
		c.marks[row.Key] = known
	}
}
