package server_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	sizeRows  = flag.Int("size", 0, "rows of TestSize; 0 keeps it small, and measures nothing that a slow machine could fail")
	sizeReads = flag.Int("size-reads", 20, "reads a second through the API while TestSize syncs; 0 for none")
	sizeFloor = flag.Bool("size-floor", true, "measure what TestSize compares with; it takes a second spreadsheet of the same size")
)

// The limits of the measured run: how many times the floor an initial sync may take, how much memory, by the rows that the
// measurement is made with, and how much slower a read through the API may be meanwhile.
const (
	maxFloors    = 3
	maxSlowdown  = 5
	longestPause = 2 * time.Second // of the progress
)

// TestSize is the initial sync of a table of which the sheet has every other row: what it takes, measured against what has to
// be done in any case, and what a cycle reads when ten rows change afterwards.
//
//	go test ./server -run TestSize -v -timeout 0 -size 100000
func TestSize(t *testing.T) {
	rows, measured := *sizeRows, *sizeRows > 0
	if !measured {
		rows = 3000
	}
	s := newSizes(t, rows)
	var floor, floorWork time.Duration
	if measured && *sizeFloor {
		floor, floorWork = s.floor()
	}
	s.start()
	s.do("POST", "/v1/links?link_id=items", map[string]any{"displayName": "Items", "table": "items", "spreadsheetId": s.id, "tab": "Data"})
	idle := s.reads(300, nil)
	s.emulator("DELETE", "/emulator/stats", nil, nil)

	began, done, before := time.Now(), make(chan struct{}), s.cpu()
	operation := s.do("POST", "/v1/links/items:initialSync", map[string]any{})
	var report map[string]any
	var pause, took time.Duration
	go func() {
		defer close(done)
		report, pause = s.follow(operation)
		took = time.Since(began)
	}()
	busy := s.reads(0, done)
	<-done
	if report == nil {
		t.FailNow()
	}
	reads, writes := s.stats()
	t.Logf("initial sync of %d rows: %s, %d reads and %d writes, peak memory %d MB, longest pause of the progress %s",
		rows, took.Round(time.Millisecond), reads, writes, s.memory("VmHWM"), pause.Round(time.Millisecond))
	work := s.since(before)
	if floorWork > 0 {
		t.Logf("the sync took %.2f times the floor's processor time", float64(work)/float64(floorWork))
	}
	t.Logf("processor time of the sync: %s, and %s of tandem's", work, s.cpu()["tandem"]-before["tandem"])
	t.Logf("GetRow: idle p50 %s p99 %s, during the sync p50 %s p99 %s (%d reads)", rank(idle, 50), rank(idle, 99), rank(busy, 50), rank(busy, 99), len(busy))
	wantCounts(t, report, map[string]float64{"equal": float64(rows / 2), "insertSheet": float64(rows - rows/2)})
	s.wantAll()
	if measured {
		s.judge(floor, took, pause, rank(idle, 99), rank(busy, 99))
	}
	s.tenRows()
}

// sizes is a world whose emulator is a process of its own, as Google is.
type sizes struct {
	*world
	rows int
	id   string // of the spreadsheet
	pids map[string]int
}

// newSizes fills both sides. Nobody looks at the sheet in its turn, nor asks Drive, so that what is read is read for a change.
func newSizes(t *testing.T, rows int) *sizes {
	s := &sizes{world: newWorld(t, "--poll-interval", "1h", "--drive-interval", "0"), rows: rows}
	s.google.Close()
	url, pid := startEmulatorProcess(t)
	s.google, s.pids = &httptest.Server{URL: url}, map[string]int{"emulator": pid, "MariaDB": s.mariadb()}
	s.exec(itemsTable)
	s.fillTable()
	s.fillSheet()
	return s
}

// startEmulatorProcess runs "tandem emulator" until the test ends, and returns its URL.
func startEmulatorProcess(t *testing.T) (url string, pid int) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "emulator", "--addr", "127.0.0.1:0")
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var line struct{ URL string }
	if text, err := bufio.NewReader(logs).ReadBytes('\n'); err != nil || json.Unmarshal(text, &line) != nil || line.URL == "" {
		t.Fatalf("the emulator does not say where it listens: %v %s", err, text)
	}
	return strings.TrimSuffix(line.URL, "/"), cmd.Process.Pid
}

