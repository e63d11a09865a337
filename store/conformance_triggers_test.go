package store_test

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/tandem-sync/tandem"
)

// capture looks after a link's triggers, as its cycles do once a minute.
func (w *world) capture(t *testing.T, links ...*tandem.Link) {
	t.Helper()
	for _, link := range links {
		if err := w.Capture(t.Context(), link); err != nil {
			t.Fatalf("capture %s: %v", link.ID, err)
		}
	}
}

// triggers returns the triggers of a table, in order.
func (w *world) triggers(t *testing.T, table string) []string {
	t.Helper()
	rows, err := w.sql.QueryContext(t.Context(), w.pick("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? ORDER BY name",
		"SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = ? ORDER BY TRIGGER_NAME"), table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return names
}

// distinct returns marks once each, sorted.
func distinct(marks []string) []string {
	slices.Sort(marks)
	return slices.Compact(marks)
}

func (w *world) count(t *testing.T, query string) (n int) {
	t.Helper()
	if err := w.sql.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

var (
	captured1 = []string{"tandem_1_del", "tandem_1_ins", "tandem_1_upd"}
	captured2 = []string{"tandem_2_del", "tandem_2_ins", "tandem_2_upd"}
)

// The application's statements go on whatever is wrong with tandem_marks.
func TestTriggersDoNotBreakTheApplication(t *testing.T) {
	faults := []struct{ name, fault, repair string }{
		{"dropped", "DROP TABLE tandem_marks", ""},
		{"renamed away", "RENAME TABLE tandem_marks TO elsewhere", "RENAME TABLE elsewhere TO tandem_marks"},
		{"of other columns", "ALTER TABLE tandem_marks RENAME COLUMN row_key TO k", "ALTER TABLE tandem_marks RENAME COLUMN k TO row_key"},
		{"refusing", "ALTER TABLE tandem_marks ADD CONSTRAINT refusing CHECK (link_number <> 1)", "ALTER TABLE tandem_marks DROP CONSTRAINT refusing"},
		{"without its data", "ALTER TABLE tandem_marks DISCARD TABLESPACE", ""},
	}
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return // see TestSQLiteTriggersNeedTheirTable
		}
		w.exec(t, "CREATE TABLE b (id INT NOT NULL PRIMARY KEY AUTO_INCREMENT, n INT)", "INSERT INTO b VALUES (1,1)")
		link, table := w.link(t, "b")
		w.capture(t, &link)
		var create, name string
		if err := w.sql.QueryRowContext(t.Context(), "SHOW CREATE TABLE tandem_marks").Scan(&name, &create); err != nil {
			t.Fatal(err)
		}
		for _, fault := range faults {
			t.Run(fault.name, func(t *testing.T) {
				w.exec(t, "DELETE FROM tandem_marks", fault.fault, "INSERT INTO b (n) VALUES (2), (3)", "UPDATE b SET n = n + 10, id = id + 100", "REPLACE INTO b VALUES (101, 7)",
					"DELETE FROM b WHERE n > 7", "INSERT INTO b VALUES (101, 1) ON DUPLICATE KEY UPDATE n = 8", "BEGIN", "INSERT INTO b VALUES (1,1)", "DELETE FROM b WHERE id = 101", "COMMIT")
				same(t, "rows", w.scan(t, table), []string{"1: 1, 1"})
				if fault.repair != "" {
					w.exec(t, fault.repair)
				} else {
					w.exec(t, "DROP TABLE IF EXISTS tandem_marks", create)
				}
				w.exec(t, "UPDATE b SET n = 2", "UPDATE b SET n = 1")
				same(t, "marks once it is well again", w.marked(t, table), []string{"1", "1"})
			})
		}
	})
}

// A mark that cannot be written as it should be marks the whole table.
func TestTriggersMarkTheWholeWhenTheKeyIsRefused(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return
		}
		w.exec(t, "CREATE TABLE b (id VARCHAR(200) NOT NULL PRIMARY KEY, n INT)", "ALTER TABLE tandem_marks MODIFY row_key VARCHAR(10)")
		link, table := w.link(t, "b")
		w.capture(t, &link)
		w.exec(t, "DELETE FROM tandem_marks", "INSERT INTO b VALUES ('short', 1), ('much too long for it', 2)")
		same(t, "marks", w.marked(t, table), []string{"short", ""})
		w.exec(t, "UPDATE b SET id = 'also too long for it' WHERE n = 1")
		same(t, "marks of a new key", distinct(w.marked(t, table)), []string{""})
		same(t, "rows", w.scan(t, table), []string{"also too long for it: also too long for it, 1", "much too long for it: much too long for it, 2"})
	})
}

