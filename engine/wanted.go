package engine

import (
	"context"
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
)

// wantedTries is how often a wanted write is tried again when people move rows under it.
const wantedTries = 3

// carryOutWrites does the writes to the sheet that callers of the API wait for. They stand in the journal, so a crash or
// a lost reply neither loses nor doubles one: the intent of their batch names them, and whoever settles it answers them.
//
// The change itself reaches the database by the usual way: the keys are marked before they are written.
func (c *cycle) carryOutWrites(ctx context.Context) error {
	ctx = tandem.WithWork(ctx, c.link.ID, tandem.People)
	wanted, err := c.w.opt.Store.WantedWrites(ctx, c.link.ID, wantedLimit)
	if err != nil {
		return fmt.Errorf("read wanted writes: %w", err)
	}
	if len(wanted) > 0 {
		c.memo.seen = ""
	}
	if wanted, err = c.answerKeyless(ctx, wanted); err != nil {
		return err
	}
	for len(wanted) > 0 {
		round, rest := firstOfEachKey(wanted, c.keyOf)
		if err := c.carryOutRound(ctx, round); err != nil {
			return err
		}
		wanted = rest
	}
	return nil
}

// firstOfEachKey splits writes so that no key is written twice in one batch; order within a key is kept.
func firstOfEachKey(wanted []tandem.WantedWrite, keyOf func(*tandem.Mutation) tandem.Key) (round, rest []tandem.WantedWrite) {
	seen := map[tandem.Key]bool{}
	for i := range wanted {
		key := keyOf(&wanted[i].Mutation)
		if seen[key] {
			rest = append(rest, wanted[i])
			continue
		}
		seen[key] = true
		round = append(round, wanted[i])
	}
	return round, rest
}

// keyOf returns the key that a mutation is about; of an insert it is made of its values.
func (c *cycle) keyOf(m *tandem.Mutation) tandem.Key {
	if m.Key != "" || m.Values == nil {
		return m.Key
	}
	return c.keyIn(m.Values)
}

// keyIn makes the key of values; "" when a part of it is not there.
func (c *cycle) keyIn(values []tandem.Value) tandem.Key {
	parts := make([]tandem.Value, len(c.link.Key))
	for i, column := range c.policy.Columns {
		if at := column.KeyPosition; at > 0 && at <= len(parts) {
			parts[at-1] = values[i]
		}
	}
	return tandem.MakeKey(parts...)
}

// carryOutRound does writes to different keys: reads the rows, answers those that cannot be done, writes the others in
// guarded batches, and tries those again that a person moved in between.
func (c *cycle) carryOutRound(ctx context.Context, round []tandem.WantedWrite) error {
	for try := 0; len(round) > 0; try++ {
		keys, marks := make([]tandem.Key, 0, len(round)), make([]tandem.Mark, 0, len(round))
		for i := range round {
			m := &round[i].Mutation
			key := c.keyOf(m)
			if key == "" {
				continue
			}
			keys = append(keys, key)
			if !m.ValidateOnly {
				marks = append(marks, tandem.Mark{Source: tandem.Sheet, Key: key, At: round[i].Created, Cause: tandem.CauseAPI, Actor: m.Actor})
			}
		}
		if len(marks) > 0 && try == 0 {
			if err := c.w.opt.Store.AddMarks(ctx, c.link.ID, marks); err != nil {
				return fmt.Errorf("mark rows: %w", err)
			}
		}
		scan, err := c.tab.Find(ctx, keys)
		if err != nil {
			return c.failWrites(ctx, round, err)
		}
		changes, writes, done := c.plan(round, scan)
		if err := c.answer(ctx, done); err != nil {
			return err
		}
		if round, err = c.writeWanted(ctx, changes, writes); err != nil {
			return err
		}
		if len(round) > 0 && try == wantedTries {
			for i := range round {
				round[i].Result.Err = tandem.Errorf(tandem.CodeAborted, "ROW_MOVED",
					"row %q kept being moved by people in the sheet; nothing was written, try again", c.keyOf(&round[i].Mutation))
			}
			return c.answer(ctx, round)
		}
	}
	return nil
}

// plan checks each write against the sheet as it is, and returns the changes to make, aligned with their writes, and the
// writes that are answered already.
func (c *cycle) plan(round []tandem.WantedWrite, scan *tandem.Scan) (changes []tandem.Change, writes, done []tandem.WantedWrite) {
	sheet, blocked := index(scan)
	for _, write := range round {
		m, key := &write.Mutation, c.keyOf(&write.Mutation)
		var row *tandem.Row
		if at, ok := sheet[key]; ok {
			row = &scan.Rows[at]
		}
		change, err := c.check(m, key, row, blocked[key])
		if change != nil && err == nil {
			err = c.unplaced(change, scan.Missing)
		}
		switch {
		case err != nil:
			write.Result.Err = err
			done = append(done, write)
		case change == nil:
			write.Result.Row = row
			done = append(done, write)
		case m.ValidateOnly:
			write.Result.Row = c.predicted(change, row)
			done = append(done, write)
		default:
			changes, writes = append(changes, *change), append(writes, write)
		}
	}
	return changes, writes, done
}

