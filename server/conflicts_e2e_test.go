package server_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestConflictsEndToEnd lets both sides change the same rows on MariaDB, decides by API over a crash of the process, and
// removes everything in the end.
func TestConflictsEndToEnd(t *testing.T) {
	w := newWorld(t, "--poll-interval", "1s")
	w.exec("CREATE TABLE items (id INT AUTO_INCREMENT PRIMARY KEY, title VARCHAR(20), price DECIMAL(8,2), stock INT)")
	w.exec("INSERT INTO items VALUES (1, 'one', 1, 5), (2, 'two', 2, 5), (3, 'three', 3, 5), (4, 'four', 4, 5)")
	w.start()
	w.do("POST", "/v1/links?link_id=items", map[string]any{"table": "items", "spreadsheetId": spreadsheet, "tab": "Data", "conflictPolicy": "MANUAL",
		"columns": []map[string]any{{"column": "id"}, {"column": "title"}, {"column": "price", "conflictPolicy": "RULES"}, {"column": "stock", "conflictPolicy": "SHEET_WINS"}},
		"rules":   []map[string]any{{"column": "price", "expression": "database > sheet ? database : sheet"}}})
	w.sync("items", nil)

	// Nothing flows while the process is away, so both sides change.
	w.kill()
	w.exec("UPDATE items SET title = 'database', price = price + 10, stock = 6")
	for row := 2; row <= 5; row++ {
		w.edit(map[string]any{"paste": map[string]any{"sheet": "Data", "a1": fmt.Sprint("B", row), "values": [][]string{{"sheet", "7", "8"}}}})
	}
	w.start()
	conflicts := func() (keys []string) {
		list, _ := w.do("GET", "/v1/links/items/conflicts", nil)["conflicts"].([]any)
		for _, c := range list {
			keys = append(keys, c.(map[string]any)["key"].(string))
		}
		slices.Sort(keys)
		return keys
	}
	w.eventually(time.Minute, func() string {
		if keys := conflicts(); !slices.Equal(keys, []string{"1", "2", "3", "4"}) {
			return fmt.Sprintf("open conflicts: %v", keys)
		}
		return ""
	})
	// What the other policies settle does not wait for the title.
	for key, price := range map[string]string{"1": "11.00", "4": "14.00"} {
		for source, title := range map[string]string{"database": "database", "sheet": "sheet"} {
			arrives(w, source, key, map[string]any{"title": title, "price": price, "stock": 8.0})
		}
	}
	decided := w.do("POST", "/v1/links/items/conflicts/1:resolve", map[string]any{"columns": map[string]any{"title": map[string]any{"value": "both"}}})
	if decided["resolving"] != true {
		t.Errorf("decided: %v", decided)
	}
	w.kill()
	w.start()
	answer := w.do("POST", "/v1/links/items/conflicts:batchResolve", map[string]any{"requests": []map[string]any{
		{"name": "links/items/conflicts/2", "take": "DATABASE"}, {"name": "links/items/conflicts/3", "take": "SHEET"}}})
	if answer["resolvedCount"] != 2.0 {
		t.Errorf("decided: %v", answer)
	}
	w.eventually(time.Minute, func() string { // a process that was killed holds the link for a while
		if keys := conflicts(); !slices.Equal(keys, []string{"4"}) {
			return fmt.Sprintf("open conflicts: %v", keys)
		}
		return ""
	})
	for key, title := range map[string]string{"1": "both", "2": "database", "3": "sheet"} {
		for _, source := range []string{"database", "sheet"} {
			arrives(w, source, key, map[string]any{"title": title})
		}
	}
	w.uninstall()
}

// uninstall stops tandem, removes it, and checks that nothing of it is left.
func (w *world) uninstall() {
	w.t.Helper()
	path, err := program()
	if err != nil {
		w.t.Fatal(err)
	}
	run := func() (string, error) {
		out, err := exec.Command(path, "uninstall", "--sheets", "--database-url", w.dbURL, "--sheets-endpoint", w.google.URL+"/").CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err == nil || !strings.Contains(out, "still running") {
		w.t.Errorf("under a running server: %v\n%s", err, out)
	}
	w.kill()
	w.eventually(time.Minute, func() string { // the leases of the killed process run out
		out, err := run()
		if err != nil && strings.Contains(out, "still running") {
			return out
		}
		if err != nil || !strings.Contains(out, "removed") {
			w.t.Errorf("uninstall: %v\n%s", err, out)
		}
		return ""
	})
	var left int
	err = w.db.QueryRow(`SELECT (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name LIKE 'tandem%')
		+ (SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE())`).Scan(&left)
	if err != nil || left != 0 {
		w.t.Errorf("the database still has %d of Tandem's tables and triggers (%v)", left, err)
	}
}
