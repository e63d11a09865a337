package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// Rows that are looked at to fill one call; no call takes more. The calls of an initial sync are counted, those of cycles are
// small, since a server that runs for weeks should not hold megabytes for each.
const (
	syncWindow  = 5000
	cycleWindow = markLimit
)

// writeSheet carries to the sheet what the database holds, in as few calls as hold it: the decisions of c.pending, and those of
// follow.
func (c *cycle) writeSheet(ctx context.Context, follow []reconcile.Decision, errs map[tandem.Key]tandem.RowError) error {
	source, window := c.forSheet(follow), cycleWindow
	if c.sync != nil {
		window = syncWindow
	}
	for todo := source.fill(nil, window); len(todo) > 0; todo = source.fill(todo, window) {
		changes := make([]tandem.Change, len(todo))
		for i, d := range todo {
			changes[i] = *d.Sheet
		}
		n := max(1, c.tab.Fits(changes))
		if err := c.writeChunk(ctx, todo[:n], changes[:n], errs); err != nil {
			return err
		}
		if err := c.chunkDone(ctx, n); err != nil {
			return err
		}
		todo = todo[n:]
	}
	return nil
}

// writeChunk writes rows in one guarded batch. Cells that the sheet refuses one by one (a formula, a text that is too
// long) are recorded and left out; the rest of their row is tried once more without them.
func (c *cycle) writeChunk(ctx context.Context, rows []*reconcile.Decision, changes []tandem.Change, errs map[tandem.Key]tandem.RowError) error {
	var follow []tandem.Mark
	for _, d := range rows {
		if d.Follow {
			follow = append(follow, tandem.Mark{Source: tandem.Database, Key: d.Row.Key, Cause: tandem.CauseAgain})
		}
	}
	// Before the write, so that a crash right after it loses none of them.
	if err := c.markAgain(ctx, follow); err != nil {
		return err
	}
	var failed []tandem.Settlement
	for len(rows) > 0 {
		var again []*reconcile.Decision
		var retry []tandem.Change
		var settlements []tandem.Settlement
		var sent []*reconcile.Decision
		refuse := func(i int, result tandem.Applied) {
			message := result.Err.Error()
			c.stays(rows[i].Row.Key)
			c.passOver(rows[i].Row.Key)
			e := c.rowError(rows[i], tandem.Database, result.Column, result.Err.Reason, message, errs)
			failed = append(failed, tandem.Settlement{Key: rows[i].Row.Key, Error: &e})
			if reduced, ok := c.without(changes[i], result.Column); ok {
				again, retry = append(again, rows[i]), append(retry, reduced)
			} else if c.sync != nil {
				c.sync.refuse(rows[i].Row.Key, message)
			}
		}
		send := func(i int) {
			rows[i].Sheet = &changes[i]
			settlements = append(settlements, c.sheetSettlement(rows[i], errs))
			sent = append(sent, rows[i])
		}
		applied, err := c.guardedWrite(ctx, changes, send, func() payload { return payload{Settlements: settlements} })
		if err != nil {
			return err
		}
		for i, result := range applied {
			switch result.Outcome {
			case tandem.Landed:
				c.tally(rows[i], tandem.Sheet)
				c.memo.carried = true
			case tandem.Moved:
				c.move(rows[i])
			case tandem.Refused:
				refuse(i, result)
			}
		}
		rows, changes = again, retry
	}
	return c.commitErrors(ctx, failed)
}

// without returns change without a column, when something is left of it.
func (c *cycle) without(change tandem.Change, column string) (tandem.Change, bool) {
	if column == "" || change.Kind != tandem.Update {
		return change, false
	}
	after, left, found := append([]tandem.Value(nil), change.After...), false, false
	for i := range after {
		if c.policy.Settings[i].Column == column {
			after[i], found = tandem.Absent, true
		}
		left = left || !after[i].IsAbsent()
	}
	change.After = after
	return change, left && found
}

func (c *cycle) sheetSettlement(d *reconcile.Decision, errs map[tandem.Key]tandem.RowError) tandem.Settlement {
	s := tandem.Settlement{Key: d.Row.Key, Baseline: c.agreement(d, tandem.Database), Forget: d.Sheet.Kind == tandem.Delete,
		History: []tandem.Entry{c.entry(d, tandem.Database)}}
	if _, inError := errs[d.Row.Key]; inError && d.Problem == nil {
		s.ClearError = true
		c.memo.notesFresh = false
	}
	s.CloseConflict = c.closes[d.Row.Key]
	s.Marks = c.outlived(s)
	return s
}

// guardedWrite does one guarded write (DESIGN, section 3): compare, store the intent, send, commit what landed. Every
// change that gets into the batch is announced through send, in order, before payload is asked for. The result is aligned
// with changes.
func (c *cycle) guardedWrite(ctx context.Context, changes []tandem.Change, send func(i int), content func() payload) ([]tandem.Applied, error) {
	var results []tandem.Applied
	err := c.withSpreadsheet(ctx, func(ctx context.Context) error {
		if err := c.settleOpen(ctx); err != nil {
			return fmt.Errorf("settle earlier writes: %w", err)
		}
		id := rand.Text()
		batch, prepared, err := c.tab.Prepare(ctx, id, c.asSpelled(changes))
		if err != nil {
			return fmt.Errorf("compare before writing: %w", err)
		}
		results = prepared
		if batch == nil {
			return nil
		}
		var inBatch []int
		for i, result := range prepared {
			if result.Outcome == tandem.Landed {
				inBatch = append(inBatch, i)
				send(i)
			}
		}
		p := content()
		p.Batch, p.Version, p.Columns = batch, c.link.Version, columnNames(&c.link)
		stored, err := p.encode()
		if err != nil {
			return fmt.Errorf("encode intent: %w", err)
		}
		intent := tandem.Intent{ID: id, Link: c.link.ID, SpreadsheetID: c.link.SpreadsheetID, Batch: stored, Created: c.w.opt.Now()}
		if err := c.w.opt.Store.OpenIntent(ctx, c.lease, intent); err != nil {
			return fmt.Errorf("store intent: %w", err)
		}
		applied, took, err := c.send(ctx, id, &p)
		if err != nil {
			if !took {
				_ = c.w.opt.Store.CloseIntent(ctx, c.lease, id)
			}
			return err
		}
		if err := c.closeIntent(ctx, id, p, applied); err != nil {
			return err
		}
		for n, i := range inBatch {
			results[i] = applied[n]
		}
		return nil
	})
	return results, err
}

// errUnknown marks a write of which it is not known whether it took effect.
var errUnknown = errors.New("the effect of the write is not known yet")

// send writes a batch; where the reply is lost it finds out what became of it. An error with took set means that this
// is not known yet: the intent stays open, and the next cycle settles it before it reads anything.
func (c *cycle) send(ctx context.Context, id string, p *payload) (applied []tandem.Applied, took bool, err error) {
	ctx = c.recording(ctx, id, p)
	if applied, err = c.tab.Send(ctx, p.Batch); err == nil {
		return applied, true, nil
	}
	c.log.Warn("write without a good reply, looking whether it took effect", "error", err)
	applied, took, settleErr := c.tab.Settle(ctx, p.Batch)
	switch {
	case settleErr != nil:
		return nil, true, fmt.Errorf("%w: %w: %w", errUnknown, err, settleErr)
	case took:
		return applied, true, nil
	}
	return nil, false, err
}
