package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// privateBinlog is a server of its own with a captured table "p", which the test can reset and kill.
func privateBinlog(t *testing.T) (server *mariadbtest.Private, w *world, link tandem.Link, table *store.Table) {
	t.Helper()
	server = mariadbtest.StartPrivate(t)
	url := server.CreateDatabase(t)
	w = openBinlogWorld(t, server.DSN("test1"), url)
	w.exec(t, "CREATE TABLE p (id INT NOT NULL PRIMARY KEY, n INT)")
	stop := w.read(t, w.Store, "first")
	link, table = w.link(t, "p")
	w.capture(t, &link)
	w.exec(t, "INSERT INTO p VALUES (1,1)")
	if got := w.marked(t, table); !slices.Contains(got, "1") {
		t.Fatalf("marks: %q", got)
	}
	stop()
	return server, w, link, table
}

// While nobody reads, the log comes to an end that the stored position does not fit: nothing may be overlooked.
func TestBinlogLost(t *testing.T) {
	_, w, _, table := privateBinlog(t)
	next := 2
	for _, test := range []struct {
		name, statement string
		more            int // transactions afterwards
		whole           bool
	}{
		{"kept", "FLUSH BINARY LOGS", 3, false},
		{"purged", "FLUSH BINARY LOGS", 1, true},
		{"reset", "RESET MASTER", 1, true},
		{"reset, and gone past the position since", "RESET MASTER", 400, true},
		{"position removed", "DELETE FROM tandem_positions", 1, true},
		{"position of another kind of server", `UPDATE tandem_positions SET position = '{"flavor":"mysql","gtid":""}' WHERE name = 'binlog'`, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.exec(t, "DELETE FROM tandem_marks", fmt.Sprintf("INSERT INTO p VALUES (%d,1)", next), test.statement)
			for test.name == "purged" && w.logs(t) > 1 { // a file that a reader had open a moment ago stays at first
				w.exec(t, "PURGE BINARY LOGS BEFORE DATE_ADD(NOW(), INTERVAL 1 DAY)")
			}
			first := next
			for range test.more {
				next++
				w.exec(t, fmt.Sprintf("INSERT INTO p VALUES (%d,1)", next))
			}
			next++
			stop := w.read(t, w.Store, test.name)
			got := w.marked(t, table)
			if whole := slices.Contains(got, ""); whole != test.whole || !whole && !slices.Contains(got, fmt.Sprint(first)) {
				t.Errorf("marks: %q", got)
			}
			w.exec(t, fmt.Sprintf("UPDATE p SET n = 2 WHERE id = %d", first))
			same(t, "marks afterwards", w.marked(t, table), []string{fmt.Sprint(first)})
			stop()
		})
	}
}

// The log is reset under the reader, which would wait for ever for the end of a file that is no more.
func TestBinlogResetWhileItIsRead(t *testing.T) {
	_, w, _, table := privateBinlog(t)
	w.read(t, w.Store, "reader")
	for round := 2; round < 4; round++ {
		w.marked(t, table)
		w.exec(t, "RESET MASTER")
		for i := range 100 {
			w.exec(t, fmt.Sprintf("INSERT INTO p VALUES (%d,1)", 1000*round+i))
		}
		got := w.marked(t, table)
		for i := 0; i < 100 && !slices.Contains(got, ""); i++ {
			if !slices.Contains(got, fmt.Sprint(1000*round+i)) {
				t.Fatalf("row %d of round %d is overlooked", i, round)
			}
		}
	}
}

// logs returns how many files the binary log has.
func (w *world) logs(t *testing.T) (n int) {
	t.Helper()
	rows, err := w.sql.QueryContext(t.Context(), "SHOW BINARY LOGS")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		n++
	}
	return n
}

// The server is killed under the reader, which goes on by itself when it is back.
func TestBinlogOutlivesTheServer(t *testing.T) {
	server, w, _, table := privateBinlog(t)
	w.read(t, w.Store, "reader")
	for round := 2; round < 5; round++ {
		w.exec(t, fmt.Sprintf("INSERT INTO p VALUES (%d,1)", round))
		server.Kill()
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("mysql", server.DSN("test1"))
		if err != nil {
			t.Fatal(err)
		}
		w.sql.Close()
		w.sql = db
		t.Cleanup(func() { db.Close() })
		if got := distinct(w.marked(t, table)); !slices.Contains(got, fmt.Sprint(round)) || slices.Contains(got, "") {
			t.Errorf("marks of round %d: %q", round, got)
		}
	}
	if age, ok := w.CaptureLag(); !ok || age < 0 {
		t.Errorf("lag %v, %v", age, ok)
	}
}

