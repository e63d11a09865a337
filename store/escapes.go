package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/tandem-sync/tandem"
)

// escape is what a write would do, by a foreign key, to rows of a table that no link covers.
type escape struct {
	key    *foreignKey
	what   string // in words: "delete"
	rows   int64  // 0 where the account may not look
	column string // of the row itself: the one whose change would do that
}

// escape counts what contained writes reach of a table that no link covers. Of other writes it notes which links may lie
// behind that table.
func (c *cascade) escape(r *reach, f *foreignKey, e effect) error {
	x := escape{key: f, what: doing(r.effect, f, e)}
	if !r.effect.deletes && r.table == c.t {
		x.column = c.t.columnFold(f.references[0])
	}
	note := func(roots []*write, n int64) {
		for _, w := range roots {
			if w.contained {
				c.count(w, x, n)
			} else {
				c.markBeneath(f, e, []*write{w})
			}
		}
	}
	err := r.each(c.tx, f, c.t.store.dialect.childTable(f), "COUNT(*)", " GROUP BY "+r.keyList(), "", 1, func(roots []*write, raw []any) error {
		var n int64
		_, err := fmt.Sscan(rawText(raw[0]), &n)
		note(roots, n)
		return err
	})
	var denied *mysql.MySQLError
	if errors.As(err, &denied) && (denied.Number == 1142 || denied.Number == 1143 || denied.Number == 1044) {
		for _, roots := range r.roots {
			note(roots, 0)
		}
		return nil
	}
	return err
}

// doing says in words what the foreign key does to the child's rows.
func doing(parent effect, f *foreignKey, child effect) string {
	rule := f.onUpdate
	if parent.deletes {
		rule = f.onDelete
	}
	switch {
	case child.deletes:
		return "delete"
	case strings.EqualFold(rule, "CASCADE"):
		return "change " + list(f.columns) + " in"
	case strings.EqualFold(rule, "SET NULL"):
		return "empty " + list(f.columns) + " in"
	}
	return "reset " + list(f.columns) + " in"
}

// count adds rows to what a write reaches by the same foreign key.
func (c *cascade) count(w *write, x escape, n int64) {
	for _, known := range c.escapes[w] {
		if known.key == x.key && known.what == x.what {
			known.rows += n
			return
		}
	}
	x.rows = n
	c.escapes[w] = append(c.escapes[w], &x)
}

// hold refuses a write because of rows that no link covers. It is not tried again with the others, since they cannot help.
func (c *cascade) hold(w *write, escapes []*escape) {
	column := ""
	parts := make([]string, len(escapes))
	for i, x := range escapes {
		child := x.key.child
		if x.key.elsewhere != "" {
			child = x.key.elsewhere + "." + child
		}
		rows := fmt.Sprintf("%d of its rows", x.rows)
		if x.rows == 0 {
			rows = "its rows that refer to this one, if there are any (the account has no SELECT on that table, and cannot look)"
		}
		parts[i] = fmt.Sprintf("in the table %q the database would %s %s", child, x.what, rows)
		column = cmp.Or(column, x.column)
	}
	w.refusal = c.t.conflict(tandem.CodePrecondition, "CASCADES", column, "the row was left as it is, since more would change than the links cover: %s. "+
		"Link that table too, or first take away in the database what refers to the row, or make the change itself there", strings.Join(parts, ", and "))
	w.refusal.later = false
}

// holdUnseen refuses writes that reach too much to see where it ends.
func (c *cascade) holdUnseen(writes []*write, f *foreignKey) {
	for _, w := range writes {
		w.refusal = c.t.conflict(tandem.CodePrecondition, "CASCADES", "", "the row was left as it is, since more than %d rows would change by way of the table %q, "+
			"too many to see whether links cover all of them. Take some of them away first, or make the change in the database", maxReached, f.child)
		w.refusal.later = false
	}
}

// mayEscape reports whether what befalls rows of a child may reach a table that no link covers.
func (c *cascade) mayEscape(f *foreignKey, e effect) bool {
	reached := beneath(c.keys, f.child, e)
	for table := range reached {
		if len(c.linked[table]) == 0 {
			return true
		}
	}
	reached[f.child] = true
	return slices.ContainsFunc(c.keys, func(other foreignKey) bool { return other.elsewhere != "" && reached[other.parent] })
}
