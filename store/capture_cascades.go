package store

import (
	"context"
	"maps"
	"slices"

	"github.com/tandem-sync/tandem"
)

// cascades are the links whose tables a foreign key changes by itself when a row of this table goes, or changes in one of the
// columns that foreign keys refer to. They are reached through tables without a link too. The table's own links are among
// them when it refers to itself. Empty where such changes fire triggers of their own.
type cascades struct {
	onDelete, onUpdate []int64
	referenced         []tandem.Column // the columns that onUpdate goes by
	ids                map[int64]string
}

// reached are the ids of all these links.
func (c *cascades) reached() []string { return slices.Sorted(maps.Values(c.ids)) }

// cascades reads them from the catalog. The links are read only when some foreign key acts on this table's changes.
func (t *Table) cascades(ctx context.Context) (cascades, error) {
	c := cascades{ids: map[int64]string{}}
	if t.store.dialect.cascadesFire {
		return c, nil
	}
	tx := t.store.db.WithContext(ctx)
	keys, err := t.store.foreignKeys(tx)
	if err != nil {
		return c, err
	}
	deleted := beneath(keys, t.info.Name, effect{deletes: true})
	updated := map[string]bool{}
	for i := range t.info.Columns {
		column := &t.info.Columns[i]
		below := beneath(keys, t.info.Name, effect{columns: []string{column.Name}})
		if len(below) > 0 {
			c.referenced = append(c.referenced, *column)
			maps.Copy(updated, below)
		}
	}
	if len(deleted)+len(updated) == 0 {
		return c, nil
	}
	byTable, err := linkedTables(tx)
	if err != nil {
		return c, err
	}
	c.onDelete, c.onUpdate = c.linksOf(deleted, byTable), c.linksOf(updated, byTable)
	return c, nil
}

// linksOf returns the numbers of the tables' links, in order, so that a trigger's text stays the same.
func (c *cascades) linksOf(tables map[string]bool, byTable map[string][]tandem.Link) []int64 {
	var numbers []int64
	for table, links := range byTable {
		for _, link := range links {
			if tables[table] {
				numbers = append(numbers, link.Number)
				c.ids[link.Number] = link.ID
			}
		}
	}
	slices.Sort(numbers)
	return numbers
}
