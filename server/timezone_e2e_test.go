package server_test

import (
	"fmt"
	"testing"
	"time"
)

// A spreadsheet whose time zone changes stops a link with moments in it. Who sets it back and goes on changes nothing; who goes on as
// it is has the cells taken as times of the new zone, once, and the link does not stop for it again.
func TestTimeZoneHaltIsAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "--poll-interval", "1s")
	w.exec("CREATE TABLE watch (id INT PRIMARY KEY, seen TIMESTAMP NULL, note VARCHAR(20))")
	w.exec("INSERT INTO watch VALUES (1, '2026-07-01 10:00:00', 'a'), (2, '2026-07-02 10:00:00', 'b')")
	zone := func(name string) {
		t.Helper()
		w.emulator("POST", "/v4/spreadsheets/"+spreadsheet+":batchUpdate", map[string]any{"requests": []any{map[string]any{
			"updateSpreadsheetProperties": map[string]any{"properties": map[string]any{"timeZone": name}, "fields": "timeZone"}}}}, nil)
	}
	state := func(want string) {
		t.Helper()
		w.eventually(20*time.Second, func() string {
			if got := w.do("GET", "/v1/links/watch", nil)["state"]; got != want {
				return fmt.Sprintf("the link is %v, want %s", got, want)
			}
			return ""
		})
	}
	const look = `SELECT GROUP_CONCAT(CONCAT(id, ' ', UNIX_TIMESTAMP(seen) - UNIX_TIMESTAMP('2026-07-01 10:00:00'), ' ', note) ORDER BY id) FROM watch`
	held := func() (all string) {
		t.Helper()
		if err := w.db.QueryRow(look).Scan(&all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	table := func(want string) {
		t.Helper()
		w.eventually(20*time.Second, func() string {
			if got := held(); got != want {
				return fmt.Sprintf("the table holds\n%s\nwant\n%s", got, want)
			}
			return ""
		})
	}
	zone("Etc/GMT")
	w.start()
	w.do("POST", "/v1/links?link_id=watch", map[string]any{"table": "watch", "spreadsheetId": spreadsheet, "tab": "Data"})
	w.sync("watch", nil)
	zone("Asia/Tokyo")
	w.edit(map[string]any{"setCell": map[string]any{"sheet": "Data", "a1": "C2", "input": "noted"}})
	state("HALTED")
	zone("Etc/GMT")
	w.do("POST", "/v1/links/watch:approve", map[string]any{})
	state("ACTIVE")
	table("1 0 noted,2 86400 b")

	zone("Asia/Tokyo")
	w.edit(map[string]any{"setCell": map[string]any{"sheet": "Data", "a1": "C3", "input": "later"}})
	state("HALTED")
	w.do("POST", "/v1/links/watch:approve", map[string]any{})
	table("1 -32400 noted,2 54000 later")
	w.edit(map[string]any{"setCell": map[string]any{"sheet": "Data", "a1": "C2", "input": "again"}})
	table("1 -32400 again,2 54000 later")
	state("ACTIVE")
}
