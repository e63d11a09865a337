package engine

import (
	"context"
	"fmt"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// gatherAll looks at every row of both sides, in pages of the table's key order.
func (c *cycle) gatherAll(ctx context.Context, scan *tandem.Scan) error {
	sheet, blocked := index(scan)
	c.memo.blocked = blocked
	visited := make([]bool, len(scan.Rows))
	var matched, done int64
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
			if at, ok := sheet[row.Key]; ok {
				row.Sheet, visited[at] = scan.Rows[at].Values, true
			}
			if blocked[row.Key] {
				c.block(row.Key)
				continue
			}
			if c.lookalike(&row, scan) {
				continue
			}
			c.consider(row, scan)
		}
		if done += int64(len(page)); c.sync != nil {
			if err := c.sync.compared(ctx, done); err != nil {
				return err
			}
		}
	}
	if err := c.recordUnkeyed(ctx, scan); err != nil {
		return err
	}
	return c.gatherRest(ctx, scan, visited, matched)
}

// recordUnkeyed records that rows of the table were passed over because their key cannot stand in a cell.
func (c *cycle) recordUnkeyed(ctx context.Context, scan *tandem.Scan) error {
	n := c.table.Unkeyed()
	if c.sync != nil {
		c.sync.report.Counts.Refused += int64(n)
	}
	if n == c.memo.unkeyed || c.sync != nil && c.sync.request.ValidateOnly {
		return nil
	}
	c.memo.unkeyed = n
	return c.recordBad(ctx, scan)
}

// gatherRest looks at rows that the table did not show: rows of the sheet alone, and rows that both sides lost.
func (c *cycle) gatherRest(ctx context.Context, scan *tandem.Scan, visited []bool, matched int64) error {
	var rest []tandem.Key
	values := map[tandem.Key][]tandem.Value{}
	typed := c.memo.typed
	c.memo.typed = map[tandem.Key]typedRow{}
	flush := func() error {
		rows, err := c.load(ctx, rest, nil)
		if err != nil {
			return err
		}
		for _, key := range rest {
			row := rows[key]
			row.Sheet = values[key]
			if row.Base != nil && row.Database == nil {
				matched++
			}
			if c.sync == nil && c.stillTyped(row, typed, scan.Began) {
				c.unsettled = true
				continue
			}
			c.consider(*row, scan)
		}
		rest, values = rest[:0], map[tandem.Key][]tandem.Value{}
		return nil
	}
	for at := range scan.Rows {
		if visited[at] {
			continue
		}
		rest = append(rest, scan.Rows[at].Key)
		values[scan.Rows[at].Key] = scan.Rows[at].Values
		if len(rest) == pageRows {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	count, err := c.w.opt.Store.CountBaselines(ctx, c.link.ID)
	if err != nil {
		return fmt.Errorf("count baselines: %w", err)
	}
	if count <= matched {
		return nil
	}
	return c.gatherLost(ctx, scan)
}

// gatherLost looks at baselines whose rows are gone from both sides.
func (c *cycle) gatherLost(ctx context.Context, scan *tandem.Scan) error {
	sheet, blocked := index(scan)
	var lost []tandem.Key
	known := map[tandem.Key][]tandem.Value{}
	err := c.eachBaseline(ctx, func(base tandem.BaselineRow) {
		if _, ok := sheet[base.Key]; !ok && !blocked[base.Key] {
			lost = append(lost, base.Key)
			known[base.Key] = base.Values
		}
	})
	if err != nil {
		return err
	}
	rows, err := c.load(ctx, lost, known)
	if err != nil {
		return err
	}
	for _, key := range lost {
		if row := rows[key]; row.Database == nil {
			c.consider(*row, scan)
		}
	}
	return nil
}
