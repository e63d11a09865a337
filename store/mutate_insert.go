package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/tandem-sync/tandem"
)

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
	key := t.target(change)
	w := t.write(change, key, nil, true)
	if w.refusal != nil {
		return false, nil
	}
	if _, err := rawExec(g.tx, d.quiet(t.link.Number), nil); err != nil {
		return false, err
	}
	statement, args := t.insertSQL([]*write{w})
	statement += " RETURNING " + t.selectList(t.needed)
	if g.late {
		if made, err := g.insertMarked(i, w, key, statement, args); made || err != nil {
			return made, err
		}
	}
	reader, made := t.newReader(0, 1), 0
	err = keptQuery(g.tx.Statement.Context, g.tx.Statement.ConnPool, statement, args, func(row scanner) error {
		made++
		return w.readBack(reader, row)
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

// readBack takes the row that an insert made.
func (w *write) readBack(reader *rowReader, row scanner) error {
	if err := reader.scan(row); err != nil {
		return err
	}
	if found := reader.row(); found.Key != "" {
		w.applied.Row = &found
	}
	return nil
}

// opensLate reports whether an insert can open the transaction that is only for it.
func (t *Table) opensLate(m *tandem.Mutation) bool {
	return t.remembered() && m.Kind == tandem.Insert && m.RequestID == "" && t.store.dialect.scheme == "mysql"
}

// insertMarked begins the transaction, inserts the row and marks it, all in one statement; COMMIT is then the only other round
// trip. It has done nothing where the server cannot do that, or refuses the row.
func (g *mutating) insertMarked(i int, w *write, key tandem.Key, insert string, args []any) (done bool, err error) {
	t, m := g.t, &g.mutations[i]
	auto := len(t.key) == 1 && t.fields[t.key[0]].AutoIncrement
	if key == "" && !auto || slices.ContainsFunc(args, isBinary) {
		return false, nil
	}
	marked := "?"
	if key == "" {
		marked = "@tandem_key"
		insert += ", @tandem_key := " + t.store.dialect.quote(t.fields[t.key[0]].Name)
	} else {
		args = append(args, string(key))
	}
	mark := tandem.Mark{Source: tandem.Database, At: t.store.moment(), Cause: tandem.CauseAPI, Actor: m.Actor}
	rows, err := g.tx.Statement.ConnPool.QueryContext(context.WithValue(g.tx.Statement.Context, opens{}, true),
		"BEGIN NOT ATOMIC START TRANSACTION; "+insert+"; "+markOne(marked)+unlessMarked+" END", append(args, t.markArgs(&mark)...)...)
	switch {
	case errors.Is(err, errNotOpened), err != nil && t.refuse(err) != nil:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("write to table %q: %w", t.info.Name, err)
	}
	defer rows.Close()
	if key, err = t.readMarked(rows, w, key); err != nil {
		return false, fmt.Errorf("write to table %q: %w", t.info.Name, err)
	}
	g.finish(i, w)
	// A trigger of the table may have given the row another key than the one that was marked.
	if g.marked = len(g.marks) == 1 && g.marks[0].Key == key; !g.marked {
		return true, tandem.ErrOutdated
	}
	return true, nil
}

// unlessMarked fails when there was no link as it was remembered. Marks that are answered with would take the server another
// packet than the row's.
const unlessMarked = "; IF ROW_COUNT() <> 1 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'tandem: the link is not as it was'; END IF;"

// isBinary reports whether an argument would be sent as text by a prepared statement.
func isBinary(arg any) bool { _, is := arg.([]byte); return is }

// readMarked reads the row that was made, to the end of what is answered, which is when its mark is there. It returns the key
// that was marked: the one that was given or, without one, what the statement says after the row.
func (t *Table) readMarked(rows *sql.Rows, w *write, key tandem.Key) (tandem.Key, error) {
	extra := 0
	if key == "" {
		extra = 1
	}
	reader := t.newReader(extra, 1)
	for rows.Next() {
		if err := w.readBack(reader, rows); err != nil {
			return "", err
		}
		if extra > 0 {
			key = tandem.Key(reader.after(0))
		}
	}
	for rows.NextResultSet() { // what follows is nothing but the end
	}
	return key, rows.Err()
}
