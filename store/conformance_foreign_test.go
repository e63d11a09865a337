package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
)

// statements counts what the database is asked to do.
func (w *world) statements(t *testing.T) (count int) {
	t.Helper()
	var name string
	if err := w.sql.QueryRow("SHOW GLOBAL STATUS LIKE 'Questions'").Scan(&name, &count); err != nil {
		t.Fatal(err)
	}
	return count
}

// A tree is written and deleted in whatever order its rows come, and only refused rows are tried again.
func TestTreesInAnyOrder(t *testing.T) {
	const n = 200
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE tree (id INT NOT NULL PRIMARY KEY, parent INT NULL, code VARCHAR(9) UNIQUE, above VARCHAR(9) NULL, FOREIGN KEY (parent) REFERENCES tree (id)"+
			w.pick(" ON DELETE RESTRICT", "")+", FOREIGN KEY (above) REFERENCES tree (code))")
		link, table := w.link(t, "tree")
		insert := func(id, parent, above string) tandem.Change {
			values := []tandem.Value{tandem.Text(id), tandem.Null, tandem.Text("c" + id), tandem.Null}
			if parent != "" {
				values[1] = tandem.Text(parent)
			}
			if above != "" {
				values[3] = tandem.Text("c" + above)
			}
			return tandem.Change{Kind: tandem.Insert, After: values}
		}
		// A chain whose last row comes first, a row that refers to itself, one without a parent, and two that wait for each other.
		var changes []tandem.Change
		for id := n; id > 1; id-- {
			if id%2 == 0 {
				changes = append(changes, insert(fmt.Sprint(id), fmt.Sprint(id-1), ""))
			} else {
				changes = append(changes, insert(fmt.Sprint(id), "", fmt.Sprint(id-1)))
			}
		}
		changes = append(changes, insert("1", "", ""), insert("1001", "1001", ""), insert("1002", "999", ""), insert("1003", "1004", ""), insert("1004", "1003", ""))
		before := 0
		if w.mariadb {
			before = w.statements(t)
		}
		refused := map[tandem.Key]bool{}
		for i, applied := range w.apply(t, &link, table, changes...) {
			if applied.Outcome != tandem.Landed {
				refused[tandem.Key(changes[i].After[0].Text())] = true
				if applied.Err == nil || applied.Err.Reason != "FOREIGN_KEY" {
					t.Fatalf("row %s: %v", changes[i].After[0].Text(), applied.Err)
				}
			}
		}
		if w.mariadb {
			if asked := w.statements(t) - before; asked > 3*n+60 {
				t.Errorf("%d statements for %d rows", asked, n)
			}
		}
		same(t, "refused", refused, map[tandem.Key]bool{"1002": true, "1003": true, "1004": true})
		// And away with it, the parents first.
		changes = nil
		for id := 1; id <= n; id++ {
			changes = append(changes, tandem.Change{Kind: tandem.Delete, Key: tandem.Key(fmt.Sprint(id))})
		}
		if !w.mariadb { // InnoDB lets nobody delete a row that refers to itself
			changes = append(changes, tandem.Change{Kind: tandem.Delete, Key: "1001"})
		}
		if w.mariadb {
			before = w.statements(t)
		}
		for i, applied := range w.apply(t, &link, table, changes...) {
			if applied.Outcome != tandem.Landed {
				t.Fatalf("delete %s: %v", changes[i].Key, applied.Err)
			}
		}
		if w.mariadb {
			if asked := w.statements(t) - before; asked > 3*n+60 {
				t.Errorf("%d statements for %d deletes", asked, n)
			}
		}
		if left, err := table.Count(t.Context()); err != nil || left > 0 && !w.mariadb || left > 1 {
			t.Errorf("%d rows are left, %v", left, err)
		}
	})
}

// family makes a parent, a child that is linked or not, and what else a test needs.
func (w *world) family(t *testing.T, rule string) {
	w.exec(t, "CREATE TABLE parent (id INT NOT NULL PRIMARY KEY, code VARCHAR(9) NOT NULL UNIQUE)",
		"CREATE TABLE child (id INT NOT NULL PRIMARY KEY, parent INT NULL DEFAULT NULL, FOREIGN KEY (parent) REFERENCES parent (id) "+rule+")",
		"INSERT INTO parent VALUES (1,'a'), (2,'b'), (3,'c')", "INSERT INTO child VALUES (10,1), (11,1), (12,2)")
}

