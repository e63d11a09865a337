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
	var conflicts []tandem.Settlement
	now, kept := c.w.opt.Now(), c.pending[:0]
	for _, d := range c.pending {
		known, ok := errs[d.Row.Key]
		if ok && known.Digest == digest(&d) && (known.Retry.IsZero() || now.Before(known.Retry)) {
			if c.sync != nil {
				c.sync.refuse(d.Row.Key, known.Message)
			}
			c.stays(d.Row.Key)
			c.passOver(d.Row.Key)
			if s := (tandem.Settlement{Key: d.Row.Key, CloseConflict: c.closes[d.Row.Key] && !c.waitsDecided(&d)}); d.Conflict != nil || s.CloseConflict {
				if d.Conflict != nil {
					s.Conflict = c.conflict(&d)
				}
				conflicts = append(conflicts, s) // it does not wait for the error
			}
			continue
		}
		kept = append(kept, d)
	}
	c.pending = kept
	if len(kept) == 0 && !c.unsettled {
		c.memo.seen = c.scanned // only errors stand that nothing but a change, or time, helps
	}
	if len(conflicts) > 0 {
		_, err = c.table.Commit(ctx, c.lease, tandem.Commit{Link: c.link.ID, Settlements: conflicts})
	}
	return errs, err
}

// leaveHeld records why rows are left alone, where somebody waits for them: a change of theirs was looked at in vain, an
// error of theirs would be tried again, or the sheet seems to have lost them. It is the sheet that has to change first. The
// record has them looked at again, by whatever process, when it does.
func (c *cycle) leaveHeld(ctx context.Context) error {
	var concerned []tandem.Key
	for _, key := range slices.Sorted(maps.Keys(c.held)) {
		_, marked := c.marks[key]
		if marked || c.inError[key] || c.held[key] == looksHeld {
			concerned = append(concerned, key)
		}
	}
	if len(concerned) == 0 || c.sync != nil && c.sync.request.ValidateOnly {
		return nil
	}
	errs, err := c.w.opt.Store.RowErrorsByKey(ctx, c.link.ID, concerned)
	if err != nil {
		return err
	}
	var settlements []tandem.Settlement
	for _, key := range concerned {
		if known, ok := errs[key]; !ok || !known.Retry.IsZero() || known.Message != c.held[key] {
			settlements = append(settlements, tandem.Settlement{Key: key, Error: &tandem.RowError{Key: key, Source: tandem.Sheet,
				Message: c.held[key], Since: c.w.opt.Now()}})
		}
	}
	return c.commitErrors(ctx, settlements)
}

// digest fingerprints what an error is about: both sides' rows, and a person's decision that was tried.
func digest(d *reconcile.Decision) string {
	if d.Resolved && d.Row.Resolution != nil {
		at := tandem.Text(d.Row.Resolution.At.UTC().Format(time.RFC3339Nano))
		return tandem.Digest(d.Row.Database, d.Row.Sheet, []tandem.Value{at})
	}
	return tandem.Digest(d.Row.Database, d.Row.Sheet)
}

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
	e := tandem.RowError{Key: d.Row.Key, Source: source, Column: column, Message: message, Since: now, Digest: digest(d)}
	if known, ok := errs[d.Row.Key]; ok && known.Digest == e.Digest {
		e.Since, attempts = known.Since, known.Attempts+1
	}
	pause := firstPause(reason)
	e.Attempts, e.Retry = attempts, now.Add(min(pause<<min(attempts-1, 10), lastPause(pause)))
	return e
}

func firstPause(reason string) time.Duration {
	if reason == reasonForeignKey {
		return firstRetry
	}
	return firstOtherRetry
}

func lastPause(first time.Duration) time.Duration {
	if first == firstRetry {
		return lastParentRetry
	}
	return lastOtherRetry
}
