package engine

import (
	"context"
	"fmt"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// gatherAll looks at every row of both sides, in pages of the table's key order. Rows of the table that the tab does not
// show under their key wait until all were read: their key may have been edited there, or be spelled otherwise.
func (c *cycle) gatherAll(ctx context.Context, scan *tandem.Scan) error {
	c.matchTyped(scan)
	s := newSight(scan)
	folds, keyless := c.table.Folds(), c.sync != nil && c.anyKeyless(scan)
	var absent []*reconcile.Row
	var matched int64
	for after, more := tandem.Key(""), true; more; {
		page, err := c.table.Scan(ctx, after, pageRows)
		if err != nil {
			return fmt.Errorf("read table %q: %w", c.link.Table, err)
		}
		if more = len(page) == pageRows; len(page) == 0 {
			break
		}
		after = page[len(page)-1].Key
		keys := make([]tandem.Key, len(page))
		for i := range page {
			keys[i] = page[i].Key
		}
		base, err := c.w.opt.Store.Baselines(ctx, &c.link, keys)
		if err != nil {
			return fmt.Errorf("read baselines: %w", err)
		}
		matched += int64(len(base))
		for i := range page {
			row := reconcile.Row{Key: page[i].Key, Base: base[page[i].Key], Database: page[i].Values, DatabaseTime: page[i].Updated}
			if at, ok := s.at[row.Key]; ok {
				row.Sheet, s.visited[at] = scan.Rows[at].Values, true
			}
			switch {
			case s.blocked[row.Key]:
				c.block(&row)
			case row.Sheet == nil && (row.Base != nil || folds || keyless):
				absent = append(absent, &row)
			default:
				c.consider(row, scan)
			}
		}
		if c.sync != nil {
			if err := c.sync.adoptEarly(ctx); err != nil {
				return err
			}
			if err := c.sync.compared(ctx, len(page)); err != nil {
				return err
			}
		}
	}
	if folds {
		if err := c.respellAll(ctx, s); err != nil {
			return err
		}
	}
	return c.gatherRest(ctx, s, absent, matched)
}

// recordUnkeyed records the unusable rows of the sheet, and that rows of the table were passed over because their key
// cannot stand in a cell.
func (c *cycle) recordUnkeyed(ctx context.Context, scan *tandem.Scan) error {
	c.memo.unkeyed = c.table.Unkeyed()
	if c.sync != nil {
		c.sync.report.Counts.Refused += int64(c.memo.unkeyed)
	}
	return c.recordBad(ctx, scan)
}

// gatherRest looks at what the pages left: rows that only one side shows, rows without a key, and rows that both sides lost.
func (c *cycle) gatherRest(ctx context.Context, s *sight, absent []*reconcile.Row, matched int64) error {
	scan := s.scan
	rows := make([]*reconcile.Row, 0, len(absent))
	for _, row := range absent {
		if at, ok := s.at[row.Key]; ok {
			row.Sheet, s.visited[at] = scan.Rows[at].Values, true
		}
		if s.blocked[row.Key] {
			c.block(row)
			continue
		}
		rows = append(rows, row)
	}
	if c.sync != nil {
		rows = c.matchKeyless(rows, scan)
	}
	fresh := s.fresh()
	loaded, err := c.load(ctx, fresh, nil)
	if err != nil {
		return err
	}
	for _, key := range fresh {
		row := loaded[key]
		row.Sheet = s.values(key)
		if row.Base != nil && row.Database == nil {
			matched++
		}
		rows = append(rows, row)
	}
	count, err := c.w.opt.Store.CountBaselines(ctx, c.link.ID)
	if err != nil {
		return fmt.Errorf("count baselines: %w", err)
	}
	if c.sync != nil {
		matched += c.sync.adopted
	}
	if count > matched {
		lost, err := c.lostRows(ctx, s)
		if err != nil {
			return err
		}
		rows = append(rows, lost...)
	}
	if err := c.considerRows(ctx, rows, scan); err != nil {
		return err
	}
	if c.sync != nil {
		if err := c.sync.adoptEarly(ctx); err != nil {
			return err
		}
	}
	c.keepHeld()
	c.gatherTyped(scan)
	c.unsettled = c.unsettled || c.memo.typing()
	return c.recordUnkeyed(ctx, scan)
}

// lostRows returns the rows that both sides knew and neither shows any more.
func (c *cycle) lostRows(ctx context.Context, s *sight) ([]*reconcile.Row, error) {
	var lost []tandem.Key
	known := map[tandem.Key][]tandem.Value{}
	err := c.eachBaseline(ctx, func(base tandem.BaselineRow) {
		if _, ok := s.at[base.Key]; !ok && !s.blocked[base.Key] {
			lost = append(lost, base.Key)
			known[base.Key] = base.Values
		}
	})
	if err != nil {
		return nil, err
	}
	rows, err := c.load(ctx, lost, known)
	if err != nil {
		return nil, err
	}
	var gone []*reconcile.Row
	for _, key := range lost {
		if row := rows[key]; row.Database == nil {
			gone = append(gone, row)
		}
	}
	return gone, nil
}
