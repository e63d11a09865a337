package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

func (c *cycle) insertTyped(ctx context.Context) error {
	for start := 0; start < len(c.typed.inserts); start += databaseChunk {
		rows := c.typed.inserts[start:min(start+databaseChunk, len(c.typed.inserts))]
		rows, err := c.namable(ctx, rows)
		if err != nil {
			return err
		}
		var settlements []tandem.Settlement
		var of []tandem.Row
		for _, bad := range rows {
			if s, ok := c.typedSettlement(bad.Row); ok {
				settlements, of = append(settlements, s), append(of, bad.Row)
			}
		}
		if len(settlements) == 0 {
			continue
		}
		applied, err := c.table.Commit(ctx, c.lease, tandem.Commit{Link: c.link.ID, Settlements: settlements})
		if err != nil {
			return err
		}
		for i, result := range applied {
			switch {
			case result.Outcome == tandem.Refused:
				c.refuseTyped(of[i], result.Err.Error(), firstPause(result.Err.Reason))
			case result.Outcome == tandem.Landed && result.Row == nil:
				c.refuseTyped(of[i], "the table took the row, but does not hold it under the key that it made (a trigger may have moved it); "+
					"it is not inserted again until it changes", 0)
			case result.Outcome == tandem.Landed:
				delete(c.memo.refused, tandem.Digest(of[i].Values))
				delete(c.typed.refused, of[i].Position)
				record := *settlements[i].Typed
				record.Key = result.Row.Key
				c.typed.made[record.Key] = true
				c.typed.fills = append(c.typed.fills, fill{record, of[i]})
				if c.sync != nil {
					c.sync.report.Counts.InsertDatabase++
				}
			}
		}
		if err := c.chunkDone(ctx, len(rows)); err != nil {
			return err
		}
	}
	return nil
}

// typedSettlement is what is committed for a row without a key.
func (c *cycle) typedSettlement(row tandem.Row) (tandem.Settlement, bool) {
	values := slices.Clone(row.Values)
	values[c.keyColumn()] = tandem.Absent
	d := c.policy.Decide(reconcile.Row{Sheet: values})
	if d.Problem != nil || d.Database == nil {
		if d.Problem != nil {
			c.refuseTyped(row, d.Problem.Text, 0)
		}
		return tandem.Settlement{}, false
	}
	now := c.w.opt.Now()
	return tandem.Settlement{
		Write: d.Database,
		Typed: &tandem.Typed{Values: values, Position: row.Position, At: now},
		History: []tandem.Entry{{Kind: tandem.Insert, Source: tandem.Sheet, Cause: tandem.CauseSheet, After: c.named(values),
			At: now}},
	}, true
}

// refuseTyped keeps why a row was refused. It is tried again when it changes, and after pauses that grow, unless there are
// none.
func (c *cycle) refuseTyped(row tandem.Row, message string, pause time.Duration) {
	c.refuse(tandem.Digest(row.Values), row, message, pause)
	if c.sync != nil {
		c.sync.refuse("", fmt.Sprintf("row %d: %s", row.Position, message))
	}
}

func (c *cycle) refuse(name string, row tandem.Row, message string, pause time.Duration) {
	c.typed.refused[row.Position] = message
	known := c.memo.refused[name]
	r := refusal{message: message, pause: max(pause, 2*known.pause)}
	if pause > 0 {
		r.pause = min(r.pause, lastPause(pause))
		r.again = c.w.opt.Now().Add(r.pause)
	}
	if c.memo.refused == nil {
		c.memo.refused = map[string]refusal{}
	}
	c.memo.refused[name] = r
	delete(c.memo.keyless, name)
}

// namable leaves out rows whose key could not be written: nothing was typed into them, but formulas show something, or a
// formula stands in the key cell. It asks by preparing a write that is never sent.
func (c *cycle) namable(ctx context.Context, rows []tandem.BadRow) ([]tandem.BadRow, error) {
	changes := make([]tandem.Change, len(rows))
	for i := range rows {
		after := make([]tandem.Value, len(rows[i].Row.Values))
		after[c.keyColumn()] = tandem.Text(strconv.Itoa(tryKey + i))
		changes[i] = tandem.Change{Kind: tandem.Update, Position: rows[i].Row.Position, Before: rows[i].Row.Values, After: after}
	}
	_, applied, err := c.tab.Prepare(ctx, "try", changes)
	if err != nil {
		return nil, fmt.Errorf("look at rows without a key: %w", err)
	}
	var kept []tandem.BadRow
	for i, result := range applied {
		switch result.Outcome {
		case tandem.Landed:
			kept = append(kept, rows[i])
		case tandem.Refused:
			c.refuseTyped(rows[i].Row, result.Err.Error(), firstOtherRetry)
		case tandem.Moved:
			c.unsettled = true
		}
	}
	return kept, nil
}

// tryKey is a number that no row has for a key.
const tryKey = 900_000_000_000_000

// fillKeys writes keys into the key cells of their rows, in as few calls as hold them.
func (c *cycle) fillKeys(ctx context.Context) error {
	fills := c.typed.fills
	at := c.keyColumn()
	for len(fills) > 0 {
		changes := make([]tandem.Change, len(fills))
		for i, f := range fills {
			after := make([]tandem.Value, len(f.row.Values))
			after[at] = tandem.Text(string(f.record.Key))
			if parts, err := f.record.Key.Parts(1); err == nil {
				after[at] = tandem.Text(parts[0])
			}
			changes[i] = tandem.Change{Kind: tandem.Update, Position: f.row.Position, Before: f.row.Values, After: after}
		}
		n := max(1, c.tab.Fits(changes))
		if err := c.fillChunk(ctx, fills[:n], changes[:n]); err != nil {
			return fmt.Errorf("write keys into typed rows: %w", err)
		}
		fills = fills[n:]
	}
	return nil
}

func (c *cycle) fillChunk(ctx context.Context, fills []fill, changes []tandem.Change) error {
	marks := make([]tandem.Mark, len(fills))
	for i := range fills {
		marks[i] = tandem.Mark{Source: tandem.Database, Key: fills[i].record.Key, Cause: tandem.CauseAgain}
	}
	// What the table made of the row (defaults, its own spelling) has yet to reach the sheet.
	if err := c.markAgain(ctx, marks); err != nil {
		return err
	}
	var settlements []tandem.Settlement
	send := func(i int) {
		record := fills[i].record
		settlements = append(settlements, tandem.Settlement{Key: record.Key, Baseline: c.agreedTyped(record), CloseTyped: true})
	}
	applied, err := c.guardedWrite(ctx, changes, send, func() payload { return payload{Settlements: settlements} })
	if err != nil {
		return err
	}
	for i, result := range applied {
		switch result.Outcome {
		case tandem.Moved:
			c.unsettled = true
			c.memo.keyless[tandem.Digest(fills[i].row.Values)] = c.w.opt.Now()
		case tandem.Refused:
			c.refuse(fillName(fills[i].record.Key), fills[i].row, result.Err.Error(), firstOtherRetry)
		}
	}
	return nil
}
