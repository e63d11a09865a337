package server_test

import "testing"

// fillParts makes rows whose key is a text and a number; the texts hold what addresses, filters and sheets are tempted to change.
func fillParts(w *world) {
	w.t.Helper()
	w.exec("CREATE TABLE parts (shelf VARCHAR(30) NOT NULL, slot INT NOT NULL, label VARCHAR(60) NOT NULL, stock INT NULL, PRIMARY KEY (shelf, slot)) CHARACTER SET utf8mb4")
	for i, label := range []string{"Bolt", "Nut", "Screw", "Washer", "Spring", "Hinge", "Latch", "Clamp", "Rivet", "Hook"} {
		shelf := []string{"00 7/8 50%", "00 7/8 50%", "007", "7", "a/b", "100%", "two words", "a~b", "%2F", `x?y#z"`}[i]
		w.exec("INSERT INTO parts VALUES (?, ?, ?, ?)", shelf, i+1, label, 10*i)
	}
	w.do("POST", "/v1/links?link_id=parts", map[string]any{"displayName": "Parts", "table": "parts", "spreadsheetId": spreadsheet, "tab": "Data", "conflictPolicy": "MANUAL"})
	w.sync("parts", nil)
}

// TestConsoleKeys works in a browser on rows whose key has two parts: in both tabs, under Conflicts, Errors and in the history.
func TestConsoleKeys(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			inBrowser(t, "keys.mjs", size, func() *world {
				w := newWorld(t, "--poll-interval", "1s")
				w.start()
				fillParts(w)
				return w
			})
		})
	}
}
