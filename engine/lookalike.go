package engine

import (
	"hash/maphash"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

// looksHeld is why a row is not deleted that the sheet no longer shows.
const looksHeld = "the sheet no longer has this row, but one like it whose key cell cannot be used: it is empty, shows an error, or holds another row's key. " +
	"Put the key back, or delete that row"

// likes finds rows by what they hold beside their key, in all cells or in all but one.
type likes struct {
	seed maphash.Seed
	rows map[uint64][]int
}

// lookalike reports whether a row that the sheet no longer has may still be there under a key cell that was emptied, shows
// an error, or holds a key that another row has: a row without a usable key is like it otherwise. It is not deleted. A row
// without a usable key is taken for one lost row only.
func (c *cycle) lookalike(row *reconcile.Row, scan *tandem.Scan) bool {
	if row.Sheet != nil || row.Base == nil || len(scan.Bad) == 0 || c.approved(row.Key, tandem.Sheet) {
		return false
	}
	if c.bad == nil {
		c.bad = &likes{seed: maphash.MakeSeed(), rows: map[uint64][]int{}}
		for i := range scan.Bad {
			if !c.typed.taken[i] {
				c.eachLikeness(c.bad, scan.Bad[i].Row.Values, func(hash uint64) bool {
					c.bad.rows[hash] = append(c.bad.rows[hash], i)
					return false
				})
			}
		}
	}
	return c.eachLikeness(c.bad, row.Base, func(hash uint64) bool {
		for _, i := range c.bad.rows[hash] {
			if c.typed.claimed[i] == "" && !c.isItself(&scan.Bad[i].Row) && c.isLike(row.Base, scan.Bad[i].Row.Values) {
				c.typed.claimed[i] = row.Key
				c.unsettled = true
				c.hold(row.Key, looksHeld)
				return true
			}
		}
		return false
	})
}

// isItself reports whether one of the rows that have a key in common is just what that key's row was.
func (c *cycle) isItself(row *tandem.Row) bool {
	base := c.doubled[row.Key]
	if base == nil {
		return false
	}
	_, differ := c.likeness(base, row.Values)
	return differ == 0
}

// eachLikeness visits the hashes of what a row holds beside its key: of all its cells, then of all but each one. It stops when
// visit returns true, and reports that.
func (c *cycle) eachLikeness(l *likes, values []tandem.Value, visit func(hash uint64) bool) bool {
	cells := make([]string, len(values))
	for i := range values {
		column := &c.policy.Columns[i]
		if column.KeyPosition == 0 && c.policy.Settings[i].Paused == "" {
			cells[i] = column.Class(values[i])
		}
	}
	for but := -1; but < len(cells); but++ {
		if but >= 0 && c.policy.Columns[but].KeyPosition > 0 {
			continue
		}
		var h maphash.Hash
		h.SetSeed(l.seed)
		_ = h.WriteByte(byte(but + 1))
		for i, cell := range cells {
			if i != but {
				_, _ = h.WriteString(cell)
				_ = h.WriteByte(0)
			}
		}
		if visit(h.Sum64()) {
			return true
		}
	}
	return false
}
