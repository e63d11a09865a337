package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// settle carries out what gather decided: leaves out rows whose error stands, asks the guard, then writes to the
// database and to the sheet. Nothing is written when the guard halts the link.
func (c *cycle) settle(ctx context.Context, scan *tandem.Scan) error {
	if err := c.leaveBlocked(ctx); err != nil {
		return fmt.Errorf("record row errors: %w", err)
	}
	errs, err := c.leaveErrors(ctx)
	if err != nil || len(c.pending) == 0 {
		return err
	}
	c.memo.seen = ""
	if scan != nil {
		// What was read must be the linked tab before anything is concluded from it, deletions above all.
		if err := c.tab.Confirm(ctx); err != nil {
			return fmt.Errorf("confirm tab %q: %w", c.link.Tab, err)
		}
	}
	halt, err := c.guard(ctx)
	if err != nil || halt != nil && !c.keepApproved() {
		return errors.Join(err, c.haltBy(ctx, halt))
	}
	if err := c.writeDatabase(ctx, errs); err != nil {
		return fmt.Errorf("write to table %q: %w", c.link.Table, err)
	}
	if err := c.writeSheet(ctx, errs); err != nil {
		return fmt.Errorf("write to tab %q: %w", c.link.Tab, err)
	}
	return c.haltBy(ctx, halt)
}

// keepApproved leaves in c.pending only what a person approved, and reports whether that is anything. It is carried out
// before the link halts for further removals: the answer to the next halt replaces this one, so that two removals would
// otherwise wait for each other for ever.
func (c *cycle) keepApproved() bool {
	if c.approval == nil {
		return false
	}
	kept := c.pending[:0]
	for _, d := range c.pending {
		if c.approval.Keys[d.Row.Key] && (c.approval.PutBack || !d.Removes(c.approval.Source.Other())) {
			kept = append(kept, d)
		}
	}
	c.pending = kept
	return len(kept) > 0
}

// leaveErrors takes rows out of c.pending whose error was recorded for exactly what both sides still hold, until their
// time to try again. It returns the errors of the rows that stay in.
func (c *cycle) leaveErrors(ctx context.Context) (map[tandem.Key]tandem.RowError, error) {
	keys := make([]tandem.Key, len(c.pending))
	for i := range c.pending {
		keys[i] = c.pending[i].Row.Key
	}
	errs, err := c.w.opt.Store.RowErrorsByKey(ctx, c.link.ID, keys)
	if err != nil {
		return nil, fmt.Errorf("read row errors: %w", err)
	}
	if len(errs) == 0 {
		return errs, nil
	}
	now, kept := c.w.opt.Now(), c.pending[:0]
	for _, d := range c.pending {
		known, ok := errs[d.Row.Key]
		if ok && known.Digest == digest(&d.Row) && (known.Retry.IsZero() || now.Before(known.Retry)) {
			if c.sync != nil {
				c.sync.refuse(d.Row.Key, known.Message)
			}
			c.stays(d.Row.Key)
			continue
		}
		kept = append(kept, d)
	}
	c.pending = kept
	if len(kept) == 0 && !c.unsettled {
		c.memo.seen = c.scanned // only errors stand that nothing but a change, or time, helps
	}
	return errs, nil
}

// leaveBlocked takes the time to try again from errors of rows whose key stands more than once: it is the sheet that has
// to change first.
func (c *cycle) leaveBlocked(ctx context.Context) error {
	var settlements []tandem.Settlement
	for _, key := range c.blocked {
		if c.inError[key] {
			settlements = append(settlements, tandem.Settlement{Key: key, Error: &tandem.RowError{Key: key, Source: tandem.Sheet,
				Message: "the key stands more than once in the sheet", Since: c.w.opt.Now()}})
		}
	}
	return c.commitErrors(ctx, settlements)
}

func digest(row *reconcile.Row) string { return tandem.Digest(row.Database, row.Sheet) }

// removals are those of one side that need a person's answer.
type removals struct {
	source      tandem.Source
	keys        []tandem.Key
	recent, all int
}