// SQLite looks for the table when it prepares the application's statement. This is the documented limit; should it ever go,
// docs/capture.md and Capture say too much.
func TestSQLiteTriggersNeedTheirTable(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if w.mariadb {
			return
		}
		w.exec(t, "CREATE TABLE b (id INTEGER PRIMARY KEY, n INT)")
		link, table := w.link(t, "b")
		w.capture(t, &link)
		w.exec(t, "ALTER TABLE tandem_marks RENAME TO elsewhere", "INSERT INTO b VALUES (1, 1)", "ALTER TABLE elsewhere RENAME TO tandem_marks")
		if got := w.marked(t, table); !slices.Contains(got, "1") {
			t.Errorf("triggers follow a renamed table, and this one marked %q", got)
		}
		w.exec(t, "DROP TABLE tandem_marks")
		if _, err := w.sql.ExecContext(t.Context(), "INSERT INTO b VALUES (2, 2)"); err == nil || !strings.Contains(err.Error(), "tandem_marks") {
			t.Errorf("an INSERT without tandem_marks: %v", err)
		}
		if err := w.DropCapture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		w.count(t, "SELECT COUNT(*) FROM b") // a connection that failed so fails on until it reads the schema anew
		w.exec(t, "INSERT INTO b VALUES (2, 2)")
	})
}

// A deadlock or a lock timeout within a trigger reaches the application: its statement, or its transaction, is undone.
func TestTriggersDoNotHideARollback(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return
		}
		w.sql.SetMaxOpenConns(3)
		w.exec(t, "CREATE TABLE b (id INT NOT NULL PRIMARY KEY, n INT)", "INSERT INTO b VALUES (1,1), (2,2)")
		link, table := w.link(t, "b")
		w.capture(t, &link)
		writer, other := w.session(t), w.session(t)
		exec := func(conn *sql.Conn, statements ...string) {
			t.Helper()
			for _, statement := range statements {
				if _, err := conn.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
		}
		// other keeps every new mark waiting.
		exec(other, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "BEGIN", "SELECT id FROM tandem_marks FOR UPDATE")
		exec(writer, "SET innodb_lock_wait_timeout = 1", "BEGIN")
		_, err := writer.ExecContext(t.Context(), "UPDATE b SET n = 10 WHERE id = 1")
		wantNumber(t, "a lock timeout in the trigger", err, 1205)
		exec(writer, "COMMIT")
		exec(other, "ROLLBACK")
		same(t, "rows after the timeout", w.scan(t, table), []string{"1: 1, 1", "2: 2, 2"})

		// Now each waits for the other, and the one that did less is given up.
		exec(other, "BEGIN", "INSERT INTO b SELECT seq, 0 FROM seq_100_to_900", "SELECT id FROM tandem_marks FOR UPDATE")
		exec(writer, "SET innodb_lock_wait_timeout = 50", "BEGIN")
		done := make(chan error, 1)
		go func() {
			_, err := writer.ExecContext(context.WithoutCancel(t.Context()), "UPDATE b SET n = 11 WHERE id = 1")
			done <- err
		}()
		w.waitForLock(t)
		exec(other, "UPDATE b SET n = 12 WHERE id = 1", "COMMIT")
		wantNumber(t, "a deadlock in the trigger", <-done, 1213)
		exec(writer, "COMMIT")
		if got := w.count(t, "SELECT n FROM b WHERE id = 1"); got != 12 {
			t.Errorf("the row holds %d, want what the other wrote", got)
		}
	})
}

