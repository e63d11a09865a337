package server_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

// Rows that were deleted through the API come back whole, with what only the table had of them and does not fill in by itself.
func TestDeletedRowsComeBackWhole(t *testing.T) {
	const schema = `CREATE TABLE film (id INTEGER PRIMARY KEY, title VARCHAR(40), secret VARCHAR(40) NOT NULL, taken VARCHAR(40) NOT NULL, poster BLOB);
		INSERT INTO film VALUES (1, 'Akira', 'only here', '7', X'00FF27'), (2, 'Ran', '', '=1+1', NULL), (3, 'Ponyo', 'é "quoted"', '0', NULL)`
	const link = `{"table": "film", "spreadsheetId": %q, "tab": %q, "columns": [{"column": "id"}, {"column": "title"}]}`
	const check = "SELECT id, title, secret, taken, HEX(COALESCE(poster, 'none')) FROM film ORDER BY id"
	const rows = "/v1/links/film/sources/database/rows"
	// try deletes the rows in three ways and undoes it each time. lines is the table.
	try := func(t *testing.T, call func(method, path string, body map[string]any) map[string]any, lines func() string, eventually func(func() string)) {
		before := lines()
		deleted := func() (names []any) {
			for _, one := range call("GET", "/v1/links/film/changes?pageSize=3", nil)["changes"].([]any) {
				if change := one.(map[string]any); change["kind"] == "DELETE" && change["source"] == "DATABASE" {
					names = append(names, change["name"])
				}
			}
			return names
		}
		mutate := func(prefix string, atomic bool) {
			var all []map[string]any
			for id := range 3 {
				all = append(all, map[string]any{"mutationId": fmt.Sprint(prefix, id), "type": "DELETE", "row": map[string]any{"name": fmt.Sprintf("%s/%d", strings.TrimPrefix(rows, "/v1/"), id+1)}})
			}
			call("POST", rows+":mutate", map[string]any{"mutations": all, "atomic": atomic})
		}
		for way, remove := range map[string]func(){
			"DeleteRow": func() {
				for id := range 3 {
					call("DELETE", fmt.Sprintf("%s/%d", rows, id+1), nil)
				}
			},
			"MutateRows":           func() { mutate("m", false) },
			"an atomic MutateRows": func() { mutate("a", true) },
		} {
			remove()
			if got := lines(); got != "" {
				t.Fatalf("%s left %s", way, got)
			}
			var names []any
			eventually(func() string {
				if names = deleted(); len(names) != 3 {
					return fmt.Sprintf("%s: history has %v", way, names)
				}
				return ""
			})
			call("POST", "/v1/links/film/changes:revert", map[string]any{"changes": names})
			if after := lines(); after != before {
				t.Errorf("%s: after the revert\n%s\nwas\n%s", way, after, before)
			}
			eventually(func() string {
				if status := call("GET", "/v1/links/film", nil)["status"].(map[string]any); status["pendingRows"] != 0. {
					return fmt.Sprint("on the way: ", status)
				}
				if list := call("GET", strings.Replace(rows, "database", "sheet", 1)+"?maxStaleness=0s", nil)["rows"].([]any); len(list) != 3 {
					return fmt.Sprint("the sheet has ", list)
				}
				return ""
			})
		}
		// The same when the deletions halt the link and are taken back before they reach the sheet.
		call("PATCH", "/v1/links/film", map[string]any{"deleteLimit": map[string]any{"count": 1, "percent": 1}})
		mutate("h", false)
		eventually(func() string {
			if state := call("GET", "/v1/links/film", nil)["state"]; state != "HALTED" {
				return fmt.Sprint("the link is ", state)
			}
			return ""
		})
		call("POST", "/v1/links/film:approve", map[string]any{"putBack": true})
		eventually(func() string {
			if after := lines(); after != before {
				return fmt.Sprintf("put back:\n%s\nwas\n%s", after, before)
			}
			return ""
		})
	}
	t.Run("sqlite", func(t *testing.T) {
		s := newStand(t, schema, emulator.Tab{Title: "Film"})
		s.must("POST", "/v1/links?link_id=film", strings.Replace(fmt.Sprintf(link, standSheet, "Film"), "{", `{"deleteLimit": {"count": 1000, "percent": 100}, `, 1))
		op := s.must("POST", "/v1/links/film:initialSync", "{}")
		for op["done"] != true {
			op = s.must("POST", fmt.Sprintf("/v1/%s:wait", op["name"]), `{"timeout": "10s"}`)
		}
		try(t, func(method, path string, body map[string]any) map[string]any {
			t.Helper()
			text := []byte{}
			if body != nil {
				text, _ = json.Marshal(body)
			}
			return s.must(method, path, string(text))
		}, func() string { return linesOf(t, s.db, check) }, s.eventually)
	})
	t.Run("mariadb", func(t *testing.T) {
		w := newWorld(t, "--poll-interval", "1s")
		w.exec(schema)
		w.start()
		body := map[string]any{"table": "film", "spreadsheetId": spreadsheet, "tab": "Data", "columns": []map[string]any{{"column": "id"}, {"column": "title"}}}
		w.do("POST", "/v1/links?link_id=film", body)
		w.sync("film", nil)
		try(t, func(method, path string, body map[string]any) map[string]any {
			t.Helper()
			if body == nil {
				return w.do(method, path, nil)
			}
			return w.do(method, path, body)
		}, func() string { return linesOf(t, w.db, check) }, func(look func() string) { w.eventually(20*time.Second, look) })
	})
}

// linesOf returns the rows that a query finds, one a line.
func linesOf(t *testing.T, db *sql.DB, query string) string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for rows.Next() {
		cells, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("%+v", cells))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}
