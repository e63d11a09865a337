package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tandem-sync/tandem"
)

// SQLite lets anything stand in any column, and its functions make something of nearly anything: date('2026-02-30') is the
// 2nd of March. What is no value of its column is equal to nothing, so that a comparison that finds it by mistake is put right
// by tandem.Filter, and one that is negated must not leave it out: what may be no value is found in any case.

// doubt is where the column of a comparison may hold what is no value of its type; "" where nothing is in doubt. It is never NULL.
func (t *Table) doubt(f *tandem.Filter) string {
	c, d := &t.fields[f.Column], t.store.dialect
	if d.scheme != "sqlite" || !t.exists(f.Column) {
		return ""
	}
	return "COALESCE(" + d.doubtful(c, d.quote(c.Name)) + ", 0)"
}

// doubtful is NULL only where the column is.
func (d *dialect) doubtful(c *tandem.Column, ref string) string {
	no := func(types string) string { return "typeof(" + ref + ") NOT IN (" + types + ", 'null')" }
	switch c.Type.Kind {
	case tandem.String:
		return "typeof(" + ref + ") = 'blob'"
	case tandem.Bytes:
		return no("'blob'")
	case tandem.Year:
		return no("'integer'") + " OR " + ref + " NOT BETWEEN 1901 AND 2155"
	case tandem.Int:
		if bits := c.Type.Bits; bits > 0 && bits < 64 && !c.Type.Unsigned {
			most := int64(math.MaxInt64) >> (64 - bits)
			return no("'integer'") + fmt.Sprintf(" OR %s NOT BETWEEN %d AND %d", ref, -most-1, most)
		}
		return no("'integer'") + map[bool]string{true: " OR " + ref + " < 0"}[c.Type.Unsigned]
	case tandem.Float:
		return no("'integer', 'real'") + fmt.Sprintf(" OR abs(%s) > %d", ref, int64(1)<<53)
	case tandem.Decimal:
		if c.Type.Precision > 15 || c.Type.Precision < c.Type.Scale {
			break
		}
		return no("'integer', 'real'") + fmt.Sprintf(" OR abs(%[1]s) >= 1e%[2]d OR round(%[1]s, %[3]d) <> %[1]s", ref, c.Type.Precision-c.Type.Scale, c.Type.Scale)
	case tandem.Bool:
		return ref + " IS NOT NULL AND COALESCE(" + d.comparable(c, ref) + " NOT IN (0, 1), 1)"
	case tandem.Date:
		return ref + " IS NOT NULL AND COALESCE(date(" + ref + ") <> " + ref + ", 1) OR " + ref + " < '0001'"
	case tandem.DateTime:
		return ref + " IS NOT NULL AND COALESCE(strftime('%Y-%m-%d %H:%M:%S', " + ref + ") <> replace(" + ref + ", 'T', ' '), 1) OR " + ref + " < '0001'"
	}
	return ref + " IS NOT NULL"
}

// doubts is where any of the columns of a filter is in doubt.
func (t *Table) doubts(f *tandem.Filter) string {
	var all []string
	var visit func(f *tandem.Filter)
	visit = func(f *tandem.Filter) {
		for _, part := range f.Parts {
			visit(part)
		}
		if len(f.Parts) == 0 {
			if doubt := t.doubt(f); doubt != "" && !slices.Contains(all, doubt) {
				all = append(all, doubt)
			}
		}
	}
	if f != nil {
		visit(f)
	}
	return strings.Join(all, " OR ")
}

// countDoubtful counts the rows under a condition that a filter wants, one by one.
func (t *Table) countDoubtful(ctx context.Context, filter *tandem.Filter, where string, args []any) (n int64, err error) {
	wanted := filter.Matcher(t.Columns())
	err = rawQuery(t.store.db.WithContext(ctx), "SELECT "+t.selectList(t.needed)+" FROM "+t.table()+" WHERE "+where, args, func(row scanner) error {
		raw, err := scanFields(row, t.needed)
		if err == nil && wanted(t.row(raw).Values) {
			n++
		}
		return err
	})
	return n, err
}
