package engine

import (
	"context"

	"github.com/tandem-sync/tandem"
)

// noticed records that a look at the whole tab found changes of the sheet which no mark had told of: by which way they
// became known, the poll or the full compare. How old they were is not known.
func (c *cycle) noticed(ctx context.Context, j job, told bool) {
	if told || c.scanned == "" || !j.poll && !j.compare || !c.sheetChanged() {
		return
	}
	hint := tandem.Hint{Path: tandem.HintPoll, At: c.w.opt.Now()}
	if !j.poll {
		hint.Path = tandem.HintCompare
	}
	// It is told to people and decides nothing, so it holds up no change.
	if err := c.w.opt.Store.SetHint(ctx, c.link.ID, hint); err != nil && ctx.Err() == nil {
		c.log.Warn("hint not recorded", "error", err)
	}
}

// sheetChanged reports whether a row that waits to be carried over was changed in the sheet, without a mark of that. Rows
// that wait for a person, or are tried again, were known before.
func (c *cycle) sheetChanged() bool {
	for i := range c.pending {
		row := &c.pending[i].Row
		_, asked := c.asked[row.Key]
		if asked || c.inError[row.Key] || c.marks[row.Key].sheet.Source != "" {
			continue
		}
		if row.Base == nil && row.Database != nil || c.policy.Same(row.Base, row.Sheet) {
			continue
		}
		return true
	}
	return len(c.typed.inserts) > 0
}
