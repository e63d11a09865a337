package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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

// inBrowser runs a script of testdata/console in a browser's reach, beside other such tests, in the world that stage makes, and
// returns that. A browser on a machine that is busy with other tests may miss a moment that a script waits for, so that it has a
// second try, in a world of its own; what is broken fails twice.
func inBrowser(t *testing.T, script, size string, stage func() *world) *world {
	t.Helper()
	t.Parallel()
	w := stage()
	if out, err := w.play(script, size); err != nil {
		t.Logf("%s in the browser, which is tried once more: %v\n%s", script, err, out)
		w = stage()
		w.script(script, size)
	}
	return w
}

// script runs a script, and fails with it.
func (w *world) script(script, size string, env ...string) {
	w.t.Helper()
	if out, err := w.play(script, size, env...); err != nil {
		w.t.Fatalf("%s in the browser (make test installs what it needs): %v\n%s", script, err, out)
	}
}

// play runs a script: it gets the world as JSON, and fails by its exit code.
func (w *world) play(script, size string, env ...string) ([]byte, error) {
	w.t.Helper()
	browser, err := exec.LookPath("chromium")
	if path := os.Getenv("CHROMIUM"); path != "" {
		browser, err = path, nil
	}
	if err != nil {
		w.t.Fatal("no browser: run make test, which installs chromium, or set CHROMIUM to its path")
	}
	about, err := json.Marshal(map[string]string{"base": "http://" + w.httpAddr + "/", "google": w.google.URL, "sql": w.serveSQL(),
		"spreadsheet": spreadsheet, "browser": browser, "size": size})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, "node", script, string(about))
	command.Dir, command.Env = filepath.Join("testdata", "console"), append(os.Environ(), env...)
	out, err := command.CombinedOutput()
	if testing.Verbose() {
		w.t.Logf("%s", out)
	}
	return out, err
}

// serveSQL lets scripts do in the database what other programs do there: a statement that is posted is executed.
func (w *world) serveSQL() string {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, r *http.Request) {
		statement, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = w.db.ExecContext(r.Context(), string(statement))
		}
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
		}
	}))
	w.t.Cleanup(server.Close)
	return server.URL
}

// windows are the windows in which the console is looked at: a phone's, and a desk's.
var windows = []string{"phone", "desk"}

// TestConsoleSync goes the whole way in a browser: from the wizard over plan, initial sync and edits on both sides to conflicts
// and row errors.
func TestConsoleSync(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
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
