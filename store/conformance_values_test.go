package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tandem-sync/tandem"
)

// valueCase is a column and the canonical texts that go through it unchanged.
type valueCase struct {
	sqlite, mariadb string // declared types; "" where the dialect has none
	values          []string
}

var long = strings.Repeat("wörd🙂 ", 50000/6)

var valueCases = []valueCase{
	{"TINYINT", "TINYINT(4)", []string{"0", "-1", "127", "-128"}},
	{"", "TINYINT UNSIGNED", []string{"0", "255"}},
	{"SMALLINT", "SMALLINT", []string{"-32768", "32767"}},
	{"MEDIUMINT", "MEDIUMINT", []string{"-8388608", "8388607"}},
	{"", "INT ZEROFILL", []string{"7", "4294967295"}},
	{"INTEGER", "INT", []string{"0", "-1", "2147483647"}},
	{"BIGINT", "BIGINT", []string{"0", "-1", "9223372036854775807", "-9223372036854775808", "9007199254740993"}},
	{"", "BIGINT UNSIGNED", []string{"0", "18446744073709551615", "9223372036854775808"}},
	{"", "DECIMAL(38,10)", []string{"0.0000000000", "-1234567890123456789012345678.0123456789", "9999999999999999999999999999.9999999999"}},
	{"DECIMAL(10,2)", "DECIMAL(10,2)", []string{"8.50", "-0.01", "99999999.99", "0.00"}},
	{"DECIMAL(15,10)", "DECIMAL(15,10)", []string{"0.0000000001", "12345.0123456789"}},
	{"DECIMAL(15,0)", "DECIMAL(15,0)", []string{"999999999999999", "-1"}},
	{"", "FLOAT", []string{"0.1", "3.4028235e+38", "1.6777216e+07", "1e-45", "0.33333334"}},
	{"DOUBLE", "DOUBLE", []string{"0.1", "0.30000000000000004", "1.7976931348623157e+308", "5e-324", "-1e+21", "1.2345678912345679e+08", "0"}},
	{"BOOLEAN", "BOOLEAN", []string{"true", "false"}},
	{"TINYINT(1)", "BIT(1)", []string{"true", "false"}},
	{"", "BIT(10)", []string{"0", "1023"}},
	{"VARCHAR(100)", "VARCHAR(100)", []string{"00123", "=1+1", "1e5", "TRUE", "🙂", "a\nb\r\n\tc", "", " lead and trail ", "'\"\\`?%_", "NULL", "a\x00b"}},
	{"CHAR(5)", "CHAR(5)", []string{"abc", "äöüß🙂", ""}},
	{"TEXT", "MEDIUMTEXT", []string{long, "x", ""}},
	{"", "ENUM('a','b''c','d,e')", []string{"a", "b'c", "d,e"}},
	{"", "SET('x','y')", []string{"x,y", "", "y"}},
	{"UUID", "UUID", []string{"123e4567-e89b-12d3-a456-426614174000"}},
	{"", "INET6", []string{"2001:db8::ff00:42:8329"}},
	{"JSON", "JSON", []string{`{"b": 1, "a": [1.50, "ü"]}`, `[]`, `"x"`}},
	{"DATE", "DATE", []string{"1000-01-01", "2026-11-21", "9999-12-31", "2024-02-29"}},
	{"DATETIME", "DATETIME(3)", []string{"2026-11-21T07:00:00.123", "2026-11-21T07:00:00.000", "1000-01-01T00:00:00.000"}},
	{"DATETIME(6)", "DATETIME(6)", []string{"9999-12-31T23:59:59.999999", "1000-01-01T00:00:00.000000"}},
	{"", "DATETIME", []string{"2026-11-21T07:00:00"}},
	{"", "TIMESTAMP NULL", []string{"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2038-01-19T03:14:07Z", "1970-01-01T00:00:01Z"}},
	{"", "TIMESTAMP(6) NULL", []string{"2026-11-21T07:00:00.123456Z"}},
	{"TIMESTAMP", "", []string{"2026-11-21T07:00:00.120"}},
	{"TIME", "TIME", []string{"00:00:00", "-838:59:59", "23:59:59"}},
	{"TIME(6)", "TIME(6)", []string{"-00:00:00.000001", "838:59:58.999999"}},
	{"YEAR", "YEAR", []string{"2026", "1901", "2155", "0000"}},
	{"BLOB", "BLOB", []string{"AAECAwD/", ""}},
	{"", "BINARY(4)", []string{"AAECAw=="}},
}

