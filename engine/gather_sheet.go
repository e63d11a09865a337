package engine

import (
	"context"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// gatherScan looks at what a whole read of the tab shows. When a column flows again, the database is read whole too: either
// side may have changed it meanwhile, or begun anew with empty cells.
func (c *cycle) gatherScan(ctx context.Context, scan *tandem.Scan, keys []tandem.Key) error {
	if len(c.returned) > 0 {
		return c.gatherAll(ctx, scan)
	}
	return c.gatherSheet(ctx, scan, keys)
}

// gatherSheet looks at every row of the sheet that differs from the baseline, and at keys. The database is asked for
// those rows alone.
func (c *cycle) gatherSheet(ctx context.Context, scan *tandem.Scan, keys []tandem.Key) error {
	if scan.Same {
		return nil // it has no rows, and none is due: see nothingNew
	}
	if c.scanned != "" && c.scanned == c.memo.seen && len(keys) == 0 && !c.refusalDue() {
		return nil
	}
	look := make(map[tandem.Key]bool, len(keys)+len(c.inError))
	for _, key := range keys {
		look[key] = true
	}
	maps.Copy(look, c.inError)
	maps.Copy(look, c.memo.blocked)
	for key := range c.asked {
		look[key] = true
	}
	c.matchTyped(scan)
	s := newSight(scan)
	known := make(map[tandem.Key][]tandem.Value, len(look))
	err := c.eachBaseline(ctx, func(base tandem.BaselineRow) {
		at, ok := s.at[base.Key]
		if ok {
			s.visited[at] = true
		}
		if !ok || look[base.Key] || !c.policy.Same(base.Values, scan.Rows[at].Values) {
			look[base.Key] = true
			known[base.Key] = base.Values
		}
	})
	if err != nil {
		return err
	}
	lost := make([]tandem.Key, 0, len(known))
	for key := range known {
		if _, ok := s.at[key]; !ok {
			lost = append(lost, key)
		}
	}
	slices.Sort(lost)
	if err := c.respell(ctx, s, lost); err != nil {
		return err
	}
	for _, key := range s.fresh() {
		look[key] = true
	}
	if err := c.considerSheet(ctx, s, look, known); err != nil {
		return err
	}
	c.gatherTyped(scan)
	if err := c.recordBad(ctx, scan); err != nil {
		return err
	}
	c.keepHeld()
	c.unsettled = c.unsettled || c.memo.typing()
	c.memo.seen = ""
	if len(c.pending) == 0 && !c.hasTyped() && !c.unsettled {
		c.memo.seen = c.scanned
	}
	return nil
}

// considerSheet looks at rows of a whole read of the tab, by key.
func (c *cycle) considerSheet(ctx context.Context, s *sight, look map[tandem.Key]bool, known map[tandem.Key][]tandem.Value) error {
	list := slices.Sorted(maps.Keys(look))
	rows, err := c.load(ctx, list, known)
	if err != nil {
		return err
	}
	all := make([]*reconcile.Row, 0, len(list))
	for _, key := range list {
		row := rows[key]
		row.Sheet = s.values(key)
		if s.blocked[key] {
			c.block(row)
			continue
		}
		all = append(all, row)
	}
	return c.considerRows(ctx, all, s.scan)
}

// considerRows looks at rows among which some may have had their key edited in the sheet, or may still be typed.
func (c *cycle) considerRows(ctx context.Context, rows []*reconcile.Row, scan *tandem.Scan) error {
	c.order = newRowOrder(scan.Rows)
	typed := c.memo.typed
	c.memo.typed = map[tandem.Key]typedRow{}
	var lost, fresh []*reconcile.Row
	held := map[tandem.Key]bool{}
	for _, row := range rows {
		switch {
		case row.Base != nil && row.Sheet == nil && c.lookalike(row, scan):
			held[row.Key] = true
		case row.Base != nil && row.Sheet == nil:
			lost = append(lost, row)
		case row.Base == nil && row.Database == nil && row.Sheet != nil:
			fresh = append(fresh, row)
		}
	}
	pairs, err := c.pairRenamed(ctx, lost, fresh, scan)
	if err != nil {
		return err
	}
	edited := make(map[tandem.Key]*reconcile.Row, len(pairs))
	for _, row := range fresh {
		if old, ok := pairs[row.Key]; ok {
			edited[old], held[row.Key] = row, true
		}
	}
	for _, row := range rows {
		if to := edited[row.Key]; to != nil {
			c.rename(row, to.Key, to.Sheet)
		}
		if !held[row.Key] && !c.stillTyped(row, typed, scan.Began) {
			c.consider(*row, scan)
		}
	}
	return nil
}
