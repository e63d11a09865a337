package store_test

import (
	"testing"

	"github.com/tandem-sync/tandem"
)

// A write marks its row once for its own link, and for every other link of the table, whichever wrote before over the same
// connection, and whether or not that write was taken back.
func TestWritesOfTwoLinksOfATable(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		first, one := w.people(t)
		second, two := w.link(t, "p")
		for _, link := range []tandem.Link{first, second} {
			if err := w.Capture(t.Context(), &link); err != nil {
				t.Fatal(err)
			}
		}
		values := func(name string) []tandem.Value {
			return []tandem.Value{tandem.Absent, tandem.Text(name), tandem.Absent}
		}
		for step, by := range []int{1, 1, 2, 2, 1, 2, 1} {
			w.exec(t, "DELETE FROM tandem_marks")
			table, own, other := one, first.Number, second.Number
			if by == 2 {
				table, own, other = two, second.Number, first.Number
			}
			w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: values("tried"), ValidateOnly: true})
			result := w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: values(string(rune('a' + step)))})
			if result[0].Err != nil {
				t.Fatal(result[0].Err)
			}
			marks := map[int64]int{}
			rows, err := w.sql.Query("SELECT link_number, COUNT(*) FROM tandem_marks WHERE cause = ? OR link_number <> ? GROUP BY link_number", string(tandem.CauseAPI), own)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				var link int64
				var n int
				if err := rows.Scan(&link, &n); err != nil {
					t.Fatal(err)
				}
				marks[link] = n
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
			same(t, "marks by link", marks, map[int64]int{own: 1, other: 1})
			if w.mariadb { // whose triggers can tell our own writes
				var n int
				if err := w.sql.QueryRow("SELECT COUNT(*) FROM tandem_marks WHERE link_number = ?", own).Scan(&n); err != nil || n != 1 {
					t.Errorf("step %d: %d marks of the link that wrote, %v; want 1", step, n, err)
				}
			}
		}
	})
}

// What a commit wrote itself is no news for its link: a mark of it would be looked at for nothing, and that of a deletion would speak
// against a row that came under its key since. Another link of the table, and rows that the table's triggers wrote, are told.
func TestCommitsLeaveNoMarks(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE a (id VARCHAR(20) NOT NULL PRIMARY KEY, name VARCHAR(20) NULL)", "INSERT INTO a VALUES ('1','one'), ('2','two'), ('~3','three'), ('4','four')")
		link, _ := w.link(t, "a")
		other, _ := w.link(t, "a")
		w.capture(t, &link, &other)
		table, otherTable := w.open(t, &link), w.open(t, &other)
		w.marked(t, table)
		applied := w.apply(t, &link, table,
			tandem.Change{Kind: tandem.Update, Key: "1", Before: text("1", "one"), After: text("1", "ONE")},
			tandem.Change{Kind: tandem.Delete, Key: "2", Before: text("2", "two")},
			tandem.Change{Kind: tandem.Update, Key: "~03", Before: text("~3", "three"), After: text("~30", "three")},
			tandem.Change{Kind: tandem.Insert, After: text("7~", "seven")},
			tandem.Change{Kind: tandem.Update, Key: "4", Before: text("4", "vier"), After: text("4", "x")},
		)
		for i, want := range []tandem.Outcome{tandem.Landed, tandem.Landed, tandem.Landed, tandem.Landed, tandem.Moved} {
			if applied[i].Outcome != want {
				t.Errorf("change %d: %v, want %v", i, applied[i].Outcome, want)
			}
		}
		marks, err := table.Marks(t.Context(), 100)
		if err != nil || len(marks) > 0 {
			t.Errorf("marks of the link's own writes: %v, %v", marks, err)
		}
		if got := distinct(w.marked(t, otherTable)); len(got) != 5 {
			t.Errorf("marks of the other link: %q, want one for each key, of the renamed row both", got)
		}
	})
}
