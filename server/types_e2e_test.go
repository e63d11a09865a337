package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// typeCases are edge values for every line of the type contract. In and out are SQL literals and what the table must
// still say after the value went to the sheet, was taken for an edit there, and came back.
var typeCases = []struct {
	typ    string
	values []string
}{
	{"TINYINT", []string{"0", "-1", "-128", "127", "NULL"}},
	{"INT", []string{"0", "-1", "-2147483648", "2147483647"}},
	{"INT UNSIGNED", []string{"4294967295"}},
	{"BIGINT", []string{"0", "-9223372036854775808", "9223372036854775807", "999999999999999", "1000000000000000"}},
	{"BIGINT UNSIGNED", []string{"18446744073709551615"}},
	{"DECIMAL(10,2)", []string{"0.00", "-0.01", "99999999.99", "8.50", "NULL"}},
	{"DECIMAL(15,0)", []string{"999999999999999"}},
	{"DECIMAL(38,10)", []string{"1234567890123456789012345678.0123456789", "-0.0000000001"}},
	{"DOUBLE", []string{"0.1", "-1e300", "1.7976931348623157e308", "0.30000000000000004", "5e-324", "123456789.123456789"}},
	{"FLOAT", []string{"0.1", "3.4e38", "-1.5", "16777216"}},
	{"BOOLEAN", []string{"0", "1", "NULL"}},
	{"BIT(1)", []string{"b'0'", "b'1'"}},
	{"VARCHAR(100)", []string{"'00123'", "'=1+1'", "'1e5'", "'TRUE'", "'+1'", "'\\'x'", "' padded '", "'2026-11-21'", "'#N/A'", "'line\\nbreak'", "'tab\\there'", "''", "NULL", "'50%'", "'$5'", "'Grüße'", "'😀👩‍👩‍👧'", "'NULL'"}},
	{"CHAR(5)", []string{"'00042'"}},
	{"LONGTEXT", []string{"REPEAT('x', 50000)", "REPEAT('é', 50000)"}},
	{"ENUM('a','TRUE','1')", []string{"'a'", "'TRUE'", "'1'"}},
	{"SET('x','y')", []string{"'x,y'", "''"}},
	{"JSON", []string{"'{\"a\": [1, 2, null]}'", "'12'", "'true'"}},
	{"DATE", []string{"'1000-01-01'", "'1899-12-30'", "'1900-02-28'", "'2026-11-21'", "'9999-12-31'", "NULL"}},
	{"DATETIME", []string{"'1000-01-01 00:00:00'", "'2026-11-21 07:00:01'", "'9999-12-31 23:59:59'"}},
	{"DATETIME(3)", []string{"'2026-11-21 07:00:00.123'", "'1000-01-01 00:00:00.001'", "'9999-12-31 23:59:59.999'"}},
	{"DATETIME(6)", []string{"'9999-12-31 23:59:59.999999'", "'2026-11-21 07:00:00.000001'"}},
	{"TIMESTAMP(3) NULL", []string{"'2026-11-21 07:00:00.123'", "'1970-01-01 00:00:01.000'", "'2026-10-25 00:30:00.000'", "'2026-10-25 01:30:00.000'"}},
	{"TIME", []string{"'00:00:00'", "'-838:59:59'", "'838:59:59'", "'07:08:09'"}},
	{"TIME(6)", []string{"'-00:00:00.000001'"}},
	{"YEAR", []string{"1901", "2155", "2026"}},
}

// TestTypes sends every edge value from the table to the sheet and back: the sheet's rows are copied under new keys by a
// person, and the table must then hold the very same values under those keys.
func TestTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--poll-interval", "1s")
	var tables []string
	for i, c := range typeCases {
		table := fmt.Sprintf("typed%d", i)
		tables = append(tables, table)
		w.exec(fmt.Sprintf("CREATE TABLE %s (id INT PRIMARY KEY, v %s)", table, c.typ))
		for n, value := range c.values {
			w.exec(fmt.Sprintf("INSERT INTO %s VALUES (%d, %s)", table, n+1, value))
		}
	}
	w.start()
	for _, table := range tables {
		w.do("POST", "/v1/links?link_id="+table, map[string]any{"table": table, "spreadsheetId": spreadsheet, "tab": table, "createTab": true})
		w.sync(table, nil)
	}
	original := map[string][]string{}
	for i, c := range typeCases {
		original[tables[i]] = w.checksums(tables[i], 0, "v")
		w.copyRows(tables[i], len(c.values))
	}
	for i, c := range typeCases {
		t.Run(c.typ, func(t *testing.T) {
			w.t = t
			table := tables[i]
			w.eventually(20*time.Second, func() string { return w.copied(table, len(c.values)) })
			for n, sum := range w.checksums(table, 0, "v") {
				if sum != original[table][n] {
					t.Errorf("%s changed in the table itself: %s", c.values[n], w.show(table, n+1))
				}
			}
			// A cell cannot tell NULL from '', so a copy of either is a new row with an empty cell.
			before := w.checksums(table, 0, "NULLIF(v, '')")
			for n, sum := range w.checksums(table, 1000, "NULLIF(v, '')") {
				if sum != before[n] {
					t.Errorf("%s came back from the sheet as something else: %s", c.values[n], w.show(table, n+1))
				}
			}
		})
	}
}

