package store

import (
	"context"
	"errors"

	"github.com/tandem-sync/tandem"
)

// addMarks marks the rows if the link of a remembered table still is as it was, else nothing is to be done. For a single
// row, which most calls write, that is one statement.
func (g *mutating) addMarks() error {
	t := g.t
	if g.marked {
		return nil
	}
	if len(g.marks) != 1 || g.marks[0].Rest != nil {
		if err := t.checkSettings(g.tx); err != nil {
			return err
		}
		return t.store.addMarksTo(g.tx, t.link.Number, g.marks)
	}
	m := &g.marks[0]
	result, err := g.tx.Statement.ConnPool.ExecContext(keep(g.tx.Statement.Context), markOne("?"), append([]any{string(m.Key)}, t.markArgs(m)...)...)
	if err != nil {
		return err
	}
	if added, err := result.RowsAffected(); err != nil || added != 1 {
		return errors.Join(tandem.ErrOutdated, err)
	}
	return nil
}

// markOne marks the row of a key, an expression in SQL, if the link still is as it was. Its arguments follow those of the key.
func markOne(key string) string {
	return `INSERT INTO tandem_marks (row_key, link_number, source, raw_key, marked_at, cause, actor)
		SELECT ` + key + `, number, ?, 0, ?, ?, ? FROM tandem_links WHERE number = ? AND config = ?`
}

func (t *Table) markArgs(m *tandem.Mark) []any {
	return []any{string(m.Source), moment{m.At}, string(m.Cause), clip(m.Actor), t.link.Number, t.config}
}

// doubtful reports whether what was found out with a remembered table could be otherwise with the table as it is: then
// nothing of it counts.
func (g *mutating) doubtful(part []int) bool {
	if !g.t.remembered() {
		return false
	}
	for _, i := range part {
		if g.results[i].Err != nil {
			return true
		}
	}
	return g.differs
}

// compare notes whether a row holds something else than was written to it.
func (g *mutating) compare(i int, w *write) {
	row, wanted := w.applied.Row, g.mutations[i].Values
	if row == nil {
		return
	}
	for _, field := range w.fields {
		if field < len(wanted) && !wanted[field].IsAbsent() && wanted[field] != row.Values[field] {
			g.differs = true
		}
	}
}

// anew returns the table as it is now. It fails when the link's columns are others now, since values stand in their order.
func (t *Table) anew(ctx context.Context) (*Table, error) {
	link, table, err := t.store.OpenRows(ctx, t.link.ID, true)
	if err != nil {
		return nil, err
	}
	if link.Number != t.link.Number || !sameColumns(columnNames(link), columnNames(t.link)) {
		return nil, tandem.Errorf(tandem.CodeAborted, "LINK_CHANGED",
			"the columns of link %q were changed while the rows were written; mutations without a result were not made, send them again", t.link.ID)
	}
	return table, nil
}