// guard returns the removals that are more than the link's limit lets through without a person, nil when there are none.
func (c *cycle) guard(ctx context.Context) (*removals, error) {
	recent, err := c.w.opt.Store.Removals(ctx, c.link.ID, c.w.opt.Now().Add(-time.Hour))
	if err != nil {
		return nil, fmt.Errorf("count removals: %w", err)
	}
	all, err := c.w.opt.Store.CountBaselines(ctx, c.link.ID)
	if err != nil {
		return nil, fmt.Errorf("count rows: %w", err)
	}
	for _, source := range []tandem.Source{tandem.Sheet, tandem.Database} {
		var keys []tandem.Key
		for i := range c.pending {
			if c.pending[i].Removes(source) && !c.approved(c.pending[i].Row.Key, source) {
				keys = append(keys, c.pending[i].Row.Key)
			}
		}
		if reconcile.Exceeds(c.link.DeleteLimit, len(keys), recent[source], int(all)) {
			return &removals{source, keys, recent[source], int(all)}, nil
		}
	}
	return nil, nil
}

// haltBy halts the link because of removals; without any it does nothing.
func (c *cycle) haltBy(ctx context.Context, r *removals) error {
	if r == nil {
		return nil
	}
	return c.haltRemovals(ctx, r.source, r.keys, r.recent, r.all)
}

func (c *cycle) approved(key tandem.Key, source tandem.Source) bool {
	return c.approval != nil && c.approval.Source == source && c.approval.Keys[key]
}

func (c *cycle) haltRemovals(ctx context.Context, source tandem.Source, keys []tandem.Key, recent, all int) error {
	where := map[tandem.Source]string{tandem.Database: "database", tandem.Sheet: "sheet"}
	message := fmt.Sprintf("%d of %d rows were deleted or emptied in the %s (%d more within the last hour), which is more than the link allows. "+
		"Nothing was changed in the %s. To let it through: POST /v1/links/%s:approve {\"putBack\": false}; to restore the rows: {\"putBack\": true}",
		len(keys), all, where[source], recent, where[source.Other()], c.link.ID)
	halt := tandem.Halt{Reason: tandem.HaltTooManyDeletes, Message: message, Source: source, Rows: keys[:min(len(keys), 100)], RowCount: len(keys)}
	if c.sync != nil {
		return c.sync.halt(ctx, halt, keys)
	}
	return c.halt(ctx, halt, keys)
}

