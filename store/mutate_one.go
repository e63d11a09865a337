package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/tandem-sync/tandem"
)

// addMarks marks the rows if the link of a remembered table still is as it was, else nothing is to be done. For a single
// row, which most calls write, that is one statement.
func (g *mutating) addMarks() error {
	t := g.t
	if len(g.marks) != 1 {
		if err := t.checkSettings(g.tx); err != nil {
			return err
		}
		return t.store.addMarksTo(g.tx, t.link.Number, g.marks)
	}
	m := &g.marks[0]
	result, err := g.tx.Statement.ConnPool.ExecContext(keep(g.tx.Statement.Context),
		`INSERT INTO tandem_marks (link_number, source, row_key, raw_key, marked_at, cause, actor)
			SELECT number, ?, ?, 0, ?, ?, ? FROM tandem_links WHERE number = ? AND config = ?`,
		string(m.Source), string(m.Key), moment{m.At}, string(m.Cause), clip(m.Actor), t.link.Number, t.config)
	if err != nil {
		return err
	}
	if added, err := result.RowsAffected(); err != nil || added != 1 {
		return errors.Join(tandem.ErrOutdated, err)
	}
	return nil
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

// insertOne inserts a single row in one statement that also tells what became of it, where the database can: without a look
// whether the key is free, which the key itself says. Whatever goes wrong it leaves to carryOut, and reports that it has
// done nothing.
func (g *mutating) insertOne(i int) (done bool, err error) {
	t, d, m := g.t, g.t.store.dialect, &g.mutations[i]
	// SQLite does not show in RETURNING what triggers do after the row was inserted.
	if m.Kind != tandem.Insert || d.scheme != "mysql" || !d.returning(d.server) {
		return false, nil
	}
	change := &tandem.Change{Kind: tandem.Insert, After: g.withKey(m)}
	w := t.write(change, t.target(change), nil, true)
	if w.refusal != nil {
		return false, nil
	}
	if _, err := rawExec(g.tx, d.quiet(t.link.Number), nil); err != nil {
		return false, err
	}
	sql, args := t.insertSQL([]*write{w})
	reader, made := t.newReader(0, 1), 0
	err = keptQuery(g.tx.Statement.Context, g.tx.Statement.ConnPool, sql+" RETURNING "+t.selectList(t.needed), args, func(row scanner) error {
		made++
		if err := reader.scan(row); err != nil {
			return err
		}
		if found := reader.row(); found.Key != "" {
			w.applied.Row = &found
		}
		return nil
	})
	if err != nil && t.refuse(err) == nil {
		return false, fmt.Errorf("write to table %q: %w", t.info.Name, err)
	}
	if err != nil || made == 0 {
		return false, nil
	}
	g.finish(i, w)
	return true, nil
}
