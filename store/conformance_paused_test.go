package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
)

// typed notes the types of a link's columns, as the API does.
func (w *world) typed(t *testing.T, link *tandem.Link) {
	t.Helper()
	info, err := w.Table(t.Context(), link.Table)
	if err != nil {
		t.Fatal(err)
	}
	for i := range link.Columns {
		link.Columns[i].Type = info.Column(link.Columns[i].Column).Type.Native
	}
}

// A column that is gone pauses alone: it is neither read nor written, and what is said of it names what it may have become.
func TestColumnsThatAreGone(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, x INT, score INT, at DATETIME)", "INSERT INTO a VALUES (1, 2, 3, '2026-01-01 00:00:00')")
		link, table := w.link(t, "a")
		w.typed(t, &link)
		link.UpdateTimeColumn = "at"
		if got := table.Problems(); len(got) != 0 {
			t.Errorf("problems of a table as it was linked: %v", got)
		}
		link.Columns = link.Columns[:3]
		w.exec(t, "ALTER TABLE a DROP COLUMN at", "ALTER TABLE a RENAME COLUMN score TO rating")
		table = w.open(t, &link)
		same(t, "problems", table.Problems(), map[string]string{"score": `the column "score" is no longer in the table; columns there that are not linked: "rating"; ` +
			`if it was renamed, map its new name with an update of the link, or remove this column from the link`})
		get := func() *tandem.Row {
			t.Helper()
			rows, err := table.Get(t.Context(), []tandem.Key{"1"})
			if err != nil || len(rows) != 1 || !rows[0].Updated.IsZero() {
				t.Fatalf("get: %+v, %v", rows, err)
			}
			return &rows[0]
		}
		if row := get(); !row.Values[2].IsAbsent() || row.Values[1].Text() != "2" {
			t.Errorf("row: %+v", row)
		}
		applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Update, Key: "1", Before: text("1", "2", "3"), After: text("1", "7", "99")},
			tandem.Change{Kind: tandem.Insert, After: text("2", "8", "99")})
		for i := range applied {
			if applied[i].Outcome != tandem.Landed {
				t.Errorf("write %d: %+v", i, applied[i].Err)
			}
		}
		same(t, "what history gets of the row", applied[0].Whole, map[string]tandem.Value{"id": tandem.Text("1"), "x": tandem.Text("2"), "rating": tandem.Text("3")})
		var ratings string
		if err := w.sql.QueryRow("SELECT GROUP_CONCAT(CONCAT(id, ':', x, ':', COALESCE(rating, '-')) " + w.pick("", "ORDER BY id") + ") FROM a").Scan(&ratings); err != nil {
			t.Fatal(err)
		}
		same(t, "table", ratings, "1:7:3,2:8:-")
		w.exec(t, "ALTER TABLE a RENAME COLUMN rating TO score")
		table = w.open(t, &link)
		if row := get(); len(table.Problems()) != 0 || row.Values[2].Text() != "3" {
			t.Errorf("the column came back: %v, %+v", table.Problems(), row)
		}
		w.exec(t, "ALTER TABLE a DROP COLUMN score")
		same(t, "problems", w.open(t, &link).Problems(), map[string]string{"score": `the column "score" is no longer in the table; add it there again, or remove this column from the link`})
	})
}

// The key is what rows are told apart by: whatever happens to it stops the link.
func TestKeysThatChanged(t *testing.T) {
	changes := []string{
		"a (id2 INT NOT NULL PRIMARY KEY, x INT)", "a (id INT, x INT NOT NULL PRIMARY KEY)", "a (id INT NOT NULL, x INT NOT NULL, PRIMARY KEY (id, x))",
		"a (id INT, x INT)", "a (id VARCHAR(10) NOT NULL PRIMARY KEY, x INT)", "b (id INT NOT NULL PRIMARY KEY, x INT)",
	}
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE a (id INT NOT NULL PRIMARY KEY, x INT)")
		link, _ := w.link(t, "a")
		w.typed(t, &link)
		for _, change := range changes {
			w.exec(t, "DROP TABLE IF EXISTS a", "CREATE TABLE "+change)
			_, err := w.OpenTable(t.Context(), &link)
			wantError(t, err, tandem.CodePrecondition, "TABLE_CHANGED")
		}
		w.exec(t, "DROP TABLE IF EXISTS a", "CREATE TABLE a (id BIGINT NOT NULL PRIMARY KEY, x INT)")
		w.open(t, &link)
	})
}

