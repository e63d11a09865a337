package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// gather reads what has to be looked at and leaves the rows that need something in c.pending. It returns the scan of the
// sheet, nil when no look at the sheet was needed.
func (c *cycle) gather(ctx context.Context, wholeSheet, wholeDatabase bool) (*tandem.Scan, error) {
	if wholeDatabase {
		scan, err := c.scanTab(ctx)
		if err != nil {
			return nil, err
		}
		return scan, c.gatherAll(ctx, scan)
	}
	keys := make([]tandem.Key, 0, len(c.marks))
	for key := range c.marks {
		keys = append(keys, key)
	}
	slices.Sort(keys) // a map's order would make runs of the simulation differ
	due, err := c.w.opt.Store.RowErrorKeysDue(ctx, c.link.ID, c.w.opt.Now())
	if err != nil {
		return nil, fmt.Errorf("read row errors: %w", err)
	}
	keys = append(keys, due...)
	if wholeSheet {
		scan, err := c.scanTab(ctx)
		if err != nil {
			return nil, err
		}
		return scan, c.gatherSheet(ctx, scan, keys)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return c.gatherKeys(ctx, keys)
}

// scanTab reads the whole tab and records its unusable rows.
func (c *cycle) scanTab(ctx context.Context) (*tandem.Scan, error) {
	scan, err := c.tab.Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tab %q: %w", c.link.Tab, err)
	}
	c.leaveOut(scan.Missing)
	c.scanned = scanDigest(scan)
	if c.sync != nil && c.sync.request.ValidateOnly {
		return scan, nil
	}
	return scan, c.recordBad(ctx, scan)
}

// leaveOut keeps columns out of this cycle whose headers are not in the sheet, and notes those that are there again: when
// they had been deleted, their cells are empty now although nobody emptied them.
func (c *cycle) leaveOut(missing []string) {
	c.missing, c.returned = missing, map[int]bool{}
	c.policy.Settings = slices.Clone(c.link.Columns)
	for i := range c.policy.Settings {
		name := c.policy.Settings[i].Column
		switch {
		case slices.Contains(missing, name):
			c.policy.Settings[i].Paused = "its header is not in the sheet"
		case slices.Contains(c.memo.missing, name):
			c.returned[i] = true
		}
	}
}

// recordBad stores the rows that cannot be told by their key, once for as long as they stay the same.
func (c *cycle) recordBad(ctx context.Context, scan *tandem.Scan) error {
	problems := make([]tandem.RowError, 0, len(scan.Bad))
	var texts []tandem.Value
	for _, bad := range scan.Bad {
		texts = append(texts, tandem.Text(fmt.Sprint(bad.Row.Position, bad.Row.Key, bad.Message)))
		problems = append(problems, tandem.RowError{Key: bad.Row.Key, Position: bad.Row.Position, Source: tandem.Sheet,
			Message: bad.Message, Since: scan.Began})
	}
	if n := c.memo.unkeyed; n > 0 {
		message := fmt.Sprintf("rows of the table whose key cannot stand in a cell (the empty text, or a zero date) are left out: %d", n)
		texts = append(texts, tandem.Text(message))
		problems = append(problems, tandem.RowError{Source: tandem.Database, Message: message, Since: scan.Began})
	}
	digest := tandem.Digest(texts)
	if digest == c.memo.problems {
		return nil
	}
	if err := c.w.opt.Store.ReplaceSheetProblems(ctx, c.lease, c.link.ID, problems); err != nil {
		return fmt.Errorf("record unusable rows: %w", err)
	}
	c.memo.problems = digest
	return nil
}

// gatherKeys looks at single rows. The sheet is not read when the database's rows are what both sides agreed on, as they
// are after our own writes.
func (c *cycle) gatherKeys(ctx context.Context, keys []tandem.Key) (*tandem.Scan, error) {
	rows, err := c.load(ctx, keys, nil)
	if err != nil {
		return nil, err
	}
	var ask []tandem.Key
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		row, mark := rows[key], c.marks[key]
		if mark.sheet.Key != "" || mark.database.Key == "" || !c.policy.Same(row.Base, row.Database) {
			ask = append(ask, key)
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	scan, err := c.tab.Find(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("read rows of tab %q: %w", c.link.Tab, err)
	}
	c.leaveOut(scan.Missing)
	scan.Whole = false // whatever Find read, only these rows are looked at
	sheet, blocked := index(scan)
	for _, key := range ask {
		if _, ok := sheet[key]; !ok && rows[key].Base != nil && !blocked[key] {
			// A row that is not there is only a deletion when the whole sheet says so: its key cell may have become unusable.
			if scan, err = c.scanTab(ctx); err != nil {
				return nil, err
			}
			return scan, c.gatherSheet(ctx, scan, keys)
		}
	}
	for _, key := range ask {
		row := rows[key]
		if at, ok := sheet[key]; ok {
			row.Sheet = scan.Rows[at].Values
		}
		if blocked[key] {
			c.block(key)
			continue
		}
		c.consider(*row, scan)
	}
	return scan, nil
}

// gatherSheet looks at every row of the sheet that differs from the baseline, and at keys. The database is asked for
// those rows alone.
func (c *cycle) gatherSheet(ctx context.Context, scan *tandem.Scan, keys []tandem.Key) error {
	if c.scanned == c.memo.seen && len(keys) == 0 {
		return nil
	}
	look := make(map[tandem.Key]bool, len(keys)+len(c.inError))
	for _, key := range keys {
		look[key] = true
	}
	maps.Copy(look, c.inError)
	maps.Copy(look, c.memo.blocked)
	sheet, blocked := index(scan)
	known := make(map[tandem.Key][]tandem.Value, len(look))
	visited := make([]bool, len(scan.Rows))
	err := c.eachBaseline(ctx, func(base tandem.BaselineRow) {
		at, ok := sheet[base.Key]
		if ok {
			visited[at] = true
		}
		if !ok || look[base.Key] || !c.policy.Same(base.Values, scan.Rows[at].Values) {
			look[base.Key] = true
			known[base.Key] = base.Values
		}
	})
	if err != nil {
		return err
	}
	for at := range scan.Rows {
		if !visited[at] {
			look[scan.Rows[at].Key] = true
		}
	}
	if err := c.considerSheet(ctx, scan, look, known, sheet, blocked); err != nil {
		return err
	}
	c.memo.blocked = blocked
	c.unsettled = c.unsettled || len(c.memo.typed) > 0
	c.memo.seen = ""
	if len(c.pending) == 0 && !c.unsettled {
		c.memo.seen = c.scanned
	}
	return nil
}

func (c *cycle) considerSheet(ctx context.Context, scan *tandem.Scan, look map[tandem.Key]bool, known map[tandem.Key][]tandem.Value,
	sheet map[tandem.Key]int, blocked map[tandem.Key]bool) error {
	list := slices.Sorted(maps.Keys(look))
	rows, err := c.load(ctx, list, known)
	if err != nil {
		return err
	}
	typed := c.memo.typed
	c.memo.typed = map[tandem.Key]typedRow{}
	for _, key := range list {
		row := rows[key]
		if at, ok := sheet[key]; ok {
			row.Sheet = scan.Rows[at].Values
		}
		switch {
		case blocked[key]:
			c.block(key)
		case c.stillTyped(row, typed, scan.Began), c.lookalike(row, scan):
		default:
			c.consider(*row, scan)
		}
	}
	return nil
}

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
	}
	return rows, nil
}