// TestValues writes each value in the four ways there are (a change's insert and update, the API's insert and update) and
// reads it back as it was, then as NULL.
func TestValues(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		for n, c := range valueCases {
			declared := w.pick(c.sqlite, c.mariadb)
			if declared == "" {
				continue
			}
			t.Run(declared, func(t *testing.T) {
				name := fmt.Sprintf("v%d", n)
				w.exec(t, "CREATE TABLE "+name+" (id VARCHAR(20) NOT NULL PRIMARY KEY, v "+declared+" "+w.pick("", "NULL")+")")
				link, table := w.link(t, name)
				check := func(how, key, want string) {
					t.Helper()
					rows, err := table.Get(t.Context(), []tandem.Key{tandem.Key(key)})
					if err != nil || len(rows) != 1 || rows[0].Values[1] != tandem.Text(want) {
						t.Errorf("%s: wrote %.60q, read %.100v, %v", how, want, show(rows), err)
					}
				}
				for i, value := range c.values {
					a, b := fmt.Sprint("a", i), fmt.Sprint("b", i)
					for _, applied := range w.apply(t, &link, table, tandem.Change{Kind: tandem.Insert, After: text(a, value)},
						tandem.Change{Kind: tandem.Insert, After: []tandem.Value{tandem.Text(b), tandem.Null}}) {
						if applied.Outcome != tandem.Landed {
							t.Fatalf("insert of %.60q: %v", value, applied.Err)
						}
					}
					check("insert", a, value)
					applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Update, Key: tandem.Key(b), Before: []tandem.Value{tandem.Text(b), tandem.Null}, After: text(b, value)})
					if applied[0].Outcome != tandem.Landed {
						t.Fatalf("update to %.60q: %v", value, applied[0].Err)
					}
					if value != "" { // which would not replace NULL
						check("update", b, value)
					}
					results := w.mutate(t, table, tandem.Mutation{Kind: tandem.Insert, Values: text("c"+a, value)},
						tandem.Mutation{Kind: tandem.Update, Key: tandem.Key(b), Values: []tandem.Value{tandem.Absent, tandem.Null}},
						tandem.Mutation{Kind: tandem.Update, Key: tandem.Key(b), Values: []tandem.Value{tandem.Absent, tandem.Text(value)}})
					for _, result := range results {
						if result.Err != nil {
							t.Fatalf("mutate to %.60q: %v", value, result.Err)
						}
					}
					if !results[1].Row.Values[1].IsNull() {
						t.Errorf("a null of the API became %v", show([]tandem.Row{*results[1].Row}))
					}
					check("API insert", "c"+a, value)
					check("API update", b, value)
				}
			})
		}
	})
}

