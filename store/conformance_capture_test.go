package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

func TestTriggersMarkKeys(t *testing.T) {
	type step struct {
		sqlite, mariadb string // the same in both when mariadb is ""
		want            []string
	}
	steps := []step{
		{"INSERT INTO t VALUES (1,'a',1,1), (1,'b~0',1,2), (2,'',1,3)", "", []string{"1~a", "1~b~00", ""}},
		{"DELETE FROM t WHERE b = ''", "", []string{""}},
		{"UPDATE t SET n = 5", "", []string{"1~a", "1~b~00"}},
		{"UPDATE t SET a = 3 WHERE b = 'a'", "", []string{"3~a", "1~a"}},
		{"UPDATE t SET b = 'A' WHERE b = 'a'", "", []string{"3~A", "3~a"}},
		{"INSERT INTO t VALUES (3,'A',9,9) ON CONFLICT (a, b) DO UPDATE SET n = 6", "INSERT INTO t VALUES (3,'A',9,9) ON DUPLICATE KEY UPDATE n = 6", []string{"3~A"}},
		{"INSERT INTO t VALUES (4,'x',1,4) ON CONFLICT (a, b) DO UPDATE SET n = 6", "INSERT INTO t VALUES (4,'x',1,4) ON DUPLICATE KEY UPDATE n = 6", []string{"4~x"}},
		{"REPLACE INTO t VALUES (4,'x',2,4)", "", []string{"4~x"}},
		{"INSERT OR IGNORE INTO t VALUES (4,'x',8,8)", "INSERT IGNORE INTO t VALUES (4,'x',8,8)", nil},
		{"INSERT INTO t SELECT a + 10, b, n, u + 10 FROM t WHERE a >= 3", "", []string{"13~A", "14~x"}},
		{"UPDATE t SET a = a + 100 WHERE a > 10", "", []string{"113~A", "13~A", "114~x", "14~x"}},
		{"DELETE FROM t", "", []string{"1~b~00", "3~A", "4~x", "113~A", "114~x"}},
		{"BEGIN; INSERT INTO t VALUES (7,'gone',1,1); ROLLBACK", "", nil},
	}
	captures(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE t (a INT NOT NULL, b VARCHAR(20) "+w.pick("", "COLLATE utf8mb4_general_ci")+" NOT NULL, n INT, u INT UNIQUE, PRIMARY KEY (a, b))")
		link, table := w.link(t, "t")
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		if first := w.marked(t, table); !w.binlog {
			same(t, "first marks", first, []string{"", ""}) // before and after the triggers were made
		}
		for _, step := range steps {
			statement := step.sqlite
			if w.mariadb && step.mariadb != "" {
				statement = step.mariadb
			}
			w.exec(t, statement)
			got := map[string]bool{}
			for _, key := range w.marked(t, table) {
				got[key] = true
			}
			want := map[string]bool{}
			for _, key := range step.want {
				want[key] = true
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", statement, diff)
			}
		}
		if w.mariadb { // what is written as it was is not news; a text of another case is
			w.exec(t, "INSERT INTO t VALUES (1,'a',1,1)")
			w.marked(t, table)
			w.exec(t, "UPDATE t SET n = 1")
			same(t, "marks of an update that changes nothing", w.marked(t, table), []string(nil))
			w.exec(t, "INSERT INTO t VALUES (9,'z',1,1) ON DUPLICATE KEY UPDATE n = 2")
			w.exec(t, "REPLACE INTO t VALUES (10,'zz',1,1)")
			same(t, "marks of a REPLACE through another unique index", distinct(w.marked(t, table)), []string{"10~zz", "1~a"})
		}
		if w.binlog {
			return // the link is captured for as long as it is there
		}
		if err := w.DropCapture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "INSERT INTO t VALUES (5,'q',1,99)")
		same(t, "marks without triggers", w.marked(t, table), []string(nil))
	})
}

// Marks carry the canonical key for every type of a key, whatever the session of the writer is like.
func TestTriggerKeysAreCanonical(t *testing.T) {
	captures(t, func(t *testing.T, w *world) {
		columns := w.pick("i INTEGER, d DECIMAL(10,6), s VARCHAR(20), y DATE, at DATETIME, yes BOOLEAN",
			"i BIGINT UNSIGNED, d DECIMAL(30,6), s VARCHAR(20), y DATE, at DATETIME(3), yes BIT(1), ts TIMESTAMP(3), bin BINARY(2), e ENUM('a','b'), yr YEAR, u UUID, z INT ZEROFILL, tm TIME")
		key := w.pick("i, d, s, y, at, yes", "i, d, s, y, at, yes, ts, bin, e, yr, u, z, tm")
		w.exec(t, "CREATE TABLE m ("+columns+", PRIMARY KEY ("+key+"))")
		link, table := w.link(t, "m")
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		w.marked(t, table)
		w.exec(t, w.pick("INSERT INTO m VALUES (9007199254740993, 0.000001, 'ü~1', '2026-11-21', '2026-11-21 07:00:00', 1)",
			`SET SESSION time_zone = '+05:30', sql_mode = 'PAD_CHAR_TO_FULL_LENGTH', NAMES latin1; SET SESSION collation_connection = utf8mb4_bin;
			SET SESSION timestamp = 1; INSERT INTO m VALUES (18446744073709551615, 0.000001, x'C3BC7E31', '2026-11-21', '2026-11-21 07:00:00.120', b'1',
			'2026-11-21 12:30:00.123', x'0001', 'b', 2026, '123E4567-e89b-12d3-a456-426614174000', 7, '-100:00:00');
			SET SESSION time_zone = DEFAULT, sql_mode = DEFAULT, NAMES utf8mb4; SET SESSION timestamp = DEFAULT`))
		rows, err := table.Scan(t.Context(), "", 10)
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		same(t, "key", w.marked(t, table), []string{string(rows[0].Key)})
		found, err := table.Get(t.Context(), []tandem.Key{rows[0].Key})
		if err != nil || len(found) != 1 {
			t.Errorf("the key finds %d rows, %v", len(found), err)
		}
	})
}