// A column may get wider, and lose nothing; anything else pauses it, and it alone.
func TestColumnTypesThatChanged(t *testing.T) {
	cases := []struct {
		was, is string
		why     string // "" when it goes on
		both    bool   // on SQLite as well
	}{
		{"VARCHAR(10)", "VARCHAR(100)", "", true}, {"VARCHAR(100)", "VARCHAR(10)", "shorter", true}, {"VARCHAR(10)", "TEXT", "", true},
		{"TEXT", "VARCHAR(10)", "shorter", true}, {"VARCHAR(100)", "TINYTEXT", "shorter", false}, {"VARCHAR(60)", "TINYTEXT", "", false},
		{"TEXT", "LONGTEXT", "", false}, {"LONGTEXT", "TEXT", "shorter", false}, {"CHAR(5)", "VARCHAR(5)", "", true},
		{"VARCHAR(5)", "CHAR(9)", "spaces at the end", false}, {"INT", "BIGINT", "", true}, {"BIGINT", "SMALLINT", "smaller numbers", true},
		{"INT", "INT UNSIGNED", "negative", true}, {"INT UNSIGNED", "BIGINT", "", false}, {"INT UNSIGNED", "INT", "smaller numbers", false},
		{"DECIMAL(5,2)", "DECIMAL(10,2)", "", true}, {"DECIMAL(5,2)", "DECIMAL(5,3)", "before the point", true}, {"DECIMAL(5,2)", "DECIMAL(9,1)", "fewer decimals", true},
		{"ENUM('a','b')", "ENUM('b','c','a')", "", false}, {"ENUM('a','b')", "ENUM('a','c')", `lacks "b"`, false}, {"ENUM('a','bbb')", "VARCHAR(3)", "", false},
		{"ENUM('a','bbb')", "VARCHAR(2)", "shorter", false}, {"VARCHAR(3)", "ENUM('a')", "listed values", false}, {"SET('a','b')", "SET('a','x','b')", "", false},
		{"SET('a','b')", "SET('b','a')", "another order", false}, {"INT NOT NULL", "INT NULL", "", true}, {"DATETIME", "DATETIME(3)", "", false},
		{"DATETIME(6)", "DATETIME(3)", "digits of a second", true}, {"DATETIME", "TIMESTAMP NULL", "another kind", false}, {"INT", "VARCHAR(20)", "another kind", true},
		{"DATE", "DATETIME", "another kind", true}, {"TINYINT(1)", "INT", "another kind", true}, {"FLOAT", "DOUBLE", "", true}, {"DOUBLE", "FLOAT", "fewer digits", false},
		{"VARBINARY(4)", "VARBINARY(9)", "", true}, {"BINARY(4)", "BINARY(9)", "zero bytes", false}, {"BINARY(4)", "BINARY(4)", "", false},
		{"UUID", "CHAR(36)", "", false}, {"CHAR(36)", "UUID", "one form", false}, {"INT", "POINT", "cannot be linked", false},
	}
	conformance(t, func(t *testing.T, w *world) {
		for i, c := range cases {
			if !w.mariadb && !c.both {
				continue
			}
			name := fmt.Sprintf("c%d", i)
			w.exec(t, "CREATE TABLE "+name+" (id INT NOT NULL PRIMARY KEY, v "+c.was+", w INT)")
			link, _ := w.link(t, name)
			w.typed(t, &link)
			w.exec(t, "DROP TABLE "+name, "CREATE TABLE "+name+" (id INT NOT NULL PRIMARY KEY, v "+c.is+", w INT)")
			got := w.open(t, &link).Problems()
			if why := got["v"]; c.why == "" && len(got) != 0 || !strings.Contains(why, c.why) || c.why != "" && len(got) != 1 {
				t.Errorf("%s -> %s: %v, want %q", c.was, c.is, got, c.why)
			}
			link.Columns[1].Type = "" // as in links of older versions
			if got := w.open(t, &link).Problems(); len(got) != 0 && c.is != "POINT" {
				t.Errorf("%s -> %s, without a type: %v", c.was, c.is, got)
			}
		}
	})
}

// A column whose type changed is left alone, but history keeps what deleted rows held there.
func TestWritesBesideAPausedColumn(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE p (id INT NOT NULL PRIMARY KEY, n INT, s VARCHAR(20))")
		link, _ := w.link(t, "p")
		w.typed(t, &link)
		w.exec(t, "DROP TABLE p", "CREATE TABLE p (id INT NOT NULL PRIMARY KEY, n VARCHAR(20), s VARCHAR(20))", "INSERT INTO p VALUES (1, 'one', 'a')")
		table := w.open(t, &link)
		if err := w.Capture(t.Context(), &link); err != nil {
			t.Fatal(err)
		}
		applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Update, Key: "1", Before: text("1", "5", "a"), After: text("1", "6", "b")})
		if applied[0].Outcome != tandem.Landed || !applied[0].Row.Values[1].IsAbsent() {
			t.Fatalf("update: %+v", applied[0])
		}
		applied = w.apply(t, &link, table, tandem.Change{Kind: tandem.Delete, Key: "1"})
		same(t, "deleted row", applied[0].Whole, map[string]tandem.Value{"id": tandem.Text("1"), "n": tandem.Text("one"), "s": tandem.Text("b")})
		results := w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: text("2", "7", "c")})
		if results[0].Err != nil {
			t.Fatal(results[0].Err)
		}
		var n *string
		if err := w.sql.QueryRow("SELECT n FROM p WHERE id = 2").Scan(&n); err != nil || n != nil {
			t.Errorf("the paused column of a new row: %v, %v", n, err)
		}
	})
}
