package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tandem-sync/tandem/sheets/emulator"
)

const priceSchema = `CREATE TABLE goods (id INT NOT NULL PRIMARY KEY, title VARCHAR(50), price DECIMAL(8,2));
	INSERT INTO goods VALUES (1, 'one', 1.00), (2, 'two', 2.00), (3, 'three', 3.00);`

func TestSettingsOfConflicts(t *testing.T) {
	s := newStand(t, priceSchema, emulator.Tab{Title: "Goods"})
	path := "/v1/links/goods"
	create := func(more string) string {
		return fmt.Sprintf(`{"table": "goods", "spreadsheetId": %q, "tab": "Goods"%s}`, standSheet, more)
	}
	for name, c := range map[string]struct{ more, field string }{
		"no address":        {`, "alertUrl": "nowhere"`, "link.alert_url"},
		"other scheme":      {`, "alertUrl": "ftp://example.com/x"`, "link.alert_url"},
		"no host":           {`, "alertUrl": "https:///x"`, "link.alert_url"},
		"empty rule":        {`, "rules": [{"column": "price"}]`, "link.rules[0].expression"},
		"unknown column":    {`, "rules": [{"column": "cost", "expression": "DATABASE"}]`, "link.rules[0].column"},
		"not an expression": {`, "rules": [{"column": "price", "expression": "database >"}]`, "link.rules[0].expression"},
		"wrong type":        {`, "rules": [{"expression": "MANUAL"}, {"column": "price", "expression": "'much'"}]`, "link.rules[1].expression"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &stand{T: t, url: s.url}
			s.refused(http.StatusBadRequest, c.field, "POST", "/v1/links?link_id=goods", create(c.more))
		})
	}
	made := s.must("POST", "/v1/links?link_id=goods", create(`, "conflictPolicy": "MANUAL", "showErrorsInSheet": true`))
	if made["conflictPolicy"] != "MANUAL" || made["showErrorsInSheet"] != true || made["showStatusInSheet"] != true || made["alertUrl"] != "" {
		t.Errorf("made: %v", made)
	}
	changed := s.must("PATCH", path, `{"conflictPolicy": "RULES", "showErrorsInSheet": false, "showStatusInSheet": false, "alertUrl": "https://me:word@example.com/a",
		"rules": [{"column": "price", "expression": "database > sheet ? database : sheet"}]}`)
	want := map[string]any{"conflictPolicy": "RULES", "showErrorsInSheet": false, "showStatusInSheet": false, "alertUrl": "https://me:word@example.com/a",
		"rules": []any{map[string]any{"column": "price", "expression": "database > sheet ? database : sheet"}}}
	for field, value := range want {
		if diff := cmp.Diff(value, changed[field]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", field, diff)
		}
	}
	// What was read can be sent back as it is, and says the same again.
	s.must("PATCH", path, s.call("GET", path, "").text)
	again := s.must("GET", path, "")
	for field, value := range want {
		if diff := cmp.Diff(value, again[field]); diff != "" {
			t.Errorf("%s after it was sent back (-want +got):\n%s", field, diff)
		}
	}
	bad := s.refused(http.StatusBadRequest, "link.rules[0].expression", "PATCH", path, `{"rules": [{"column": "price", "expression": "database + titel"}]}`)
	if text := bad.fields()["link.rules[0].expression"]; !strings.Contains(text, "titel") {
		t.Errorf("what is wrong with the expression is not said: %q", text)
	}
	// A rule goes with its column.
	s.refused(http.StatusBadRequest, "link.rules[0].column", "PATCH", path, `{"columns": [{"column": "id"}, {"column": "title"}]}`)
	if cleared := s.must("PATCH", path+"?updateMask=rules,showErrorsInSheet,alertUrl", "{}"); len(cleared["rules"].([]any)) != 0 ||
		cleared["showErrorsInSheet"] != true || cleared["alertUrl"] != "" || cleared["showStatusInSheet"] != false {
		t.Errorf("cleared: %v", cleared)
	}
}

// A column that cannot flow says why, the others go on, and it flows again when what was missing is back.
func TestPausedColumn(t *testing.T) {
	t.Parallel()
	s := newStand(t, priceSchema, emulator.Tab{Title: "Goods"})
	s.link("goods", "Goods")
	paused := func() string {
		for _, c := range s.must("GET", "/v1/links/goods", "")["columns"].([]any) {
			if column := c.(map[string]any); column["column"] == "title" {
				return column["paused"].(string)
			}
		}
		return "not linked"
	}
	if why := paused(); why != "" {
		t.Errorf("paused at first: %q", why)
	}
	s.edit(emulator.Edit{DeleteColumn: &emulator.DeleteColumn{Sheet: "Goods", Column: "title"}})
	s.eventually(func() string {
		if why := paused(); !strings.Contains(why, "title") {
			return fmt.Sprintf("without its header: %q", why)
		}
		return ""
	})
	s.exec("UPDATE goods SET price = 9 WHERE id = 1")
	s.eventually(func() string {
		row := s.must("GET", "/v1/links/goods/sources/sheet/rows/1?max_staleness=0s", "")
		if row["values"].(map[string]any)["price"] != "9.00" {
			return fmt.Sprint(row)
		}
		return ""
	})
	s.edit(emulator.Edit{Undo: &emulator.Undo{}})
	s.eventually(paused)
}
