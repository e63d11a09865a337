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
		scan, err := c.scanUnless(ctx, c.nothingNew(keys))
		if err != nil {
			return nil, err
		}
		return scan, c.gatherScan(ctx, scan, keys)
	}
	if len(keys)+len(c.hinted) == 0 {
		return nil, nil
	}
	return c.gatherKeys(ctx, keys)
}

// nothingNew returns the digest of the tab at which no row of it needs a look, "" when rows do for another reason than that
// they changed.
func (c *cycle) nothingNew(keys []tandem.Key) string {
	if len(keys) > 0 || c.refusalDue() {
		return ""
	}
	return c.memo.seen
}

// scanTab reads the whole tab.
func (c *cycle) scanTab(ctx context.Context) (*tandem.Scan, error) { return c.scanUnless(ctx, "") }

// scanUnless reads the whole tab, and leaves out its rows where it has a digest and no column flows again.
func (c *cycle) scanUnless(ctx context.Context, digest string) (*tandem.Scan, error) {
	scan, err := c.tab.ScanUnless(ctx, digest)
	if err != nil {
		return nil, fmt.Errorf("read tab %q: %w", c.link.Tab, err)
	}
	c.observeSheet(scan)
	if scan.Same && len(c.returned) > 0 {
		return c.scanTab(ctx)
	}
	c.readWhole(scan)
	return scan, nil
}

// readWhole notes what a whole read of the tab tells beside its rows.
func (c *cycle) readWhole(scan *tandem.Scan) {
	c.scanned = scan.Digest
	c.dateHinted(scan)
}

// rescan reads the whole tab where single rows do not tell enough.
func (c *cycle) rescan(ctx context.Context, keys []tandem.Key) (*tandem.Scan, error) {
	scan, err := c.scanTab(ctx)
	if err != nil {
		return nil, err
	}
	return scan, c.gatherScan(ctx, scan, keys)
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

// worthALook returns the keys of rows whose cells in the sheet have to be seen, in order.
func (c *cycle) worthALook(rows map[tandem.Key]*reconcile.Row) (ask []tandem.Key) {
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		row, mark := rows[key], c.marks[key]
		_, asked := c.asked[key]
		if mark.sheet.Key != "" || mark.database.Key == "" || asked || c.inError[key] || !c.policy.Same(row.Base, row.Database) {
			ask = append(ask, key)
		}
	}
	return ask
}

// gatherKeys looks at single rows: those of keys, and those that hints name. The sheet is not read when the database's rows
// are what both sides agreed on, as they are after our own writes.
func (c *cycle) gatherKeys(ctx context.Context, keys []tandem.Key) (*tandem.Scan, error) {
	rows, err := c.load(ctx, keys, nil)
	if err != nil {
		return nil, err
	}
	ask := c.worthALook(rows)
	if len(ask)+len(c.hinted) == 0 || c.presume(ask, rows) {
		return nil, nil
	}
	scan, err := c.look(ctx, ask)
	if err != nil {
		return nil, err
	}
	if len(c.returned) > 0 {
		return c.rescan(ctx, keys)
	}
	if len(c.hinted) > 0 {
		if scan.Whole {
			c.readWhole(scan)
			return scan, c.gatherScan(ctx, scan, keys)
		}
		hinted, known, err := c.addHinted(ctx, scan, rows)
		if err != nil {
			return nil, err
		}
		if !known {
			return c.rescan(ctx, keys)
		}
		ask = append(ask, hinted...)
		slices.Sort(ask)
		ask = slices.Compact(ask)
	}
	scan.Whole = false // whatever Find read, only these rows are looked at
	sheet, blocked := index(scan)
	for _, key := range ask {
		if _, ok := sheet[key]; !ok && (rows[key].Base != nil || c.table.Folds()) && !blocked[key] {
			// A row that is not there is only a deletion when the whole sheet says so: its key cell may have become unusable,
			// or its key may have been edited, or be spelled otherwise.
			return c.rescan(ctx, keys)
		}
	}
	c.lookedAt = ask
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
