package engine

import (
	"context"
	"fmt"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

func (c *cycle) eachBaseline(ctx context.Context, visit func(tandem.BaselineRow)) error {
	for after, more := tandem.Key(""), true; more; {
		page, err := c.w.opt.Store.ScanBaselines(ctx, &c.link, after, pageRows)
		if err != nil {
			return fmt.Errorf("read baselines: %w", err)
		}
		for _, base := range page {
			visit(base)
			after = base.Key
		}
		more = len(page) == pageRows
	}
	return nil
}

// load reads the database's rows and the baselines of keys, a page at a time; known baselines are not read again.
func (c *cycle) load(ctx context.Context, keys []tandem.Key, known map[tandem.Key][]tandem.Value) (map[tandem.Key]*reconcile.Row, error) {
	rows := make(map[tandem.Key]*reconcile.Row, len(keys))
	if c.sync != nil {
		c.sync.operation.Progress.RowsTotal += int64(len(keys))
	}
	for start := 0; start < len(keys); start += pageRows {
		page := keys[start:min(start+pageRows, len(keys))]
		var ask []tandem.Key
		for _, key := range page {
			rows[key] = &reconcile.Row{Key: key, Base: known[key]}
			if known[key] == nil {
				ask = append(ask, key)
			}
		}
		base, err := c.w.opt.Store.Baselines(ctx, &c.link, ask)
		if err != nil {
			return nil, fmt.Errorf("read baselines: %w", err)
		}
		for key, values := range base {
			rows[key].Base = values
		}
		found, err := c.table.Get(ctx, page)
		if err != nil {
			return nil, fmt.Errorf("read table %q: %w", c.link.Table, err)
		}
		for _, row := range found {
			if into := rows[row.Key]; into != nil {
				into.Database, into.DatabaseTime = row.Values, row.Updated
			}
		}
		if c.sync != nil {
			if err := c.sync.compared(ctx, len(page)); err != nil {
				return nil, err
			}
		}
	}
	return rows, nil
}
