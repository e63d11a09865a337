package server_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// program of SQL that knows nothing of tandem and writes one table.
type sqlWriter struct {
	s      *soak
	r      *rand.Rand
	link   *soakLink
	who    string
	own    []string
	serial int
}

// work writes until ctx ends.
func (w *sqlWriter) work(ctx context.Context) {
	for ctx.Err() == nil {
		switch n := w.r.IntN(100); {
		case n < 25:
			w.updateRows(1)
		case n < 40:
			w.updateRows(2 + w.r.IntN(4))
		case n < 52 && len(w.own) < 12:
			w.insert()
		case n < 60 && w.link.counts && len(w.own) < 12:
			w.insertCounted()
		case n < 68 && len(w.own) > 4:
			w.remove()
		case n < 78:
			w.upsert(w.link.fought(w.r))
		case n < 80:
			w.write([]*act{w.begin("delete", w.link.fought(w.r), nil)}, "DELETE FROM {table} WHERE {key} = ?", nil)
		default:
			w.transaction(w.r.IntN(2) == 0)
		}
		wait(ctx, time.Duration(w.r.IntN(2*w.s.pace))*time.Millisecond)
	}
}

func (w *sqlWriter) begin(kind, key string, values map[string]string) *act {
	return w.s.ledger.begin(act{link: w.link.name, side: "database", who: w.who, kind: kind, key: key, values: values, gone: values == nil})
}

func (w *sqlWriter) statement(text string) string {
	return strings.NewReplacer("{table}", w.link.name, "{key}", w.link.key).Replace(text)
}

// write runs one statement that commits by itself. Args are the key when nil.
func (w *sqlWriter) write(acts []*act, statement string, args []any) sql.Result {
	if args == nil {
		args = []any{acts[0].key}
	}
	ctx, cancel := context.WithTimeout(w.s.ctx, time.Minute)
	defer cancel()
	result, err := w.s.db.ExecContext(ctx, w.statement(statement), args...)
	w.settle(err, acts...)
	if err != nil {
		wait(w.s.ctx, 100*time.Millisecond) // the database may be away
	}
	return result
}

// settle notes what became of a statement. Only an answer of the server says that nothing was done; after a lost connection
// nobody knows.
func (w *sqlWriter) settle(err error, acts ...*act) {
	var refused *mysql.MySQLError
	switch {
	case err == nil:
		w.s.ledger.done(acts...)
	case errors.As(err, &refused):
		w.s.ledger.refuse(err.Error(), acts...)
		if refused.Number != 1213 && refused.Number != 1205 && refused.Number != 1020 && refused.Number != 1053 {
			w.s.violate("SQL was refused: %v: %s", err, acts[0])
		}
	default:
		w.s.counters.unknown.Add(int64(len(acts)))
	}
}

// updateRows changes cells of several rows by one statement.
func (w *sqlWriter) updateRows(n int) {
	var acts []*act
	var keys, whens []any
	column := []string{"by_sql", "by_sql", "shared"}[w.r.IntN(3)]
	seen := map[string]bool{}
	for range n {
		key := w.link.kept(w.r)
		if seen[key] {
			continue
		}
		seen[key] = true
		a := w.begin("update of "+map[bool]string{true: "a row", false: "several rows"}[n == 1], key, map[string]string{column: w.s.ledger.value(w.who)})
		acts, keys, whens = append(acts, a), append(keys, key), append(whens, key, a.values[column])
	}
	holes := strings.TrimSuffix(strings.Repeat("?,", len(keys)), ",")
	result := w.write(acts, "UPDATE {table} SET "+column+" = CASE {key}"+strings.Repeat(" WHEN ? THEN ?", len(keys))+" END WHERE {key} IN ("+holes+")", append(whens, keys...))
	if result == nil {
		return
	}
	if changed, err := result.RowsAffected(); err == nil && changed != int64(len(keys)) {
		w.s.violate("an update of %d rows that nobody deletes found %d: %v", len(keys), changed, keys)
	}
}

