package server_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tandem-sync/tandem/server"
)

// triggersOf returns how many triggers of ours there are.
func (w *world) triggersOf(table string) (n int) {
	w.t.Helper()
	err := w.db.QueryRow(`SELECT COUNT(*) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = ? AND TRIGGER_NAME LIKE 'tandem%'`, table).Scan(&n)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

// The whole way with capture by the binary log: SQL arrives in the sheet though the process is killed now and then while a
// program writes, a deleted row stays deleted, edits in the sheet arrive, and what was made by triggers before goes.
func TestCaptureByBinlog(t *testing.T) {
	w := newMovies(t) // by triggers
	if n := w.triggersOf("movies"); n != 3 {
		t.Fatalf("%d triggers", n)
	}
	w.kill()
	w.exec("UPDATE movies SET title = 'unseen' WHERE id = 1")
	w.flags = append(w.flags, "--capture=binlog")
	w.start()
	w.inSheet("1/unseen/8", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")
	w.eventually(90*time.Second, func() string {
		if n := w.triggersOf("movies"); n != 0 {
			return fmt.Sprintf("%d triggers are left", n)
		}
		return ""
	})
	want := []string{"1/unseen/8", "2/Belle/7", "3/Cowboy/9"}
	w.exec("DELETE FROM movies WHERE id = 4")
	for id := 100; id < 400; id++ {
		w.exec("INSERT INTO movies (id, title, score) VALUES (?, ?, 1)", id, fmt.Sprintf("film-%d", id))
		want = append(want, fmt.Sprintf("%d/film-%d/1", id, id))
		if id%100 == 50 {
			w.kill()
			w.start()
		}
	}
	w.inSheet(want...)
	w.setCell(fmt.Sprintf("B%d", w.rowOf("2")), "Belle-II")
	w.eventually(30*time.Second, func() string {
		var title string
		if err := w.db.QueryRow("SELECT title FROM movies WHERE id = 2").Scan(&title); err != nil || title != "Belle-II" {
			return fmt.Sprint(title, err)
		}
		return ""
	})
	want[slices.Index(want, "2/Belle/7")] = "2/Belle-II/7"
	w.inSheet(want...)
	if lines, _ := w.changes("row=2"); len(lines) != 2 || lines[0] != "2 UPDATE SHEET" {
		t.Errorf("the edit came back as a change: %s", strings.Join(lines, "\n"))
	}
	w.uninstall()
}

// A link that begins with capture by the binary log, and one database where that is not possible.
func TestSyncByBinlog(t *testing.T) {
	w := newWorld(t, "--poll-interval", "500ms", "--capture", "binlog")
	w.exec(moviesTable)
	w.seed("Data", [][]any{{"id", "title", "score"}})
	w.start()
	w.do("POST", "/v1/links?link_id=movies", map[string]any{"table": "movies", "spreadsheetId": spreadsheet, "tab": "Data"})
	w.sync("movies", nil)
	w.inSheet("1/Akira/8", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")
	w.exec("UPDATE movies SET score = 5 WHERE id = 3")
	w.exec("DELETE FROM movies WHERE id = 1")
	w.inSheet("2/Belle/7", "3/Cowboy/5", "4/Dororo/6")
	w.do("PATCH", "/v1/links/movies/sources/database/rows/4", map[string]any{"values": map[string]any{"title": "by-API"}})
	w.inSheet("2/Belle/7", "3/Cowboy/5", "4/by-API/6")
	if lines, _ := w.changes("row=4"); len(lines) != 2 || lines[0] != "4 UPDATE API" {
		t.Errorf("history of a write of the API: %q", lines)
	}
	if n := w.triggersOf("movies"); n != 0 {
		t.Errorf("%d triggers", n)
	}
}

func TestCaptureByBinlogNeedsALog(t *testing.T) {
	config := server.Config{HTTPAddr: "127.0.0.1:0", GRPCAddr: "127.0.0.1:0", Auth: server.AuthNone, Capture: "binlog", DatabaseURL: "sqlite:" + t.TempDir() + "/t.db"}
	_, err := server.New(t.Context(), config, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "--capture triggers") {
		t.Errorf("on SQLite: %v", err)
	}
}