// copyRows copies the tab's rows below themselves, as copy and paste in the sheet does, and gives the copies the keys
// 1001, 1002, …
func (w *world) copyRows(tab string, count int) {
	w.t.Helper()
	var answer struct {
		Sheets []struct {
			Properties struct {
				SheetID int64 `json:"sheetId"`
				Title   string
			}
		}
	}
	w.emulator("GET", "/v4/spreadsheets/"+spreadsheet+"?fields=sheets.properties", nil, &answer)
	for _, sheet := range answer.Sheets {
		if sheet.Properties.Title != tab {
			continue
		}
		id := sheet.Properties.SheetID
		area := func(from int) map[string]any {
			return map[string]any{"sheetId": id, "startRowIndex": from, "endRowIndex": from + count, "startColumnIndex": 0, "endColumnIndex": 2}
		}
		var keys []any
		for n := range count {
			keys = append(keys, map[string]any{"values": []any{map[string]any{"userEnteredValue": map[string]any{"numberValue": 1001 + n}}}})
		}
		w.emulator("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate", map[string]any{"requests": []any{
			map[string]any{"appendDimension": map[string]any{"sheetId": id, "dimension": "ROWS", "length": count + 1}},
			map[string]any{"copyPaste": map[string]any{"source": area(1), "destination": area(1 + count)}},
			map[string]any{"updateCells": map[string]any{"start": map[string]any{"sheetId": id, "rowIndex": 1 + count, "columnIndex": 0}, "rows": keys, "fields": "userEnteredValue"}},
		}}, nil)
		return
	}
	w.t.Fatalf("there is no tab %s", tab)
}

// copied says what is still missing of the copies in the table, and why.
func (w *world) copied(table string, count int) string {
	var have int
	if err := w.db.QueryRow("SELECT COUNT(*) FROM " + table + " WHERE id > 1000").Scan(&have); err != nil {
		return err.Error()
	}
	if have < count {
		_, errs := w.call("GET", "/v1/links/"+table+"/rowErrors", nil)
		return fmt.Sprintf("%d of %d copied rows are in the table; row errors: %.300v", have, count, errs)
	}
	return ""
}

// checksums returns one for each row's value, exact to the byte, in key order.
func (w *world) checksums(table string, above int, value string) []string {
	w.t.Helper()
	expression := "IFNULL(SHA1(CAST(" + value + " AS CHAR)), 'NULL')"
	rows, err := w.db.Query(fmt.Sprintf("SELECT %s FROM %s WHERE id > %d AND id < %d ORDER BY id", expression, table, above, above+1000))
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var sums []string
	for rows.Next() {
		var sum string
		if err := rows.Scan(&sum); err != nil {
			w.t.Fatal(err)
		}
		sums = append(sums, sum)
	}
	return sums
}

func (w *world) show(table string, n int) string {
	var before, after *string
	_ = w.db.QueryRow(fmt.Sprintf("SELECT LEFT(v, 60) FROM %s WHERE id = %d", table, n)).Scan(&before)
	_ = w.db.QueryRow(fmt.Sprintf("SELECT LEFT(v, 60) FROM %s WHERE id = %d", table, 1000+n)).Scan(&after)
	text := func(s *string) string {
		if s == nil {
			return "NULL"
		}
		return fmt.Sprintf("%q", *s)
	}
	return text(before) + " became " + text(after)
}

