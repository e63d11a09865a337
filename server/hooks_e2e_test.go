package server_test

import (
	"fmt"
	"testing"
	"time"
)

// listen has the spreadsheet tell this process of edits, as a script with the link's secret would.
func (w *world) listen(link string, secret any) {
	w.t.Helper()
	w.emulator("PUT", "/emulator/spreadsheets/"+spreadsheet+"/hook",
		map[string]any{"url": "http://" + w.httpAddr + "/hooks/sheets/" + link, "secret": secret}, nil)
}

// wants waits until a query gives a value.
func (w *world) wants(query, want string) {
	w.t.Helper()
	w.eventually(30*time.Second, func() string {
		got := ""
		if err := w.db.QueryRow(query).Scan(&got); err != nil || got != want {
			return fmt.Sprintf("%s gives %q, %v, want %q", query, got, err, want)
		}
		return ""
	})
}

// What people do in the sheet reaches MariaDB by hints alone: no tab is polled. The secret outlives the process.
func TestHintsReachMariaDB(t *testing.T) {
	w := newWorld(t, "--poll-interval", "1h")
	w.exec(`CREATE TABLE data (id INT NOT NULL PRIMARY KEY, title VARCHAR(50), score INT)`)
	w.exec(`INSERT INTO data VALUES (1, 'Go', 10), (2, 'Chess', 20), (3, 'Shogi', 30)`)
	w.start()
	w.do("POST", "/v1/links?link_id=data", map[string]any{"table": "data", "spreadsheetId": spreadsheet, "tab": "Data"})
	w.sync("data", nil)
	secret := w.do("POST", "/v1/links/data:rotateHookSecret", map[string]any{})["secret"]
	w.listen("data", secret)

	edit := func(kind string, what map[string]any) {
		t.Helper()
		what["sheet"] = "Data"
		w.edit(map[string]any{kind: what})
	}
	edit("setCell", map[string]any{"a1": "B3", "input": "Checkers"})
	w.wants("SELECT title FROM data WHERE id = 2", "Checkers")
	edit("paste", map[string]any{"a1": "A5", "values": [][]string{{"4", "Hex", "40"}}})
	w.wants("SELECT title FROM data WHERE id = 4", "Hex")

	w.kill()
	w.start()
	w.listen("data", secret) // at its new address
	edit("sort", map[string]any{"column": "score", "descending": true})
	edit("setCell", map[string]any{"a1": "C2", "input": "41"})
	w.wants("SELECT score FROM data WHERE id = 4", "41")
	edit("deleteRows", map[string]any{"start": 2, "count": 1})
	w.wants("SELECT COUNT(*) FROM data", "3")

	status, _ := w.do("GET", "/v1/links/data", nil)["status"].(map[string]any)
	if last, _ := status["lastHint"].(map[string]any); last["path"] != "APPS_SCRIPT" {
		t.Errorf("the link says of its last hint: %v", last)
	}
}