// session is a connection of its own.
func (w *world) session(t *testing.T) *sql.Conn {
	t.Helper()
	conn, err := w.sql.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// waitForLock returns when a transaction waits for a lock. InnoDB shows its transactions as it saw them until nobody has asked
// for 0.1 s: asked again and again without a pause, it never looks anew.
func (w *world) waitForLock(t *testing.T) {
	t.Helper()
	for w.count(t, "SELECT COUNT(*) FROM information_schema.INNODB_TRX WHERE trx_state = 'LOCK WAIT'") == 0 {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}

func wantNumber(t *testing.T, what string, err error, number uint16) {
	t.Helper()
	var my *mysql.MySQLError
	if !errors.As(err, &my) || my.Number != number {
		t.Errorf("%s: %v, want error %d", what, err, number)
	}
}

// A table that another one replaced by RENAME, as tools for changes of large tables do it.
func TestCaptureFollowsASwappedTable(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE items (id INT NOT NULL PRIMARY KEY, n INT)", "INSERT INTO items VALUES (1,1)")
		link, table := w.link(t, "items")
		other, otherTable := w.link(t, "items")
		w.capture(t, &link, &other)
		swap := func() {
			t.Helper()
			w.exec(t, "CREATE TABLE _items_new (id INT NOT NULL PRIMARY KEY, n INT, note VARCHAR(20))", "INSERT INTO _items_new SELECT id, n, NULL FROM items")
			if w.mariadb {
				w.exec(t, "RENAME TABLE items TO _items_old, _items_new TO items")
			} else {
				w.exec(t, "ALTER TABLE items RENAME TO _items_old", "ALTER TABLE _items_new RENAME TO items")
			}
			same(t, "triggers right after the swap", w.triggers(t, "items"), []string(nil))
			w.exec(t, "UPDATE items SET n = 5", "DELETE FROM tandem_marks")
		}
		swap()
		w.capture(t, &link)
		same(t, "triggers of the new table", w.triggers(t, "items"), captured1)
		same(t, "triggers of the old table, where the other link's are left alone", w.triggers(t, "_items_old"), captured2)
		same(t, "marks of a swap", distinct(w.marked(t, table)), []string{""})
		w.capture(t, &link)
		same(t, "marks when all is well", w.marked(t, table), []string(nil))
		w.capture(t, &other)
		same(t, "triggers of both", w.triggers(t, "items"), slices.Concat(captured1, captured2))
		same(t, "triggers of the old table", w.triggers(t, "_items_old"), []string(nil))
		w.exec(t, "DELETE FROM tandem_marks", "UPDATE _items_old SET n = 9", "UPDATE items SET n = 6")
		marks, err := otherTable.Marks(t.Context(), 10)
		if err != nil || len(marks) != 1 {
			t.Errorf("marks of the other link: %+v, %v", marks, err)
		}
		same(t, "marks of the live table alone", w.marked(t, table), []string{"1"})

		w.exec(t, "DROP TABLE _items_old")
		swap()
		w.exec(t, "DROP TABLE _items_old")
		w.capture(t, &link, &other)
		same(t, "triggers after the old table was dropped", w.triggers(t, "items"), slices.Concat(captured1, captured2))
		w.marked(t, table)
		w.exec(t, "INSERT INTO items (id, n) VALUES (2, 2)")
		same(t, "marks", w.marked(t, table), []string{"2"})
	})
}

// Triggers are right from the moment they are made, so what was missed before must not depend on what comes after.
func TestCaptureThatFailsAtItsEnd(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if w.mariadb {
			return // nothing there fails at the right moment
		}
		w.exec(t, "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, n INT)")
		link, table := w.link(t, "a")
		w.exec(t, `CREATE TRIGGER failing BEFORE INSERT ON tandem_marks WHEN (SELECT COUNT(*) FROM sqlite_schema WHERE name LIKE 'tandem_1%') = 3
			BEGIN SELECT RAISE(ABORT, 'failing'); END`)
		if err := w.Capture(t.Context(), &link); err == nil || !strings.Contains(err.Error(), "failing") {
			t.Fatalf("a mark that fails: %v", err)
		}
		w.exec(t, "DROP TRIGGER failing")
		w.capture(t, &link)
		same(t, "marks", w.marked(t, table), []string{""})
	})
}

// A cycle may still run for a link that was just deleted.
func TestCaptureOfADeletedLink(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, n INT)")
		link, _ := w.link(t, "a")
		if err := w.DeleteLink(t.Context(), link.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.Capture(t.Context(), &link); !errors.Is(err, tandem.ErrNotFound) {
			t.Errorf("capture: %v", err)
		}
		same(t, "triggers", w.triggers(t, "a"), []string(nil))
	})
}

