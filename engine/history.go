package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// entry is the history of a change that source made and the other side takes over.
func (c *cycle) entry(d *reconcile.Decision, source tandem.Source) tandem.Entry {
	change, before, mark, cause := d.Database, d.Row.Database, c.marks[d.Row.Key].sheet, tandem.CauseSheet
	if source == tandem.Database {
		change, before, mark, cause = d.Sheet, d.Row.Sheet, c.marks[d.Row.Key].database, tandem.CauseSQL
	}
	switch {
	case c.sync != nil:
		cause, mark.Actor = tandem.CauseInitialSync, c.sync.request.Actor
	case d.Row.Winner == source || c.putsBack(d, change, source):
		cause, mark.Actor = tandem.CausePutBack, ""
	case c.decided(d, source):
		cause, mark.Actor = tandem.CauseConflict, d.Row.Resolution.Actor
	case mark.Cause != "":
		cause = mark.Cause
	}
	after := overlay(before, change.After, len(c.policy.Columns))
	was := c.named(before)
	if change.Kind == tandem.Delete {
		after = nil
		if source == tandem.Database {
			was = withRest(was, mark.Rest)
		}
	}
	entry := tandem.Entry{Key: d.Row.Key, Kind: change.Kind, Source: source, Cause: cause, Actor: mark.Actor,
		Before: was, After: c.named(after), At: c.w.opt.Now(), Removes: d.Removes(source) && !c.decided(d, source) && !c.approved(d.Row.Key, source)}
	if entry.Conflict = d.Contest(source); entry.Conflict != nil {
		c.credit(entry.Conflict)
	}
	return entry
}

// withRest completes a row that was deleted from the table with what it held outside the link.
func withRest(row, rest map[string]tandem.Value) map[string]tandem.Value {
	if len(rest) == 0 {
		return row
	}
	whole := maps.Clone(rest)
	maps.Copy(whole, row)
	return whole
}

// deletedAnew reports whether a row that is gone from the table was written there since the last cycle, if only to be deleted.
func (c *cycle) deletedAnew(row *reconcile.Row) bool {
	return row.Database == nil && !c.marks[row.Key].database.At.IsZero()
}

// recallRest reads what rows held outside the link whose deletion from the table waited as a conflict. It counts as long as
// nothing was written there since.
func (c *cycle) recallRest(ctx context.Context) error {
	var keys []tandem.Key
	for i := range c.pending {
		row := &c.pending[i].Row
		if _, open := c.asked[row.Key]; open && row.Database == nil && !c.deletedAnew(row) {
			keys = append(keys, row.Key)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	conflicts, err := c.w.opt.Store.ConflictsByKey(ctx, c.link.ID, keys)
	if err != nil {
		return fmt.Errorf("read conflicts: %w", err)
	}
	for key, conflict := range conflicts {
		known := c.marks[key]
		known.database.Rest = conflict.Rest
		c.marks[key] = known
	}
	return nil
}

// waitsDecided reports whether what was decided about a conflict could not be carried out yet, and would be lost with it: a
// person's decision, or what the deleted row held outside the link.
func (c *cycle) waitsDecided(d *reconcile.Decision) bool {
	return d.Resolved || d.Row.Database == nil && c.marks[d.Row.Key].database.Rest != nil
}

// forgetRest takes what rows held outside the link from the conflicts of rows that are left alone just now, and were written in
// the table since.
func (c *cycle) forgetRest(ctx context.Context) error {
	var keys []tandem.Key
	for _, key := range slices.Sorted(maps.Keys(c.held)) {
		if _, open := c.asked[key]; open && !c.marks[key].database.At.IsZero() {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 || c.sync != nil && c.sync.request.ValidateOnly {
		return nil
	}
	conflicts, err := c.w.opt.Store.ConflictsByKey(ctx, c.link.ID, keys)
	if err != nil {
		return fmt.Errorf("read conflicts: %w", err)
	}
	commit := tandem.Commit{Link: c.link.ID}
	for _, key := range keys {
		if conflict := conflicts[key]; conflict.Rest != nil {
			conflict.Rest = c.marks[key].database.Rest
			commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: key, Conflict: &conflict})
		}
	}
	if len(commit.Settlements) == 0 {
		return nil
	}
	_, err = c.table.Commit(ctx, c.lease, commit)
	return err
}

// decided reports whether a person decided the change: now, or in an earlier cycle that moved the baseline and could not write
// the row.
func (c *cycle) decided(d *reconcile.Decision, source tandem.Source) bool {
	given := d.Row.Resolution
	return d.Resolved || given != nil && given.Take == source && c.closes[d.Row.Key]
}

// putsBack reports whether source did not change what its change writes: the other side's edit or deletion is taken back.
func (c *cycle) putsBack(d *reconcile.Decision, change *tandem.Change, source tandem.Source) bool {
	if d.Row.Base == nil || c.decided(d, source) || d.Contest(source) != nil || change.Kind == tandem.Delete {
		return false
	}
	values := d.Row.Sheet
	if source == tandem.Database {
		values = d.Row.Database
	}
	for i, value := range change.After {
		if !value.IsAbsent() && !c.policy.Columns[i].Equal(d.Row.Base[i], values[i]) {
			return false
		}
	}
	return true
}

// conflict is what is recorded of a row that waits for a person.
func (c *cycle) conflict(d *reconcile.Decision) *tandem.Conflict {
	conflict := *d.Conflict
	conflict.Since = c.w.opt.Now()
	c.credit(&conflict)
	if d.Row.Database == nil {
		conflict.Rest = c.marks[conflict.Key].database.Rest
	}
	return &conflict
}

// credit says who made the changes of a conflict, as far as that is known.
func (c *cycle) credit(conflict *tandem.Conflict) {
	mark := c.marks[conflict.Key]
	conflict.DatabaseActor, conflict.SheetActor = mark.database.Actor, mark.sheet.Actor
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
