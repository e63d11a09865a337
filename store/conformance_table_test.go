package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// Every row that stays is seen exactly once, whatever comes and goes beside it, for each type that a key can have.
func TestScanPagesByKey(t *testing.T) {
	keys := []struct{ sqlite, mariadb string }{
		{"INTEGER", "BIGINT UNSIGNED"}, {"DECIMAL(10,2)", "DECIMAL(30,2)"}, {"VARCHAR(20)", "VARCHAR(20)"}, {"DATETIME", "DATETIME(3)"}, {"", "TIMESTAMP(6)"},
		{"DATE", "DATE"}, {"", "BINARY(3)"}, {"", "UUID"}, {"", "ENUM('b','c','a','d','z','y','x','w','v','u')"}, {"", "YEAR"}, {"TIME", "TIME"},
	}
	values := map[tandem.Kind]func(i int) string{
		tandem.Int:       func(i int) string { return fmt.Sprint(9007199254740990 + i) },
		tandem.Decimal:   func(i int) string { return fmt.Sprintf("%d.50", i-3) },
		tandem.DateTime:  func(i int) string { return fmt.Sprintf("2026-01-01T00:00:%02d.0%02d", i, i) },
		tandem.Timestamp: func(i int) string { return fmt.Sprintf("2026-10-25T0%d:30:00.00000%dZ", i, i) },
		tandem.Date:      func(i int) string { return fmt.Sprintf("2026-01-%02d", i+1) },
		tandem.Bytes: func(i int) string {
			return []string{"AAAA", "AAAB", "AAEA", "AP8A", "AQAA", "fn5+", "gAAA", "////", "/wAA", "/gAA"}[i]
		},
		tandem.Year: func(i int) string { return fmt.Sprint(2000 + i) },
		tandem.Time: func(i int) string { return fmt.Sprintf("1%d:00:00", i) },
	}
	conformance(t, func(t *testing.T, w *world) {
		for n, key := range keys {
			declared := w.pick(key.sqlite, key.mariadb)
			if declared == "" {
				continue
			}
			t.Run(declared, func(t *testing.T) {
				name := fmt.Sprintf("k%d", n)
				w.exec(t, "CREATE TABLE "+name+" (k "+declared+" NOT NULL, part VARCHAR(10) NOT NULL, v INT, PRIMARY KEY (k, part))")
				link, table := w.link(t, name)
				kind := table.Columns()[0].Type.Kind
				var changes []tandem.Change
				for i := range 10 {
					text := fmt.Sprintf("~%d0~", i)
					switch {
					case len(table.Columns()[0].Type.Values) > 0:
						text = table.Columns()[0].Type.Values[i]
					case table.Columns()[0].Type.Native == "uuid":
						text = fmt.Sprintf("123e456%d-e89b-12d3-a456-42661417400%d", i, 9-i)
					case values[kind] != nil:
						text = values[kind](i)
					}
					for _, part := range []string{"a", "b~", "0"} {
						changes = append(changes, tandem.Change{Kind: tandem.Insert, After: []tandem.Value{tandem.Text(text), tandem.Text(part), tandem.Text("1")}})
					}
				}
				for _, applied := range w.apply(t, &link, table, changes...) {
					if applied.Outcome != tandem.Landed {
						t.Fatal(applied.Err)
					}
				}
				pageThrough(t, w, table, name, len(changes))
			})
		}
	})
}

func pageThrough(t *testing.T, w *world, table *store.Table, name string, rows int) {
	t.Helper()
	seen, after := map[tandem.Key]bool{}, tandem.Key("")
	for {
		page, err := table.Scan(t.Context(), after, 4)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page {
			if seen[row.Key] {
				t.Fatalf("row %q came twice", row.Key)
			}
			seen[row.Key] = true
			after = row.Key
		}
		if len(page) < 4 {
			break
		}
	}
	if len(seen) != rows {
		t.Errorf("%d rows of %d were seen", len(seen), rows)
	}
	var keys []tandem.Key
	for key := range seen {
		keys = append(keys, key)
	}
	found, err := table.Get(t.Context(), keys)
	if err != nil || len(found) != rows {
		t.Errorf("Get found %d rows of %d, %v", len(found), rows, err)
	}
	if n, err := table.Count(t.Context()); err != nil || n != int64(rows) {
		t.Errorf("Count = %d, %v", n, err)
	}
}