// sparse is item n with some cells empty.
func sparse(n int) (cells, args []any) {
	cells, args = item(n, "")
	for _, at := range []struct{ column, every int }{{3, 5}, {4, 7}, {7, 6}, {9, 4}} {
		if n%at.every == 0 {
			cells[at.column], args[at.column] = "", nil
		}
	}
	return cells, args
}

func (s *sizes) fillTable() {
	tx, err := s.db.Begin()
	if err != nil {
		s.t.Fatal(err)
	}
	for start := 1; start <= s.rows; start += 1000 {
		end := min(start+1000, s.rows+1)
		flat := make([]any, 0, 10_000)
		for n := start; n < end; n++ {
			_, args := sparse(n)
			flat = append(flat, args...)
		}
		sql := "INSERT INTO items VALUES " + strings.Repeat("(?,?,?,?,?,?,?,?,?,?),", end-start-1) + "(?,?,?,?,?,?,?,?,?,?)"
		if _, err := tx.Exec(sql, flat...); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		s.t.Fatal(err)
	}
	s.exec("ANALYZE TABLE items")
}

// fillSheet makes a spreadsheet that holds every other row.
func (s *sizes) fillSheet() {
	s.t.Helper()
	var made struct{ SpreadsheetID string }
	s.emulator("POST", "/v4/spreadsheets", map[string]any{"properties": map[string]any{"title": "Sizes", "timeZone": "Etc/UTC"},
		"sheets": []any{map[string]any{"properties": map[string]any{"sheetId": 0, "title": "Data",
			"gridProperties": map[string]any{"rowCount": s.rows/2 + 1, "columnCount": 10}}}}}, &made)
	s.id = made.SpreadsheetID
	at := 1
	put := func(rows [][]any) {
		s.emulator("PUT", fmt.Sprintf("/v4/spreadsheets/%s/values/Data!A%d?valueInputOption=RAW", s.id, at), map[string]any{"values": rows}, nil)
		at += len(rows)
	}
	put([][]any{itemsHeader})
	var rows [][]any
	for n := 2; n <= s.rows; n += 2 {
		cells, _ := sparse(n)
		if rows = append(rows, cells); len(rows) == 5000 {
			put(rows)
			rows = rows[:0]
		}
	}
	if len(rows) > 0 {
		put(rows)
	}
}

// reads reads single rows of the table through the API, n of them or until done, and returns how long each took.
func (s *sizes) reads(n int, done <-chan struct{}) []time.Duration {
	s.t.Helper()
	if *sizeReads == 0 {
		return nil
	}
	ticker := time.NewTicker(time.Second / time.Duration(*sizeReads))
	defer ticker.Stop()
	var all []time.Duration
	for i := 0; done != nil || i < n; i++ {
		select {
		case <-done:
			return all
		case <-ticker.C:
		}
		began := time.Now()
		s.do("GET", fmt.Sprintf("/v1/links/items/sources/database/rows/%d", 1+i*7919%s.rows), nil)
		all = append(all, time.Since(began))
	}
	return all
}

func rank(all []time.Duration, percent int) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[(len(sorted)-1)*percent/100].Round(10 * time.Microsecond)
}

// follow waits for an operation and returns its response, and the longest time for which its progress stood still.
func (s *sizes) follow(operation map[string]any) (response map[string]any, pause time.Duration) {
	began, last, shown, phase := time.Now(), time.Now(), "", ""
	for operation["done"] != true {
		time.Sleep(100 * time.Millisecond) // a measurement, not a condition
		status, now := s.call("GET", "/v1/"+operation["name"].(string), nil)
		if status != 200 {
			s.t.Errorf("the operation cannot be read: %d %v", status, now)
			return nil, 0
		}
		metadata, _ := json.Marshal(now["metadata"])
		if is, _ := now["metadata"].(map[string]any)["phase"].(string); is != phase {
			phase = is
			s.t.Logf("%s after %s", phase, time.Since(began).Round(10*time.Millisecond))
		}
		if operation = now; string(metadata) != shown {
			pause, last, shown = max(pause, time.Since(last)), time.Now(), string(metadata)
		}
	}
	if operation["error"] != nil {
		s.t.Errorf("the sync failed: %v", operation["error"])
		return nil, 0
	}
	return operation["response"].(map[string]any), max(pause, time.Since(last))
}

