package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// filmsTable has a column for each kind of input, and one that is not linked.
const filmsTable = `CREATE TABLE films (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	title VARCHAR(60) NOT NULL,
	status ENUM('planned', 'running', 'ended') NOT NULL DEFAULT 'planned',
	episodes SMALLINT UNSIGNED NULL,
	price DECIMAL(6,2) NULL,
	aired DATE NULL,
	shown_at DATETIME(3) NULL,
	seen BOOLEAN NOT NULL DEFAULT FALSE,
	note TEXT NULL,
	hidden VARCHAR(20) NOT NULL DEFAULT 'outside'
) CHARACTER SET utf8mb4`

// fillFilms makes 70 rows, in step on both sides, with a link that leaves conflicts about notes to people.
func fillFilms(w *world) {
	w.t.Helper()
	w.exec(filmsTable)
	var rows []string
	for id := 1; id <= 70; id++ {
		rows = append(rows, fmt.Sprintf("(%d, 'Film %02d', '%s', %d, %d.50, '20%02d-03-04', '2026-01-02 03:04:05.678', %d, 'note %d', 'hidden %d')",
			id, id, []string{"planned", "running", "ended"}[id%3], id%24+1, id%90, id%25, id%2, id, id))
	}
	w.exec("INSERT INTO films (id, title, status, episodes, price, aired, shown_at, seen, note, hidden) VALUES " + strings.Join(rows, ", "))
	w.exec("UPDATE films SET title = 'The moon and the sea' WHERE id = 12")
	columns := []map[string]any{}
	for _, name := range []string{"id", "title", "status", "episodes", "price", "aired", "shown_at", "seen", "note"} {
		column := map[string]any{"column": name}
		if name == "note" {
			column["conflictPolicy"] = "MANUAL"
		}
		columns = append(columns, column)
	}
	w.do("POST", "/v1/links?link_id=films", map[string]any{"displayName": "Films", "table": "films", "spreadsheetId": spreadsheet, "tab": "Data", "columns": columns})
	w.sync("films", nil)
}

// TestConsoleRows searches, filters, sorts, adds, edits and deletes rows in a browser, and runs into what others did meanwhile.
func TestConsoleRows(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			w := inBrowser(t, "rows.mjs", size, func() *world { return newFilms(t) })
			w.alike(20 * time.Second)
			// What was deleted here and undone has kept what only the table has.
			var hidden string
			if err := w.db.QueryRow("SELECT hidden FROM films WHERE id = 11").Scan(&hidden); err != nil || hidden != "hidden 11" {
				t.Errorf("the row that was put back holds %q, %v", hidden, err)
			}
		})
	}
}

// TestConsoleRowsLive sees in a browser what others do, as they do it, and works on the rows of the sheet, with what is wrong there.
func TestConsoleRowsLive(t *testing.T) {
	t.Parallel()
	for _, size := range windows {
		t.Run(size, func(t *testing.T) {
			w := inBrowser(t, "rows-live.mjs", size, func() *world { return newFilms(t) })
			// What was deleted in the sheet and put back has kept what only the table has.
			var title, hidden string
			if err := w.db.QueryRow("SELECT title, hidden FROM films WHERE id = 9").Scan(&title, &hidden); err != nil || title != "Film 09" || hidden != "hidden 9" {
				t.Errorf("the row that was put back is %q with %q, %v", title, hidden, err)
			}
			w.alike(20*time.Second, "3", "6")
		})
	}
}

// newFilms is a world with the table of films, in step.
func newFilms(t *testing.T, flags ...string) *world {
	t.Helper()
	w := newWorld(t, append(flags, "--poll-interval", "1s")...)
	w.start()
	fillFilms(w)
	return w
}

// alike waits until both sides have the same rows, but for those that are meant to differ.
func (w *world) alike(limit time.Duration, ids ...string) {
	w.t.Helper()
	w.eventually(limit, func() string { return difference(w.without("database", ids...), w.without("sheet", ids...)) })
}

// without lists a side, but for rows that are meant to differ.
func (w *world) without(source string, ids ...string) map[string]map[string]any {
	w.t.Helper()
	found, token := map[string]map[string]any{}, ""
	for {
		page := w.do("GET", "/v1/links/films/sources/"+source+"/rows?page_size=1000&max_staleness=0s&page_token="+token, nil)
		list, _ := page["rows"].([]any)
		for _, item := range list {
			row := item.(map[string]any)
			if name, _ := row["name"].(string); name != "" {
				found[name[strings.LastIndex(name, "/")+1:]], _ = row["values"].(map[string]any)
			}
		}
		if token, _ = page["nextPageToken"].(string); token == "" {
			break
		}
	}
	for _, id := range ids {
		delete(found, id)
	}
	return found
}
