package engine

import (
	"hash/maphash"
	"slices"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/engine/reconcile"
)

func (c *cycle) anyKeyless(scan *tandem.Scan) bool {
	return c.keyColumn() >= 0 && slices.ContainsFunc(scan.Bad, func(bad tandem.BadRow) bool { return bad.Keyless })
}

// matchKeyless finds, in a sync, rows without a key that are rows of the table which the sheet does not show: their key cells
// were emptied, or never filled. Rows that hold the same get their key; for one that is only like a row of the table a person
// has to say whether it is a new one. It returns the rows of the table that are left.
func (c *cycle) matchKeyless(rows []*reconcile.Row, scan *tandem.Scan) []*reconcile.Row {
	if !c.anyKeyless(scan) {
		return rows
	}
	missing := &likes{seed: maphash.MakeSeed(), rows: map[uint64][]int{}}
	for n, row := range rows {
		if row.Base == nil && row.Sheet == nil && row.Database != nil {
			c.eachLikeness(missing, row.Database, func(hash uint64) bool {
				missing.rows[hash] = append(missing.rows[hash], n)
				return false
			})
		}
	}
	matched := map[int]bool{}
	for i, bad := range scan.Bad {
		if !bad.Keyless || c.typed.taken[i] {
			continue
		}
		c.eachLikeness(missing, bad.Row.Values, func(hash uint64) bool {
			for _, n := range missing.rows[hash] {
				if matched[n] || !c.isLike(rows[n].Database, bad.Row.Values) {
					continue
				}
				matched[n] = true
				if _, differ := c.likeness(rows[n].Database, bad.Row.Values); differ > 0 {
					c.typed.claimed[i] = rows[n].Key
					c.hold(rows[n].Key, looksHeld)
					return true
				}
				c.typed.taken[i] = true
				c.giveKey(tandem.Typed{Key: rows[n].Key, Values: rows[n].Database}, bad.Row, scan.Began)
				return true
			}
			return false
		})
	}
	rest := make([]*reconcile.Row, 0, len(rows))
	for n, row := range rows {
		if !matched[n] {
			rest = append(rest, row)
		}
	}
	return rest
}