// wantAll checks that both sides hold every row once.
func (s *sizes) wantAll() {
	s.t.Helper()
	var answer struct{ Values [][]any }
	s.emulator("GET", "/v4/spreadsheets/"+s.id+"/values/Data?valueRenderOption=UNFORMATTED_VALUE", nil, &answer)
	if len(answer.Values) != s.rows+1 {
		s.t.Fatalf("the tab has %d rows, want %d", len(answer.Values)-1, s.rows)
	}
	seen := make([]bool, s.rows+1)
	for _, row := range answer.Values[1:] {
		n := int(row[0].(float64))
		want, _ := sparse(n)
		for i := range want {
			var cell any = ""
			if i < len(row) {
				cell = row[i]
			}
			if !sameCell(cell, want[i]) {
				s.t.Fatalf("row %d, %s: the tab holds %v, want %v", n, itemsHeader[i], cell, want[i])
			}
		}
		if seen[n] {
			s.t.Fatalf("row %d stands twice", n)
		}
		seen[n] = true
	}
	var agreed int
	if err := s.db.QueryRow("SELECT COUNT(*) FROM tandem_baselines").Scan(&agreed); err != nil || agreed != s.rows {
		s.t.Fatalf("%d rows are agreed on (%v), want %d", agreed, err, s.rows)
	}
}

func sameCell(cell, want any) bool {
	switch want := want.(type) {
	case int:
		return cell == float64(want)
	case float64:
		number, ok := cell.(float64)
		return ok && (number-want)*(number-want) < 1e-12
	}
	return cell == want
}

// judge fails the test where the measured run is beyond the limits.
func (s *sizes) judge(floor, took, pause, idle, busy time.Duration) {
	if floor > 0 {
		s.t.Logf("the sync took %.2f times the floor", float64(took)/float64(floor))
		if took > maxFloors*floor {
			s.t.Errorf("the sync took %s, more than %d times the floor of %s", took, maxFloors, floor)
		}
	}
	limit := 500
	if s.rows > 100_000 {
		limit = 2000
	}
	if peak := s.memory("VmHWM"); peak > limit {
		s.t.Errorf("the process took %d MB, want at most %d", peak, limit)
	}
	if pause > longestPause {
		s.t.Errorf("the progress stood still for %s", pause)
	}
	if busy > maxSlowdown*idle {
		s.t.Errorf("the slowest hundredth of reads took %s during the sync, more than %d times the %s before it", busy, maxSlowdown, idle)
	}
}

// tenRows changes ten rows by SQL and checks what a cycle then reads: ten rows and the key column, however many there are.
func (s *sizes) tenRows() {
	s.t.Helper()
	s.emulator("DELETE", "/emulator/stats", nil, nil)
	before := s.handlers()
	s.exec("UPDATE items SET title = CONCAT('new ', id) WHERE id <= 10")
	own := s.handlers() - before
	s.eventually(30*time.Second, func() string {
		var waiting int
		if err := s.db.QueryRow("SELECT COUNT(*) FROM tandem_marks").Scan(&waiting); err != nil || waiting > 0 {
			return fmt.Sprintf("%d marks wait (%v)", waiting, err)
		}
		return ""
	})
	read := s.handlers() - before - own
	var stats struct {
		Reads, Writes     int
		BytesIn, BytesOut int
	}
	s.emulator("GET", "/emulator/stats", nil, &stats)
	s.t.Logf("ten rows of %d: %d rows read in the database, %d reads and %d writes of the sheet, %d bytes from it and %d to it",
		s.rows, read, stats.Reads, stats.Writes, stats.BytesOut, stats.BytesIn)
	if limit := 3000; read > limit {
		s.t.Errorf("ten changed rows of %d had %d rows read in the database, want at most %d", s.rows, read, limit)
	}
	// A key of the key column takes up to 12 bytes of an answer.
	if limit := 60_000 + 12*s.rows; stats.BytesOut > limit || stats.BytesIn > 60_000 {
		s.t.Errorf("ten changed rows of %d took %d bytes from the sheet and %d to it, want at most %d and 60000", s.rows, stats.BytesOut, stats.BytesIn, limit)
	}
}
