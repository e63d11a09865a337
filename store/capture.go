package store

import (
	"context"
	"errors"
	"fmt"
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
}

// trigger is one trigger as it should be.
type trigger struct {
	name   string
	create string
	body   string // what the catalog shows of it; the whole statement on SQLite
}

// Capture makes the three triggers that mark changed keys of the link's table, restores lost ones and replaces outdated
// ones; right ones are left alone. When anything had to be made, the whole table is marked, since changes may have been
// missed.
//
// The triggers see every INSERT, UPDATE and DELETE, ON DUPLICATE KEY UPDATE, REPLACE, LOAD DATA, upserts and key changes,
// in the transaction that makes them. They do not see, and only a full compare finds: rows that a foreign key's ON DELETE
// or ON UPDATE action changes on MySQL and MariaDB, which fire no triggers for it; TRUNCATE; and on SQLite rows that a
// REPLACE by another program removes for the sake of a further unique index (its delete triggers fire only with PRAGMA
// recursive_triggers).
//
// On MySQL a dropped or renamed column does not make the application's statements fail: the whole table is marked
// instead. On both, they would fail if the table tandem_marks were dropped while the triggers are there.
func (s *Store) Capture(ctx context.Context, link *tandem.Link) error {
	t, err := s.OpenTable(ctx, link)
	if err != nil {
		return err
	}
	found, err := s.triggers(ctx, link.Number)
	if err != nil {
		return fmt.Errorf("read the triggers of table %q: %w", link.Table, translate(err))
	}
	made := 0
	for _, want := range s.dialect.triggers(t.capture()) {
		if is, ok := found[want.name]; ok && is.table == link.Table && is.body == want.body {
			continue
		}
		if err := s.makeTrigger(ctx, want); err != nil {
			return fmt.Errorf("create trigger %s on table %q: %w", want.name, link.Table, translate(err))
		}
		made++
	}
	if made == 0 {
		return nil
	}
	s.log.Info("triggers made", "link", link.ID, "table", link.Table, "count", made)
	return s.AddMarks(ctx, link.ID, []tandem.Mark{{Source: tandem.Database, Cause: tandem.CauseSQL}})
}

// makeTrigger replaces a trigger. Another process may make the same one at the same time. Between DROP and CREATE changes go
// unmarked, which is why Capture marks the whole table afterwards.
func (s *Store) makeTrigger(ctx context.Context, want trigger) error {
	conn := s.db.WithContext(ctx).Statement.ConnPool
	if _, err := conn.ExecContext(ctx, "DROP TRIGGER IF EXISTS "+want.name); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, want.create)
	var my *mysql.MySQLError
	if errors.As(err, &my) && my.Number == 1359 || err != nil && strings.Contains(err.Error(), "already exists") {
		return nil
	}
	return err
}

// DropCapture removes the link's triggers. It is idempotent, and the table may be gone.
func (s *Store) DropCapture(ctx context.Context, link *tandem.Link) error {
	stand, err := s.triggers(ctx, link.Number)
	if err != nil {
		return fmt.Errorf("look at the triggers of link %s: %w", link.ID, translate(err))
	}
	conn := s.db.WithContext(ctx).Statement.ConnPool
	for _, event := range triggerEvents {
		if _, there := stand[triggerName(link.Number, event.short)]; !there {
			continue // so that a link without triggers can be deleted by an account that may not drop any
		}
		if _, err := conn.ExecContext(ctx, "DROP TRIGGER IF EXISTS "+triggerName(link.Number, event.short)); err != nil {
			return fmt.Errorf("drop triggers of link %s: %w", link.ID, translate(err))
		}
	}
	return nil
}

type foundTrigger struct{ table, body string }

// triggers returns the link's triggers as they are, by name.
func (s *Store) triggers(ctx context.Context, link int64) (map[string]foundTrigger, error) {
	found := map[string]foundTrigger{}
	err := rawQuery(s.db.WithContext(ctx), s.dialect.existing, nil, func(row scanner) error {
		var name string
		var t foundTrigger
		err := row.Scan(&name, &t.table, &t.body)
		if strings.HasPrefix(name, fmt.Sprintf("tandem_%d_", link)) {
			found[name] = t
		}
		return err
	})
	return found, err
}

// capture describes the link to the dialect; columns that are gone are not named, since a trigger would fail over them.
func (t *Table) capture() *capture {
	c := &capture{dialect: t.store.dialect, link: t.link.Number, table: t.info.Name}
	for _, field := range t.key {
		c.key = append(c.key, t.fields[field])
	}
	for i := range t.fields[:t.linked] {
		if t.exists(i) {
			c.linked = append(c.linked, t.fields[i])
		}
	}
	return c
}

// triggerEvents are the triggers of a link, and the rows each sees.
var triggerEvents = []struct {
	short, event string
	old, new     bool
}{
	{"ins", "INSERT", false, true},
	{"upd", "UPDATE", true, true},
	{"del", "DELETE", true, false},
}

func triggerName(link int64, short string) string { return fmt.Sprintf("tandem_%d_%s", link, short) }

