package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
	"gorm.io/gorm"
)

// A filter is asked of the database, so that only the rows that are wanted leave it, and decided by tandem.Filter itself: what
// SQL makes of content that is no value of its column (a zero date, a text in an INTEGER of SQLite) is nothing that the
// sheet would say. Everything that a caller wrote is an argument; names come from introspection.

// RowQuery asks for rows that a filter wants, in an order.
type RowQuery struct {
	Filter *tandem.Filter // nil wants all
	Order  []tandem.Order // then by key
	// After is the last row of the page before: its key, and the Marks that came with that page. Empty: from the beginning.
	After tandem.Key
	Marks []string
	Limit int
}

// rowsAgain is how many rows are read at least where those read before were not enough.
const rowsAgain = 200

// RowPage is what Select found.
type RowPage struct {
	Rows  []tandem.Row
	More  bool
	Marks []string // what the last row was sorted by, as the database compares it
}

// Select returns a page of the rows that a query wants. Rows whose key cannot be written in a cell are left out, as Scan does.
func (t *Table) Select(ctx context.Context, query RowQuery) (RowPage, error) {
	tx := t.store.db.WithContext(ctx)
	sorting, err := t.sorting(query)
	if err != nil {
		return RowPage{}, err
	}
	page := RowPage{Rows: make([]tandem.Row, 0, min(query.Limit, 1000))}
	where, args, err := t.condition(query.Filter)
	if err != nil {
		return RowPage{}, err
	}
	wanted := query.Filter.Matcher(t.Columns())
	for last, again := false, false; !last && !page.More; again = true {
		limit := query.Limit - len(page.Rows) + 1 // one more tells whether there is another page
		if again {                                // SQL finds what is not wanted: no query for each of these
			limit = max(limit, rowsAgain)
		}
		raws, err := t.selectRaw(tx, sorting, where, args, limit)
		if err != nil {
			return RowPage{}, t.outdated(fmt.Errorf("select from table %q: %w", t.info.Name, translate(err)))
		}
		for _, raw := range raws {
			row := t.row(raw)
			switch {
			case row.Key == "" || !wanted(row.Values):
			case len(page.Rows) == query.Limit:
				page.More = true
			default:
				page.Rows, page.Marks = append(page.Rows, row), sorting.marks(raw[t.needed:])
			}
		}
		if last = len(raws) < limit; !last {
			sorting.goOn(t, raws[len(raws)-1])
		}
	}
	return page, t.outdated(t.checkSettings(tx))
}

// CountMatching returns how many rows a filter wants.
func (t *Table) CountMatching(ctx context.Context, filter *tandem.Filter) (int64, error) {
	where, args, err := t.condition(filter)
	if err != nil {
		return 0, err
	}
	var n, some int64
	sure, doubts := where, t.doubts(filter)
	if doubts != "" {
		sure = "(" + where + ") AND NOT (" + doubts + ")"
	}
	sql := "SELECT COUNT(*) FROM " + t.table() + " WHERE " + sure
	err = rawQuery(t.store.db.WithContext(ctx), sql, args, func(row scanner) error { return row.Scan(&n) })
	if err == nil && doubts != "" {
		some, err = t.countDoubtful(ctx, filter, "("+where+") AND ("+doubts+")", args)
	}
	if err != nil {
		return 0, t.outdated(fmt.Errorf("count rows of table %q: %w", t.info.Name, translate(err)))
	}
	return n + some, nil
}

// selectRaw reads one page of raw rows, each with what it is sorted by after its fields.
func (t *Table) selectRaw(tx *gorm.DB, s *sorting, where string, args []any, limit int) ([][]any, error) {
	list, order := []string{t.selectList(t.needed)}, make([]string, len(s.parts))
	for i, part := range s.parts {
		if order[i] = part.ref; part.descending {
			order[i] += " DESC"
		}
		if !part.key {
			list = append(list, part.read)
		}
	}
	args = slices.Clone(args)
	if s.from {
		beyond, more := s.beyond()
		where, args = where+" AND "+beyond, append(args, more...)
	}
	for _, field := range t.key {
		if t.store.dialect.scheme == "sqlite" { // its key columns may hold NULL
			where += " AND " + t.store.dialect.quote(t.fields[field].Name) + " IS NOT NULL"
		}
	}
	sql := t.store.dialect.selectSorted() + strings.Join(list, ", ") + " FROM " + t.table() + " WHERE " + where +
		" ORDER BY " + strings.Join(order, ", ") + fmt.Sprintf(" LIMIT %d", limit)
	var raws [][]any
	err := rawQuery(tx, sql, args, func(row scanner) error {
		raw, err := scanFields(row, t.needed+len(list)-1)
		raws = append(raws, raw)
		return err
	})
	return raws, err
}

// condition is a filter in SQL, "1=1" for none.
func (t *Table) condition(f *tandem.Filter) (string, []any, error) {
	if f == nil {
		return "1=1", nil, nil
	}
	c := condition{table: t}
	c.add(f, false)
	return c.sql.String(), c.args, c.err
}

// condition is built from left to right, as its arguments are.
type condition struct {
	table *Table
	sql   strings.Builder
	args  []any
	err   error
}

// add writes f, or its opposite. NOT goes down to the comparisons, so that those that are not negated stay bare for an
// index; there NULL counts as false, as it does for AND, OR and WHERE.
func (c *condition) add(f *tandem.Filter, negated bool) {
	switch f.Op {
	case tandem.FilterNot:
		c.add(f.Parts[0], !negated)
	case tandem.FilterAnd, tandem.FilterOr:
		between := " AND "
		if (f.Op == tandem.FilterOr) != negated {
			between = " OR "
		}
		c.sql.WriteString("(")
		for i, part := range f.Parts {
			if i > 0 {
				c.sql.WriteString(between)
			}
			c.add(part, negated)
		}
		c.sql.WriteString(")")
	case tandem.FilterNotEqual:
		equal := *f
		equal.Op = tandem.FilterEqual
		c.add(&equal, !negated)
	case tandem.FilterPresent:
		empty := *f
		empty.Op = tandem.FilterEmpty
		c.add(&empty, !negated)
	default:
		sql, args, err := c.table.comparison(f)
		if err != nil && c.err == nil {
			c.err = err
		}
		doubt := c.table.doubt(f)
		switch {
		case negated && doubt != "":
			sql = "NOT COALESCE(" + sql + ", 0) OR " + doubt
		case negated:
			sql = "NOT COALESCE(" + sql + ", 0)"
		}
		c.sql.WriteString("(" + sql + ")")
		c.args = append(c.args, args...)
	}
}
