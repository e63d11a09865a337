package server_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem/server"
	"github.com/tandem-sync/tandem/sheets/emulator"
	"github.com/tandem-sync/tandem/store/mariadbtest"
)

// previewStand is a server with one table and one tab, not linked.
func previewStand(t *testing.T, dialect string, shape previewShape) *stand {
	t.Helper()
	schema, set, db := shape.schema, func(*server.Config) {}, (*sql.DB)(nil)
	if dialect == "sqlite" {
		schema = strings.ReplaceAll(schema, "FOLDED", "COLLATE NOCASE")
	} else {
		maria := mariadbtest.Start(t)
		url := maria.CreateDatabase(t)
		var err error
		if db, err = sql.Open("mysql", maria.DSN(url[strings.LastIndex(url, "/")+1:])+"?multiStatements=true"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		schema = strings.NewReplacer("AUTOINCREMENT", "AUTO_INCREMENT", "FOLDED", "COLLATE utf8mb4_general_ci").Replace(schema)
		if _, err := db.Exec(schema); err != nil {
			t.Fatal(err)
		}
		schema, set = "SELECT 1", func(config *server.Config) { config.DatabaseURL = url }
	}
	s := newStandWith(t, set, schema, emulator.Tab{Title: "Tab", Rows: shape.cells})
	if db != nil {
		s.db = db
	}
	return s
}

func (shape *previewShape) body() map[string]any {
	body := map[string]any{"table": "things", "spreadsheetId": standSheet, "tab": "Tab"}
	for name, value := range shape.link {
		body[name] = value
	}
	return body
}

func asJSON(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

// everything is the spreadsheet, as Google would tell it, and all that the database holds.
func (s *stand) everything() map[string]string {
	s.Helper()
	all := map[string]string{}
	recorder := httptest.NewRecorder()
	s.google.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/v4/spreadsheets/"+standSheet+"?includeGridData=true", nil))
	all["the spreadsheet"] = recorder.Body.String()
	names, err := readRows(s.db, "SELECT type || ' ' || name, sql FROM sqlite_master ORDER BY 1")
	tables := "SELECT name, '' FROM sqlite_master WHERE type = 'table'"
	if err != nil {
		names, err = readRows(s.db, "SELECT trigger_name, action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1")
		tables = "SELECT table_name, '' FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1"
	}
	if err != nil {
		s.Fatal(err)
	}
	all["the schema"] = fmt.Sprint(names)
	found, err := readRows(s.db, tables)
	if err != nil {
		s.Fatal(err)
	}
	for _, table := range found {
		rows, err := readRows(s.db, "SELECT * FROM "+table[0])
		if err != nil {
			s.Fatal(err)
		}
		slices.SortFunc(rows, slices.Compare)
		all[table[0]] = fmt.Sprint(rows)
	}
	return all
}

func readRows(db *sql.DB, query string) (all [][]string, err error) {
	rows, err := db.Query(query)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		raw, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range raw {
			into[i] = &raw[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		texts := make([]string, len(raw))
		for i := range raw {
			texts[i] = raw[i].String
		}
		all = append(all, texts)
	}
	return all, rows.Err()
}

// leases are taken and given back by the server at any time, whatever is asked of it.
const volatile = "tandem_leases"

// A preview of a link that is not made has the counts of the plan that is made once it is, and leaves no trace.
func TestPreviewAsPlan(t *testing.T) {
	for _, dialect := range []string{"sqlite", "mariadb"} {
		for _, shape := range previewShapes() {
			t.Run(dialect+"/"+shape.name, func(t *testing.T) {
				s := previewStand(t, dialect, shape)
				before, stats := s.everything(), s.google.Stats()
				preview := s.must("POST", "/v1/links:preview", asJSON(map[string]any{"link": shape.body()}))
				draft := s.must("POST", "/v1/links?link_id=things&validateOnly=true", asJSON(shape.body()))
				after := s.everything()
				delete(before, volatile)
				delete(after, volatile)
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("the preview did something (-before +after):\n%s", diff)
				}
				if now := s.google.Stats(); now.Writes != stats.Writes {
					t.Errorf("the preview made %d calls that write", now.Writes-stats.Writes)
				}

				link := s.must("POST", "/v1/links?link_id=things", asJSON(shape.body()))
				for _, made := range []any{preview["link"], draft} {
					if diff := cmp.Diff(made.(map[string]any)["columns"], link["columns"]); diff != "" {
						t.Errorf("the columns (-previewed +made):\n%s", diff)
					}
				}
				op := s.must("POST", "/v1/links/things:initialSync", `{"validateOnly": true}`)
				for op["done"] != true {
					op = s.must("POST", fmt.Sprintf("/v1/%s:wait", op["name"]), `{"timeout": "10s"}`)
				}
				plan, _ := op["response"].(map[string]any)
				if diff := cmp.Diff(plan["counts"], preview["counts"]); diff != "" {
					t.Errorf("the counts (-plan +preview):\n%s\n%v", diff, preview)
				}
				if preview["complete"] != true {
					t.Errorf("the tab has few rows, and not all were looked at: %v", preview)
				}
				counts := preview["counts"].(map[string]any)
				for name, want := range shape.want {
					if got, _ := counts[name].(float64); want == true && got == 0 || want != true && want != got {
						t.Errorf("%s is %v, want %v", name, counts[name], want)
					}
				}
			})
		}
	}
}

// What a preview refuses, as making the link does, and what it makes of tabs that are odd.
func TestPreviewRefuses(t *testing.T) {
	inserts, cells := shapeRows(1)
	s := newStand(t, shapeSchema+inserts+"CREATE TABLE keyless (a TEXT);", emulator.Tab{Title: "Tab", Rows: cells}, emulator.Tab{Title: "Held", Rows: cells},
		emulator.Tab{Title: "Late", Rows: slices.Concat([][]any{nil}, cells)})
	held := fmt.Sprintf(`{"spreadsheetId": %q, "table": "things", "tab": "Held"}`, standSheet)
	s.must("POST", "/v1/links?link_id=things", held)
	preview := func(link string) string {
		return fmt.Sprintf(`{"link": {"spreadsheetId": %q, %s}}`, standSheet, link)
	}
	before, stats := s.everything(), s.google.Stats()
	const path = "/v1/links:preview"
	s.refused(http.StatusBadRequest, "link", "POST", path, "{}")
	s.refused(http.StatusBadRequest, "link.tab", "POST", path, preview(`"table": "things"`))
	s.refused(http.StatusBadRequest, "sample_rows", "POST", path, `{"sampleRows": 10001, "link": {"table": "things", "spreadsheetId": "x", "tab": "Tab"}}`)
	s.refused(http.StatusBadRequest, "sample_rows", "POST", path, `{"sampleRows": -1, "link": {"table": "things", "spreadsheetId": "x", "tab": "Tab"}}`)
	for _, c := range []struct{ link, field, reason string }{
		{`"table": "things", "tab": "None"`, "link.tab", "CANNOT_LINK"},
		{`"table": "none", "tab": "Tab"`, "link.table", "CANNOT_LINK"},
		{`"table": "keyless", "tab": "Tab"`, "link.table", "CANNOT_LINK"},
		{`"table": "things", "tab": "Tab", "columns": [{"column": "title"}]`, "link.columns", "CANNOT_LINK"},
		{`"table": "things", "tab": "Tab", "columns": [{"column": "id"}, {"column": "qty", "header": "Amount"}]`, "link.columns[1].header", "CANNOT_LINK"},
		{`"table": "things", "tab": "Late"`, "link.header_row", "CANNOT_LINK"},
		{`"table": "things", "tab": "Tab", "columns": [{"column": "none"}]`, "link.columns[0].column", "INVALID_ARGUMENT"},
		{`"table": "things", "tab": "Tab", "rules": [{"column": "qty", "expression": "database >"}]`, "link.rules[0].expression", "INVALID_ARGUMENT"},
		{`"table": "things", "tab": "Tab", "alertUrl": "nowhere"`, "link.alert_url", "INVALID_ARGUMENT"},
	} {
		answer := s.refused(http.StatusBadRequest, c.field, "POST", path, preview(c.link))
		if reason := answer.detail("ErrorInfo", "reason"); c.reason == "CANNOT_LINK" && reason != c.reason {
			t.Errorf("%s: the reason is %s", c.link, reason)
		}
		if c.field != "link.header_row" { // making a link does not read what stands below
			s.refused(http.StatusBadRequest, c.field, "POST", "/v1/links?link_id=other&validateOnly=true", fmt.Sprintf(`{"spreadsheetId": %q, %s}`, standSheet, c.link))
		}
	}
	s.refused(http.StatusConflict, "", "POST", path, preview(`"table": "things", "tab": "Held"`))
	s.refused(http.StatusConflict, "", "POST", "/v1/links?link_id=other&validateOnly=true", held)
	s.refused(http.StatusConflict, "", "POST", "/v1/links?link_id=things&validateOnly=true", strings.Replace(held, "Held", "Tab", 1))
	s.must("POST", path, preview(`"table": "things", "tab": "Late", "headerRow": 2`))
	if now := s.google.Stats(); now.Writes != stats.Writes {
		t.Errorf("%d calls that write", now.Writes-stats.Writes)
	}
	if after := s.everything(); after["the spreadsheet"] != before["the spreadsheet"] || after["things"] != before["things"] || after["tandem_links"] != before["tandem_links"] {
		t.Error("a preview that was refused did something")
	}
}

// A preview of a part of a tab costs three calls of Google's, and shows what does not fit.
func TestPreviewOfSample(t *testing.T) {
	cells := [][]any{{"Id", "Title", "Qty"}}
	for id := 1; id <= 300; id++ {
		cells = append(cells, []any{id, fmt.Sprint("Thing ", id), []any{1, "many"}[id%2]})
	}
	s := newStand(t, shapeSchema+"INSERT INTO things (id, title, qty) VALUES (2, 'Thing 2', 1), (4, 'Thing four', 1), (1000, 'Last', 1)", emulator.Tab{Title: "Tab", Rows: cells})
	stats := s.google.Stats()
	got := s.must("POST", "/v1/links:preview", fmt.Sprintf(`{"sampleRows": 20, "link": {"table": "things", "spreadsheetId": %q, "tab": "Tab"}}`, standSheet))
	now := s.google.Stats()
	if now.Reads-stats.Reads > 3 || now.Writes != stats.Writes {
		t.Errorf("the preview took %d reads and %d writes", now.Reads-stats.Reads, now.Writes-stats.Writes)
	}
	if got["complete"] == true || got["tableRows"] != "3" || got["tabRowsChecked"] != 20.0 {
		t.Errorf("the preview: %v", got)
	}
	want := map[string]any{"equal": 1.0, "updateSheet": 1.0, "insertDatabase": 8.0, "refused": 10.0, "settledDatabaseWon": 1.0}
	counts := got["counts"].(map[string]any)
	for name := range counts {
		if n, _ := want[name].(float64); counts[name] != n {
			t.Errorf("%s is %v, want %v", name, counts[name], n)
		}
	}
	columns := got["columns"].([]any)
	qty := columns[2].(map[string]any)
	if qty["checked"] != 20.0 || qty["refused"] != 10.0 || len(qty["examples"].([]any)) != 5 {
		t.Errorf("the check of qty: %v", qty)
	}
	first := map[string]any{"row": 2.0, "key": "1", "value": "many", "message": "is not a whole number"}
	if diff := cmp.Diff(first, qty["examples"].([]any)[0]); diff != "" {
		t.Errorf("the first cell that does not fit (-want +got):\n%s", diff)
	}
}