// TestBadInput sends what people get wrong. Every answer is a 4xx that names the field, and nothing is changed.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	fill(w, 0.001)
	w.exec("CREATE TABLE keyless (a INT)")
	w.exec("CREATE TABLE other (nr INT PRIMARY KEY, sku VARCHAR(20))")
	w.start()
	createItemsLink(w)
	w.sync("items", nil)
	before, beforeCells := w.rows("items", "database"), fmt.Sprint(w.cells("Data"))
	tests := []struct {
		name, method, path string
		body               any
		status             int
		field              string // must be named by a violation; "" where the message says it all
	}{
		{"unknown column", "POST", "/v1/links/items/sources/database/rows", values(map[string]any{"id": "900", "colour": "red"}), 400, "row.values.colour"},
		{"unknown column in the sheet", "POST", "/v1/links/items/sources/sheet/rows", values(map[string]any{"id": "900", "colour": "red"}), 400, "row.values.colour"},
		{"wrong type", "PATCH", "/v1/links/items/sources/database/rows/1", values(map[string]any{"qty": "many"}), 400, "row.values.qty"},
		{"wrong type in the sheet", "PATCH", "/v1/links/items/sources/sheet/rows/1", values(map[string]any{"price": "8.555"}), 400, "row.values.price"},
		{"too long", "PATCH", "/v1/links/items/sources/database/rows/1", values(map[string]any{"sku": strings.Repeat("x", 21)}), 400, "row.values.sku"},
		{"missing key", "POST", "/v1/links/items/sources/sheet/rows", values(map[string]any{"sku": "x"}), 400, "row.values"},
		{"key that is none", "GET", "/v1/links/items/sources/database/rows/abc", nil, 400, "name"},
		{"row that is not there", "GET", "/v1/links/items/sources/database/rows/123456", nil, 404, ""},
		{"malformed page token", "GET", "/v1/links/items/sources/database/rows?page_token=nonsense", nil, 400, "page_token"},
		{"unknown link", "GET", "/v1/links/nothing/sources/database/rows", nil, 404, ""},
		{"unknown source", "GET", "/v1/links/items/sources/paper/rows", nil, 400, ""},
		{"unknown JSON field", "POST", "/v1/links/items/sources/database/rows", map[string]any{"valuess": map[string]any{}}, 400, ""},
		{"row that is there", "POST", "/v1/links/items/sources/database/rows", values(map[string]any{"id": "1", "sku": "x"}), 409, ""},
		{"stale etag", "PATCH", "/v1/links/items/sources/database/rows/1", map[string]any{"etag": "old", "values": map[string]any{"sku": "x"}}, 412, ""},
		{"filter", "GET", "/v1/links/items/sources/database/rows?filter=qty%3Dx", nil, 400, ""},
		{"table without key", "POST", "/v1/links?link_id=keyless", map[string]any{"table": "keyless", "spreadsheetId": spreadsheet, "tab": "Data"}, 400, "link.table"},
		{"table that is not there", "POST", "/v1/links?link_id=ghost", map[string]any{"table": "ghost", "spreadsheetId": spreadsheet, "tab": "Data"}, 400, "link.table"},
		{"tab without the key column", "POST", "/v1/links?link_id=other", map[string]any{"table": "other", "spreadsheetId": spreadsheet, "tab": "Data"}, 400, "link.columns"},
		{"tab that is not there", "POST", "/v1/links?link_id=other", map[string]any{"table": "other", "spreadsheetId": spreadsheet, "tab": "Nope"}, 400, "link.tab"},
		{"spreadsheet that is not there", "POST", "/v1/links?link_id=other", map[string]any{"table": "other", "spreadsheetId": "nope", "tab": "Data"}, 400, "link.spreadsheet_id"},
		{"tab of another link", "POST", "/v1/links?link_id=again", map[string]any{"table": "items", "spreadsheetId": spreadsheet, "tab": "Data"}, 409, ""},
		{"bad link id", "POST", "/v1/links?link_id=Not%20Good", map[string]any{"table": "items", "spreadsheetId": spreadsheet, "tab": "Data"}, 400, "link_id"},
		{"unknown plan", "POST", "/v1/links/items:initialSync", map[string]any{"plan": "nope"}, 404, ""},
		{"unknown path", "GET", "/v1/nothing", nil, 404, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			w.t = t
			status, answer := w.call(test.method, test.path, test.body)
			if status != test.status {
				t.Fatalf("status %d, want %d: %v", status, test.status, answer)
			}
			if message, _ := answer["message"].(string); message == "" {
				t.Errorf("no message: %v", answer)
			}
			if test.field != "" && !strings.Contains(fmt.Sprint(answer["details"]), "field:"+test.field) {
				t.Errorf("no violation names %s: %v", test.field, answer)
			}
		})
	}
	w.t = t
	if problem := difference(before, w.rows("items", "database")); problem != "" {
		t.Errorf("bad input changed the table: %s", problem)
	}
	if fmt.Sprint(w.cells("Data")) != beforeCells {
		t.Error("bad input changed the sheet")
	}
}

func values(v map[string]any) map[string]any { return map[string]any{"values": v} }
