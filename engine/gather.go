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
		return scan, c.gatherScan(ctx, scan, keys)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	return c.gatherKeys(ctx, keys)
}

// scanTab reads the whole tab.
func (c *cycle) scanTab(ctx context.Context) (*tandem.Scan, error) {
	scan, err := c.tab.Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read tab %q: %w", c.link.Tab, err)
	}
	c.observeSheet(scan)
	c.scanned = scanDigest(scan)
	return scan, nil
}

// recordBad stores the rows that cannot be told by their key, once for as long as they stay the same.
func (c *cycle) recordBad(ctx context.Context, scan *tandem.Scan) error {
	if c.sync != nil && c.sync.request.ValidateOnly {
		return nil
	}
	problems := make([]tandem.RowError, 0, len(scan.Bad))
	var texts []tandem.Value
	for i, bad := range scan.Bad {
		message := bad.Message
		refused, isRefused := c.typed.refused[bad.Row.Position]
		switch claimed := c.typed.claimed[i]; {
		case isRefused:
			message = refused
		case bad.Keyless && claimed != "":
			message = fmt.Sprintf("the key cell is empty, and the row looks like row %q, which the sheet no longer has; type that key here, or change the row if it is a new one", claimed)
		case bad.Keyless && c.keyColumn() >= 0:
			continue // it is given a key
		}
		texts = append(texts, tandem.Text(fmt.Sprint(bad.Row.Position, bad.Row.Key, message)))
		problems = append(problems, tandem.RowError{Key: bad.Row.Key, Position: bad.Row.Position, Source: tandem.Sheet,
			Message: message, Since: scan.Began})
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
	c.memo.problems, c.memo.notesFresh = digest, false
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
		_, asked := c.asked[key]
		if mark.sheet.Key != "" || mark.database.Key == "" || asked || c.inError[key] || !c.policy.Same(row.Base, row.Database) {
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
	if c.observeSheet(scan); len(c.returned) > 0 {
		if scan, err = c.scanTab(ctx); err != nil {
			return nil, err
		}
		return scan, c.gatherScan(ctx, scan, keys)
	}
	scan.Whole = false // whatever Find read, only these rows are looked at
	sheet, blocked := index(scan)
	for _, key := range ask {
		if _, ok := sheet[key]; !ok && (rows[key].Base != nil || c.table.Folds()) && !blocked[key] {
			// A row that is not there is only a deletion when the whole sheet says so: its key cell may have become unusable,
			// or its key may have been edited, or be spelled otherwise.
			if scan, err = c.scanTab(ctx); err != nil {
				return nil, err
			}
			return scan, c.gatherScan(ctx, scan, keys)
		}
	}
	for _, key := range ask {
		row := rows[key]
		if at, ok := sheet[key]; ok {
			row.Sheet = scan.Rows[at].Values
		}
		if blocked[key] {
			c.block(row)
			continue
		}
		c.consider(*row, scan)
	}
	return scan, nil
}

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
	if c.scanned == c.memo.seen && len(keys) == 0 && !c.refusalDue() {
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
	c.order = make([]tandem.Key, len(scan.Rows))
	for i := range scan.Rows {
		c.order[i] = scan.Rows[i].Key
	}
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
