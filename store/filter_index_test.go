package store_test

import (
	"testing"

	"github.com/tandem-sync/tandem"
	"github.com/tandem-sync/tandem/store"
)

// A page costs what it shows, not what the table holds, where the table has an index for it: on the first page and deep within.
func TestFiltersAndOrdersUseIndexes(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if !w.mariadb {
			return // SQLite tells nobody how many rows it has read
		}
		w.exec(t, `CREATE TABLE wide (id INT NOT NULL PRIMARY KEY, score INT, must INT NOT NULL, title VARCHAR(255) COLLATE utf8mb4_unicode_ci, seen DATETIME(3), price DECIMAL(30,2), ratio DOUBLE, at TIMESTAMP NULL,
				INDEX (score), INDEX (must), INDEX (title), INDEX (seen), INDEX (price), INDEX (ratio), INDEX (at))`,
			`INSERT INTO wide SELECT seq, IF(seq % 50 = 0, NULL, seq * 7919 % 5000), seq * 7919 % 5000, CONCAT('Title ', seq % 4000), '2026-01-01' + INTERVAL seq MINUTE, seq / 7, seq / 8,
				'2026-01-01' + INTERVAL seq MINUTE FROM seq_1_to_20000`, "ANALYZE TABLE wide")
		_, table := w.link(t, "wide")
		column := func(name string) int {
			for i, c := range table.Columns() {
				if c.Name == name {
					return i
				}
			}
			t.Fatalf("no column %s", name)
			return 0
		}
		compare := func(op tandem.FilterOp, name, text string) *tandem.Filter {
			return &tandem.Filter{Op: op, Column: column(name), Value: tandem.Text(text)}
		}
		read := func() (n int) {
			rows, err := w.sql.Query("SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('HANDLER_READ_NEXT', 'HANDLER_READ_PREV', 'HANDLER_READ_RND_NEXT', 'HANDLER_READ_RND')")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				if err := rows.Scan(&n); err != nil {
					t.Fatal(err)
				}
			}
			return n
		}
		queries := map[string]store.RowQuery{
			"equal text":    {Filter: compare(tandem.FilterEqual, "title", "Title 77")},
			"equal number":  {Filter: compare(tandem.FilterEqual, "must", "77")},
			"range of time": {Filter: compare(tandem.FilterGreater, "seen", "2026-01-14T00:00:00.000"), Order: []tandem.Order{{Column: column("seen")}}},
			"range of sums": {Filter: compare(tandem.FilterLess, "price", "9.00")},
			"both ends":     {Filter: &tandem.Filter{Op: tandem.FilterAnd, Parts: []*tandem.Filter{compare(tandem.FilterGreaterOrEqual, "ratio", "10"), compare(tandem.FilterLess, "ratio", "15")}}},
		}
		for _, name := range []string{"score", "must", "title", "seen", "price", "ratio", "at"} {
			queries["order "+name] = store.RowQuery{Order: []tandem.Order{{Column: column(name)}}}
			queries["order desc "+name] = store.RowQuery{Order: []tandem.Order{{Column: column(name), Descending: true}}}
		}
		for name, query := range queries {
			query.Limit = 20
			for page := range 60 {
				before := read()
				found, err := table.Select(t.Context(), query)
				if err != nil {
					t.Fatal(err)
				}
				if len(found.Rows) == 0 {
					t.Errorf("%s: no rows on page %d", name, page)
				}
				if cost := read() - before; cost > 2000 {
					t.Errorf("%s, page %d: %d rows were read for %d", name, page, cost, len(found.Rows))
					break
				}
				if !found.More {
					break
				}
				query.After, query.Marks = found.Rows[len(found.Rows)-1].Key, found.Marks
			}
		}
	})
}

// What is no value of its column is equal to nothing, neither less nor greater, and not empty. SQL would say otherwise.
func TestFiltersPassOverWhatIsNoValue(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		good, bad := "('2026-01-01'", "('0000-00-00'"
		if w.mariadb {
			w.exec(t, "SET SESSION sql_mode = ''", "CREATE TABLE odd (born DATE, seen DATETIME, ok TINYINT(1), id INT NOT NULL PRIMARY KEY)",
				"INSERT INTO odd VALUES "+good+", '2026-01-01 00:00:00', 1, 1), "+bad+", '0000-00-00 00:00:00', 7, 2)")
		} else {
			w.exec(t, "CREATE TABLE odd (born DATE, seen DATETIME, ok BOOLEAN, n INTEGER, d DECIMAL(5,2), r REAL, t TEXT, id INT NOT NULL PRIMARY KEY)",
				"INSERT INTO odd VALUES "+good+", '2026-01-01T00:00:00', 'TRUE', 5, 5, 5, 'five', 1), ('now', '12:00', 7, 'five', 'x', 'y', x'616263', 2), "+
					"('2026-01-01 00:00:00', '2026-01-01 02:00:00+02:00', 'true', 5.0, '5', 5, 'five', 3)")
		}
		_, table := w.link(t, "odd")
		columns, want := table.Columns(), w.pick("1 3", "1")
		least := map[tandem.Kind]string{tandem.Date: "2026-01-01", tandem.DateTime: "2026-01-01T00:00:00", tandem.Bool: "true", tandem.Int: "5",
			tandem.Decimal: "5", tandem.Float: "5", tandem.String: "five"}
		rows, err := table.Scan(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for i := range columns[:len(columns)-1] {
			value, err := columns[i].Type.Parse(least[columns[i].Type.Kind])
			if err != nil {
				t.Fatal(err)
			}
			if !rows[1].Values[i].IsInvalid() {
				t.Fatalf("%s of the second row is %v", columns[i].Name, rows[1].Values[i])
			}
			for op, keys := range map[tandem.FilterOp]string{tandem.FilterEqual: want, tandem.FilterLessOrEqual: want, tandem.FilterGreaterOrEqual: want, tandem.FilterLess: "",
				tandem.FilterGreater: "", tandem.FilterNotEqual: "2", tandem.FilterEmpty: "", tandem.FilterPresent: w.pick("1 2 3", "1 2")} {
				f := &tandem.Filter{Op: op, Column: i, Value: value}
				page, err := table.Select(t.Context(), store.RowQuery{Filter: f, Limit: 10})
				if err != nil {
					t.Fatal(err)
				}
				count, err := table.CountMatching(t.Context(), f)
				if err != nil {
					t.Fatal(err)
				}
				if got := keyLine(page.Rows); got != keys || int(count) != len(page.Rows) {
					t.Errorf("%s: rows %q, counted %d, want %q", f.Text(columns), got, count, keys)
				}
			}
		}
	})
}
