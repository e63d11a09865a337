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

// TestConsoleRows searches, filters, sorts, adds, edits and deletes rows on both tabs in a browser, runs into what others did
// meanwhile, and sees what they do live.
func TestConsoleRows(t *testing.T) {
	for _, size := range []string{"phone", "desk"} {
		t.Run(size, func(t *testing.T) {
			w := inBrowser(t, "rows.mjs", size, func() *world {
				w := newWorld(t, "--poll-interval", "1s")
				w.start()
				fillFilms(w)
				return w
			})
			// What was deleted in the sheet and put back has kept what only the table has.
			var title, hidden string
			if err := w.db.QueryRow("SELECT title, hidden FROM films WHERE id = 9").Scan(&title, &hidden); err != nil || title != "Film 09" || hidden != "hidden 9" {
				t.Errorf("the row that was put back is %q with %q, %v", title, hidden, err)
			}
			w.eventually(20*time.Second, func() string {
				return difference(w.without("database", "3", "6"), w.without("sheet", "3", "6"))
			})
		})
	}
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

// TestConsoleAccess signs in with tokens of each role, makes and revokes them, and sees what each of them is shown.
func TestConsoleAccess(t *testing.T) {
	for _, size := range []string{"phone", "desk"} {
		t.Run(size, func(t *testing.T) {
			inBrowser(t, "access.mjs", size, func() *world {
				w := newWorld(t, "--poll-interval", "1s")
				w.start()
				fillFilms(w)
				w.kill()
				w.flags = append(w.flags, "--auth", "token")
				w.start()
				secret, notes, err := w.tandem("token", "create", "--role", "admin", "--name", "ops")
				if err != nil {
					t.Fatalf("token create: %v: %s", err, notes)
				}
				t.Setenv("CONSOLE_TOKEN", strings.TrimSpace(secret))
				return w
			})
		})
	}
}
