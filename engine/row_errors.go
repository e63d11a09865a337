package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

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
		decided := d.Resolved || d.Conflict != nil || c.closes[d.Row.Key] // a person's answer does not wait
		if ok && !decided && known.Digest == digest(&d.Row) && (known.Retry.IsZero() || now.Before(known.Retry)) {
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
	var concerned []tandem.Key
	for _, key := range c.blocked {
		if c.inError[key] {
			concerned = append(concerned, key)
		}
	}
	if len(concerned) == 0 {
		return nil
	}
	errs, err := c.w.opt.Store.RowErrorsByKey(ctx, c.link.ID, concerned)
	if err != nil {
		return err
	}
	var settlements []tandem.Settlement
	for _, key := range concerned {
		if !errs[key].Retry.IsZero() {
			settlements = append(settlements, tandem.Settlement{Key: key, Error: &tandem.RowError{Key: key, Source: tandem.Sheet,
				Message: "the key stands more than once in the sheet", Since: c.w.opt.Now()}})
		}
	}
	return c.commitErrors(ctx, settlements)
}

func digest(row *reconcile.Row) string { return tandem.Digest(row.Database, row.Sheet) }

func (c *cycle) commitErrors(ctx context.Context, refused []tandem.Settlement) error {
	if len(refused) == 0 {
		return nil
	}
	c.memo.notesFresh = false
	_, err := c.table.Commit(ctx, c.lease, tandem.Commit{Link: c.link.ID, Settlements: refused})
	return err
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
