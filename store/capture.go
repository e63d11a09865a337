package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/tandem-sync/tandem"
)

// capture is what the triggers of a link are made from.
type capture struct {
	dialect *dialect
	link    int64
	table   string
	key     []tandem.Column
	linked  []tandem.Column
	cascades
}

// trigger is one trigger as it should be.
type trigger struct {
	name   string
	create string
	body   string // what the catalog shows of it, see dialect.existing
}

// Capture makes the three triggers that mark changed keys of the link's table. It restores those that were dropped or
// altered, or that left with the table when another one took its name; right ones are left alone, which costs a few queries
// of the catalog. When anything had to be made, the whole table is marked, since changes may have been missed, and so is
// every linked table that this one's foreign keys change.
//
// The triggers see every INSERT, UPDATE and DELETE, ON DUPLICATE KEY UPDATE, REPLACE, LOAD DATA, upserts and key changes,
// in the transaction that makes them. They do not see, and only a full compare finds: TRUNCATE; rows that a foreign key's
// action changes on MySQL and MariaDB, when the row that it began with is in a table without a link; and on SQLite rows that
// a REPLACE by another program removes for the sake of a further unique index (its delete triggers fire only with PRAGMA
// recursive_triggers).
//
// On MySQL and MariaDB no statement of the application fails because tandem_marks refuses its mark: the whole table is marked
// instead, or nothing where tandem_marks is missing or refuses that too. SQLite has no such means: there the application's
// statements fail when tandem_marks is dropped while the triggers are there. See docs/capture.md for what else can fail.
//
// With ByBinlog no triggers are made, and those there are go: see captureByBinlog.
func (s *Store) Capture(ctx context.Context, link *tandem.Link) error {
	if s.binlog != nil {
		return s.captureByBinlog(ctx, link)
	}
	t, err := s.OpenTable(ctx, link)
	if err != nil {
		return err
	}
	c, err := t.capture(ctx)
	if err != nil {
		return fmt.Errorf("read what the foreign keys of table %q change: %w", link.Table, translate(err))
	}
	found, err := s.triggers(ctx, link.Number)
	if err != nil {
		return fmt.Errorf("read the triggers of table %q: %w", link.Table, translate(err))
	}
	var wrong []trigger
	for _, want := range s.dialect.triggers(c) {
		if is, ok := found[want.name]; !ok || is.table != link.Table || is.body != want.body {
			wrong = append(wrong, want)
		}
		delete(found, want.name)
	}
	if len(wrong) > 0 {
		if err := s.restore(ctx, link, wrong, c.reached()); err != nil {
			return err
		}
	}
	return s.dropCopies(ctx, link, found)
}

// restore makes triggers and marks all that changed without them. The first marks are for the case that the last ones fail:
// the triggers are right from then on, and nobody would know that something was missed. A link that was deleted meanwhile
// gets no triggers.
func (s *Store) restore(ctx context.Context, link *tandem.Link, wrong []trigger, reached []string) error {
	mark := func() error {
		for _, id := range append([]string{link.ID}, reached...) {
			err := s.AddMarks(ctx, id, []tandem.Mark{{Source: tandem.Database, Cause: tandem.CauseSQL}})
			if err != nil && (id == link.ID || !errors.Is(err, tandem.ErrNotFound)) {
				return err
			}
		}
		return nil
	}
	if err := mark(); err != nil {
		return err
	}
	if err := s.forgetBinlog(ctx); err != nil {
		return err
	}
	for _, want := range wrong {
		if err := s.makeTrigger(ctx, want); err != nil {
			return fmt.Errorf("create trigger %s on table %q: %w", want.name, link.Table, translate(err))
		}
	}
	s.log.Info("triggers made", "link", link.ID, "table", link.Table, "count", len(wrong))
	return mark()
}