// rawKey is the SQL that joins the key's parts: "~1" between them, "~" inside a part written "~0". See decodeRawKey.
func (c *capture) rawKey(row string) string {
	parts := make([]string, len(c.key))
	for i := range c.key {
		parts[i] = c.dialect.keyText(&c.key[i], row+"."+c.dialect.quote(c.key[i].Name))
	}
	if c.dialect.scheme == "sqlite" {
		return strings.Join(parts, " || '~1' || ")
	}
	return "CONCAT(" + strings.Join(parts, ", '~1', ") + ")"
}

// mysqlTriggers mark the old and the new key, when they differ, of rows whose linked columns changed. Texts are compared
// as bytes, since a collation may find different ones equal.
func mysqlTriggers(c *capture) []trigger {
	const insert = "INSERT INTO tandem_marks (link_number, source, row_key, raw_key, marked_at, cause, actor) "
	mark := func(row string) string {
		return fmt.Sprintf("%sVALUES (%d, 'database', %s, 1, UTC_TIMESTAMP(6), 'SQL', LEFT(USER(), 255));\n", insert, c.link, c.rawKey(row))
	}
	var all []trigger
	for _, e := range triggerEvents {
		var b strings.Builder
		b.WriteString("BEGIN\n")
		// A column that this names is gone: nothing is known but that something changed.
		fmt.Fprintf(&b, "DECLARE EXIT HANDLER FOR 1054 %sVALUES (%d, 'database', '', 1, UTC_TIMESTAMP(6), 'SQL', '');\n", insert, c.link)
		switch {
		case e.old && e.new:
			fmt.Fprintf(&b, "IF NOT (@tandem_link <=> %d OR %s) THEN\n%s", c.link, c.unchanged(c.linked), mark("NEW"))
			fmt.Fprintf(&b, "IF NOT (%s) THEN\n%sEND IF;\nEND IF;\n", c.unchanged(c.key), mark("OLD"))
		case e.new:
			fmt.Fprintf(&b, "IF NOT (@tandem_link <=> %d) THEN\n%sEND IF;\n", c.link, mark("NEW"))
		default:
			fmt.Fprintf(&b, "IF NOT (@tandem_link <=> %d) THEN\n%sEND IF;\n", c.link, mark("OLD"))
		}
		b.WriteString("END")
		name := triggerName(c.link, e.short)
		all = append(all, trigger{name: name, body: b.String(),
			create: fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s FOR EACH ROW %s", name, e.event, c.dialect.quote(c.table), b.String())})
	}
	return all
}

// unchanged is the SQL that compares the old row with the new.
func (c *capture) unchanged(columns []tandem.Column) string {
	parts := make([]string, len(columns))
	for i := range columns {
		name := c.dialect.quote(columns[i].Name)
		parts[i] = "OLD." + name + " <=> NEW." + name
		switch columns[i].Type.Kind {
		case tandem.String, tandem.Bytes:
			parts[i] = "CAST(OLD." + name + " AS BINARY) <=> CAST(NEW." + name + " AS BINARY)"
		case tandem.Timestamp: // as instants: the writer's clocks may show two of them alike
			parts[i] = "UNIX_TIMESTAMP(OLD." + name + ") <=> UNIX_TIMESTAMP(NEW." + name + ")"
		}
	}
	return strings.Join(parts, " AND ")
}

// mysqlKeyText is the same whatever time zone, character set and mode the writer's session has.
func mysqlKeyText(c *tandem.Column, ref string) string {
	switch {
	case c.Type.Kind == tandem.Timestamp:
		ref = "UNIX_TIMESTAMP(" + ref + ")"
	case c.Type.Kind == tandem.Bytes:
		ref = "HEX(" + ref + ")"
	case strings.HasPrefix(c.Type.Native, "bit"):
		ref += "+0"
	}
	text := "CONVERT(" + ref + " USING utf8mb4)"
	if c.Type.Kind == tandem.String {
		return "REPLACE(" + text + ", '~', '~0')"
	}
	return text
}

// sqliteTriggers name the key's columns only, so that they stand in the way of no ALTER TABLE … DROP COLUMN but the key's.
func sqliteTriggers(c *capture) []trigger {
	mark := func(row, where string) string {
		return fmt.Sprintf("INSERT INTO tandem_marks (link_number, source, row_key, raw_key, marked_at, cause, actor) "+
			"SELECT %d, 'database', %s, 1, strftime('%%Y-%%m-%%d %%H:%%M:%%f000', 'now'), 'SQL', ''%s;\n", c.link, c.rawKey(row), where)
	}
	var all []trigger
	for _, e := range triggerEvents {
		body := ""
		if e.new {
			body += mark("NEW", "")
		}
		if e.old && e.new {
			body += mark("OLD", " WHERE "+c.rawKey("OLD")+" IS NOT "+c.rawKey("NEW"))
		} else if e.old {
			body += mark("OLD", "")
		}
		name := triggerName(c.link, e.short)
		create := fmt.Sprintf("CREATE TRIGGER %s AFTER %s ON %s BEGIN\n%sEND", name, e.event, c.dialect.quote(c.table), body)
		all = append(all, trigger{name: name, create: create, body: create})
	}
	return all
}

// sqliteKeyText spells what decodeRawKey reads. A key column of another storage class than its type's has no usable key anyway.
func sqliteKeyText(c *tandem.Column, ref string) string {
	if c.Type.Kind == tandem.String {
		return "replace(" + ref + ", '~', '~0')"
	}
	return "CAST(" + ref + " AS TEXT)"
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
