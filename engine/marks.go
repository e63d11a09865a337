package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
)

// attribute notes who changed which key and when, and reports which sides have to be read whole.
func (c *cycle) attribute(marks []tandem.Mark) (wholeSheet, wholeDatabase bool) {
	for _, mark := range marks {
		if mark.Cause == tandem.CauseAgain {
			mark.At, mark.Cause, mark.Rest = time.Time{}, "", c.marks[mark.Key].database.Rest
		}
		if mark.Key == "" && mark.Source == tandem.Sheet && len(mark.Rows) > 0 {
			c.hint(mark)
			continue
		}
		if mark.Key == "" {
			wholeSheet = wholeSheet || mark.Source == tandem.Sheet
			wholeDatabase = wholeDatabase || mark.Source == tandem.Database
			continue
		}
		known := c.marks[mark.Key]
		side := &known.database
		if mark.Source == tandem.Sheet {
			side = &known.sheet
		}
		// The newest time counts; a mark that names an actor is not replaced by a trigger's that does not.
		if side.Actor != "" && mark.Actor == "" {
			mark.Actor, mark.Cause = side.Actor, side.Cause
		}
		if mark.At.IsZero() {
			mark.At, mark.Cause = side.At, side.Cause
		}
		*side = mark
		c.marks[mark.Key] = known
	}
	return wholeSheet || c.tooManyHinted(), wholeDatabase
}

// markAgain has rows looked at by the next cycle.
func (c *cycle) markAgain(ctx context.Context, marks []tandem.Mark) error {
	if len(marks) == 0 {
		return nil
	}
	if err := c.w.opt.Store.AddMarks(ctx, c.link.ID, marks); err != nil {
		return fmt.Errorf("mark rows to look at again: %w", err)
	}
	return nil
}

// lookAgain has rows looked at by the next cycle, whatever becomes of the marks that they have.
func (c *cycle) lookAgain(ctx context.Context, keys []tandem.Key) error {
	marks := make([]tandem.Mark, len(keys))
	for i, key := range keys {
		marks[i] = tandem.Mark{Source: tandem.Database, Key: key, Cause: tandem.CauseAgain}
	}
	return c.markAgain(ctx, marks)
}

// compareSoon has the link's next cycle, whoever runs it, compare everything.
func (c *cycle) compareSoon(ctx context.Context) error {
	return c.markAgain(ctx, []tandem.Mark{{Source: tandem.Database, Cause: tandem.CauseAgain}})
}

// finish commits what the cycle looked at: marks of rows that moved stay for the next one.
func (c *cycle) finish(ctx context.Context, marks []tandem.Mark, scan *tandem.Scan) error {
	commit := tandem.Commit{Link: c.link.ID}
	again := map[tandem.Key]bool{}
	for _, mark := range marks {
		if mark.Key != "" && c.moved[mark.Key] {
			again[mark.Key] = true
			continue
		}
		commit.Marks = append(commit.Marks, mark.ID)
	}
	var missing []tandem.Mark
	for _, key := range slices.Sorted(maps.Keys(c.moved)) {
		if !again[key] { // a hint's time is not kept: what moved may be a later edit
			missing = append(missing, tandem.Mark{Source: tandem.Sheet, Key: key, Cause: tandem.CauseAgain})
		}
	}
	if err := c.markAgain(ctx, missing); err != nil {
		return err
	}
	c.rememberLooks(scan)
	c.rememberMistaken(scan != nil)
	if scan != nil && scan.Whole {
		if len(c.moved) == 0 {
			if err := c.fillLater(ctx); err != nil {
				return err
			}
			if err := c.saveObserved(ctx, true); err != nil {
				return err
			}
			if c.order != nil {
				c.memo.order = c.order
			}
		}
		c.memo.renames = c.renames
	}
	if scan != nil && scan.Whole && len(c.moved) == 0 {
		commit.ScannedAt = scan.Began
		if !c.memo.typing() && len(scan.Missing) == 0 && !c.unsettled {
			commit.EqualAsOf = scan.Began
			c.link.Status.EqualAsOf = scan.Began
		}
	}
	if len(commit.Marks) > 0 || !commit.ScannedAt.IsZero() {
		if _, err := c.table.Commit(ctx, c.lease, commit); err != nil {
			return fmt.Errorf("commit cycle: %w", err)
		}
	}
	if c.approval != nil && !c.approvalStays {
		return c.w.opt.Store.ClearApproval(ctx, c.lease, c.link.ID)
	}
	return nil
}