// dropCopies removes triggers that were copied from the link's under longer names: tools that change a table by way of
// another one may leave such a set behind, and it would mark everything a second time.
func (s *Store) dropCopies(ctx context.Context, link *tandem.Link, copies map[string]foundTrigger) error {
	for _, name := range slices.Sorted(maps.Keys(copies)) {
		if err := s.dropTrigger(ctx, name); err != nil {
			return fmt.Errorf("drop trigger %s on table %q, a copy of one of link %s: %w", name, copies[name].table, link.ID, translate(err))
		}
		s.log.Info("copied trigger dropped", "link", link.ID, "table", copies[name].table, "trigger", name)
	}
	return nil
}

// makeTrigger replaces a trigger, on whatever table the old one is. Another process may make the same one at the same time.
// Between DROP and CREATE changes go unmarked, which is why the whole table is marked afterwards.
func (s *Store) makeTrigger(ctx context.Context, want trigger) error {
	if err := s.dropTrigger(ctx, want.name); err != nil {
		return err
	}
	_, err := s.db.WithContext(ctx).Statement.ConnPool.ExecContext(ctx, want.create)
	var my *mysql.MySQLError
	if errors.As(err, &my) && my.Number == 1359 || err != nil && strings.Contains(err.Error(), "already exists") {
		return nil
	}
	return err
}

func (s *Store) dropTrigger(ctx context.Context, name string) error {
	_, err := s.db.WithContext(ctx).Statement.ConnPool.ExecContext(ctx, "DROP TRIGGER IF EXISTS "+s.dialect.quote(name))
	return err
}

// DropCapture removes the link's triggers. It is idempotent, and the table may be gone. An account that may not drop any can
// still delete a link that has none.
func (s *Store) DropCapture(ctx context.Context, link *tandem.Link) error {
	found, err := s.triggers(ctx, link.Number)
	if err != nil {
		return fmt.Errorf("look at the triggers of link %s: %w", link.ID, translate(err))
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if err := s.dropTrigger(ctx, name); err != nil {
			return fmt.Errorf("drop trigger %s of link %s: %w", name, link.ID, translate(err))
		}
	}
	return nil
}

type foundTrigger struct{ table, body string }

// triggers returns the link's triggers as they are, by name, and copies of them; not those of others that are named alike.
func (s *Store) triggers(ctx context.Context, link int64) (map[string]foundTrigger, error) {
	found := map[string]foundTrigger{}
	err := rawQuery(s.db.WithContext(ctx), s.dialect.existing, nil, func(row scanner) error {
		var name string
		var t foundTrigger
		err := row.Scan(&name, &t.table, &t.body)
		for _, event := range triggerEvents {
			ours := triggerName(link, event.short)
			if name == ours || strings.HasPrefix(name, ours+"_") && strings.Contains(t.body, "tandem_marks") {
				found[name] = t
			}
		}
		return err
	})
	return found, err
}

// capture describes the link to the dialect; columns that are gone are not named, since a trigger would fail over them.
func (t *Table) capture(ctx context.Context) (*capture, error) {
	c := &capture{dialect: t.store.dialect, link: t.link.Number, table: t.info.Name}
	for _, field := range t.key {
		c.key = append(c.key, t.fields[field])
	}
	for i := range t.fields[:t.linked] {
		if t.exists(i) {
			c.linked = append(c.linked, t.fields[i])
		}
	}
	var err error
	c.cascades, err = t.cascades(ctx)
	return c, err
}

// TryCapture makes a trigger on a table of its own and removes both, to tell whether Capture will be allowed to.
func (s *Store) TryCapture(ctx context.Context) error {
	conn := s.db.WithContext(ctx).Statement.ConnPool
	statements := []string{
		"DROP TABLE IF EXISTS tandem_check",
		"CREATE TABLE tandem_check (id INT PRIMARY KEY)",
		"CREATE TRIGGER tandem_check_ins AFTER INSERT ON tandem_check FOR EACH ROW BEGIN DELETE FROM tandem_marks WHERE id < 0; END",
		"DROP TABLE tandem_check",
	}
	for i, statement := range statements {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			if i == 2 {
				_, _ = conn.ExecContext(context.WithoutCancel(ctx), "DROP TABLE tandem_check")
			}
			return fmt.Errorf("try a trigger: %w", translate(err))
		}
	}
	return nil
}
