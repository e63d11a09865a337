package engine

import (
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// Where only the database says that rows changed, the sheet is taken to show what both sides last agreed on, and is not read:
// the guarded write compares every linked cell with that anyway, just before it is sent. Where the sheet shows something else,
// the row has moved, and the next cycle reads it. So changes of the table cost one read and one write, whatever came meanwhile.
//
// That goes for rows that both sides know only: whether a new key stands in the sheet, the key column has to say.

// presume decides the rows of keys without reading the sheet, and reports false when one of them needs a look at it.
func (c *cycle) presume(keys []tandem.Key, rows map[tandem.Key]*reconcile.Row) bool {
	paused := slices.ContainsFunc(c.link.Columns, func(column tandem.LinkColumn) bool { return column.Paused != "" })
	if paused || c.sync != nil || c.approval != nil || len(c.hinted) > 0 || c.table.Folds() {
		return false
	}
	for _, key := range keys {
		if !c.presumable(rows[key]) {
			return false
		}
	}
	now := c.w.opt.Now()
	for _, key := range keys {
		row := rows[key]
		row.Sheet = slices.Clone(row.Base)
		c.consider(*row, &tandem.Scan{Began: now, Ended: now})
	}
	return true
}

// presumable reports whether nothing is known of the row's side in the sheet but what both sides agreed on.
func (c *cycle) presumable(row *reconcile.Row) bool {
	mark := c.marks[row.Key]
	_, asked := c.asked[row.Key]
	if row.Base == nil || mark.database.Key == "" || mark.sheet.Key != "" || asked || c.inError[row.Key] || c.memo.blocked[row.Key] || c.memo.mistaken[row.Key] {
		return false
	}
	for i, value := range row.Base {
		if _, lost := value.Agreed(); c.policy.Settings[i].Owner != tandem.OwnerIgnored && (lost != "" || value.IsAbsent()) {
			return false
		}
	}
	return true
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
