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