// What would change rows that no link covers is refused, with the number of them; the others land.
func TestCascadesIntoUnlinkedTables(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		for n, rule := range []string{"ON DELETE CASCADE ON UPDATE CASCADE", "ON DELETE SET NULL ON UPDATE SET NULL"} {
			if n > 0 {
				w.exec(t, "DROP TABLE child", "DROP TABLE parent")
			}
			w.family(t, rule)
			link, table := w.link(t, "parent")
			applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Delete, Key: "1"},
				tandem.Change{Kind: tandem.Update, Key: "2", After: text("22", "b")}, tandem.Change{Kind: tandem.Delete, Key: "3"})
			for i, want := range []string{"2 of its rows", "1 of its rows"} {
				if applied[i].Outcome != tandem.Refused || applied[i].Err.Reason != "CASCADES" || applied[i].Row == nil ||
					!strings.Contains(applied[i].Err.Message, `"child"`) || !strings.Contains(applied[i].Err.Message, want) {
					t.Errorf("%s: write %d: %+v", rule, i, applied[i])
				}
			}
			if applied[2].Outcome != tandem.Landed {
				t.Errorf("%s: a parent without children: %+v", rule, applied[2].Err)
			}
			// What no foreign key refers to may change.
			applied = w.apply(t, &link, table, tandem.Change{Kind: tandem.Update, Key: "1", After: text("1", "z")})
			if applied[0].Outcome != tandem.Landed {
				t.Errorf("%s: another unique column: %+v", rule, applied[0].Err)
			}
			w.exec(t, "DELETE FROM child WHERE parent = 1")
			applied = w.apply(t, &link, table, tandem.Change{Kind: tandem.Delete, Key: "1"}, tandem.Change{Kind: tandem.Delete, Key: "2"})
			if applied[0].Outcome != tandem.Landed || applied[1].Outcome != tandem.Refused {
				t.Errorf("%s: without children: %+v, with one: %+v", rule, applied[0].Err, applied[1].Err)
			}
			same(t, "rows", w.scan(t, table), []string{"2: 2, b"})
		}
	})
}

// A tree that deletes its branches by itself: those of other tables count however deep they are.
func TestCascadesWithinATable(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE shelf (id INT NOT NULL PRIMARY KEY, above INT NULL, FOREIGN KEY (above) REFERENCES shelf (id) ON DELETE CASCADE)",
			"CREATE TABLE book (id INT NOT NULL PRIMARY KEY, shelf INT NOT NULL, FOREIGN KEY (shelf) REFERENCES shelf (id) ON DELETE CASCADE)",
			"INSERT INTO shelf VALUES (1,NULL), (2,1), (3,2), (4,3), (5,1), (8,NULL), (9,8)", "INSERT INTO book VALUES (1,4), (2,4), (3,5)")
		link, table := w.link(t, "shelf")
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "DELETE FROM tandem_marks")
		applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Delete, Key: "1"}, tandem.Change{Kind: tandem.Delete, Key: "2"},
			tandem.Change{Kind: tandem.Delete, Key: "8"}, tandem.Change{Kind: tandem.Delete, Key: "9"})
		for i, want := range []string{"3 of its rows", "2 of its rows"} {
			if applied[i].Outcome != tandem.Refused || !strings.Contains(applied[i].Err.Message, want) {
				t.Errorf("write %d: %+v, want %q", i, applied[i].Err, want)
			}
		}
		if applied[2].Outcome != tandem.Landed || applied[3].Outcome != tandem.Landed {
			t.Errorf("a branch without books: %+v, %+v", applied[2].Err, applied[3].Err)
		}
		same(t, "shelves", w.scan(t, table), []string{"1: 1, NULL", "2: 2, 1", "3: 3, 2", "4: 4, 3", "5: 5, 1"})
		if marks := w.marked(t, table); w.mariadb && !slices.Contains(marks, "") {
			t.Errorf("marks: %q", marks)
		}
	})
}

// A child in another database, or one that the account may not read, is no link's.
func TestCascadesBeyondTheDatabase(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return
		}
		var here string
		if err := w.sql.QueryRow("SELECT DATABASE()").Scan(&here); err != nil {
			t.Fatal(err)
		}
		w.exec(t, "CREATE TABLE parent (id INT NOT NULL PRIMARY KEY)", "INSERT INTO parent VALUES (1), (2)", "CREATE DATABASE "+here+"_other",
			"CREATE TABLE "+here+"_other.child (id INT NOT NULL PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES "+here+".parent (id) ON DELETE CASCADE)",
			"INSERT INTO "+here+"_other.child VALUES (1, 1)")
		t.Cleanup(func() { _, _ = w.sql.Exec("DROP DATABASE " + here + "_other") })
		link, table := w.link(t, "parent")
		applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Delete, Key: "1"}, tandem.Change{Kind: tandem.Delete, Key: "2"})
		if applied[0].Outcome != tandem.Refused || !strings.Contains(applied[0].Err.Message, here+"_other.child") || applied[1].Outcome != tandem.Landed {
			t.Errorf("delete: %+v, %+v", applied[0].Err, applied[1].Err)
		}
	})
}
