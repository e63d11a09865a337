package engine

import (
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// refill has the empty cells filled, on the side where their column was missing and is there again, with what the other side
// holds.
func (c *cycle) refill(row *reconcile.Row) {
	if len(c.returned) == 0 || row.Base == nil || row.Sheet == nil || row.Database == nil {
		return
	}
	row.Base = slices.Clone(row.Base)
	for i, lost := range c.returned {
		if row.Base[i] = row.Base[i].Lapsed(lost); row.Base[i].IsAbsent() {
			row.Base[i] = tandem.Null
		}
	}
}

// stillTyped reports whether a row that only the sheet has may still be half typed: it counts once nothing in it changed
// for the settle time. Rows that came through the API are whole.
func (c *cycle) stillTyped(row *reconcile.Row, typed map[tandem.Key]typedRow, now time.Time) bool {
	if c.sync != nil || row.Sheet == nil || row.Base != nil || row.Database != nil || c.marks[row.Key].sheet.Cause == tandem.CauseAPI {
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
	c.memo.seen, c.unsettled = "", true
	return true
}

// consider decides one row and keeps the decision when something has to be done.
func (c *cycle) consider(row reconcile.Row, scan *tandem.Scan) {
	if c.onItsWay(row.Key) {
		return // the row is looked at again when its key stands in the sheet
	}
	if c.sync != nil && c.sync.fromNothing() {
		row.Base = nil
	}
	asked, open := c.asked[row.Key]
	row.Resolution = asked.Resolution
	c.refill(&row)
	c.date(&row, scan)
	if c.approval != nil && c.approval.PutBack && c.approval.Keys[row.Key] {
		row.Winner = c.approval.Source.Other()
	}
	d := c.policy.Decide(row)
	if c.sync != nil && d.Database == nil && d.Sheet == nil && d.Problem == nil && row.Database != nil {
		c.sync.report.Counts.Equal++
	}
	if d.Conflict != nil && c.sync != nil {
		c.sync.conflict(&d)
	}
	same := open && d.Conflict != nil && d.Conflict.Digest == asked.Digest && !c.deletedAnew(&row)
	if same {
		d.Conflict = nil // it is recorded already
	}
	closes := open && !same && d.Conflict == nil && !c.anyPaused() // a paused cell's conflict only waits
	if d.Quiet() && !closes && !c.inError[row.Key] {               // else its error, or conflict, has to be taken away
		return
	}
	if closes {
		c.closes[row.Key] = true
	}
	if c.sync == nil || !c.sync.keepWaiting(&d) {
		c.pending = append(c.pending, d)
	}
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
func (c *cycle) block(row *reconcile.Row) {
	c.doubled[row.Key] = row.Base
	c.hold(row.Key, "the key stands more than once in the sheet")
}

// hold leaves a row alone until the sheet changes.
func (c *cycle) hold(key tandem.Key, why string) {
	c.held[key] = why
	c.passOver(key)
	if c.memo.blocked == nil {
		c.memo.blocked = map[tandem.Key]bool{}
	}
	c.memo.blocked[key] = true
	c.memo.seen = ""
	c.stays(key)
	if c.sync != nil {
		c.sync.refuse(key, why)
	}
}

// keepHeld remembers which rows were left alone, so that they are looked at when the sheet shows them again.
func (c *cycle) keepHeld() {
	c.memo.blocked = make(map[tandem.Key]bool, len(c.held))
	for key := range c.held {
		c.memo.blocked[key] = true
	}
}

// anyPaused reports whether a column is paused.
func (c *cycle) anyPaused() bool {
	return slices.ContainsFunc(c.policy.Settings, func(s tandem.LinkColumn) bool { return s.Paused != "" })
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