func TestScanUnderConcurrentWrites(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE s (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (a, b))")
		_, table := w.link(t, "s")
		for a := range 20 {
			var values string
			for b := range 20 {
				values += fmt.Sprintf(",(%d,%d)", a, b*2)
			}
			w.exec(t, "INSERT INTO s VALUES "+values[1:])
		}
		seen, after := 0, tandem.Key("")
		for n := 0; ; n++ {
			page, err := table.Scan(t.Context(), after, 37)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range page {
				if row.Values[1].Text()[len(row.Values[1].Text())-1]%2 == 0 {
					seen++
				}
				after = row.Key
			}
			if len(page) < 37 {
				break
			}
			w.exec(t, fmt.Sprintf("INSERT INTO s VALUES (%d, 1), (%d, 3)", n, 19-n), fmt.Sprintf("DELETE FROM s WHERE a = %d AND b = 1", n))
		}
		if seen != 400 {
			t.Errorf("%d of 400 rows that stayed were seen", seen)
		}
	})
}

func TestApply(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, name VARCHAR(20) NULL, hidden VARCHAR(20) NULL DEFAULT 'h')",
			"INSERT INTO a VALUES (1,'one','x'), (2,'two','x'), (3,'three','x'), (4,'four','x'), (5,'five','x'), (6,'abc','x')")
		link, _ := w.link(t, "a")
		link.Columns = link.Columns[:2]
		table := w.open(t, &link)
		applied := w.apply(t, &link, table,
			tandem.Change{Kind: tandem.Update, Key: "1", Before: text("1", "one"), After: text("1", "ONE")},
			tandem.Change{Kind: tandem.Update, Key: "2", Before: text("2", "zwei"), After: text("2", "deux")},
			tandem.Change{Kind: tandem.Delete, Key: "3", Before: text("3", "three")},
			tandem.Change{Kind: tandem.Delete, Key: "4", Before: text("4", "vier")},
			tandem.Change{Kind: tandem.Insert, After: text("5", "again")},
			tandem.Change{Kind: tandem.Insert, After: text("7", "seven")},
			tandem.Change{Kind: tandem.Update, Key: "8", After: text("8", "gone")},
			tandem.Change{Kind: tandem.Update, Key: "6", Before: text("6", "ABC"), After: text("6", "x")},
			tandem.Change{Kind: tandem.Update, Key: "5", Before: text("5", "five"), After: text("50", "five")},
		)
		var outcomes []tandem.Outcome
		for _, result := range applied {
			outcomes = append(outcomes, result.Outcome)
		}
		same(t, "outcomes", outcomes, []tandem.Outcome{tandem.Landed, tandem.Moved, tandem.Landed, tandem.Moved, tandem.Moved, tandem.Landed, tandem.Moved, tandem.Moved, tandem.Landed})
		same(t, "table", w.scan(t, table), []string{"1: 1, ONE", "2: 2, two", "4: 4, four", "6: 6, abc", "7: 7, seven", "50: 50, five"})
		same(t, "whole row of the update", applied[0].Whole, map[string]tandem.Value{"id": tandem.Text("1"), "name": tandem.Text("one"), "hidden": tandem.Text("x")})
		same(t, "whole row of the delete", applied[2].Whole, map[string]tandem.Value{"id": tandem.Text("3"), "name": tandem.Text("three"), "hidden": tandem.Text("x")})
		same(t, "row that moved", applied[1].Row.Values, text("2", "two"))
		same(t, "renamed row", applied[8].Row.Key, tandem.Key("50"))
		if applied[6].Row != nil || applied[2].Row != nil {
			t.Error("a row that is not there was returned")
		}
		var hidden string
		if err := w.sql.QueryRow("SELECT hidden FROM a WHERE id = 50").Scan(&hidden); err != nil || hidden != "x" {
			t.Errorf("a column outside the link became %q, %v", hidden, err)
		}
	})
}

// Rows that reference each other may come in any order, and one that nobody takes holds up no other.
func TestApplyOrdersReferences(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE f (id INT NOT NULL PRIMARY KEY, boss INT NULL, FOREIGN KEY (boss) REFERENCES f (id))")
		link, table := w.link(t, "f")
		insert := func(id, boss string) tandem.Change { return tandem.Change{Kind: tandem.Insert, After: text(id, boss)} }
		applied := w.apply(t, &link, table, insert("1", "2"), insert("2", "3"), insert("3", ""), insert("4", "99"), insert("5", "1"))
		for i, result := range applied {
			if (result.Outcome == tandem.Landed) != (i != 3) {
				t.Errorf("row %d: %v", i, result.Err)
			}
		}
		if applied[3].Err.Reason != "FOREIGN_KEY" {
			t.Errorf("refused with %+v", applied[3].Err)
		}
		var changes []tandem.Change
		for _, key := range []tandem.Key{"3", "2", "1", "5"} {
			changes = append(changes, tandem.Change{Kind: tandem.Delete, Key: key})
		}
		for i, result := range w.apply(t, &link, table, changes...) {
			if result.Outcome != tandem.Landed {
				t.Errorf("delete %d: %v", i, result.Err)
			}
		}
	})
}