// Many processes want to read; one does, and the next goes on where it ended.
func TestBinlogReadersTakeTurns(t *testing.T) {
	dsn, url := newMariaDB(t)
	w := openBinlogWorld(t, dsn, url)
	w.exec(t, "CREATE TABLE turns (id INT NOT NULL PRIMARY KEY)")
	stops := []func(){w.read(t, w.openBinlog(t), "a"), w.read(t, w.openBinlog(t), "b"), w.read(t, w.openBinlog(t), "c")}
	link, table := w.link(t, "turns")
	w.capture(t, &link)
	w.marked(t, table)
	for i, stop := range stops {
		w.exec(t, fmt.Sprintf("INSERT INTO turns VALUES (%d)", 2*i))
		if i == len(stops)-1 {
			break
		}
		stop()
		w.exec(t, fmt.Sprintf("INSERT INTO turns VALUES (%d)", 2*i+1))
	}
	same(t, "marks", distinct(w.marked(t, table)), []string{"0", "1", "2", "3", "4"})
	if n := w.count(t, "SELECT COUNT(*) FROM tandem_positions WHERE name LIKE 'binlog/asked/%'"); n != 0 {
		t.Errorf("%d requests are left", n)
	}
	// Whoever lost the lease stores nothing more: it was held up, and its successor is at work.
	w.exec(t, "UPDATE tandem_leases SET fence = fence + 1, holder = 'thief', expires_at = NULL WHERE name = 'capture/binlog'", "INSERT INTO turns VALUES (9)")
	same(t, "marks of the successor", distinct(w.marked(t, table)), []string{"9"})
}

// Between triggers and the log and back no change is overlooked, while a program writes without a pause.
func TestBinlogSwitch(t *testing.T) {
	dsn, url := newMariaDB(t)
	w := openBinlogWorld(t, dsn, url)
	byTriggers, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { byTriggers.Close() })
	w.exec(t, "CREATE TABLE s (id INT NOT NULL PRIMARY KEY)")
	link, table := w.link(t, "s")
	if err := byTriggers.Capture(t.Context(), &link); err != nil {
		t.Fatal(err)
	}
	writer, err := sql.Open("mysql", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { writer.Close() })
	written, end, done := 0, make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-end:
				done <- nil
				return
			default:
			}
			if _, err := writer.Exec("INSERT INTO s VALUES (?)", written+1); err != nil {
				done <- err
				return
			}
			written++
		}
	}()
	stop := w.read(t, w.Store, "reader")
	w.capture(t, &link)
	if left := w.triggers(t, "s"); len(left) != 0 {
		t.Errorf("triggers are left: %q", left)
	}
	close(end)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	marks := map[string]bool{}
	for _, key := range w.marked(t, table) {
		marks[key] = true
	}
	for key := 1; key <= written; key++ {
		if !marks[fmt.Sprint(key)] {
			t.Fatalf("row %d of %d is not marked", key, written)
		}
	}
	stop()
	w.exec(t, "INSERT INTO s VALUES (1000000)", "DELETE FROM tandem_marks")
	if err := byTriggers.Capture(t.Context(), &link); err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, "SELECT COUNT(*) FROM tandem_marks WHERE row_key = ''"); n == 0 {
		t.Error("what was written while nobody looked is not looked for")
	}
	if n := w.count(t, "SELECT COUNT(*) FROM tandem_positions WHERE name = 'binlog'"); n != 0 {
		t.Error("the position in the log is left")
	}
}

func TestTryBinlog(t *testing.T) {
	dsn, url := newMariaDB(t)
	w := openBinlogWorld(t, dsn, url)
	if found, err := w.TryBinlog(t.Context()); err != nil || len(found) != 3 {
		t.Errorf("%q, %v", found, err)
	}
	w.exec(t, "CREATE OR REPLACE USER plain2@'%'", "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, ALTER, INDEX ON *.* TO plain2@'%'")
	try := func() error {
		t.Helper()
		s, err := store.Open(t.Context(), strings.Replace(url, "root@", "plain2@", 1), store.Options{Capture: store.ByBinlog})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, err = s.TryBinlog(t.Context())
		return err
	}
	wantError(t, try(), tandem.CodePermission, "BINLOG_PRIVILEGE")
	w.exec(t, "GRANT BINLOG MONITOR ON *.* TO plain2@'%'")
	wantError(t, try(), tandem.CodePermission, "BINLOG_PRIVILEGE")
	w.exec(t, "GRANT REPLICATION SLAVE ON *.* TO plain2@'%'")
	if err := try(); err != nil {
		t.Errorf("with all privileges: %v", err)
	}
	w.exec(t, "SET GLOBAL binlog_format = MIXED")
	defer w.exec(t, "SET GLOBAL binlog_format = ROW")
	wantError(t, try(), tandem.CodePrecondition, "BINLOG")
	if _, err := store.Open(t.Context(), "sqlite:"+t.TempDir()+"/t.db", store.Options{Capture: store.ByBinlog}); err == nil {
		t.Error("SQLite has no binary log")
	}
}
