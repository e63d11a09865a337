package server_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A table of which the sheet shows three columns; poster stays outside.
const moviesTable = `CREATE TABLE movies (id INT NOT NULL PRIMARY KEY, title VARCHAR(40) NOT NULL, score DECIMAL(4,1) NULL, poster VARCHAR(20) NULL);
	INSERT INTO movies VALUES (1, 'Akira', 8, 'akira.png'), (2, 'Belle', 7, 'belle.png'), (3, 'Cowboy', 9, NULL), (4, 'Dororo', 6, 'dororo.png')`

// newMovies starts a world whose table and sheet are in step.
func newMovies(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, "--poll-interval", "500ms")
	w.exec(moviesTable)
	w.seed("Data", [][]any{{"id", "title", "score"}})
	w.start()
	w.do("POST", "/v1/links?link_id=movies", map[string]any{"table": "movies", "spreadsheetId": spreadsheet, "tab": "Data"})
	w.sync("movies", nil)
	w.inSheet("1/Akira/8", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")
	return w
}

// inSheet waits until the tab holds these rows, in any order of rows beyond the header.
func (w *world) inSheet(want ...string) {
	w.t.Helper()
	w.eventually(20*time.Second, func() string {
		var got []string
		for _, row := range w.cells("Data")[1:] {
			got = append(got, strings.Trim(strings.ReplaceAll(fmt.Sprintln(row...), " ", "/"), "/\n"))
		}
		sorted := func(rows []string) map[string]bool {
			set := map[string]bool{}
			for _, row := range rows {
				set[row] = true
			}
			return set
		}
		if len(got) != len(want) {
			return fmt.Sprintf("the sheet holds %v, want %v", got, want)
		}
		return cmp.Diff(sorted(want), sorted(got))
	})
}

// inTable checks the whole table, column outside the link included.
func (w *world) inTable(want ...string) {
	w.t.Helper()
	rows, err := w.db.Query("SELECT CONCAT_WS('/', id, title, TRIM(TRAILING '.0' FROM score), poster) FROM movies ORDER BY id")
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			w.t.Fatal(err)
		}
		got = append(got, line)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Fatalf("table (-want +got):\n%s", diff)
	}
}

// changes returns what a list of changes shows, newest first, as "key KIND CAUSE", and their names.
func (w *world) changes(query string) (lines, names []string) {
	w.t.Helper()
	for token := ""; ; {
		page := w.do("GET", "/v1/links/movies/changes?page_size=2&"+query+"&page_token="+url.QueryEscape(token), nil)
		list, _ := page["changes"].([]any)
		for _, item := range list {
			change := item.(map[string]any)
			lines = append(lines, fmt.Sprint(change["key"], " ", change["kind"], " ", change["cause"]))
			names = append(names, change["name"].(string))
		}
		if token, _ = page["nextPageToken"].(string); token == "" {
			return lines, names
		}
	}
}

// changed waits until the newest change is as said, and returns its name.
func (w *world) changed(line string) string {
	w.t.Helper()
	name := ""
	w.eventually(20*time.Second, func() string {
		lines, names := w.changes("")
		if len(lines) == 0 || lines[0] != line {
			return fmt.Sprintf("history shows %v, want %s first", lines, line)
		}
		name = names[0]
		return ""
	})
	return name
}

// reverted calls revert and returns the results as "key KIND" or "key REASON".
func (w *world) reverted(request map[string]any) []string {
	w.t.Helper()
	var lines []string
	answer := w.do("POST", "/v1/links/movies/changes:revert", request)
	counts := map[string]float64{}
	for _, item := range answer["results"].([]any) {
		result := item.(map[string]any)
		what, count := fmt.Sprint(result["kind"]), "revertedCount"
		if result["kind"] == "KIND_UNSPECIFIED" {
			what, count = "-", "unchangedCount"
		}
		if problem, _ := result["error"].(map[string]any); problem != nil {
			what, count = fmt.Sprint(problem["details"].([]any)[0].(map[string]any)["reason"]), "refusedCount"
		}
		lines = append(lines, fmt.Sprint(result["key"], " ", what))
		counts[count]++
	}
	for name, n := range counts {
		if answer[name] != n {
			w.t.Errorf("%s is %v, want %v", name, answer[name], n)
		}
	}
	return lines
}

func (w *world) wantResults(request map[string]any, want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.reverted(request)); diff != "" {
		w.t.Fatalf("results of reverting %v (-want +got):\n%s", request, diff)
	}
}

func (w *world) setCell(a1, input string) {
	w.edit(map[string]any{"setCell": map[string]any{"sheet": "Data", "a1": a1, "input": input}})
}

