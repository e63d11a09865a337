package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// showsTable has a column of each type that people meet, and fillShows 40 rows of it: 30 that are equal on both sides, 4 in the
// table alone, 3 in the sheet alone, 2 that differ, and 1 whose score in the sheet does not fit its column.
const showsTable = `CREATE TABLE shows (
	id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	title VARCHAR(100) NOT NULL,
	episodes INT NULL,
	score DECIMAL(4,2) NULL,
	status ENUM('planned', 'watching', 'done') NOT NULL DEFAULT 'planned',
	aired DATE NULL,
	seen BOOLEAN NOT NULL DEFAULT FALSE,
	updated_at TIMESTAMP NOT NULL DEFAULT '2026-01-01 00:00:00'
) CHARACTER SET utf8mb4`

func fillShows(w *world) {
	w.t.Helper()
	w.exec(showsTable)
	w.exec("CREATE TABLE notes (body TEXT)") // it has no key, so that it cannot be linked
	cells := [][]any{{"Id", "Title", "Episodes", "Score", "Status", "Aired", "Seen", "My notes"}}
	for id := 1; id <= 40; id++ {
		title, score, aired := fmt.Sprintf("Show %d", id), float64(id%10)+0.5, 40000+id
		inTable, inSheet := id <= 34 || id > 37, id <= 30 || id > 34
		if inTable {
			w.exec("INSERT INTO shows (id, title, episodes, score, status, aired, seen) VALUES (?, ?, ?, ?, 'done', DATE_ADD('1899-12-30', INTERVAL ? DAY), ?)",
				id, title, 12, score, aired, id%2 == 0)
		}
		switch {
		case id == 38 || id == 39:
			title += " (sheet)"
		case id == 40:
			score = 12345.5
		}
		if inSheet {
			cells = append(cells, []any{id, title, 12, score, "done", aired, id%2 == 0, "mine"})
		}
	}
	w.seed("Data", cells)
}

// inBrowser runs a script of testdata/console in a browser's reach, in the world that stage makes, and returns that: the script gets
// it as JSON, and fails by its exit code. A browser on a machine that is busy with other tests may miss a moment that a script waits
// for, so that it has a second try, in a world of its own; what is broken fails twice.
func inBrowser(t *testing.T, script, size string, stage func() *world) *world {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	if path := os.Getenv("CHROMIUM"); path != "" {
		browser, err = path, nil
	}
	if err != nil {
		t.Fatal("no browser: run make test, which installs chromium, or set CHROMIUM to its path")
	}
	for last := false; ; last = true {
		w := stage()
		out, err := w.script(browser, script, size)
		switch {
		case err == nil && testing.Verbose():
			t.Logf("%s", out)
			return w
		case err == nil:
			return w
		case last:
			t.Fatalf("%s in the browser (make test installs what it needs): %v\n%s", script, err, out)
		}
		t.Logf("%s in the browser, which is tried once more: %v\n%s", script, err, out)
	}
}

func (w *world) script(browser, script, size string) ([]byte, error) {
	about, err := json.Marshal(map[string]string{"base": "http://" + w.httpAddr + "/", "google": w.google.URL, "spreadsheet": spreadsheet, "browser": browser, "size": size})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "node", script, string(about))
	command.Dir = filepath.Join("testdata", "console")
	return command.CombinedOutput()
}

// TestConsoleSync goes the whole way in a browser: from the wizard over plan, initial sync and edits on both sides to conflicts,
// halts, row errors, history and what is undone there.
func TestConsoleSync(t *testing.T) {
	for _, size := range []string{"phone", "desk"} {
		t.Run(size, func(t *testing.T) {
			inBrowser(t, "sync.mjs", size, func() *world {
				w := newWorld(t, "--poll-interval", "1s")
				fillShows(w)
				w.start()
				return w
			})
		})
	}
}