// check turns a mutation into a change of the sheet as it is: nil when there is nothing to do, an error when it must not
// be done.
func (c *cycle) check(m *tandem.Mutation, key tandem.Key, row *tandem.Row, blocked bool) (*tandem.Change, *tandem.Error) {
	switch {
	case blocked:
		return nil, tandem.Errorf(tandem.CodePrecondition, "DUPLICATE_KEY", "row %q stands more than once in the sheet; remove all but one first", key)
	case m.Kind == tandem.Insert && row != nil:
		return nil, &tandem.Error{Code: tandem.CodeAlreadyExists, Reason: "ROW_EXISTS", Row: row,
			Message: fmt.Sprintf("row %q is in the sheet already", key)}
	case m.Kind == tandem.Insert:
		return &tandem.Change{Kind: tandem.Insert, Key: key, Whole: true, After: m.Values}, nil
	case row == nil && !m.AllowMissing:
		return nil, tandem.Errorf(tandem.CodeNotFound, "ROW_NOT_FOUND", "there is no row %q in the sheet", key)
	case row == nil && m.Kind == tandem.Delete:
		return nil, nil
	case m.Etag != "" && row == nil:
		return nil, tandem.Errorf(tandem.CodeAborted, "ETAG_MISMATCH", "the row %q that the write is based on is not there any more", key)
	case m.Etag != "" && !tandem.EtagFits(m.Etag, row.Etag()):
		return nil, &tandem.Error{Code: tandem.CodeAborted, Reason: "ETAG_MISMATCH", Row: row,
			Message: fmt.Sprintf("row %q changed since it was read", key)}
	case row == nil:
		after := c.withKey(m.Values, key)
		if c.keyIn(after) != key {
			return nil, tandem.InvalidField("row.values", "there is no row %q, so one is made; its key columns must say the same as its name", key)
		}
		return &tandem.Change{Kind: tandem.Insert, Key: key, Whole: true, After: after}, nil
	case m.Kind == tandem.Delete:
		return &tandem.Change{Kind: tandem.Delete, Key: key, Before: row.Values}, nil
	}
	after, any := make([]tandem.Value, len(row.Values)), false
	for i, value := range m.Values {
		if !value.IsAbsent() && !c.policy.Columns[i].Equal(row.Values[i], value) {
			after[i], any = value, true
		}
	}
	if !any {
		return nil, nil
	}
	return &tandem.Change{Kind: tandem.Update, Key: key, Before: row.Values, After: after}, nil
}

// unplaced refuses a change of a column whose header is not in the sheet.
func (c *cycle) unplaced(change *tandem.Change, missing []string) *tandem.Error {
	for i, value := range change.After {
		name := c.policy.Settings[i].Column
		if !value.IsAbsent() && !value.IsNull() && slices.Contains(missing, name) {
			err := tandem.InvalidField("row.values."+name, "the header %q of this column is not in the sheet, or stands twice", c.policy.Settings[i].Header)
			err.Code, err.Reason = tandem.CodePrecondition, "COLUMN_MISSING"
			return err
		}
	}
	return nil
}

// withKey fills the key columns of values from key, for an update that becomes an insert.
func (c *cycle) withKey(values []tandem.Value, key tandem.Key) []tandem.Value {
	parts, err := key.Parts(len(c.link.Key))
	if err != nil {
		return values
	}
	filled := append([]tandem.Value(nil), values...)
	for i, column := range c.policy.Columns {
		if column.KeyPosition > 0 && filled[i].IsAbsent() {
			filled[i] = tandem.Text(parts[column.KeyPosition-1])
		}
	}
	return filled
}

// predicted is the row as it would be after change; nil after a delete.
func (c *cycle) predicted(change *tandem.Change, row *tandem.Row) *tandem.Row {
	if change.Kind == tandem.Delete {
		return nil
	}
	after := tandem.Row{Key: change.Key}
	if row != nil {
		after = *row
	}
	after.Values = overlay(after.Values, change.After, len(c.policy.Columns))
	for i := range after.Values {
		if after.Values[i].IsAbsent() {
			after.Values[i] = tandem.Null
		}
	}
	return &after
}

// writeWanted writes in as few batches as hold it and returns the writes whose rows moved meanwhile.
func (c *cycle) writeWanted(ctx context.Context, changes []tandem.Change, writes []tandem.WantedWrite) (again []tandem.WantedWrite, err error) {
	for len(changes) > 0 {
		n := max(1, c.tab.Fits(changes))
		chunk, of := changes[:n], writes[:n]
		var sent []tandem.WantedWrite
		var done []tandem.WantedWrite
		results, err := c.guardedWrite(tandem.WithCauses(ctx, causesOf(of)), chunk,
			func(i int) { sent = append(sent, of[i]) },
			func() payload { return payload{Writes: sent} })
		if err != nil {
			return nil, c.failWrites(ctx, of, err)
		}
		for i, result := range results {
			switch result.Outcome {
			case tandem.Moved:
				again = append(again, of[i])
			case tandem.Refused:
				write, _ := finished(of[i], result)
				done = append(done, write)
			}
		}
		if err := c.answer(ctx, done); err != nil {
			return nil, err
		}
		changes, writes = changes[n:], writes[n:]
	}
	return again, nil
}
