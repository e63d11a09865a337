package store_test

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// What a cycle writes is not news for its link, and what a caller of the API writes is marked once, with its name.
func TestBinlogPassesOverItsOwnWrites(t *testing.T) {
	w := newBinlogWorld(t)
	w.exec(t, "CREATE TABLE own (id INT NOT NULL PRIMARY KEY, n INT)")
	a, tableA := w.link(t, "own")
	b, tableB := w.link(t, "own")
	w.capture(t, &a, &b)
	w.marked(t, tableA)
	lease, ok, err := w.Claim(t.Context(), "links/"+a.ID, "test", time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	change := tandem.Change{Kind: tandem.Insert, After: text("1", "1")}
	settlement := tandem.Settlement{Key: "1", Write: &change, Baseline: text("1", "1")}
	if _, err := tableA.Commit(t.Context(), lease, tandem.Commit{Link: a.ID, Settlements: []tandem.Settlement{settlement}}); err != nil {
		t.Fatal(err)
	}
	same(t, "marks of the other link", keysOf(t, tableB), []string{"1"})
	same(t, "marks of the link that wrote", keysOf(t, tableA), []string(nil))
	w.exec(t, "DELETE FROM tandem_marks")
	w.mutate(t, tableA, tandem.Mutation{Kind: tandem.Update, Key: "1", Values: text("1", "2"), Actor: "token:ops"})
	marks, err := tableA.Marks(t.Context(), 10)
	if err != nil || len(marks) != 1 || marks[0].Actor != "token:ops" || marks[0].Cause != tandem.CauseAPI {
		t.Errorf("marks of an API write: %+v, %v", marks, err)
	}
	same(t, "its marks for the other link", keysOf(t, tableB), []string{"1"})
	w.exec(t, "DELETE FROM tandem_marks", "UPDATE own SET n = 3")
	same(t, "marks of what SQL writes", keysOf(t, tableA), []string{"1"})
}

func keysOf(t *testing.T, table *store.Table) []string {
	t.Helper()
	marks, err := table.Marks(t.Context(), 10000)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, mark := range marks {
		keys = append(keys, string(mark.Key))
	}
	return keys
}

// Foreign keys change rows that the log does not show; what they may have reached is looked at whole, from tables without a
// link too.
func TestBinlogMarksCascades(t *testing.T) {
	w := newBinlogWorld(t)
	w.exec(t, strings.Split(orderTables, ";")...)
	tables := map[string]*store.Table{}
	for _, name := range []string{"customers", "orders", "notes", "parcels", "bills"} {
		link, table := w.link(t, name)
		w.capture(t, &link)
		tables[name] = table
	}
	w.byTable(t, tables)
	for _, step := range []struct {
		statement string
		want      []string
	}{
		{"UPDATE customers SET n = 5", []string{"customers 1", "customers 2", "customers 3"}},
		{"INSERT INTO customers VALUES (4,'d',0)", []string{"customers 4"}},
		{"UPDATE customers SET code = 'aa' WHERE id = 1", []string{"customers 1", "notes *", "orders *"}},
		{"UPDATE customers SET id = 9 WHERE id = 1", []string{"customers 1", "customers 9", "notes *", "orders *"}},
		{"DELETE FROM customers WHERE id = 9", []string{"customers 9", "notes *", "orders *", "parcels *"}},
		{"DELETE FROM line WHERE id = 31", []string{"parcels *"}},
		{"CREATE TABLE lots (id INT NOT NULL PRIMARY KEY, parcel INT, FOREIGN KEY (parcel) REFERENCES parcels (id) ON DELETE CASCADE)", []string{"parcels *"}},
	} {
		w.exec(t, step.statement)
		same(t, step.statement, w.byTable(t, tables), step.want)
	}
	link, table := w.link(t, "lots")
	w.capture(t, &link)
	tables["lots"] = table
	w.byTable(t, tables)
	w.exec(t, "INSERT INTO parcels VALUES (50, NULL)", "DELETE FROM parcels WHERE id = 50")
	same(t, "a foreign key that came later", w.byTable(t, tables), []string{"lots *", "parcels 50"})
}

// What the log does not say row by row is looked at whole.
func TestBinlogMarksWholeTables(t *testing.T) {
	w := newBinlogWorld(t)
	w.exec(t, "CREATE TABLE pears (id INT NOT NULL PRIMARY KEY, n INT)", "CREATE TABLE plums (id INT NOT NULL PRIMARY KEY, n INT)", "CREATE TABLE numbers (id INT NOT NULL PRIMARY KEY)")
	w.exec(t, "INSERT INTO numbers SELECT seq FROM seq_1_to_15000")
	tables := map[string]*store.Table{}
	for _, name := range []string{"pears", "plums"} {
		link, table := w.link(t, name)
		w.capture(t, &link)
		tables[name] = table
	}
	w.byTable(t, tables)
	for _, step := range []struct {
		statement string
		want      []string
	}{
		{"INSERT INTO pears VALUES (1,1)", []string{"pears 1"}},
		{"TRUNCATE pears", []string{"pears *"}},
		{"/* from a program */ truncate `plums`", []string{"plums *"}},
		{"ALTER TABLE pears ADD COLUMN m INT FIRST", []string{"pears *"}},
		{"INSERT INTO pears VALUES (7,8,9)", []string{"pears 8"}},
		{"RENAME TABLE pears TO gone, plums TO pears, gone TO plums", []string{"pears *", "plums *"}},
		{"INSERT INTO plums VALUES (7,10,9); INSERT INTO pears VALUES (11,12)", []string{"pears 11", "plums 10"}},
		{"SET SESSION binlog_format = STATEMENT; INSERT INTO pears VALUES (13,14); SET SESSION binlog_format = ROW", []string{"pears *", "plums *"}},
		{"INSERT INTO pears SELECT id + 100, 1 FROM numbers", []string{"pears *"}},
		{"BEGIN; INSERT INTO pears VALUES (20000,1); UPDATE pears SET n = 2 WHERE id = 11; SAVEPOINT s; INSERT INTO pears VALUES (20001,1); ROLLBACK TO s; COMMIT", []string{"pears 11", "pears 20000"}},
		{"CREATE TEMPORARY TABLE scratch LIKE pears; DROP TEMPORARY TABLE scratch", nil},
	} {
		w.exec(t, step.statement)
		same(t, step.statement, w.byTable(t, tables), step.want)
	}
}

// Transactions in two phases are in the log when they are prepared, and become visible when they are committed: that is when
// their rows are marked, whoever read the first phase.
func TestBinlogTransactionsInTwoPhases(t *testing.T) {
	dsn, url := newMariaDB(t)
	w := openBinlogWorld(t, dsn, url)
	stop := w.read(t, w.Store, "one")
	w.exec(t, "CREATE TABLE x (id INT NOT NULL PRIMARY KEY)")
	link, table := w.link(t, "x")
	w.capture(t, &link)
	w.marked(t, table)
	// Until its connection is gone, only that one may end what is prepared.
	prepare := func(id string, key int) (end func(statement string)) {
		t.Helper()
		conn := openBinlogWorld(t, dsn, url)
		conn.exec(t, "XA START '"+id+"'", fmt.Sprintf("INSERT INTO x VALUES (%d)", key), "XA END '"+id+"'", "XA PREPARE '"+id+"'")
		return func(statement string) { conn.exec(t, statement) }
	}
	end := prepare("known", 1)
	same(t, "marks when prepared", w.marked(t, table), []string(nil))
	end("XA COMMIT 'known'")
	same(t, "marks when committed", w.marked(t, table), []string{"1"})
	end = prepare("back", 2)
	end("XA ROLLBACK 'back'")
	w.exec(t, "XA START 'one'", "INSERT INTO x VALUES (3)", "XA END 'one'", "XA COMMIT 'one' ONE PHASE")
	same(t, "marks of a commit in one phase", w.marked(t, table), []string{"3"})
	end = prepare("unknown", 4)
	same(t, "marks when prepared", w.marked(t, table), []string(nil))
	stop()
	w.read(t, w.Store, "two")
	end("XA COMMIT 'unknown'")
	same(t, "marks of what another reader saw", w.marked(t, table), []string{""})
}

// A link that is deleted leaves no marks behind, and what is only new is not captured.
func TestBinlogFollowsLinks(t *testing.T) {
	w := newBinlogWorld(t)
	w.exec(t, "CREATE TABLE f (id INT NOT NULL PRIMARY KEY)")
	link, table := w.link(t, "f")
	other, _ := w.link(t, "f")
	w.capture(t, &link)
	w.exec(t, fmt.Sprintf("UPDATE tandem_links SET state = 'NEW' WHERE number = %d", other.Number), "INSERT INTO f VALUES (1)")
	if got := keysOf(t, table); len(got) == 0 || got[len(got)-1] != "1" {
		t.Errorf("marks: %q", got)
	}
	if n := w.count(t, fmt.Sprintf("SELECT COUNT(*) FROM tandem_marks WHERE row_key = '1' AND link_number = %d", other.Number)); n != 0 {
		t.Errorf("%d marks of a link that was never synced", n)
	}
	w.exec(t, "INSERT INTO f VALUES (2)")
	if err := w.DeleteLink(t.Context(), other.ID); err != nil {
		t.Fatal(err)
	}
	w.exec(t, "INSERT INTO f VALUES (3)")
	keysOf(t, table)
	if n := w.count(t, fmt.Sprintf("SELECT COUNT(*) FROM tandem_marks WHERE link_number = %d", other.Number)); n != 0 {
		t.Errorf("%d marks of a link that is gone", n)
	}
}

// The log shows a change before others can read it. A mark must not: a cycle that reads the row as it was would take the mark
// away, and nobody would look again.
func TestBinlogMarksFollowTheirRowsConcurrent(t *testing.T) {
	w := newBinlogWorld(t)
	w.exec(t, "CREATE TABLE c (id INT NOT NULL PRIMARY KEY)")
	link, table := w.link(t, "c")
	w.capture(t, &link)
	w.marked(t, table)
	db, err := sql.Open("mysql", strings.Replace(strings.Replace(w.url, "mysql://root@", "root@tcp(", 1), "/test", ")/test", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	const writers, each = 4, 300
	failed := make(chan error, writers)
	for writer := range writers {
		go func() {
			for i := range each {
				if _, err := db.Exec("INSERT INTO c VALUES (?)", writer*each+i); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	seen := map[string]bool{}
	for len(seen) < writers*each {
		if err := t.Context().Err(); err != nil {
			t.Fatal(err)
		}
		marks, err := w.Store.Marks(t.Context(), link.ID, table, 10000)
		if err != nil {
			t.Fatal(err)
		}
		for _, mark := range marks {
			if !seen[string(mark.Key)] && w.count(t, "SELECT COUNT(*) FROM c WHERE id = '"+string(mark.Key)+"'") != 1 {
				t.Fatalf("row %q is marked and cannot be read yet", mark.Key)
			}
			seen[string(mark.Key)] = true
		}
	}
	for range writers {
		if err := <-failed; err != nil {
			t.Fatal(err)
		}
	}
}