// rowOf returns where the row with a title stands in the tab.
func (w *world) rowOf(id string) int {
	w.t.Helper()
	for i, row := range w.cells("Data") {
		if fmt.Sprint(row[0]) == id {
			return i + 1
		}
	}
	w.t.Fatalf("row %s is not in the sheet", id)
	return 0
}

func TestRevertChanges(t *testing.T) {
	w := newMovies(t)
	// A change in the sheet, one by SQL and one over the API, each undone by itself.
	w.setCell(fmt.Sprintf("B%d", w.rowOf("1")), "AKIRA")
	sheet := w.changed("1 UPDATE SHEET")
	w.exec("UPDATE movies SET score = 1 WHERE id = 2")
	direct := w.changed("2 UPDATE SQL")
	w.do("PATCH", "/v1/links/movies/sources/database/rows/3", map[string]any{"values": map[string]any{"title": "Bebop"}})
	api := w.changed("3 UPDATE API")
	w.inSheet("1/AKIRA/8", "2/Belle/1", "3/Bebop/9", "4/Dororo/6")
	if lines, _ := w.changes("row=2&source=DATABASE&cause=SQL"); len(lines) != 1 {
		t.Errorf("filtered: %v", lines)
	}

	w.wantResults(map[string]any{"changes": []string{sheet}, "validateOnly": true}, "1 UPDATE")
	w.inTable("1/AKIRA/8/akira.png", "2/Belle/1/belle.png", "3/Bebop/9", "4/Dororo/6/dororo.png")
	w.wantResults(map[string]any{"changes": []string{sheet, direct, api}}, "3 UPDATE", "2 UPDATE", "1 UPDATE")
	w.inTable("1/Akira/8/akira.png", "2/Belle/7/belle.png", "3/Cowboy/9", "4/Dororo/6/dororo.png")
	w.inSheet("1/Akira/8", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")
	w.eventually(20*time.Second, func() string {
		lines, _ := w.changes("cause=REVERT&actor=api")
		if len(lines) != 3 {
			return fmt.Sprintf("reverts in history: %v", lines)
		}
		return ""
	})
	w.wantResults(map[string]any{"changes": []string{sheet, direct, api}}, "3 -", "2 -", "1 -")

	// A newer change is not lost, unless forced.
	w.exec("UPDATE movies SET title = 'Akira II' WHERE id = 1")
	w.changed("1 UPDATE SQL")
	w.wantResults(map[string]any{"changes": []string{sheet}}, "1 NEWER_CHANGE")
	w.inTable("1/Akira II/8/akira.png", "2/Belle/7/belle.png", "3/Cowboy/9", "4/Dororo/6/dororo.png")
	w.wantResults(map[string]any{"changes": []string{sheet}, "force": true}, "1 UPDATE")
	w.inSheet("1/Akira/8", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")

}

func TestRevertRowAndSince(t *testing.T) {
	w := newMovies(t)
	since := time.Now().UTC().Format(time.RFC3339Nano)

	// A row that a person deletes comes back whole, and stays.
	w.edit(map[string]any{"deleteRows": map[string]any{"sheet": "Data", "start": w.rowOf("2"), "count": 1}})
	w.changed("2 DELETE SHEET")
	w.inTable("1/Akira/8/akira.png", "3/Cowboy/9", "4/Dororo/6/dororo.png")
	w.wantResults(map[string]any{"row": "links/movies/sources/sheet/rows/2", "since": since}, "2 INSERT")
	w.inTable("1/Akira/8/akira.png", "2/Belle/7/belle.png", "3/Cowboy/9", "4/Dororo/6/dororo.png")
	w.inSheet("1/Akira/8", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")
	w.changed("2 INSERT REVERT")

	// Everything since: an added row, one deleted by SQL, edits on both sides of one row.
	w.do("POST", "/v1/links/movies/sources/sheet/rows", map[string]any{"values": map[string]any{"id": 5, "title": "Evangelion", "score": "5"}})
	w.changed("5 INSERT API")
	w.exec("DELETE FROM movies WHERE id = 3")
	w.changed("3 DELETE SQL")
	w.setCell(fmt.Sprintf("B%d", w.rowOf("4")), "DORORO")
	w.changed("4 UPDATE SHEET")
	w.exec("UPDATE movies SET score = 1 WHERE id = 4")
	w.changed("4 UPDATE SQL")
	w.inSheet("1/Akira/8", "2/Belle/7", "4/DORORO/1", "5/Evangelion/5")
	w.wantResults(map[string]any{"since": since}, "4 UPDATE", "3 INSERT", "5 DELETE", "2 -")
	w.inTable("1/Akira/8/akira.png", "2/Belle/7/belle.png", "3/Cowboy/9", "4/Dororo/6/dororo.png")
	w.inSheet("1/Akira/8", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")

	// When all is quiet again, a full compare finds nothing that the revert left behind.
	w.eventually(20*time.Second, func() string {
		lines, _ := w.changes("cause=REVERT")
		if len(lines) != 4 {
			return fmt.Sprintf("reverts in history: %v", lines)
		}
		return ""
	})
	report := w.sync("movies", map[string]any{"validateOnly": true})
	wantCounts(t, report, map[string]float64{"equal": 4})
	again := w.reverted(map[string]any{"since": since})
	slices.Sort(again) // they come as the worker carried the reverts over
	if diff := cmp.Diff([]string{"2 -", "3 -", "4 -", "5 -"}, again); diff != "" {
		t.Errorf("reverted again (-want +got):\n%s", diff)
	}
}

// What only one actor did goes back; what another did to other cells of the same rows stays.
func TestRevertActor(t *testing.T) {
	w := newMovies(t)
	since := time.Now().UTC().Format(time.RFC3339Nano)
	w.do("PATCH", "/v1/links/movies/sources/database/rows/1", map[string]any{"values": map[string]any{"title": "by api"}})
	w.changed("1 UPDATE API")
	w.do("DELETE", "/v1/links/movies/sources/sheet/rows/4", nil)
	w.changed("4 DELETE API")
	w.setCell(fmt.Sprintf("C%d", w.rowOf("1")), "2")
	w.changed("1 UPDATE SHEET")
	w.wantResults(map[string]any{"since": since, "actor": "api"}, "4 INSERT", "1 UPDATE")
	w.inTable("1/Akira/2/akira.png", "2/Belle/7/belle.png", "3/Cowboy/9", "4/Dororo/6/dororo.png")
	w.inSheet("1/Akira/2", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")
}

// An undone paste of many rows is a deletion like any other: the guard asks a person before the sheet loses them.
func TestRevertIsGuarded(t *testing.T) {
	w := newMovies(t)
	since := time.Now().UTC().Format(time.RFC3339Nano)
	values := [][]string{}
	for i := range 30 {
		values = append(values, []string{fmt.Sprint(100 + i), "pasted", "1"})
	}
	w.edit(map[string]any{"paste": map[string]any{"sheet": "Data", "a1": "A6", "values": values}})
	w.eventually(20*time.Second, func() string {
		if rows := w.rows("movies", "database"); len(rows) != 34 {
			return fmt.Sprintf("%d rows", len(rows))
		}
		return ""
	})
	if got := w.reverted(map[string]any{"since": since}); len(got) != 30 {
		t.Fatalf("results: %v", got)
	}
	w.inTable("1/Akira/8/akira.png", "2/Belle/7/belle.png", "3/Cowboy/9", "4/Dororo/6/dororo.png")
	w.eventually(20*time.Second, func() string {
		if state := w.do("GET", "/v1/links/movies", nil)["state"]; state != "HALTED" {
			return fmt.Sprint("the link is ", state)
		}
		return ""
	})
	w.do("POST", "/v1/links/movies:approve", map[string]any{"putBack": false})
	w.inSheet("1/Akira/8", "2/Belle/7", "3/Cowboy/9", "4/Dororo/6")
}

func TestBadReverts(t *testing.T) {
	w := newMovies(t)
	for name, c := range map[string]struct {
		method, path string
		body         any
		status       int
	}{
		"no selection":       {"POST", "/v1/links/movies/changes:revert", map[string]any{"actor": "api"}, http.StatusBadRequest},
		"another link":       {"POST", "/v1/links/movies/changes:revert", map[string]any{"changes": []string{"links/other/changes/1"}}, http.StatusBadRequest},
		"no name":            {"POST", "/v1/links/movies/changes:revert", map[string]any{"changes": []string{"4"}}, http.StatusBadRequest},
		"unknown change":     {"POST", "/v1/links/movies/changes:revert", map[string]any{"changes": []string{"links/movies/changes/4711"}}, http.StatusNotFound},
		"bad key":            {"POST", "/v1/links/movies/changes:revert", map[string]any{"row": "one"}, http.StatusBadRequest},
		"unknown link":       {"GET", "/v1/links/nobody/changes", nil, http.StatusNotFound},
		"bad moment":         {"GET", "/v1/links/movies/changes?since=yesterday", nil, http.StatusBadRequest},
		"empty span":         {"GET", "/v1/links/movies/changes?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", nil, http.StatusBadRequest},
		"token of elsewhere": {"GET", "/v1/links/movies/changes?actor=ann&page_token=" + w.do("GET", "/v1/links/movies/changes?page_size=1", nil)["nextPageToken"].(string), nil, http.StatusBadRequest},
	} {
		if status, answer := w.call(c.method, c.path, c.body); status != c.status {
			t.Errorf("%s: status %d, want %d: %v", name, status, c.status, answer)
		}
	}
}
