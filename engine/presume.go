package engine

import (
	"slices"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// presumeFor is how long a read of all key cells tells well enough that a row's key stands in the sheet once. Where somebody
// copied the row since, a change may land on one of the two, as it may when the copy is made right after the write.
const presumeFor = 5 * time.Second

// Where only the database says that rows changed, the sheet is taken to show what both sides last agreed on, and is not read:
// the guarded write compares every linked cell with that anyway, just before it is sent. Where the sheet shows something else,
// the row has moved, and the next cycle reads it. So steady changes of the table cost little more than a read and a write each
// cycle, whatever came meanwhile.
//
// That goes for changes of cells only, in rows that both sides know: whether a key that is new, or goes, stands in the sheet, and
// how often, the key column has to say. And nothing that is only presumed is written to the table.

// presume decides the rows of keys without reading the sheet, and reports false when one of them needs a look at it.
func (c *cycle) presume(keys []tandem.Key, rows map[tandem.Key]*reconcile.Row) bool {
	paused := slices.ContainsFunc(c.link.Columns, func(column tandem.LinkColumn) bool { return column.Paused != "" })
	if paused || c.sync != nil || c.approval != nil || len(c.hinted) > 0 || c.table.Folds() {
		return false
	}
	now := c.w.opt.Now()
	if !c.tab.Stood(keys, now.Add(-presumeFor)) {
		return false
	}
	for _, key := range keys {
		if !c.presumable(rows[key]) {
			return false
		}
	}
	for _, key := range keys {
		row := rows[key]
		row.Sheet = slices.Clone(row.Base)
		c.consider(*row, &tandem.Scan{Began: now, Ended: now})
	}
	return true
}

// presumable reports whether nothing is known of the row's side in the sheet but what both sides agreed on, and all that has to
// be done is to change cells there.
func (c *cycle) presumable(row *reconcile.Row) bool {
	mark := c.marks[row.Key]
	_, asked := c.asked[row.Key]
	if row.Base == nil || row.Database == nil || mark.database.Key == "" || mark.sheet.Key != "" || asked || c.inError[row.Key] ||
		c.memo.blocked[row.Key] || c.memo.mistaken[row.Key] {
		return false
	}
	for _, value := range row.Base {
		if _, lost := value.Agreed(); lost != "" || value.IsAbsent() {
			return false
		}
	}
	presumed := *row
	presumed.Sheet = row.Base
	d := c.policy.Decide(presumed)
	return d.Database == nil && d.Problem == nil && d.Conflict == nil && (d.Sheet == nil || d.Sheet.Kind == tandem.Update)
}

// rememberMistaken notes rows whose side in the sheet was presumed wrongly, or moved for another reason: they are read next time.
func (c *cycle) rememberMistaken(read bool) {
	if read {
		c.memo.mistaken = nil
	}
	for key := range c.moved {
		if c.memo.mistaken == nil {
			c.memo.mistaken = map[tandem.Key]bool{}
		}
		c.memo.mistaken[key] = true
	}
}
