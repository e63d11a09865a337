package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// A foreign key may have the database delete or change rows of other tables by itself. Where those are linked, their links
// are told. A write that the sync carries over from the sheet, or a revert, is refused where it would reach rows which no
// link covers, since nobody would see them go. A caller of the API may do what SQL may.

// maxReached bounds how many rows are followed from table to table for one call.
const maxReached = 10_000

// cascade follows what the writes of one call bring about. Everything is read within their transaction, whose locks on the
// parents keep new children from coming in between.
type cascade struct {
	tx      *gorm.DB
	t       *Table
	keys    []foreignKey
	linked  map[string][]tandem.Link
	marks   map[string]map[*write]bool // tables whose rows are changed without a trigger firing, and by which writes
	seen    map[string]bool            // rows that were followed already, by table, effect and root
	rows    int
	escapes map[*write][]*escape // of contained writes
	// circular is set when a delete may take other rows of the same table along.
	circular bool
}

// holdBack refuses the contained writes that would reach rows of tables which no link covers, and returns what has to be
// marked for the rest.
func (t *Table) holdBack(tx *gorm.DB, writes []*write) (*cascade, error) {
	starts := t.reaching(writes)
	if len(starts) == 0 {
		return nil, nil
	}
	keys, err := t.store.foreignKeys(tx)
	if err != nil {
		return nil, fmt.Errorf("read foreign keys: %w", err)
	}
	touched := func(r *reach) bool {
		return slices.ContainsFunc(keys, func(f foreignKey) bool {
			_, reached := f.reaches(r.effect)
			return reached && f.parent == t.info.Name
		})
	}
	if starts = slices.DeleteFunc(starts, func(r *reach) bool { return !touched(r) }); len(starts) == 0 {
		return nil, nil
	}
	c := &cascade{tx: tx, t: t, keys: keys, marks: map[string]map[*write]bool{}, seen: map[string]bool{}, escapes: map[*write][]*escape{}}
	for _, r := range starts {
		c.circular = c.circular || r.effect.deletes && beneath(keys, t.info.Name, r.effect)[t.info.Name]
	}
	if c.linked, err = linkedTables(tx); err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	for len(starts) > 0 {
		next, err := c.follow(starts[0])
		if err != nil {
			return nil, fmt.Errorf("look for rows that refer to table %q: %w", t.info.Name, err)
		}
		starts = append(starts[1:], next...)
	}
	for w, escapes := range c.escapes {
		c.hold(w, escapes)
	}
	return c, nil
}

// follow looks at the children of rows. It returns those whose own children have to be looked at.
func (c *cascade) follow(r *reach) ([]*reach, error) {
	var all []*reach
	for i := range c.keys {
		f := &c.keys[i]
		if f.parent != r.table.info.Name {
			continue
		}
		next, reached := f.reaches(r.effect)
		if !reached {
			continue
		}
		if f.elsewhere != "" || len(c.linked[f.child]) == 0 {
			if err := c.escape(r, f, next); err != nil {
				return nil, err
			}
			continue
		}
		deeper, err := c.descend(r, f, next)
		if err != nil {
			return nil, err
		}
		if deeper != nil {
			all = append(all, deeper)
		}
	}
	return all, nil
}

// markBeneath notes that rows of a child are reached, and that everything may be that lies behind it.
func (c *cascade) markBeneath(f *foreignKey, e effect, roots []*write) {
	if f.elsewhere != "" {
		return
	}
	if len(c.linked[f.child]) > 0 {
		c.mark(f.child, roots)
	}
	for table := range beneath(c.keys, f.child, e) {
		if len(c.linked[table]) > 0 {
			c.mark(table, roots)
		}
	}
}

// descend notes that rows of a linked table are reached, and returns those that have to be followed further: what contained
// writes reach, where that may end at a table that no link covers.
func (c *cascade) descend(r *reach, f *foreignKey, e effect) (*reach, error) {
	contained := slices.ContainsFunc(slices.Concat(slices.Collect(maps.Values(r.roots))...), func(w *write) bool { return w.contained })
	if !contained || !c.mayEscape(f, e) {
		return nil, r.each(c.tx, f, c.t.store.dialect.childTable(f), "COUNT(*)", " GROUP BY "+r.keyList(), "", 1, func(roots []*write, _ []any) error {
			c.markBeneath(f, e, roots)
			return nil
		})
	}
	child, err := c.open(f.child)
	if err != nil {
		return nil, err
	}
	d := c.t.store.dialect
	next := &reach{table: child, effect: e, roots: map[string][]*write{}}
	columns := make([]string, len(child.key))
	for i, field := range child.key {
		columns[i] = d.exact(&child.fields[field], "c."+d.quote(child.fields[field].Name))
	}
	err = r.each(c.tx, f, d.childTable(f), strings.Join(columns, ", "), "", d.forUpdate, len(columns), func(roots []*write, key []any) error {
		c.markBeneath(f, e, roots)
		raw := make([]any, len(child.fields))
		for i, field := range child.key {
			raw[field] = key[i]
		}
		for _, w := range roots {
			if w.contained {
				c.add(next, raw, w)
			}
		}
		return nil
	})
	if err != nil || len(next.keys) == 0 {
		return nil, err
	}
	if c.rows > maxReached {
		for _, roots := range next.roots {
			c.holdUnseen(roots, f)
		}
		return nil, nil
	}
	return next, nil
}

// add has a row followed further for a write, once.
func (c *cascade) add(next *reach, raw []any, w *write) {
	at := next.table.rowText(raw)
	place := fmt.Sprintf("%s\x00%s\x00%s\x00%p", next.table.info.Name, next.effect, at, w)
	if c.seen[place] {
		return
	}
	c.seen[place] = true
	if next.roots[at] == nil {
		next.keys = append(next.keys, next.table.rawKey(raw))
		c.rows++
	}
	next.roots[at] = append(next.roots[at], w)
}

// open reads what a linked table is like, beside its links.
func (c *cascade) open(name string) (*Table, error) {
	if name == c.t.info.Name {
		return c.t, nil
	}
	found, err := c.t.store.findTable(c.tx, name)
	if err != nil {
		return nil, err
	}
	t := &Table{store: c.t.store, link: &tandem.Link{Table: name}, info: &found.Table, unique: found.unique, collations: found.collations, updated: -1}
	t.addFields()
	return t, nil
}

func (c *cascade) mark(table string, roots []*write) {
	if c.marks[table] == nil {
		c.marks[table] = map[*write]bool{}
	}
	for _, w := range roots {
		c.marks[table][w] = true
	}
}

// tell marks the tables of links whose rows the writes that landed had changed, where no trigger does: whole, since which
// rows those are is not known any more.
func (c *cascade) tell() error {
	if c == nil || c.t.store.dialect.cascadesFire {
		return nil
	}
	for _, table := range slices.Sorted(maps.Keys(c.marks)) {
		landed := false
		for w := range c.marks[table] {
			landed = landed || w.refusal == nil
		}
		if !landed {
			continue
		}
		for _, link := range c.linked[table] {
			mark := tandem.Mark{Source: tandem.Database, Cause: tandem.CauseSQL}
			if err := c.t.store.addMarks(c.tx, link.ID, []tandem.Mark{mark}); err != nil {
				return fmt.Errorf("mark table %q: %w", table, err)
			}
		}
	}
	return nil
}