// On MySQL the hour that clocks repeat in autumn is two different keys.
func TestTriggerKeysInTheRepeatedHour(t *testing.T) {
	captures(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return
		}
		w.exec(t, "CREATE TABLE h (ts TIMESTAMP NOT NULL PRIMARY KEY, n INT)")
		link, table := w.link(t, "h")
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		w.marked(t, table)
		w.exec(t, "SET time_zone = '+00:00'; INSERT INTO h VALUES ('2026-10-25 00:30:00', 1), ('2026-10-25 01:30:00', 1); SET time_zone = '+01:00'; UPDATE h SET n = 2; SET time_zone = DEFAULT")
		same(t, "keys", distinct(w.marked(t, table)), []string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"})
	})
}

func TestCaptureRestores(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE r (id INT NOT NULL PRIMARY KEY, n INT, extra INT)")
		link, table := w.link(t, "r")
		capture := func() {
			t.Helper()
			if err := w.Capture(t.Context(), &link); err != nil {
				t.Fatal(err)
			}
		}
		capture()
		w.marked(t, table)
		capture()
		same(t, "marks of triggers that were right", w.marked(t, table), []string(nil))
		w.exec(t, "DROP TRIGGER tandem_1_upd")
		capture()
		same(t, "marks of a restored trigger", w.marked(t, table), []string{"", ""})
		w.exec(t, "INSERT INTO r VALUES (1,1,1)", "DELETE FROM tandem_marks")
		// A column that goes does not break the application, and no change is overlooked.
		w.exec(t, "ALTER TABLE r DROP COLUMN extra", "UPDATE r SET n = 2")
		if got := w.marked(t, table); len(got) == 0 {
			t.Error("the update after DROP COLUMN was not marked")
		}
		if w.mariadb {
			w.exec(t, "ALTER TABLE r RENAME COLUMN id TO id2", "INSERT INTO r VALUES (2,2)", "DELETE FROM r WHERE id2 = 2")
			same(t, "marks after the key's column was renamed", w.marked(t, table), []string{"", ""})
			w.exec(t, "ALTER TABLE r RENAME COLUMN id2 TO id")
		}
		link.Columns = link.Columns[:2]
		capture()
		w.exec(t, "UPDATE r SET n = 3")
		if err := w.DropCapture(t.Context(), &link); err != nil {
			t.Error(err)
		}
		if err := w.DropCapture(t.Context(), &link); err != nil {
			t.Errorf("a second time: %v", err)
		}
		if err := w.TryCapture(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Two links of one table: what one writes is news for the other.
func TestCaptureOfTwoLinks(t *testing.T) {
	captures(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE two (id INT NOT NULL PRIMARY KEY, n INT)")
		a, tableA := w.link(t, "two")
		b, tableB := w.link(t, "two")
		for _, link := range []*tandem.Link{&a, &b} {
			if err := w.Capture(t.Context(), link); err != nil {
				t.Fatal(err)
			}
		}
		w.marked(t, tableA)
		w.apply(t, &a, tableA, tandem.Change{Kind: tandem.Insert, After: text("1", "1")})
		marks, err := tableB.Marks(t.Context(), 10)
		if err != nil || len(marks) != 1 || marks[0].Key != "1" {
			t.Errorf("marks of the other link: %+v, %v", marks, err)
		}
		if w.mariadb && !w.binlog { // see TestBinlogPassesOverItsOwnWrites
			own, err := tableA.Marks(t.Context(), 10)
			if err != nil || len(own) != 0 {
				t.Errorf("marks of the link that wrote: %+v, %v", own, err)
			}
		}
	})
}

func TestCaptureWithoutThePrivilege(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return
		}
		w.exec(t, "CREATE TABLE q (id INT NOT NULL PRIMARY KEY)")
		link, _ := w.link(t, "q")
		w.exec(t, "CREATE OR REPLACE USER plain@'%' IDENTIFIED BY 'p@ss:w/rd'", "GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, TRIGGER ON *.* TO plain@'%'")
		capture := func() error { // global privileges count from the next connection on
			s, err := store.Open(t.Context(), strings.Replace(w.url, "root@", "plain:p%40ss%3Aw%2Frd@", 1), store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			return s.Capture(t.Context(), &link)
		}
		var known *tandem.Error
		if err := capture(); !errors.As(err, &known) || known.Reason != "TRIGGERS_NOT_ALLOWED" {
			t.Errorf("with the binary log on: %v", err)
		}
		w.exec(t, "REVOKE TRIGGER ON *.* FROM plain@'%'", "SET GLOBAL log_bin_trust_function_creators = 1")
		err := capture()
		w.exec(t, "SET GLOBAL log_bin_trust_function_creators = 0")
		if !errors.As(err, &known) || known.Code != tandem.CodePermission {
			t.Errorf("without TRIGGER: %v", err)
		}
	})
}