// MySQL's collations take Alice for alice. Neither row is written twice, and nothing waits for ever.
func TestKeysThatTheCollationFolds(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE c (name VARCHAR(20) "+w.pick("COLLATE NOCASE", "COLLATE utf8mb4_general_ci")+" NOT NULL PRIMARY KEY, n INT)",
			"INSERT INTO c VALUES ('alice', 1), ('Bob', 2)")
		link, table := w.link(t, "c")
		rows, err := table.Get(t.Context(), []tandem.Key{"Alice", "bob"})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "rows", show(rows), []string{"alice: alice, 1", "Bob: Bob, 2"})
		applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Insert, After: text("Alice", "3")},
			tandem.Change{Kind: tandem.Update, Key: "Bob", Before: text("Bob", "2"), After: text("BOB", "2")})
		if applied[0].Outcome != tandem.Refused || applied[0].Err.Reason != "ROW_EXISTS" {
			t.Errorf("insert of Alice: %+v", applied[0])
		}
		if applied[1].Outcome != tandem.Landed || applied[1].Row.Key != "BOB" {
			t.Errorf("rename of Bob: %+v", applied[1])
		}
		results := w.mutate(t, table, tandem.Mutation{Kind: tandem.Update, Key: "ALICE", Values: []tandem.Value{tandem.Absent, tandem.Text("7")}})
		if results[0].Err != nil || results[0].Row.Key != "alice" {
			t.Errorf("update of ALICE: %+v", results[0])
		}
	})
}

// Eight callers count up the same rows by etag, through the API, while SQL counts too: no step is lost, and each changed
// row is marked.
func TestConcurrentWritersLoseNothing(t *testing.T) {
	const writers, steps, rows = 8, 12, 3
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE n (id INT NOT NULL PRIMARY KEY, v INT NOT NULL)", "INSERT INTO n VALUES (0,0),(1,0),(2,0)")
		link, table := w.link(t, "n")
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		w.marked(t, table)
		var group sync.WaitGroup
		for writer := range writers {
			group.Go(func() {
				for step := range steps {
					key := tandem.Key(fmt.Sprint((writer + step) % rows))
					if writer%4 == 3 {
						if _, err := w.sql.Exec("UPDATE n SET v = v + 1 WHERE id = " + string(key)); err != nil {
							t.Error(err)
						}
						continue
					}
					countUp(t, table, key)
					results, err := table.Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Insert, Values: text(fmt.Sprint(100+writer*steps+step), "1")}}, false)
					if err != nil || results[0].Err != nil {
						t.Errorf("insert: %v, %v", err, results[0].Err)
					}
				}
			})
		}
		group.Wait()
		var sum, count int
		if err := w.sql.QueryRow("SELECT SUM(CASE WHEN id < 100 THEN v ELSE 0 END), COUNT(*) FROM n").Scan(&sum, &count); err != nil {
			t.Fatal(err)
		}
		if sum != writers*steps || count != rows+writers*3/4*steps {
			t.Errorf("%d steps of %d, %d rows of %d", sum, writers*steps, count, rows+writers*3/4*steps)
		}
		marked := map[string]bool{}
		for _, key := range w.marked(t, table) {
			marked[key] = true
		}
		if len(marked) != count {
			t.Errorf("%d rows of %d are marked", len(marked), count)
		}
	})
}

func countUp(t *testing.T, table *store.Table, key tandem.Key) {
	for {
		found, err := table.Get(t.Context(), []tandem.Key{key})
		if err != nil || len(found) != 1 {
			t.Errorf("get: %v, %v", found, err)
			return
		}
		var n int
		fmt.Sscan(found[0].Values[1].Text(), &n)
		results, err := table.Mutate(t.Context(), []tandem.Mutation{{Kind: tandem.Update, Key: key, Etag: found[0].Etag(),
			Values: []tandem.Value{tandem.Absent, tandem.Text(fmt.Sprint(n + 1))}}}, false)
		if err != nil {
			t.Error(err)
			return
		}
		if results[0].Err == nil {
			return
		}
		if !errors.Is(results[0].Err, tandem.ErrEtagMismatch) {
			t.Error(results[0].Err)
			return
		}
	}
}