// writeDatabase commits, chunk by chunk, what the table takes from the sheet, what both sides turned out to agree on, and
// the problems that were found. Rows that landed are decided again with what the database made of them (defaults,
// triggers, its own spelling), so that the sheet gets all of it in this same cycle.
func (c *cycle) writeDatabase(ctx context.Context, errs map[tandem.Key]tandem.RowError) error {
	for start := 0; start < len(c.pending); start += databaseChunk {
		chunk := c.pending[start:min(start+databaseChunk, len(c.pending))]
		var settlements []tandem.Settlement
		var of []int
		for i := range chunk {
			if s, ok := c.databaseSettlement(&chunk[i], errs); ok {
				settlements, of = append(settlements, s), append(of, i)
			}
		}
		if len(settlements) == 0 {
			continue
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
		if err := c.chunkDone(ctx, len(chunk)); err != nil {
			return err
		}
	}
	return nil
}

func (c *cycle) commitErrors(ctx context.Context, refused []tandem.Settlement) error {
	if len(refused) == 0 {
		return nil
	}
	_, err := c.table.Commit(ctx, c.lease, tandem.Commit{Link: c.link.ID, Settlements: refused})
	return err
}

// databaseSettlement is what is committed for one row without the sheet being written; ok is false when there is nothing.
func (c *cycle) databaseSettlement(d *reconcile.Decision, errs map[tandem.Key]tandem.RowError) (s tandem.Settlement, ok bool) {
	s = tandem.Settlement{Key: d.Row.Key, Write: d.Database, Baseline: d.Agreed, Forget: d.Forget}
	if d.Database != nil {
		s.Forget = d.Database.Kind == tandem.Delete
		s.Baseline = c.agreement(d, tandem.Sheet)
		s.History = []tandem.Entry{c.entry(d, tandem.Sheet)}
	}
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
	return s, s.Write != nil || s.Baseline != nil || s.Forget || s.Error != nil || s.ClearError
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
		d.Database, d.Problem = nil, &reconcile.Problem{Source: tandem.Sheet, Column: -1, Text: result.Err.Message}
		e := c.rowError(d, tandem.Sheet, result.Column, result.Err.Reason, result.Err.Error(), errs)
		return &tandem.Settlement{Key: d.Row.Key, Error: &e}
	}
	c.tally(d, tandem.Database)
	change := d.Database
	d.Database, d.Agreed = nil, nil
	if change.Kind == tandem.Delete || result.Row == nil {
		return nil
	}
	d.Row.Base = overlay(d.Row.Base, moved, len(c.policy.Columns))
	d.Row.Database = result.Row.Values
	again := c.policy.Decide(d.Row)
	d.Sheet = again.Sheet
	return nil
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

// entry is the history of a change that source made and the other side takes over.
func (c *cycle) entry(d *reconcile.Decision, source tandem.Source) tandem.Entry {
	change, before, mark, cause := d.Database, d.Row.Database, c.marks[d.Row.Key].sheet, tandem.CauseSheet
	if source == tandem.Database {
		change, before, mark, cause = d.Sheet, d.Row.Sheet, c.marks[d.Row.Key].database, tandem.CauseSQL
	}
	switch {
	case c.sync != nil:
		cause, mark.Actor = tandem.CauseInitialSync, c.sync.request.Actor
	case d.Row.Winner == source:
		cause = tandem.CausePutBack
	case mark.Cause != "":
		cause = mark.Cause
	}
	after := overlay(before, change.After, len(c.policy.Columns))
	if change.Kind == tandem.Delete {
		after = nil
	}
	return tandem.Entry{Key: d.Row.Key, Kind: change.Kind, Source: source, Cause: cause, Actor: mark.Actor,
		Before: c.named(before), After: c.named(after), At: c.w.opt.Now(), Removes: d.Removes(source) && !c.approved(d.Row.Key, source)}
}

// named gives values their column names.
func (c *cycle) named(values []tandem.Value) map[string]tandem.Value {
	if values == nil {
		return nil
	}
	byName := make(map[string]tandem.Value, len(values))
	for i, value := range values {
		if !value.IsAbsent() {
			byName[c.policy.Settings[i].Column] = value
		}
	}
	return byName
}

func (c *cycle) problem(d *reconcile.Decision, errs map[tandem.Key]tandem.RowError) *tandem.RowError {
	column := ""
	if d.Problem.Column >= 0 {
		column = c.policy.Settings[d.Problem.Column].Column
	}
	e := c.rowError(d, d.Problem.Source, column, "", d.Problem.Text, errs)
	e.Retry = time.Time{} // nothing but an edit helps
	return &e
}

// Pauses before a row in error is tried again although nothing in it changed. What it waits for may come by another way,
// soon where that is a parent row; else the table's rules themselves would have to change.
const (
	firstRetry       = 2 * time.Second
	lastParentRetry  = time.Minute
	firstOtherRetry  = time.Minute
	lastOtherRetry   = time.Hour
	reasonForeignKey = "FOREIGN_KEY"
)

// rowError describes a row that could not be carried over, and says when to try it again.
func (c *cycle) rowError(d *reconcile.Decision, source tandem.Source, column, reason, message string, errs map[tandem.Key]tandem.RowError) tandem.RowError {
	now, attempts := c.w.opt.Now(), 1
	e := tandem.RowError{Key: d.Row.Key, Source: source, Column: column, Message: message, Since: now, Digest: digest(&d.Row)}
	if known, ok := errs[d.Row.Key]; ok && known.Digest == e.Digest {
		e.Since, attempts = known.Since, known.Attempts+1
	}
	pause, last := firstOtherRetry, lastOtherRetry
	if reason == reasonForeignKey {
		pause, last = firstRetry, lastParentRetry
	}
	e.Attempts, e.Retry = attempts, now.Add(min(pause<<min(attempts-1, 10), last))
	return e
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
