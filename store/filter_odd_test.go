package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// oddContents are what stands in columns of SQLite that is a value of some and none of others.
var oddContents = strings.Split(`NULL|0|1|7|-3|8.5|'abc'|''|x''|x'616263'|x'ff'|'moon'|'2026-02-30'|'2026-03-02'|'2026-02-30 10:00:00'|'2026-11-21 10:00:00'|`+
	`'2026-11-21 10:00'|'2026-11-21T10:00:00Z'|'2026-11-21 10:00:00+02:00'|'10:00:00'|'10:00'|'-01:00:00'|'true'|'FALSE'|9007199254740993|1e300|9e999|'007'|`+
	`2451545.5|'now'|'0000-00-00'|0.1|0.30000000000000004|12345.678`, "|")

// textsOfNoEncoding are no UTF-8.
var textsOfNoEncoding = []string{"CAST(x'ff' AS TEXT)", "CAST(x'80' AS TEXT)", "CAST(x'6180' AS TEXT)", "CAST(x'f0' AS TEXT)"}

// oddTable is filterTable with rows of any content in any column.
func oddTable(t *testing.T, w *world, random *rand.Rand, contents []string, n int) *store.Table {
	_, table := filterTable(t, w)
	for id := range n {
		list := fmt.Sprint(id)
		for _, c := range table.Columns()[1:] {
			content := contents[random.IntN(len(contents))]
			if content == "NULL" && !c.Nullable {
				content = "'t'"
			}
			list += ", " + content
		}
		w.exec(t, "INSERT INTO f VALUES ("+list+")")
	}
	return table
}

// checkFilter compares what the database finds and counts with what the filter itself wants.
func checkFilter(t *testing.T, table *store.Table, rows []tandem.Row, f *tandem.Filter) {
	t.Helper()
	wanted := f.Matcher(table.Columns())
	want := slices.DeleteFunc(inSheet(rows), func(row tandem.Row) bool { return !wanted(row.Values) })
	text := f.Text(table.Columns())
	page, err := table.Select(t.Context(), store.RowQuery{Filter: f, Limit: 1000})
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	count, err := table.CountMatching(t.Context(), f)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if keyLine(page.Rows) != keyLine(want) || int(count) != len(want) {
		t.Errorf("%s: found %d, counted %d, want %d: %s", text, len(page.Rows), count, len(want), difference(page.Rows, want))
	}
}

// What is no value of its column is equal to nothing on either side: it is neither found by a comparison nor left out by its
// opposite, nor counted otherwise.
func TestFiltersOfWhatIsNoValue(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if w.mariadb {
			partialDates(t, w)
			return
		}
		random := rand.New(rand.NewPCG(13, 13))
		table := oddTable(t, w, random, oddContents, 200)
		rows, err := table.Scan(t.Context(), "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for column := range table.Columns() {
			for range 20 {
				f := randomComparison(random, table.Columns(), column)
				checkFilter(t, table, rows, f)
				checkFilter(t, table, rows, &tandem.Filter{Op: tandem.FilterNot, Parts: []*tandem.Filter{f}})
			}
		}
	})
}

// partialDates are dates without a month or a day, which MariaDB compares as if they were some.
func partialDates(t *testing.T, w *world) {
	w.exec(t, "CREATE TABLE partial (id INT PRIMARY KEY, born DATE, seen DATETIME)")
	for id, date := range []string{"'2026-00-15'", "'2026-05-00'", "'0000-00-00'", "'2026-05-15'", "NULL"} {
		w.exec(t, fmt.Sprintf("SET STATEMENT sql_mode='' FOR INSERT INTO partial VALUES (%d, %s, %s)", id, date, date))
	}
	_, table := w.link(t, "partial")
	rows, err := table.Scan(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for column, text := range map[int]string{1: "2026-05-01", 2: "2026-05-01T00:00:00"} {
		for op := tandem.FilterEqual; op <= tandem.FilterGreaterOrEqual; op++ {
			f := &tandem.Filter{Op: op, Column: column, Value: tandem.Text(text)}
			checkFilter(t, table, rows, f)
			checkFilter(t, table, rows, &tandem.Filter{Op: tandem.FilterNot, Parts: []*tandem.Filter{f}})
		}
	}
}

// Pages in the order of any column end, and hold every row once, whatever stands in it; also where a page ends at a blob in a
// column of numbers or of texts, or at a text that is no UTF-8.
func TestPagesOfWhatIsNoValue(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if w.mariadb {
			return // it lets nothing of that kind in
		}
		table := oddTable(t, w, rand.New(rand.NewPCG(14, 14)), slices.Concat(oddContents, textsOfNoEncoding, textsOfNoEncoding), 150)
		for column, c := range table.Columns() {
			for _, descending := range []bool{false, true} {
				query := store.RowQuery{Order: []tandem.Order{{Column: column, Descending: descending}}, Limit: 1000}
				all := pages(t, table, query, func() {})
				query.Limit = 2
				read := 0
				paged := pages(t, table, query, func() {
					if read++; read > len(all) {
						t.Fatalf("pages by %s, descending %v, have no end", c.Name, descending)
					}
				})
				if len(all) != 150 || keyLine(paged) != keyLine(all) {
					t.Errorf("by %s, descending %v, in pages:\n got %s\nwant %s", c.Name, descending, keyLine(paged), keyLine(all))
				}
			}
		}
	})
}

// Rows whose key is a blob are left out, and do not keep a search from its end.
func TestPagesBeyondBlobsAsKeys(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if w.mariadb {
			return // a column of texts holds no blobs
		}
		w.exec(t, "CREATE TABLE blobs (k TEXT PRIMARY KEY, n INT)", "INSERT INTO blobs VALUES ('a', 1), (x'61', 1), (x'62', 1), (x'63', 1), ('b', 2)")
		_, table := w.link(t, "blobs")
		for _, query := range []store.RowQuery{{Filter: &tandem.Filter{Op: tandem.FilterPresent, Column: 1}}, {Order: []tandem.Order{{Column: 0}}}} {
			query.Limit = 1
			read := 0
			same(t, "rows", keyLine(pages(t, table, query, func() {
				if read++; read > 10 {
					t.Fatal("the pages have no end")
				}
			})), "a b")
		}
	})
}
