package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

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

// refill takes an empty cell of a column that is there again for what both sides agreed on, so that the database's value
// fills it.
func (c *cycle) refill(row *reconcile.Row) {
	if len(c.returned) == 0 || row.Base == nil || row.Sheet == nil {
		return
	}
	row.Base = slices.Clone(row.Base)
	for i := range c.returned {
		if row.Sheet[i].IsEmpty() {
			row.Base[i] = row.Sheet[i]
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

// lookalike reports whether a row that the sheet no longer has may still be there under a key cell that was emptied, or
// shows an error: a row without a usable key holds the same otherwise, in all cells or all but one. It is not deleted.
func (c *cycle) lookalike(row *reconcile.Row, scan *tandem.Scan) bool {
	if row.Sheet != nil || row.Base == nil || c.approved(row.Key, tandem.Sheet) {
		return false
	}
	for i := range scan.Bad {
		if scan.Bad[i].Row.Key != "" {
			continue
		}
		differ, same := 0, 0
		for at := range c.policy.Columns {
			value := scan.Bad[i].Row.Values[at]
			switch {
			case c.policy.Columns[at].KeyPosition > 0 || value.IsAbsent():
			case c.policy.Columns[at].Equal(row.Base[at], value):
				same++
			default:
				differ++
			}
		}
		if differ == 0 || differ == 1 && same > 1 {
			c.unsettled = true
			if c.sync != nil {
				c.sync.refuse(row.Key, fmt.Sprintf("row %d of the sheet looks like this row, but its key cell cannot be used", scan.Bad[i].Row.Position))
			}
			return true
		}
	}
	return false
}

// stillTyped reports whether a row that only the sheet has may still be half typed: it counts once nothing in it changed
// for the settle time. Rows that came through the API are whole.
func (c *cycle) stillTyped(row *reconcile.Row, typed map[tandem.Key]typedRow, now time.Time) bool {
	if row.Sheet == nil || row.Base != nil || row.Database != nil || c.marks[row.Key].sheet.Cause == tandem.CauseAPI {
		return false
	}
	digest := tandem.Digest(row.Sheet)
	before, seen := typed[row.Key]
	if seen && before.digest == digest && now.Sub(before.since) >= c.w.opt.Settle {
		return false
	}
	if !seen || before.digest != digest {
		before = typedRow{digest: digest, since: now}
	}
	c.memo.typed[row.Key] = before
	c.memo.seen = ""
	return true
}

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

// consider decides one row and keeps the decision when something has to be done.
func (c *cycle) consider(row reconcile.Row, scan *tandem.Scan) {
	if c.sync != nil && c.sync.fromNothing() {
		row.Base = nil
	}
	c.refill(&row)
	c.date(&row, scan)
	if c.approval != nil && c.approval.PutBack && c.approval.Keys[row.Key] {
		row.Winner = c.approval.Source.Other()
	}
	d := c.policy.Decide(row)
	if c.sync != nil && d.Database == nil && d.Sheet == nil && d.Problem == nil && row.Database != nil {
		c.sync.report.Counts.Equal++
	}
	if d.Quiet() && !c.inError[row.Key] { // else its error has to be taken away
		return
	}
	c.pending = append(c.pending, d)
}

// date says when each side's row changed, as far as that is known. See DESIGN, "change times".
func (c *cycle) date(row *reconcile.Row, scan *tandem.Scan) {
	mark := c.marks[row.Key]
	if row.DatabaseTime.IsZero() {
		row.DatabaseTime = mark.database.At
	}
	switch {
	case !mark.sheet.At.IsZero():
		row.SheetFrom, row.SheetTo = mark.sheet.At, mark.sheet.At
	case row.Base == nil:
		row.SheetFrom = c.sheetUpdateTime(row.Sheet)
		row.SheetTo = row.SheetFrom
	case !c.link.Status.ScannedAt.IsZero():
		row.SheetFrom, row.SheetTo = c.link.Status.ScannedAt, scan.Ended
	}
}

// sheetUpdateTime returns the moment in the update time column of a sheet's row that both sides never agreed on: until
// then, that cell is the row's own word for its last change. Afterwards people edit without touching it.
func (c *cycle) sheetUpdateTime(values []tandem.Value) time.Time {
	for i, column := range c.policy.Columns {
		if values == nil || column.Name != c.link.UpdateTimeColumn {
			continue
		}
		at, err := tandem.ParseMoment(values[i].Text())
		if err == nil && !values[i].IsInvalid() {
			return at
		}
	}
	return time.Time{}
}

// block leaves a row alone whose key stands more than once in the sheet; it is looked at again when it no longer does.
func (c *cycle) block(key tandem.Key) {
	c.blocked = append(c.blocked, key)
	if c.memo.blocked == nil {
		c.memo.blocked = map[tandem.Key]bool{}
	}
	c.memo.blocked[key] = true
	c.memo.seen = ""
	if c.sync != nil {
		c.sync.refuse(key, "the key stands more than once in the sheet")
	}
}

// index returns where each key stands in scan.Rows, and the keys that stand more than once in the sheet.
func index(scan *tandem.Scan) (at map[tandem.Key]int, blocked map[tandem.Key]bool) {
	at = make(map[tandem.Key]int, len(scan.Rows))
	for i := range scan.Rows {
		at[scan.Rows[i].Key] = i
	}
	blocked = map[tandem.Key]bool{}
	for _, bad := range scan.Bad {
		if bad.Row.Key != "" {
			blocked[bad.Row.Key] = true
		}
	}
	return at, blocked
}

func scanDigest(scan *tandem.Scan) string {
	rows := make([][]tandem.Value, 0, len(scan.Rows)+len(scan.Bad))
	for i := range scan.Rows {
		rows = append(rows, []tandem.Value{tandem.Text(string(scan.Rows[i].Key))}, scan.Rows[i].Values)
	}
	for i := range scan.Bad {
		rows = append(rows, []tandem.Value{tandem.Text(scan.Bad[i].Message)}, scan.Bad[i].Row.Values)
	}
	return tandem.Digest(rows...)
}
