package server_test

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What people do in the demo after they have read what it says: they write to its database by SQL, as other programs do, see that in the
// sheet, and take it back. That the table dates the row by itself does not stand in the way.
func TestDemoTakesBackSQL(t *testing.T) {
	folder := t.TempDir()
	w := &world{t: t, httpAddr: runDemoIn(t, folder)}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "tandem.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	score := func() any {
		row := w.do("GET", "/v1/links/anime/sources/sheet/rows/2?maxStaleness=0s", nil)
		return row["values"].(map[string]any)["score"]
	}
	was := score()
	if _, err := db.ExecContext(t.Context(), "UPDATE anime SET score = 8.88 WHERE id = 2"); err != nil {
		t.Fatal(err)
	}
	w.eventually(20*time.Second, func() string { return cmp.Diff(any("8.88"), score()) })
	w.eventually(20*time.Second, func() string {
		if changes, _ := w.do("GET", "/v1/links/anime/changes?row=2", nil)["changes"].([]any); len(changes) == 0 {
			return "history does not have what SQL wrote"
		}
		return ""
	})
	answer := w.do("POST", "/v1/links/anime/changes:revert", map[string]any{"row": "2"})
	if answer["revertedCount"] != 1.0 || answer["refusedCount"] != 0.0 {
		t.Errorf("taken back: %v", answer)
	}
	w.eventually(20*time.Second, func() string { return cmp.Diff(was, score()) })
}