// insert adds one to three rows by one statement.
func (w *sqlWriter) insert() {
	var acts []*act
	var args []any
	n := 1 + w.r.IntN(3)
	for range n {
		w.serial++
		a := w.begin("insert", w.link.newKey(w.who, w.serial), map[string]string{"by_sql": w.s.ledger.value(w.who), "shared": w.s.ledger.value(w.who)})
		acts, args = append(acts, a), append(args, a.key, a.values["by_sql"], a.values["shared"])
	}
	w.write(acts, "INSERT INTO {table} ({key}, by_sql, shared) VALUES "+strings.TrimSuffix(strings.Repeat("(?,?,?),", n), ","), args)
	for _, a := range acts {
		if a.happened() {
			w.own = append(w.own, a.key)
		}
	}
}

// insertCounted lets the table make the key.
func (w *sqlWriter) insertCounted() {
	a := w.begin("insert without key", "", map[string]string{"by_sql": w.s.ledger.value(w.who)})
	result := w.write([]*act{a}, "INSERT INTO {table} (by_sql) VALUES (?)", []any{a.values["by_sql"]})
	if result == nil {
		return
	}
	if id, err := result.LastInsertId(); err == nil {
		w.s.ledger.named(a, strconv.FormatInt(id, 10))
		w.own = append(w.own, a.key)
	}
}

func (w *sqlWriter) remove() {
	at := w.r.IntN(len(w.own))
	a := w.begin("delete", w.own[at], nil)
	w.own = append(w.own[:at:at], w.own[at+1:]...)
	result := w.write([]*act{a}, "DELETE FROM {table} WHERE {key} = ?", nil)
	if result == nil {
		return
	}
	if changed, err := result.RowsAffected(); err == nil && changed != 1 {
		w.s.violate("row %s was deleted by somebody other than its owner: %s", a.key, a)
	}
}

func (w *sqlWriter) upsert(key string) {
	a := w.begin("upsert", key, map[string]string{"shared": w.s.ledger.value(w.who)})
	w.write([]*act{a}, "INSERT INTO {table} ({key}, shared) VALUES (?, ?) ON DUPLICATE KEY UPDATE shared = VALUES(shared)", []any{key, a.values["shared"]})
}

// transaction writes two rows, and commits both or takes both back.
func (w *sqlWriter) transaction(commit bool) {
	kind := map[bool]string{true: "transaction", false: "transaction rolled back"}[commit]
	var acts []*act
	for range 2 {
		acts = append(acts, w.begin(kind, w.link.kept(w.r), map[string]string{"by_sql": w.s.ledger.value(w.who)}))
	}
	w.serial++
	acts = append(acts, w.begin(kind, w.link.newKey(w.who, w.serial), map[string]string{"by_sql": w.s.ledger.value(w.who)}))
	err := w.inTransaction(acts, commit)
	var lost errCommit
	switch {
	case err == nil && commit:
		w.s.ledger.done(acts...)
		w.own = append(w.own, acts[2].key)
	case errors.As(err, &lost):
		w.s.counters.unknown.Add(int64(len(acts)))
	default: // rolled back, on purpose or since the database went away before the commit
		w.s.ledger.rolledBack(acts...)
	}
	if err != nil {
		wait(w.s.ctx, 100*time.Millisecond)
	}
}

// errCommit is the loss of the connection during a commit: nobody knows what became of it.
type errCommit struct{ error }

func (w *sqlWriter) inTransaction(acts []*act, commit bool) error {
	ctx, cancel := context.WithTimeout(w.s.ctx, time.Minute)
	defer cancel()
	tx, err := w.s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	for _, a := range acts[:2] {
		if _, err := tx.ExecContext(ctx, w.statement("UPDATE {table} SET by_sql = ? WHERE {key} = ?"), a.values["by_sql"], a.key); err != nil {
			return err
		}
		wait(ctx, time.Duration(w.r.IntN(40))*time.Millisecond)
	}
	if _, err := tx.ExecContext(ctx, w.statement("INSERT INTO {table} ({key}, by_sql) VALUES (?, ?)"), acts[2].key, acts[2].values["by_sql"]); err != nil {
		return err
	}
	if !commit {
		return fmt.Errorf("taken back: %w", tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return errCommit{err}
	}
	return nil
}
