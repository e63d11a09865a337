package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
)

// observeTable takes over what introspection found of the linked columns: one that is gone from the table, or has another
// type now, is kept out of the cycle until it is there again, or linked anew. All others flow.
func (c *cycle) observeTable() {
	problems := c.table.Problems()
	c.observed = slices.Clone(c.link.Columns)
	c.policy.Settings = slices.Clone(c.link.Columns)
	for i, column := range c.table.Columns() {
		problem := problems[column.Name]
		c.observed[i].Paused, c.policy.Settings[i].Paused = problem, problem
		c.observed[i].PausedBy = ""
		if problem != "" {
			c.observed[i].PausedBy = tandem.Database
		} else if column.Type.Native != "" {
			c.observed[i].Type = column.Type.Native
		}
	}
}

// observeSheet keeps columns out of this cycle whose headers are not in the sheet, and notes those that are there again:
// when they had been deleted, their cells are empty now although nobody emptied them.
func (c *cycle) observeSheet(scan *tandem.Scan) {
	c.returned = map[int]tandem.Source{}
	for i := range c.policy.Settings {
		setting := &c.policy.Settings[i]
		if slices.Contains(scan.Missing, setting.Column) && setting.Paused == "" {
			setting.Paused = fmt.Sprintf("the header %q is not in the sheet, or stands twice; put it back, or give the column another header with an update of the link",
				setting.Header)
			c.observed[i].PausedBy = tandem.Sheet
		}
		c.observed[i].Paused = setting.Paused
		if setting.Paused == "" && c.link.Columns[i].Paused != "" {
			c.returned[i] = c.link.Columns[i].PausedBy
		}
	}
	if scan.Title != "" {
		c.title = scan.Title
	}
}

// passOver notes a row that could not be looked at, or written, in the very cycle in which a column flows again.
func (c *cycle) passOver(key tandem.Key) {
	if len(c.returned) > 0 {
		c.passed[key] = true
	}
}

// fillLater has the cells of columns that flow again filled in rows that were passed over, whenever their time comes: what
// both sides agreed on there is kept as lapsed.
func (c *cycle) fillLater(ctx context.Context) error {
	if len(c.returned) == 0 || len(c.passed) == 0 {
		return nil
	}
	keys := slices.Sorted(maps.Keys(c.passed))
	known, err := c.load(ctx, keys, nil)
	if err != nil {
		return err
	}
	commit := tandem.Commit{Link: c.link.ID}
	for _, key := range keys {
		if known[key].Base == nil {
			continue
		}
		cells := make([]tandem.Value, len(c.policy.Columns))
		for i, lost := range c.returned {
			if cells[i] = known[key].Base[i].Lapsed(lost); cells[i].IsAbsent() {
				cells[i] = tandem.Null
			}
		}
		commit.Settlements = append(commit.Settlements, tandem.Settlement{Key: key, Baseline: cells})
	}
	if _, err := c.table.Commit(ctx, c.lease, commit); err != nil {
		return fmt.Errorf("note cells to fill: %w", err)
	}
	return nil
}

// saveObserved stores what was found out about the columns and the tab. That a column is paused is stored before anything
// is written; that it flows again only once its cells were filled, so that a crash in between has them filled again.
func (c *cycle) saveObserved(ctx context.Context, filled bool) error {
	columns, changed := slices.Clone(c.observed), c.title != "" && c.title != c.link.Tab
	for i := range columns {
		if columns[i].Paused == "" && !filled {
			columns[i].Paused, columns[i].PausedBy = c.link.Columns[i].Paused, c.link.Columns[i].PausedBy
		}
		changed = changed || columns[i] != c.link.Columns[i]
	}
	if !changed {
		return nil
	}
	title := c.title
	if title == "" {
		title = c.link.Tab
	}
	if err := c.w.opt.Store.SetObserved(ctx, c.lease, c.link.ID, columns, title); err != nil {
		return fmt.Errorf("store the state of columns: %w", err)
	}
	for i := range columns {
		if columns[i].Paused != c.link.Columns[i].Paused {
			c.log.Warn("column paused or resumed", "column", columns[i].Column, "paused", columns[i].Paused)
		}
	}
	c.link.Columns, c.link.Tab = columns, title
	return nil
}