// What a column cannot hold is refused in words that name it, on every dialect, strict or not.
func TestRefusedValues(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, `CREATE TABLE r (id INT NOT NULL PRIMARY KEY, small TINYINT NULL, price DECIMAL(4,2) NULL, name VARCHAR(3) NOT NULL, day DATE NULL,
			n INT NOT NULL DEFAULT 5, must INT NOT NULL, code VARCHAR(5) NULL UNIQUE, positive INT NULL CHECK (positive > 0))`)
		link, table := w.link(t, "r")
		good := text("1", "1", "1.00", "abc", "2026-01-01", "1", "1", "one", "1")
		with := func(id string, column int, value tandem.Value) []tandem.Value {
			row := append([]tandem.Value(nil), good...)
			row[0], row[7] = tandem.Text(id), tandem.Null
			row[column] = value
			return row
		}
		rows := []struct {
			after  []tandem.Value
			column string
			words  string
		}{
			{good, "", ""},
			{with("2", 1, tandem.Text("128")), "small", "128"},
			{with("3", 2, tandem.Text("1.005")), "price", "decimals"},
			{with("4", 3, tandem.Text("abcd")), "name", "characters"},
			{with("5", 4, tandem.Text("2026-02-30")), "day", "not a date"},
			{with("6", 6, tandem.Null), "must", "empty"},
			{with("7", 7, tandem.Text("one")), "code", "another row"},
			{with("8", 8, tandem.Text("-1")), "", "CHECK"},
			{with("9", 4, tandem.Invalid("#REF!")), "day", "#REF!"},
			{with("10", 5, tandem.Null), "", ""}, // takes the default
			{with("11", 3, tandem.Null), "", ""}, // becomes ''
		}
		var changes []tandem.Change
		for _, row := range rows {
			changes = append(changes, tandem.Change{Kind: tandem.Insert, After: row.after})
		}
		for i, applied := range w.apply(t, &link, table, changes...) {
			want := rows[i]
			if want.words == "" {
				if applied.Outcome != tandem.Landed {
					t.Errorf("row %d: %v", i, applied.Err)
				}
				continue
			}
			if applied.Outcome != tandem.Refused || applied.Column != want.column || !strings.Contains(applied.Err.Error(), want.words) {
				t.Errorf("row %d: outcome %d, column %q, %v; want column %q and %q", i, applied.Outcome, applied.Column, applied.Err, want.column, want.words)
			}
		}
		same(t, "rows", w.scan(t, table), []string{"1: 1, 1, 1.00, abc, 2026-01-01, 1, 1, one, 1",
			"10: 10, 1, 1.00, abc, 2026-01-01, 5, 1, NULL, 1", "11: 11, 1, 1.00, , 2026-01-01, 1, 1, NULL, 1"})
		applied := w.apply(t, &link, table, tandem.Change{Kind: tandem.Update, Key: "1", After: with("1", 6, tandem.Null)},
			tandem.Change{Kind: tandem.Update, Key: "10", After: with("10", 3, tandem.Null)})
		if applied[0].Outcome != tandem.Refused || applied[0].Column != "must" || applied[0].Row == nil {
			t.Errorf("NULL into NOT NULL: %+v", applied[0])
		}
		if applied[1].Outcome != tandem.Landed || applied[1].Row.Values[3] != tandem.Text("") {
			t.Errorf("cleared text that must not be NULL: %+v", applied[1])
		}
	})
}

// What other programs stored and what is no value of its column is invalid, never something else.
func TestInvalidValues(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		w.exec(t, "CREATE TABLE i (id INT NOT NULL PRIMARY KEY, yes TINYINT(1) NULL, day DATE NULL, at DATETIME NULL)")
		w.exec(t, w.pick("", "SET SESSION sql_mode='';")+"INSERT INTO i VALUES (1, 2, '0000-00-00', '2026-00-00 00:00:00'), (2, NULL, NULL, NULL)")
		_, table := w.link(t, "i")
		same(t, "rows", w.scan(t, table), []string{"1: 1, invalid 2, invalid 0000-00-00, invalid 2026-00-00 00:00:00", "2: 2, NULL, NULL, NULL"})
		rows, err := table.Get(t.Context(), []tandem.Key{"1"})
		if err != nil || len(rows[0].Problems) != 3 {
			t.Errorf("problems: %v, %v", rows, err)
		}
	})
}

// Go and JavaScript programs store date-times in SQLite with a zone.
func TestSQLiteDateTimesOfOthers(t *testing.T) {
	conformance(t, func(t *testing.T, w *world) {
		if w.mariadb {
			return
		}
		w.exec(t, "CREATE TABLE d (id INTEGER PRIMARY KEY, at DATETIME, day DATE, n INTEGER)",
			`INSERT INTO d VALUES (1, '2026-11-21 09:00:00+02:00', '2026-11-21 00:00:00', 'x'), (2, '2026-11-21T07:00:00.5Z', '2026-11-21', 1.5), (3, 1790000000, 5, x'00')`)
		_, table := w.link(t, "d")
		same(t, "rows", w.scan(t, table), []string{"1: 1, 2026-11-21T07:00:00.000, 2026-11-21, invalid x", "2: 2, 2026-11-21T07:00:00.500, 2026-11-21, invalid 1.5",
			"3: 3, invalid 1790000000, invalid 5, invalid \x00"})
	})
}