// What others make of our triggers is put right; what is only named like them is not ours.
func TestCaptureRestoresAlteredTriggers(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, n INT)", "CREATE TABLE log (id INT)", "CREATE TABLE z (id INT)")
		link, table := w.link(t, "a")
		w.capture(t, &link)
		trigger := func(name, fires, table, body string) string {
			return "CREATE TRIGGER " + name + " " + fires + " ON " + table + " FOR EACH ROW BEGIN " + body + "; END"
		}
		mark := "INSERT INTO tandem_marks (link_number, source, row_key, raw_key, marked_at, cause, actor) VALUES (1, 'database', 'x', 1, '2026-01-01', 'SQL', '')"
		for name, statements := range map[string][]string{
			"another body":   {"DROP TRIGGER tandem_1_upd", trigger("tandem_1_upd", "AFTER UPDATE", "a", "INSERT INTO log VALUES (1)")},
			"another event":  {"DROP TRIGGER tandem_1_ins", trigger("tandem_1_ins", "AFTER DELETE", "a", mark)},
			"another table":  {"DROP TRIGGER tandem_1_del", trigger("tandem_1_del", "AFTER DELETE", "log", mark)},
			"all are gone":   {"DROP TRIGGER tandem_1_ins", "DROP TRIGGER tandem_1_upd", "DROP TRIGGER tandem_1_del"},
			"copies of ours": {trigger("tandem_1_ins_ght", "AFTER INSERT", "a", mark), trigger("tandem_1_del_ght", "AFTER DELETE", "log", mark), "DROP TRIGGER tandem_1_ins"},
		} {
			w.exec(t, statements...)
			w.exec(t, "DELETE FROM tandem_marks")
			w.capture(t, &link)
			same(t, name+": triggers", w.triggers(t, "a"), captured1)
			same(t, name+": triggers of another table", w.triggers(t, "log"), []string(nil))
			same(t, name+": marks", distinct(w.marked(t, table)), []string{""})
			w.exec(t, "INSERT INTO a VALUES (1, 1)", "UPDATE a SET n = 2", "DELETE FROM a")
			same(t, name+": marks of changes", w.marked(t, table), []string{"1", "1", "1"})
		}
		w.exec(t, trigger("tandem_1_mine", "AFTER INSERT", "z", "INSERT INTO log VALUES (1)"), trigger("tandem_11_ins", "AFTER INSERT", "z", mark))
		w.capture(t, &link)
		if err := w.DropCapture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		same(t, "triggers of others", w.triggers(t, "z"), []string{"tandem_11_ins", "tandem_1_mine"})
		same(t, "triggers after DropCapture", w.triggers(t, "a"), []string(nil))
	})
}

// An event alone can be altered while the body stays: the catalog's body does not tell.
func TestCaptureSeesAnotherEventWithTheSameBody(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return
		}
		w.exec(t, "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, n INT)")
		link, table := w.link(t, "a")
		w.capture(t, &link)
		var body string
		if err := w.sql.QueryRowContext(t.Context(), "SELECT ACTION_STATEMENT FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME = 'tandem_1_ins'").Scan(&body); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "DROP TRIGGER tandem_1_ins", "CREATE TRIGGER tandem_1_ins BEFORE UPDATE ON a FOR EACH ROW "+body)
		w.capture(t, &link)
		w.marked(t, table)
		w.exec(t, "INSERT INTO a VALUES (1, 1)")
		same(t, "marks", w.marked(t, table), []string{"1"})
	})
}

// Capture runs once a minute for every link.
func TestCaptureIsCheap(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE parent (id INT NOT NULL PRIMARY KEY)", "CREATE TABLE child (id INT NOT NULL PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)")
		parent, _ := w.link(t, "parent")
		child, _ := w.link(t, "child")
		w.capture(t, &parent, &child)
		if !w.mariadb { // it keeps no count of queries; that nothing was written shows
			before := w.count(t, "PRAGMA data_version")
			w.capture(t, &parent, &child)
			same(t, "commits", w.count(t, "PRAGMA data_version"), before)
			return
		}
		for link, most := range map[*tandem.Link]int{&parent: 7, &child: 6} {
			reads, writes := w.statementCounts(t)
			w.capture(t, link)
			readsNow, writesNow := w.statementCounts(t)
			if reads = readsNow - reads - 1; reads < 4 || reads > most { // without the one that asks
				t.Errorf("%d queries for %s, want up to %d", reads, link.Table, most)
			}
			same(t, "writes for "+link.Table, writesNow-writes, 0)
		}
	})
}

// statementCounts returns how many statements the server has run since it started: reads without this one, and what writes or
// changes triggers.
func (w *world) statementCounts(t *testing.T) (reads, writes int) {
	t.Helper()
	err := w.sql.QueryRowContext(t.Context(), `SELECT SUM(IF(VARIABLE_NAME = 'COM_SELECT', CAST(VARIABLE_VALUE AS SIGNED), 0)),
			SUM(IF(VARIABLE_NAME = 'COM_SELECT', 0, CAST(VARIABLE_VALUE AS SIGNED))) FROM information_schema.GLOBAL_STATUS
		WHERE VARIABLE_NAME IN ('COM_SELECT', 'COM_INSERT', 'COM_UPDATE', 'COM_DELETE', 'COM_CREATE_TRIGGER', 'COM_DROP_TRIGGER')`).Scan(&reads, &writes)
	if err != nil {
		t.Fatal(err)
	}
	return reads, writes
}
