package engine

import (
	"context"
	"errors"
	"fmt"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// settle carries out what gather decided: leaves out rows whose error stands, asks the guard, then writes to the
// database and to the sheet. Nothing is written when the guard halts the link.
func (c *cycle) settle(ctx context.Context, scan *tandem.Scan) error {
	if err := c.leaveHeld(ctx); err != nil {
		return fmt.Errorf("record row errors: %w", err)
	}
	if err := errors.Join(c.forgetRest(ctx), c.recallRest(ctx)); err != nil {
		return err
	}
	errs, err := c.leaveErrors(ctx)
	if err != nil || len(c.pending) == 0 && !c.hasTyped() && !c.hasWaiting() {
		return err
	}
	c.memo.seen = ""
	if scan != nil && !c.confirmed {
		if err := c.confirm(ctx); err != nil {
			return err
		}
	}
	halt, err := c.guardRemovals(ctx)
	if err != nil || halt != nil && !c.keepApproved() {
		return errors.Join(err, c.haltBy(ctx, halt))
	}
	follow, err := c.writeDatabase(ctx, errs)
	if err != nil {
		return fmt.Errorf("write to table %q: %w", c.link.Table, err)
	}
	if err := c.writeTyped(ctx, scan); err != nil {
		return err
	}
	if err := c.writeSheet(ctx, follow, errs); err != nil {
		return fmt.Errorf("write to tab %q: %w", c.link.Tab, err)
	}
	return c.haltBy(ctx, halt)
}

// confirm fails when what was read is not the linked tab; before it nothing may be concluded from that, deletions above all.
func (c *cycle) confirm(ctx context.Context) error {
	if err := c.tab.Confirm(ctx); err != nil {
		return fmt.Errorf("confirm tab %q: %w", c.link.Tab, err)
	}
	c.confirmed = true
	return nil
}

// guardRemovals is guard where anything would be removed. Else nothing has to be counted.
func (c *cycle) guardRemovals(ctx context.Context) (*removals, error) {
	for i := range c.pending {
		if c.pending[i].Removes(tandem.Sheet) || c.pending[i].Removes(tandem.Database) {
			return c.guard(ctx)
		}
	}
	return nil, nil
}

// hasWaiting reports whether rows of an initial sync wait to be written.
func (c *cycle) hasWaiting() bool { return c.sync != nil && c.sync.waiting.rows() > 0 }

// writeDatabase commits, chunk by chunk, what the table takes from the sheet, what both sides turned out to agree on, and
// the problems that were found. Rows that landed are decided again with what the database made of them (defaults,
// triggers, its own spelling), so that the sheet gets all of it in this same cycle; it returns those that are not in c.pending.
func (c *cycle) writeDatabase(ctx context.Context, errs map[tandem.Key]tandem.RowError) ([]reconcile.Decision, error) {
	for start := 0; start < len(c.pending); start += databaseChunk {
		if err := c.writeDatabaseChunk(ctx, c.pending[start:min(start+databaseChunk, len(c.pending))], errs); err != nil {
			return nil, err
		}
	}
	return c.writeWaiting(ctx, errs)
}

func (c *cycle) writeDatabaseChunk(ctx context.Context, chunk []reconcile.Decision, errs map[tandem.Key]tandem.RowError) error {
	var settlements []tandem.Settlement
	var of []int
	for i := range chunk {
		if s, ok := c.databaseSettlement(&chunk[i], errs); ok {
			settlements, of = append(settlements, s), append(of, i)
		}
	}
	if len(settlements) == 0 {
		return nil
	}
	applied, err := c.table.Commit(ctx, c.lease, tandem.Commit{Link: c.link.ID, Settlements: settlements})
	if err != nil {
		return err
	}
	var refused []tandem.Settlement
	var follow []tandem.Mark
	for i, result := range applied {
		d := &chunk[of[i]]
		if d.Database == nil {
			continue
		}
		if s := c.afterDatabase(d, result, settlements[i].Baseline, errs); s != nil {
			refused = append(refused, *s)
		}
		if d.Sheet != nil {
			follow = append(follow, tandem.Mark{Source: tandem.Database, Key: d.Row.Key, Cause: tandem.CauseAgain})
		}
	}
	if err := c.commitErrors(ctx, refused); err != nil {
		return err
	}
	// What the database made of its rows has yet to reach the sheet; our own writes leave no other mark of it.
	if err := c.markAgain(ctx, follow); err != nil {
		return err
	}
	return c.chunkDone(ctx, len(chunk))
}

// databaseSettlement is what is committed for one row without the sheet being written; ok is false when there is nothing.
func (c *cycle) databaseSettlement(d *reconcile.Decision, errs map[tandem.Key]tandem.RowError) (s tandem.Settlement, ok bool) {
	s = tandem.Settlement{Key: d.Row.Key, Write: d.Database, Baseline: d.Agreed, Forget: d.Forget}
	if d.Database != nil {
		if rest := c.marks[d.Row.Key].database.Rest; rest != nil && d.Database.Kind == tandem.Insert {
			whole := *d.Database
			whole.Rest, s.Write = rest, &whole // its deletion is taken back
		}
		s.Forget = d.Database.Kind == tandem.Delete
		s.Baseline = c.agreement(d, tandem.Sheet)
		s.History = []tandem.Entry{c.entry(d, tandem.Sheet)}
	}
	s.Marks = c.outlived(s)
	if d.Conflict != nil {
		s.Conflict = c.conflict(d)
	}
	s.CloseConflict = c.closes[d.Row.Key] && d.Sheet == nil
	_, inError := errs[d.Row.Key]
	switch {
	case d.Problem != nil:
		s.Error = c.problem(d, errs)
		if c.sync != nil {
			c.sync.refuse(d.Row.Key, d.Problem.Text)
		}
	case inError && d.Sheet == nil:
		s.ClearError = true
	}
	if s.Error != nil || s.ClearError {
		c.memo.notesFresh = false
	}
	return s, s.Write != nil || s.Baseline != nil || s.Forget || s.Error != nil || s.ClearError || s.Conflict != nil || s.CloseConflict
}

// afterDatabase continues a row with what the database made of it, and returns the row error to record, if any.
func (c *cycle) afterDatabase(d *reconcile.Decision, result tandem.Applied, moved []tandem.Value, errs map[tandem.Key]tandem.RowError) *tandem.Settlement {
	switch result.Outcome {
	case tandem.Moved:
		c.move(d)
		d.Sheet = nil
		return nil
	case tandem.Refused:
		if c.sync != nil {
			c.sync.refuse(d.Row.Key, result.Err.Message)
		}
		c.stays(d.Row.Key)
		c.keepUndecided(d)
		d.Database, d.Problem = nil, &reconcile.Problem{Source: tandem.Sheet, Column: -1, Text: result.Err.Message}
		e := c.rowError(d, tandem.Sheet, result.Column, result.Err.Reason, result.Err.Error(), errs)
		c.passOver(d.Row.Key)
		s := &tandem.Settlement{Key: d.Row.Key, Error: &e, CloseConflict: c.closes[d.Row.Key] && d.Sheet == nil && !c.waitsDecided(d)}
		if d.Conflict != nil {
			s.Conflict = c.conflict(d) // it does not wait for the error
		}
		return s
	}
	c.tally(d, tandem.Database)
	c.memo.carried = true
	change := d.Database
	d.Database, d.Agreed = nil, nil
	if change.Kind == tandem.Delete || result.Row == nil {
		return nil
	}
	if key := result.Row.Key; key != d.Row.Key {
		// The key was edited in the sheet, so the row stands under its new one there too.
		c.closes[key] = c.closes[d.Row.Key]
		d.Row.Key = key
	}
	d.Row.Base = overlay(d.Row.Base, moved, len(c.policy.Columns))
	d.Row.Database = result.Row.Values
	again := c.policy.Decide(d.Row)
	d.Sheet = again.Sheet
	return nil
}

// keepUndecided keeps from the sheet what both sides were to be given and the table refused.
func (c *cycle) keepUndecided(d *reconcile.Decision) {
	for _, contest := range d.Contests {
		if d.Sheet == nil || contest.Winner != "" || contest.Column < 0 {
			continue
		}
		reduced, left := c.without(*d.Sheet, c.policy.Settings[contest.Column].Column)
		if d.Sheet = &reduced; !left {
			d.Sheet = nil
		}
	}
}

// overlay returns base with the values that over holds.
func overlay(base, over []tandem.Value, columns int) []tandem.Value {
	merged := make([]tandem.Value, columns)
	copy(merged, base)
	for i, value := range over {
		if !value.IsAbsent() {
			merged[i] = value
		}
	}
	return merged
}

// agreement returns the cells that both sides hold once source's change has been written to the other side, together
// with those that they hold already.
func (c *cycle) agreement(d *reconcile.Decision, source tandem.Source) []tandem.Value {
	change, values := d.Database, d.Row.Sheet
	if source == tandem.Database {
		change, values = d.Sheet, d.Row.Database
	}
	if change.Kind == tandem.Delete {
		return nil
	}
	agreed := overlay(nil, d.Agreed, len(c.policy.Columns))
	for i := range values {
		if !change.After[i].IsAbsent() {
			agreed[i] = values[i]
		}
	}
	return agreed
}

// stays notes that what a person approved for a row could not be carried out yet.
func (c *cycle) stays(key tandem.Key) {
	if c.approval != nil && c.approval.Keys[key] {
		c.approvalStays = true
	}
}

// move leaves a row to the next cycle.
func (c *cycle) move(d *reconcile.Decision) {
	c.stays(d.Row.Key)
	c.moved[d.Row.Key] = true
	if c.sync != nil {
		c.sync.skip(d.Row.Key)
	}
}

func (c *cycle) tally(d *reconcile.Decision, target tandem.Source) {
	if c.sync != nil {
		c.sync.landed(d, target)
	}
}

func (c *cycle) chunkDone(ctx context.Context, rows int) error {
	if c.sync == nil {
		return ctx.Err()
	}
	return c.sync.wrote(ctx, rows)
}
