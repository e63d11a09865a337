package server_test

import "testing"

// TestHeaderRow links a tab whose headers stand in its third row: what is above stays as it is.
func TestHeaderRow(t *testing.T) {
	w := newWorld(t, "--poll-interval", "1s")
	w.exec("CREATE TABLE items (id INT PRIMARY KEY, title VARCHAR(20))")
	w.exec("INSERT INTO items VALUES (1, 'one'), (2, 'two')")
	w.seed("Data", [][]any{{"Our catalogue"}, {}, {"id", "title"}, {2, "two"}, {3, "three"}})
	w.start()
	w.do("POST", "/v1/links?link_id=items", map[string]any{"table": "items", "spreadsheetId": spreadsheet, "tab": "Data", "headerRow": 3})
	w.sync("items", nil)
	wantEqual(w, "items", 3)
	cells := w.cells("Data")
	if len(cells) != 6 || cells[0][0] != "Our catalogue" || cells[2][0] != "id" {
		t.Errorf("the tab is %v", cells)
	}
	w.exec("UPDATE items SET title = 'due' WHERE id = 2")
	arrives(w, "sheet", "2", map[string]any{"title": "due"})
}
