package server_test

import "testing"

// plantsTable has columns that are linked, one of them with moments, and one that is not.
const plantsTable = `CREATE TABLE plants (
	id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(60) NOT NULL,
	pots INT NULL,
	watered TIMESTAMP NOT NULL DEFAULT '2026-01-01 00:00:00',
	cellar VARCHAR(20) NOT NULL DEFAULT 'none'
) CHARACTER SET utf8mb4`

// fillPlants makes as many rows, in step on both sides, with a link that leaves conflicts to people.
func fillPlants(w *world, rows int) {
	w.t.Helper()
	w.exec(plantsTable)
	w.exec("INSERT INTO plants SELECT seq, CONCAT('Plant ', seq), seq % 7 + 1, '2026-03-04 05:06:07', CONCAT('shelf ', seq) FROM seq_1_to_1000 WHERE seq <= ?", rows)
	columns := []map[string]any{{"column": "id"}, {"column": "name"}, {"column": "pots"}, {"column": "watered"}}
	w.do("POST", "/v1/links?link_id=plants", map[string]any{"displayName": "Plants", "table": "plants", "spreadsheetId": spreadsheet, "tab": "Data",
		"columns": columns, "conflictPolicy": "MANUAL"})
	w.sync("plants", nil)
}

// TestConsoleHistory undoes what people, programs and the sheet did: one change, a row, everything of one of them, everything since
// a moment; and what cannot be undone without losing something newer, first not, then by force.
func TestConsoleHistory(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "--poll-interval", "1s")
			w.start()
			fillPlants(w, 30)
			w.script("history.mjs", size, "CONSOLE_TOKEN="+w.restart())
		})
	}
}
